import { randomBytes } from "node:crypto";
import { describeThrown } from "./agent/error-text.ts";
import type { Layer } from "./agent/layer.ts";
import type { Broker } from "./broker/broker.ts";
import type { Driver, DriverContext } from "./broker/driver.ts";
import { aboutMessage } from "./bus/about-message.ts";
import { Agents } from "./bus/agents.ts";
import { BoundSender, type SendingParts } from "./bus/bound-sender.ts";
import { Budgets } from "./bus/budgets.ts";
import { CatchUp } from "./bus/catch-up.ts";
import { Channels } from "./bus/channels.ts";
import { DeadLetters } from "./bus/dead-letters.ts";
import { Dispatcher } from "./bus/dispatcher.ts";
import { EventBridge } from "./bus/event-bridge.ts";
import { Events } from "./bus/events-api.ts";
import { Housekeeper } from "./bus/housekeeping.ts";
import { Inboxes } from "./bus/inboxes.ts";
import { Journal } from "./bus/journal-api.ts";
import type { Origin, PublishInterceptor } from "./bus/origin.ts";
import { PublishQueue } from "./bus/publish-queue.ts";
import { Receipts } from "./bus/receipts.ts";
import { Requests } from "./bus/requests.ts";
import { StreamChunks } from "./bus/stream-chunks.ts";
import type { ConnectOptions } from "./connect-options.ts";
import { type Bus, ConnectedBus, type GuaranteesReport } from "./connected-bus.ts";
import { loadDriver } from "./drivers.ts";
import { AgentwireError } from "./errors.ts";
import { type Clock, systemClock } from "./internal/clock.ts";
import { KeepAlive } from "./internal/keep-alive.ts";
import { jsonCodec } from "./message/codec-json.ts";
import { parseDuration } from "./message/duration.ts";
import { IdGenerator } from "./message/id.ts";
import { checkName } from "./message/name.ts";
import { EventHub } from "./observe/event-hub.ts";
import { Journal as JournalLog } from "./observe/journal.ts";
import { createLogger, type Logger, silentLogger } from "./observe/logger.ts";
import { Observers } from "./observers.ts";
import { ContractBook } from "./registry/contracts.ts";
import { Registry } from "./registry/registry.ts";
import { DURABILITY_CLASSES, type Durability, type DurabilityReport } from "./store/durability.ts";
import type { Store } from "./store/store.ts";

export { salvage } from "./drivers.ts";

const MOST_RECEIPTS = 1_000_000;
const DEFAULT_URL = "sqlite:.agentwire/agentwire.db";
// biome-ignore format: a list of names
const KNOWN_OPTIONS = new Set([
  "name", "namespace", "tenant", "store", "require", "codec", "history", "retention", "audit", "statistics", "logger", "use", "signal", "heartbeat",
]);

/** What {@link assemble} can be given in place of the real world. */
export interface Surroundings {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly loadDriver: (url: string, context: DriverContext) => Promise<Driver>;
}

/**
 * Connects to a bus. The URL names the engine: `memory:`, `sqlite:PATH`, `redis:`, `postgres:`, `amqp:`; default `AGENTWIRE_URL`,
 * else an SQLite file under `.agentwire/` in the working directory. With that URL, `store` defaults to `AGENTWIRE_STORE`.
 * @throws URL_INVALID, DRIVER_MISSING, ENGINE_STATE, DURABILITY_UNMET, STORE_REQUIRED, UNSUPPORTED, STORE_CORRUPT, VERSION_UNSUPPORTED, STORE_READ_ONLY, ARGUMENT_INVALID
 */
export function connect(url?: string, options: ConnectOptions = {}): Promise<Bus> {
  const surroundings = { clock: systemClock, random: Math.random, loadDriver };
  if (url !== undefined) return assemble(url, options, surroundings);
  const { AGENTWIRE_URL: given, AGENTWIRE_STORE: store } = process.env;
  if (given === undefined) return assemble(DEFAULT_URL, options, surroundings);
  return assemble(given, store === undefined ? options : { store, ...options }, surroundings);
}

