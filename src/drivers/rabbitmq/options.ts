import { AgentwireError } from "../../errors.ts";

/** What a URL of this driver says. */
export interface RabbitmqOptions {
  readonly host: string;
  /** Default 5672, with TLS 5671. */
  readonly port: number;
  readonly tls: boolean;
  /** File of the authorities to trust, in place of those that Node knows. */
  readonly ca?: string;
  readonly username: string;
  readonly password: string;
  /** Default `/`. */
  readonly vhost: string;
  /** The server as people read it, without password. */
  readonly server: string;
}

const SCHEMES: Readonly<Record<string, { readonly tls: boolean; readonly port: number }>> = {
  "amqp:": { tls: false, port: 5672 },
  "amqps:": { tls: true, port: 5671 },
};
/** RabbitMQ's own default user, who may connect from the machine itself only. */
const GUEST = "guest";

function invalid(why: string): AgentwireError {
  // The URL itself is not told: it may have a password.
  return new AgentwireError("URL_INVALID", `The RabbitMQ URL cannot be used: ${why}`, {
    hint: "Use amqp://USER:PASSWORD@HOST:PORT/VHOST, or amqps: for TLS, with ?ca=FILE; all but the host may be left out.",
  });
}

/** Reads an `amqp:` or `amqps:` URL. @throws URL_INVALID */
export function parseOptions(url: string): RabbitmqOptions {
  let parsed: URL;
  try {
    parsed = new URL(/^[a-z]+:\/\//i.test(url) ? url : url.replace(/^([a-z]+):/i, "$1://"));
  } catch {
    throw invalid("it is not well formed");
  }
  const { protocol, hostname, port, pathname, searchParams, hash } = parsed;
  const scheme = SCHEMES[protocol];
  if (!scheme) throw invalid(`the scheme "${protocol}" is unknown`);
  if (hash !== "" || [...searchParams.keys()].some((name) => name !== "ca")) throw invalid("it takes no option but ca");
  const ca = searchParams.get("ca") ?? undefined;
  if (ca !== undefined && !scheme.tls) throw invalid("ca is for TLS, which is amqps:");
  const [username, password] = [decoded(parsed.username), decoded(parsed.password)];
  // As in the URLs of other clients: no path is the default host, and `/%2f` names it.
  const vhost = pathname === "" || pathname === "/" ? "/" : decoded(pathname.slice(1));
  const host = hostname === "" ? "127.0.0.1" : hostname.replace(/^\[(.*)\]$/, "$1");
  const number = port === "" ? scheme.port : Number(port);
  return {
    host,
    port: number,
    tls: scheme.tls,
    ...(ca === undefined ? {} : { ca }),
    vhost,
    username: username === "" ? GUEST : username,
    password: username === "" && password === "" ? GUEST : password,
    server: `${protocol}//${hostname === "" ? host : hostname}:${number}/${vhost === "/" ? "" : encodeURIComponent(vhost)}`,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid("its user, password or virtual host is not well escaped");
  }
}
