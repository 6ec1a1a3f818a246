import { AgentwireError } from "../../errors.ts";

/** What a URL of this driver says. */
export interface RedisOptions {
  readonly host: string;
  /** Default 6379. */
  readonly port: number;
  readonly tls: boolean;
  /** File of the authorities to trust, in place of those that Node knows. */
  readonly ca?: string;
  readonly username?: string;
  readonly password?: string;
  /** Number of the database, default 0. */
  readonly database: number;
  /** The server as people read it, without password. */
  readonly server: string;
}

const SCHEMES: Readonly<Record<string, boolean>> = {
  "redis:": false,
  "rediss:": true,
  "valkey:": false,
  "valkeys:": true,
};
const DEFAULT_PORT = 6379;

function invalid(why: string): AgentwireError {
  // The URL itself is not told: it may have a password.
  return new AgentwireError("URL_INVALID", `The Redis URL cannot be used: ${why}`, {
    hint: "Use redis://USER:PASSWORD@HOST:PORT/DATABASE, or rediss: for TLS, with ?ca=FILE; all but the host may be left out.",
  });
}

/** Reads a `redis:`, `rediss:`, `valkey:` or `valkeys:` URL. @throws URL_INVALID */
export function parseOptions(url: string): RedisOptions {
  let parsed: URL;
  try {
    parsed = new URL(/^[a-z]+:\/\//i.test(url) ? url : url.replace(/^([a-z]+):/i, "$1://"));
  } catch {
    throw invalid("it is not well formed");
  }
  const { protocol, hostname, port, pathname, searchParams, hash } = parsed;
  const tls = SCHEMES[protocol];
  if (tls === undefined) throw invalid(`the scheme "${protocol}" is unknown`);
  if (hash !== "" || [...searchParams.keys()].some((name) => name !== "ca")) throw invalid("it takes no option but ca");
  const ca = searchParams.get("ca") ?? undefined;
  if (ca !== undefined && !tls) throw invalid("ca is for TLS, which is rediss:");
  const path = /^\/?(\d{0,4})$/.exec(pathname);
  if (!path) throw invalid("what follows the host must be the number of a database");
  const host = hostname === "" ? "127.0.0.1" : hostname.replace(/^\[(.*)\]$/, "$1");
  const number = port === "" ? DEFAULT_PORT : Number(port);
  const database = Number(path[1] || 0);
  const [username, password] = [decoded(parsed.username), decoded(parsed.password)];
  return {
    host,
    port: number,
    tls,
    ...(ca === undefined ? {} : { ca }),
    database,
    ...(username === "" ? {} : { username }),
    ...(password === "" ? {} : { password }),
    server: `${protocol}//${hostname === "" ? host : hostname}:${number}/${database}`,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid("its user or password is not well escaped");
  }
}
