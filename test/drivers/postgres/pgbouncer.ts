import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../../../scripts/servers/find-program.ts";
import { freePort } from "../../../scripts/servers/free-port.ts";
import { postgresOwner, startUp } from "../../../scripts/servers/postgres.ts";
import { type Server, startServer } from "../../../scripts/servers/server.ts";

/** Debian's package has it outside of the path of users. */
const program = findProgram("pgbouncer", ["/usr/sbin"]);

/** Why tests with PgBouncer are left out; undefined where it is installed. */
export const lacksPgbouncer = program === undefined ? "pgbouncer (apt-get install pgbouncer)" : undefined;

/** How PgBouncer shares out the server's sessions. */
export interface Pooling {
  readonly mode: "session" | "transaction";
  /** The most sessions of the server that it takes. */
  readonly size: number;
}

/** Starts PgBouncer before a PostgreSQL server, given by its URL. */
export function startPgbouncer(url: string, { mode, size }: Pooling): Promise<Server> {
  const { port: behind, username, pathname } = new URL(url);
  return startServer({}, async (folder) => {
    const port = await freePort();
    // It refuses to run as root, too.
    chmodSync(folder, 0o755);
    const file = join(folder, "pgbouncer.ini");
    const users = join(folder, "users.txt");
    writeFileSync(users, `"${username}" ""\n`);
    const settings = {
      ...{ listen_addr: "127.0.0.1", listen_port: port, unix_socket_dir: "", auth_type: "trust", auth_file: users },
      ...{ pool_mode: mode, default_pool_size: size, ignore_startup_parameters: "extra_float_digits" },
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
    const database = `${pathname.slice(1)} = host=127.0.0.1 port=${behind} user=${username}`;
    writeFileSync(file, ["[databases]", database, "[pgbouncer]", ...lines, ""].join("\n"), { mode: 0o644 });
    return {
      command: [program ?? "pgbouncer", file],
      spawn: { ...postgresOwner(), cwd: "/" },
      url: Object.assign(new URL(url), { port: String(port) }).href,
      greeting: { port, hello: startUp(), isReady: ([first]) => first === 0x52 },
    };
  });
}
