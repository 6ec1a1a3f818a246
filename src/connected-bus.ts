import type { AgentDefinition, AnyAgentDefinition } from "./agent/definition.ts";
import { type JoinParts, join } from "./agent/join.ts";
import type { JoinedAgent, RunningAgent } from "./agent/running-agent.ts";
import type { Broker } from "./broker/broker.ts";
import { RECEIPT_SIGNAL } from "./broker/receipt-log.ts";
import type { Agents } from "./bus/agents.ts";
import { BoundSender, type SendingParts } from "./bus/bound-sender.ts";
import type { Channels } from "./bus/channels.ts";
import type { DeadLetters } from "./bus/dead-letters.ts";
import type { EventBridge } from "./bus/event-bridge.ts";
import type { Events } from "./bus/events-api.ts";
import type { Housekeeper } from "./bus/housekeeping.ts";
import type { Inboxes } from "./bus/inboxes.ts";
import type { Journal } from "./bus/journal-api.ts";
import type { Origin } from "./bus/origin.ts";
import type { PublishQueue } from "./bus/publish-queue.ts";
import type { Receipts } from "./bus/receipts.ts";
import type { Requests } from "./bus/requests.ts";
import type { Sender } from "./bus/sending.ts";
import type { Crew, LoadOptions } from "./config/crew.ts";
import { AgentwireError } from "./errors.ts";
import type { KeepAlive } from "./internal/keep-alive.ts";
import { type Duration, parseDuration } from "./message/duration.ts";
import type { MessageType } from "./message/index.ts";
import type { HealthReport } from "./observe/health.ts";
import type { BusStats, Observers } from "./observers.ts";
import type { Registry } from "./registry/registry.ts";
import type { DurabilityReport } from "./store/durability.ts";

export type { BusStats } from "./observers.ts";

/** What the bus promises with its present engine and settings. */
export interface GuaranteesReport {
  readonly driver: string;
  readonly store: string;
  /** The weaker of the two engines' classes, and why. */
  readonly durability: DurabilityReport;
}

/** Everything a connected bus is put together from. */
export interface BusParts {
  readonly broker: Broker;
  readonly registry: Registry;
  readonly queue: PublishQueue;
  readonly requests: Requests;
  readonly receipts: Receipts;
  readonly sending: SendingParts;
  readonly joining: JoinParts;
  readonly keepAlive: KeepAlive;
  readonly origin: Origin;
  readonly housekeeper: Housekeeper;
  readonly bridge: EventBridge;
  readonly journal: Journal;
  readonly observers: Observers;
  readonly guarantees: GuaranteesReport;
  readonly agents: Agents;
  readonly channels: Channels;
  readonly inboxes: Inboxes;
  readonly deadLetters: DeadLetters;
  readonly events: Events;
  /** Closes what is not the bus's own: the drivers. */
  closeDrivers(): Promise<void>;
}

/** The one object that a program works with: it sends, joins agents, and shows what is there. */
export interface Bus extends Sender<MessageType>, AsyncDisposable {
  /** Names this process on the bus. */
  readonly instance: string;
  /** Makes a definition a running agent. @throws AGENT_CONFLICT, UNSUPPORTED, LIMIT_EXCEEDED, and what `onStart` throws: then nobody knows of the agent */
  join<N extends string, S, R>(definition: AgentDefinition<N, S, R>): Promise<RunningAgent<S, R>>;
  /** As above, for one of several definitions: what it takes and sends is not known to the compiler any more. */
  join(definition: AnyAgentDefinition): Promise<RunningAgent<never, never>>;
  /**
   * Makes the agents of a configuration file join: `.json`, `.yaml` with the package `yaml`, `.js` or `.ts`.
   * @throws CONFIG_INVALID with every fault, nothing has started; DRIVER_MISSING, and what `join` throws
   */
  load(file: string | URL, options?: LoadOptions): Promise<Crew>;
  readonly agents: Agents;
  readonly channels: Channels;
  readonly inboxes: Inboxes;
  readonly deadLetters: DeadLetters;
  readonly receipts: Pick<Receipts, "get" | "watch">;
  readonly events: Events;
  readonly journal: Journal;
  /** How the bus and its parts are doing. */
  health(): Promise<HealthReport>;
  /** What there is, in numbers. */
  stats(): Promise<BusStats>;
  /** Ends the copies of a message that still wait; those in a handler get its abort signal. */
  withdraw(id: string): Promise<{ readonly ended: number; readonly held: number }>;
  /** What the engine in force promises. */
  guarantees(): GuaranteesReport;
  /** Resolves when nothing due waits in any inbox and no request is open. */
  settled(options?: { readonly timeout?: Duration }): Promise<void>;
  /** Resolves when SIGINT or SIGTERM came, or `close` was called, and the bus has drained and closed. */
  untilShutdown(): Promise<void>;
  /** Takes no more, lets running handlers finish within `grace` (default `"10s"`), gives the rest back and disconnects. Idempotent. */
  close(options?: { readonly grace?: Duration }): Promise<void>;
}

const GRACE = 10_000;
/** Without any news, `settled` looks again after so long. */
const LOOK_AGAIN = 250;

/** The bus behind {@link Bus}. */
export class ConnectedBus extends BoundSender<MessageType> {
  readonly instance: string;
  readonly agents: Agents;
  readonly channels: Channels;
  readonly inboxes: Inboxes;
  readonly deadLetters: DeadLetters;
  readonly receipts: Receipts;
  readonly events: Events;
  readonly journal: Journal;
  readonly #parts: BusParts;
  readonly #joined = new Set<JoinedAgent>();
  #closing: Promise<void> | undefined;
  readonly #onClosing: (() => void)[] = [];

