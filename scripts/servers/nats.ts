import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { type Server, type ServerOptions, startServer } from "./server.ts";

const USER = "agentwire";

/**
 * Starts a private NATS with JetStream on disk. `settings` are lines of its configuration file.
 * @throws Error when it is not installed or does not start
 */
export function startNats(options: ServerOptions = {}): Promise<Server> {
  const { password, settings = {} } = options;
  return startServer(options, async (folder) => {
    const port = await freePort();
    const file = join(folder, "nats.conf");
    const lines = [
      `listen: "127.0.0.1:${port}"`,
      `jetstream: { store_dir: ${JSON.stringify(join(folder, "jetstream"))} }`,
      ...(password === undefined ? [] : [`authorization: { user: ${USER}, password: ${JSON.stringify(password)} }`]),
      ...Object.entries(settings).map(([name, value]) => `${name}: ${value}`),
    ];
    writeFileSync(file, `${lines.join("\n")}\n`);
    const user = password === undefined ? "" : `${USER}:${encodeURIComponent(password)}@`;
    return {
      command: ["nats-server", "-c", file],
      url: `nats://${user}127.0.0.1:${port}`,
      // It begins; JetStream has recovered before it listens.
      greeting: { port, isReady: (answer) => answer.toString("latin1").startsWith("INFO ") && answer.includes("\r\n") },
    };
  });
}