/** Puts the rooms together over the engine that a URL names. */
export async function assemble(url: string, options: ConnectOptions, surroundings: Surroundings): Promise<Bus> {
  for (const name of Object.keys(options)) {
    if (!KNOWN_OPTIONS.has(name)) throw new AgentwireError("ARGUMENT_INVALID", `connect has no option "${name}"`);
  }
  const { clock, random } = surroundings;
  const name = checkName(options.name ?? "bus", "bus");
  const scope = `${checkName(options.namespace ?? "default", "namespace")}/${checkName(options.tenant ?? "default", "tenant")}`;
  const instance = `${name}-${randomBytes(6).toString("hex")}`;
  const logger = loggerOf(options.logger);
  const hub = new EventHub((error) => logger.warn({ error: describeThrown(error).message }, "An event listener threw"));
  const codec = options.codec === "msgpack" ? (await import("./message/codec-msgpack.ts")).msgpackCodec() : jsonCodec;
  const context: DriverContext = {
    clock,
    codec,
    scope,
    instance,
    journal: options.history ?? false,
    report: (event) => {
      const level =
        event.type === "driver.opened" || event.type === "driver.closed" || event.type === "driver.restored"
          ? "debug"
          : "warn";
      logger[level]({ driver: event.driver, ...event.details }, event.message);
      if (hub.wants(event.type)) hub.emit({ ...event, at: clock.now() });
    },
  };

  const second = options.store === undefined ? undefined : await surroundings.loadDriver(options.store, context);
  const { broker, store: own } = await surroundings.loadDriver(
    url,
    second?.store === undefined ? context : { ...context, store: second.store },
  );
  const store = storeOf(broker.capabilities.driver, own, second);
  const log = new JournalLog({
    store,
    clock,
    retention: parseDuration(options.retention?.history ?? "7d", { name: "retention.history" }),
    onFault: (error) =>
      logger.warn({ error: describeThrown(error).message }, "The journal could not be written; it is tried again"),
  });
  const closeDrivers = async (): Promise<void> => {
    await log.close().catch(() => {});
    await broker.close();
    await store.close();
  };

  try {
    await store.open();
    await broker.open();
    const guarantees = guaranteesOf(broker, store);
    meet(options.require, guarantees.durability);
    if (options.history) await log.open(hub);
    const keepAlive = new KeepAlive();
    const registry = new Registry({
      store,
      signals: broker,
      clock,
      instance,
      ...(options.heartbeat === undefined
        ? {}
        : { heartbeat: parseDuration(options.heartbeat, { name: "heartbeat", min: 100 }) }),
      loads: async (inboxes) => new Map((await broker.inspect(inboxes)).map((inbox) => [inbox.name, inbox.waiting])),
    });
    await registry.start();
    registry.watch(({ type, at, agent, status }) => {
      if (type === "status" && hub.wants("agent.status")) hub.emit({ type: "agent.status", at, agent, status });
    });
    const ids = new IdGenerator({ clock });
    const queue = new PublishQueue(broker);
    const receipts = new Receipts({ broker, store, clock, keepAlive });
    const requests = new Requests({
      broker,
      clock,
      instance,
      keepAlive,
      onLate: (reply) =>
        hub.wants("message.late") && hub.emit({ type: "message.late", ...aboutMessage(reply), at: clock.now() }),
    });
    const budgets = new Budgets(store, clock);
    const dispatcher = new Dispatcher({
      broker,
      queue,
      directory: registry.directory,
      clock,
      ids,
      events: hub,
      receipts,
      requests,
      budgets,
      keepAlive,
    });
    const layers = options.use ?? [];
    const publishing = layers.flatMap((layer: Layer): PublishInterceptor[] => (layer.publish ? [layer.publish] : []));
    const origin: Origin = { name, isAgent: false, sends: undefined, cause: undefined, publishing };
    const sending: SendingParts & { outside: SendingParts["outside"] } = {
      dispatcher,
      chunks: new StreamChunks(broker, clock),
      get outside() {
        return outside;
      },
    };
    const outside = new BoundSender(sending, origin);
    const contracts = new ContractBook(store);
    const bridge = new EventBridge({ hub, signals: broker, clock, instance });
    const housekeeper = new Housekeeper({
      store,
      clock,
      instance,
      logger,
      receipts: parseDuration(options.retention?.receipts ?? "1d", { name: "retention.receipts" }),
      mostReceipts: mostReceiptsOf(options.retention?.mostReceipts),
      deadLetters: parseDuration(options.retention?.deadLetters ?? "30d", { name: "retention.deadLetters" }),
    });
    housekeeper.start();
    const observers = new Observers({ hub, clock, logger, broker, store, registry, options });
    await observers.open();
    const bus = new ConnectedBus({
      broker,
      registry,
      queue,
      requests,
      receipts,
      sending,
      keepAlive,
      origin,
      guarantees,
      joining: {
        instance,
        broker,
        registry,
        contracts,
        catchUp: new CatchUp({
          journal: options.history ? log : undefined,
          queue,
          directory: registry.directory,
          clock,
          ids,
        }),
        sending,
        budgets,
        clock,
        events: hub,
        logger,
        keepAlive,
        layers,
        random,
      },
      agents: new Agents({ registry, contracts, broker }),
      channels: new Channels({ broker, subscriptions: registry, events: hub, clock }),
      inboxes: new Inboxes(broker),
      deadLetters: new DeadLetters({ store, queue, receipts, clock, codec, ids }),
      events: new Events({ hub, bridge, journal: log }),
      journal: new Journal({ log, store, broker, queue, clock, ids }),
      observers,
      bridge,
      housekeeper,
      closeDrivers,
    });
    options.signal?.addEventListener("abort", () => void bus.close(), { once: true });
    if (options.signal?.aborted) await bus.close();
    return bus;
  } catch (error) {
    await closeDrivers();
    throw error;
  }
}