  constructor(parts: BusParts) {
    super(parts.sending, parts.origin);
    this.#parts = parts;
    this.instance = parts.joining.instance;
    this.agents = parts.agents;
    this.channels = parts.channels;
    this.inboxes = parts.inboxes;
    this.deadLetters = parts.deadLetters;
    this.receipts = parts.receipts;
    this.events = parts.events;
    this.journal = parts.journal;
  }

  join<N extends string, S, R>(definition: AgentDefinition<N, S, R>): Promise<RunningAgent<S, R>>;
  join(definition: AnyAgentDefinition): Promise<RunningAgent<never, never>>;
  async join(definition: AnyAgentDefinition): Promise<RunningAgent<never, never>> {
    this.#open();
    const agent = await join(definition, this.#parts.joining);
    this.#joined.add(agent);
    void agent.closed.then(() => this.#joined.delete(agent));
    return agent as unknown as RunningAgent<never, never>;
  }

  async load(file: string | URL, options: LoadOptions = {}): Promise<Crew> {
    this.#open();
    const { loadCrew } = await import("./config/crew.ts");
    this.#open();
    const { clock, logger } = this.#parts.joining;
    return loadCrew(file, options, {
      clock,
      logger,
      join: (definition) => this.join(definition),
      onClosing: (stop) => this.#onClosing.push(stop),
    });
  }

  async withdraw(id: string): Promise<{ readonly ended: number; readonly held: number }> {
    this.#open();
    let ended = 0;
    let held = 0;
    for (const copy of await this.#parts.broker.find(id)) {
      const result = await this.#parts.broker.cancel(copy.inbox, { id }, "withdrawn");
      ended += result.ended;
      held += result.held;
    }
    return { ended, held };
  }

  health(): Promise<HealthReport> {
    return this.#parts.observers.health();
  }

  stats(): Promise<BusStats> {
    return this.#parts.observers.stats();
  }

  guarantees(): GuaranteesReport {
    return this.#parts.guarantees;
  }

  async settled(options: { readonly timeout?: Duration } = {}): Promise<void> {
    const { broker, joining, queue, requests } = this.#parts;
    const timeout =
      options.timeout === undefined
        ? Number.POSITIVE_INFINITY
        : parseDuration(options.timeout, { name: "timeout", min: 0 });
    const until = joining.clock.monotonic() + timeout;
    let wake = (): void => {};
    // What waits has to end first; looking at each of its ends would slow them down.
    let ended = 0;
    let enough = 1;
    const stop = broker.onSignal(RECEIPT_SIGNAL, (records) => {
      ended += Array.isArray(records) ? records.length : 1;
      if (ended >= enough) wake();
    });
    this.#parts.keepAlive.hold();
    try {
      for (;;) {
        const news = new Promise<void>((resolve) => (wake = resolve));
        ended = 0;
        enough = Number.POSITIVE_INFINITY;
        await queue.drain();
        const inboxes = await broker.inspect();
        // A reply to a process that has died waits until its inbox is removed; nobody will ever take it.
        const agents = inboxes.filter((inbox) => !inbox.name.startsWith("$reply."));
        const waiting = agents.reduce((sum, inbox) => sum + inbox.waiting - inbox.delayed, 0);
        if (waiting === 0 && requests.size === 0) return;
        if (joining.clock.monotonic() > until) {
          throw new AgentwireError("TIMEOUT", `${waiting} messages still wait after ${timeout} ms`, {
            details: { timeout },
          });
        }
        enough = Math.max(1, waiting);
        if (ended >= enough) continue;
        const look = setTimeout(wake, LOOK_AGAIN);
        await news;
        clearTimeout(look);
      }
    } finally {
      stop();
      this.#parts.keepAlive.release();
    }
  }

  async untilShutdown(): Promise<void> {
    const { keepAlive } = this.#parts;
    keepAlive.hold();
    await new Promise<void>((resolve) => {
      const stop = (): void => {
        process.off("SIGINT", stop);
        process.off("SIGTERM", stop);
        resolve();
      };
      process.on("SIGINT", stop);
      process.on("SIGTERM", stop);
      this.#onClosing.push(stop);
      if (this.#closing) stop();
    });
    await this.close();
    keepAlive.release();
  }

  close(options: { readonly grace?: Duration } = {}): Promise<void> {
    this.#closing ??= this.#close(
      options.grace === undefined ? GRACE : parseDuration(options.grace, { name: "grace", min: 0 }),
    );
    for (const tell of this.#onClosing.splice(0)) tell();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(grace: number): Promise<void> {
    const { queue, requests, receipts, registry, housekeeper, keepAlive } = this.#parts;
    const deadline = { grace };
    await Promise.all([...this.#joined].map((agent) => agent.leave(deadline)));
    await queue.drain();
    await requests.close();
    receipts.close();
    this.#parts.sending.chunks.close();
    this.#parts.bridge.close();
    await housekeeper.stop();
    await this.#parts.observers.close();
    await registry.stop();
    await this.#parts.closeDrivers();
    keepAlive.close();
  }

  #open(): void {
    if (this.#closing) throw new AgentwireError("CLOSED", "The bus is closed");
  }
}
