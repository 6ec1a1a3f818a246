import { execFile, execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "./free-port.ts";
import { type ServerProcess, startServer } from "./server-process.ts";

/** A private PostgreSQL cluster with its defaults: every commit is synced (class `power`). */
export interface PostgresServer extends ServerProcess {
  readonly url: string;
}

/** PostgreSQL refuses to run as root: then the user `postgres` of its package is taken. */
function user(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

/** Creates a cluster in `folder` and starts it on a free port. @throws Error when initdb or postgres fail or are missing */
export async function startPostgres(folder: string): Promise<PostgresServer> {
  const owner = user();
  const data = join(folder, "pg");
  chmodSync(folder, 0o755);
  mkdirSync(data);
  if (owner.uid !== undefined && owner.gid !== undefined) chownSync(data, owner.uid, owner.gid);
  execFileSync("initdb", ["-D", data, "-U", "bench", "--auth=trust", "--no-sync"], {
    ...owner,
    cwd: data,
    stdio: "ignore",
  });
  const port = await freePort();
  const args = ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", data];
  const server = await startServer("postgres", args, { ...owner, cwd: data }, () => answering(port));
  return { url: `postgres://bench@127.0.0.1:${port}/postgres`, stop: () => server.stop() };
}

/** Resolves when the server takes queries: it listens some moments before. */
async function answering(port: number): Promise<void> {
  const asked = promisify(execFile);
  for (;;) {
    try {
      await asked("pg_isready", ["-h", "127.0.0.1", "-p", String(port), "-d", "postgres"]);
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
