import { join } from "node:path";
import { startNats } from "../../scripts/servers/nats.ts";
import { startPostgres } from "../../scripts/servers/postgres.ts";
import { startRabbitmq } from "../../scripts/servers/rabbitmq.ts";
import { startRedis } from "../../scripts/servers/redis.ts";
import { type Bus, type ConnectOptions, connect, defineMessage } from "../../src/index.ts";
import { filler, type Payload } from "../harness/messages.ts";
import { type Task, textSetting } from "../harness/task.ts";

/** The message type of all our sides. */
export const Work = defineMessage("bench.work", {
  type: "object",
  properties: { sequence: { type: "integer" }, text: { type: "string" } },
  required: ["sequence", "text"],
  additionalProperties: false,
});

/** The same with a reply. */
export const Ask = defineMessage(
  "bench.ask",
  {
    type: "object",
    properties: { sequence: { type: "integer" }, text: { type: "string" } },
    required: ["sequence", "text"],
    additionalProperties: false,
  },
  {
    reply: {
      type: "object",
      properties: { sequence: { type: "integer" } },
      required: ["sequence"],
      additionalProperties: false,
    },
  },
);

/**
 * The URL of the driver that the setting `driver` names: `memory`, `nats`, or `sqlite`, `postgres`, `redis` or `rabbitmq` with every
 * commit synced. A server is started for this process, and ends with it.
 */
export async function urlOf(task: Task): Promise<string> {
  const driver = textSetting(task, "driver");
  if (driver === "postgres") return (await startPostgres({ folder: task.folder })).url;
  if (driver === "nats") return (await startNats({ folder: task.folder })).url;
  if (driver === "redis") return (await startRedis({ folder: task.folder })).url;
  if (driver === "rabbitmq") return (await startRabbitmq({ folder: task.folder })).url;
  return driver === "sqlite" ? fileOf(task) : `${driver}:`;
}

function fileOf({ folder }: Task): string {
  return `sqlite:${join(folder, "agentwire.db")}?synchronous=full`;
}

/**
 * Connects a bus with no other options than the workload's, to the URL in the setting `url` where there is one; the state of
 * `rabbitmq` is on sqlite.
 * @throws Error unless it has the class `power`; on NATS `process`, in memory none
 */
export async function openBus(task: Task, options: ConnectOptions = {}): Promise<Bus> {
  const driver = textSetting(task, "driver");
  const { url = await urlOf(task) } = task.settings;
  const store = driver === "rabbitmq" ? { store: fileOf(task) } : {};
  const required =
    driver === "memory" ? {} : { require: driver === "nats" ? ("process" as const) : ("power" as const) };
  return connect(String(url), { ...options, ...store, ...required });
}

/** A payload whose envelope has about the size asked for. */
export function payloads(task: Task): (sequence: number) => Payload {
  const text = filler(task.size);
  return (sequence) => ({ sequence, text });
}

/** How many messages have not ended in these inboxes: waiting, delayed or held. */
export async function leftIn(bus: Bus, inboxes: readonly string[]): Promise<number> {
  const states = (await bus.inboxes.list()).filter(({ name }) => inboxes.includes(name));
  return states.reduce((sum, { waiting }) => sum + waiting, 0);
}
