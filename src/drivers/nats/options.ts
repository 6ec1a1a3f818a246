import { AgentwireError } from "../../errors.ts";

/** What a URL of this driver says. */
export interface NatsOptions {
  readonly host: string;
  /** Default 4222. */
  readonly port: number;
  readonly tls: boolean;
  /** File of the authorities to trust, in place of those that Node knows. */
  readonly ca?: string;
  readonly username?: string;
  readonly password?: string;
  /** In place of user and password. */
  readonly token?: string;
  /** Servers that each keep all of it; 1 to 5, default 1. */
  readonly replicas: number;
  /** The server as people read it, without password. */
  readonly server: string;
}

const SCHEMES: Readonly<Record<string, boolean>> = { "nats:": false, "tls:": true, "tls+nats:": true };
const DEFAULT_PORT = 4222;
const MOST_REPLICAS = 5;

function invalid(why: string): AgentwireError {
  // The URL itself is not told: it may have a password.
  return new AgentwireError("URL_INVALID", `The NATS URL cannot be used: ${why}`, {
    hint: "Use nats://USER:PASSWORD@HOST:PORT or nats://TOKEN@HOST:PORT, tls: for TLS, with ?ca=FILE; ?replicas=3 on a cluster.",
  });
}

/** Reads a `nats:`, `tls:` or `tls+nats:` URL. @throws URL_INVALID */
export function parseOptions(url: string): NatsOptions {
  let parsed: URL;
  try {
    parsed = new URL(/^[a-z+]+:\/\//i.test(url) ? url : url.replace(/^([a-z+]+):/i, "$1://"));
  } catch {
    throw invalid("it is not well formed");
  }
  const { protocol, hostname, port, pathname, searchParams, hash } = parsed;
  const tls = SCHEMES[protocol];
  if (tls === undefined) throw invalid(`the scheme "${protocol}" is unknown`);
  if (hash !== "" || !/^\/?$/.test(pathname)) throw invalid("nothing may follow the port");
  const unknown = [...searchParams.keys()].find((name) => name !== "replicas" && name !== "ca");
  if (unknown !== undefined) throw invalid("it takes no option but replicas and ca");
  const ca = searchParams.get("ca") ?? undefined;
  if (ca !== undefined && !tls) throw invalid("ca is for TLS, which is tls:");
  const replicas = Number(searchParams.get("replicas") ?? 1);
  if (!Number.isInteger(replicas) || replicas < 1 || replicas > MOST_REPLICAS)
    throw invalid(`replicas must be a whole number from 1 to ${MOST_REPLICAS}`);
  const host = hostname === "" ? "127.0.0.1" : hostname.replace(/^\[(.*)\]$/, "$1");
  const number = port === "" ? DEFAULT_PORT : Number(port);
  const [username, password] = [decoded(parsed.username), decoded(parsed.password)];
  const who = username === "" ? {} : password === "" ? { token: username } : { username, password };
  const server = `${protocol}//${hostname === "" ? host : hostname}:${number}`;
  return { host, port: number, tls, ...(ca === undefined ? {} : { ca }), replicas, ...who, server };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid("its user or password is not well escaped");
  }
}
