import { Redis } from "ioredis";
import { freePort } from "./free-port.ts";
import { type ServerProcess, startServer } from "./server-process.ts";

/** When Redis syncs its log: once a second (below class `process`) or before every answer (class `power`). */
export type AppendFsync = "everysec" | "always";

/** A private Redis. */
export interface RedisServer extends ServerProcess {
  readonly port: number;
}

/** Starts redis-server on a free port, with its log in `folder`. @throws Error when it does not start or does not take the setting */
export async function startRedis(folder: string, appendfsync: AppendFsync): Promise<RedisServer> {
  const port = await freePort();
  const args = [
    "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--dir",
    folder,
    "--save",
    "",
    "--appendonly",
    "yes",
    "--appendfsync",
    appendfsync,
  ];
  const server = await startServer("redis-server", args, {}, () => ready(port, appendfsync));
  return { port, stop: () => server.stop() };
}

async function ready(port: number, appendfsync: AppendFsync): Promise<void> {
  const client = new Redis({ port, host: "127.0.0.1", retryStrategy: () => 20, maxRetriesPerRequest: null });
  client.on("error", () => {});
  try {
    const [, set] = (await client.config("GET", "appendfsync")) as string[];
    if (set !== appendfsync) throw new Error(`redis-server has appendfsync ${set}, not ${appendfsync}`);
  } finally {
    client.disconnect();
  }
}
