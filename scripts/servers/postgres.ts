import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "./find-program.ts";
import { freePort } from "./free-port.ts";
import { type Server, type ServerOptions, startServer } from "./server.ts";

const USER = "agentwire";
/** Where Debian's packages have the programs of each version; they are not on the path. */
const VERSIONS = "/usr/lib/postgresql";

/** Where a program of PostgreSQL is, of the newest version that is installed. */
export function postgresProgram(name: string): string | undefined {
  const versions = existsSync(VERSIONS) ? readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a)) : [];
  return findProgram(
    name,
    versions.map((version) => join(VERSIONS, version, "bin")),
  );
}

/** PostgreSQL refuses to run as root, and so do its tools: then the user `postgres` of its package is taken. */
export function postgresOwner(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

/** Starts a private PostgreSQL with its defaults: every commit is synced. @throws Error when it is not installed or does not start */
export function startPostgres(options: ServerOptions = {}): Promise<Server> {
  const { password, settings = {} } = options;
  return startServer(options, async (folder) => {
    const { uid, gid } = postgresOwner();
    const data = join(folder, "data");
    chmodSync(folder, 0o755);
    const isNew = !existsSync(join(data, "PG_VERSION"));
    mkdirSync(data, { recursive: true });
    const asked: string[] = [];
    if (password !== undefined) {
      const file = join(folder, "password");
      writeFileSync(file, password, { mode: 0o600 });
      if (uid !== undefined && gid !== undefined) chownSync(file, uid, gid);
      asked.push(`--pwfile=${file}`);
    }
    if (uid !== undefined && gid !== undefined) chownSync(data, uid, gid);
    const as = { ...(uid === undefined || gid === undefined ? {} : { uid, gid }), cwd: data };
    const auth = password === undefined ? "trust" : "scram-sha-256";
    const locale = ["--encoding=UTF8", "--locale=C"];
    const make = ["-D", data, "-U", USER, `--auth=${auth}`, "--no-sync", ...locale, ...asked];
    if (isNew)
      execFileSync(postgresProgram("initdb") ?? "initdb", make, { ...as, stdio: ["ignore", "ignore", "pipe"] });
    const port = await freePort();
    const set = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const user = password === undefined ? USER : `${USER}:${encodeURIComponent(password)}`;
    return {
      command: [
        postgresProgram("postgres") ?? "postgres",
        ...["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", data],
        ...set,
      ],
      spawn: as,
      url: `postgres://${user}@127.0.0.1:${port}/postgres`,
      // It answers an error while it recovers, and asks who is there (`R`) when it takes queries.
      greeting: { port, hello: startUp(), isReady: ([first]) => first === 0x52 },
    };
  });
}

/** The first message of a client, of protocol 3.0. */
export function startUp(): Buffer {
  const body = Buffer.from(`\0\x03\0\0user\0${USER}\0database\0postgres\0\0`, "latin1");
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([length, body]);
}
