import { AgentwireError } from "../../errors.ts";

/** What a URL of this driver says. */
export interface PostgresOptions {
  /** For the client library: the URL without what is the driver's own. */
  readonly url: string;
  /** Host, port and database, for people; no password. */
  readonly server: string;
  /** The schema of the tables; several in one database do not meet. */
  readonly schema: string;
  /** File of the authorities to trust, in place of those that Node knows; it means TLS with a verified certificate. */
  readonly ca?: string;
}

const VERIFIED = "verify-full";
const SCHEMA = /^[a-z_][a-z0-9_]{0,40}$/;

/** Reads a `postgres:` or `postgresql:` URL. @throws URL_INVALID */
export function parseOptions(text: string): PostgresOptions {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    // The text may hold a password.
    throw invalid("it is not a well-formed URL");
  }
  const schema = url.searchParams.get("schema") ?? "agentwire";
  if (!SCHEMA.test(schema))
    throw invalid(`the schema "${schema}" is not a name of small letters, digits and _, at most 41 long`);
  url.searchParams.delete("schema");
  const ca = url.searchParams.get("ca") ?? undefined;
  if (ca !== undefined) {
    if ((url.searchParams.get("sslmode") ?? VERIFIED) !== VERIFIED)
      throw invalid(`ca goes with sslmode=${VERIFIED} only`);
    // The client library would take what it makes of these for all that there is.
    for (const name of ["ca", "sslmode"]) url.searchParams.delete(name);
    if (url.searchParams.has("sslrootcert")) throw invalid("ca and sslrootcert are the same");
  }
  const database = decodeURIComponent(url.pathname.slice(1)) || decodeURIComponent(url.username) || "postgres";
  const server = `PostgreSQL at ${url.hostname || "localhost"}:${url.port || "5432"}/${database}`;
  return { url: url.href, server, schema, ...(ca === undefined ? {} : { ca }) };
}

function invalid(why: string): AgentwireError {
  return new AgentwireError("URL_INVALID", `The URL of a PostgreSQL database cannot be used: ${why}`, {
    hint: "Use postgres://USER:PASSWORD@HOST:PORT/DATABASE, with ?schema=NAME, ?ca=FILE for TLS, and the parameters of the client library.",
  });
}
