import { freePort } from "./free-port.ts";
import { type Server, type ServerOptions, startServer } from "./server.ts";

const SETTINGS = { save: "", appendonly: "yes", appendfsync: "always" };

/** Starts a private Redis; its log is synced before every answer. @throws Error when it is not installed or does not start */
export function startRedis(options: ServerOptions = {}): Promise<Server> {
  const { password, settings } = options;
  return startServer(options, async (folder) => {
    const port = await freePort();
    const all = { port: String(port), bind: "127.0.0.1", dir: folder, ...SETTINGS, ...settings };
    const guarded = password === undefined ? all : { ...all, requirepass: password };
    const hello = password === undefined ? "PING\r\n" : `AUTH ${JSON.stringify(password)}\r\nPING\r\n`;
    return {
      command: ["redis-server", ...Object.entries(guarded).flatMap(([name, value]) => [`--${name}`, value])],
      url: `redis://${password === undefined ? "" : `:${encodeURIComponent(password)}@`}127.0.0.1:${port}`,
      greeting: { port, hello: Buffer.from(hello), isReady: (answer) => answer.includes("+PONG") },
    };
  });
}