function loggerOf(logger: Logger | false | undefined): Logger {
  if (logger === false) return silentLogger;
  return logger ?? createLogger({ level: "warn" });
}

/** The store that a bus uses: the engine's own, or that of the second one. */
function storeOf(driver: string, own: Store | undefined, second: Driver | undefined): Store {
  // An engine with a store of its own routes by it and writes receipts into it: another one would never be asked.
  if (own && second) throw new AgentwireError("UNSUPPORTED", `${driver} has a store of its own; leave out \`store\``);
  const store = own ?? second?.store;
  if (store) return store;
  const hint = second
    ? `so does ${second.broker.capabilities.driver}; pass \`store\` with the URL of an engine that keeps state`
    : "pass `store` with a second URL";
  throw new AgentwireError("STORE_REQUIRED", `${driver} carries messages only; ${hint}`);
}

function mostReceiptsOf(most = MOST_RECEIPTS): number {
  if (Number.isInteger(most) && most >= 1 && most <= 1e9) return most;
  throw new AgentwireError("OUT_OF_RANGE", `retention.mostReceipts must be a whole number from 1 to 1e9, not ${most}`);
}

function guaranteesOf(broker: Broker, store: Store): GuaranteesReport {
  const { driver, durability: messages } = broker.capabilities;
  const { driver: storeDriver, durability: state } = store.capabilities;
  return { driver, store: storeDriver, durability: rank(state.class) < rank(messages.class) ? state : messages };
}

function meet(required: Durability | undefined, found: DurabilityReport): void {
  if (required === undefined) return;
  if (!DURABILITY_CLASSES.includes(required))
    throw new AgentwireError("OUT_OF_RANGE", `require must be one of ${DURABILITY_CLASSES.join(", ")}`);
  if (rank(found.class) >= rank(required)) return;
  throw new AgentwireError(
    "DURABILITY_UNMET",
    `The engine promises "${found.class}", less than the required "${required}": ${found.reason}`,
    {
      details: { required, found: found.class, reason: found.reason },
    },
  );
}

function rank(durability: Durability): number {
  return DURABILITY_CLASSES.indexOf(durability);
}
