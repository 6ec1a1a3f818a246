import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "./find-program.ts";
import { freePort } from "./free-port.ts";
import { type Server, type ServerOptions, startServer } from "./server.ts";

const USER = "agentwire";
/** The program itself in Debian's package; the one on the path changes the user, and keeps its output to itself. */
const PACKAGED = "/usr/lib/rabbitmq/bin/rabbitmq-server";
/** With a port mapper of its own: that of the machine would be started by it, and outlive it. */
const START = 'epmd -port "$ERL_EPMD_PORT" -address 127.0.0.1 & exec "$0"';

/** Where RabbitMQ is. */
export function rabbitmqProgram(): string | undefined {
  return existsSync(PACKAGED) ? PACKAGED : findProgram("rabbitmq-server");
}

/**
 * Starts a private RabbitMQ, a node of its own. `settings` are lines of its configuration file.
 * @throws Error when it is not installed or does not start
 */
export function startRabbitmq(options: ServerOptions = {}): Promise<Server> {
  const { password = "guest", settings = {} } = options;
  return startServer(options, async (folder) => {
    const port = await freePort();
    const distribution = await freePort();
    const mapper = await freePort();
    const file = join(folder, "rabbitmq.conf");
    const lines = {
      "listeners.tcp.1": `127.0.0.1:${port}`,
      default_user: USER,
      default_pass: password,
      // Of the disk of a test machine little may be free; a row that fills its disk sets its own limit.
      "disk_free_limit.absolute": "50MB",
      ...settings,
    };
    writeFileSync(
      file,
      `${Object.entries(lines)
        .map(([name, value]) => `${name} = ${value}`)
        .join("\n")}\n`,
    );
    const node = {
      HOME: folder,
      RABBITMQ_NODENAME: "agentwire@localhost",
      RABBITMQ_CONF_ENV_FILE: "/dev/null",
      RABBITMQ_CONFIG_FILE: file,
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "enabled_plugins"),
      RABBITMQ_MNESIA_BASE: join(folder, "mnesia"),
      RABBITMQ_LOG_BASE: folder,
      RABBITMQ_LOGS: "-",
      RABBITMQ_PID_FILE: join(folder, "pid"),
      RABBITMQ_DIST_PORT: String(distribution),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
      ERL_EPMD_PORT: String(mapper),
      ERL_ZFLAGS: "-start_epmd false",
      // Its script becomes the server, and does not wait for it.
      RUNNING_UNDER_SYSTEMD: "true",
    };
    return {
      command: ["sh", "-c", START, rabbitmqProgram() ?? "rabbitmq-server"],
      spawn: { cwd: folder, env: { ...process.env, ...node } },
      url: `amqp://${USER}:${encodeURIComponent(password)}@127.0.0.1:${port}`,
      // A frame of a method is its answer to a client of this protocol; it listens when it has booted.
      greeting: { port, hello: Buffer.from("AMQP\0\0\x09\x01", "latin1"), isReady: ([first]) => first === 1 },
    };
  });
}
