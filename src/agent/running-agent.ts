import { BoundSender } from "../bus/bound-sender.ts";
import type { SubscribeFrom } from "../bus/catch-up.ts";
import type { Sender } from "../bus/sending.ts";
import { AgentwireError } from "../errors.ts";
import { type Duration, parseDuration } from "../message/duration.ts";
import type { MessageType } from "../message/index.ts";
import type { AgentFilter, AgentInfo, InstanceState } from "../registry/record.ts";
import type { AgentHost } from "./host.ts";
import type { Delivery, PulledDelivery, PullOptions } from "./pulled-delivery.ts";
import { Puller, type PullerOptions } from "./puller.ts";
import type { AgentTool } from "./tools.ts";
import type { Worker } from "./worker.ts";

/** Options of {@link RunningAgent.receive}. */
export interface ReceiveOptions<T> {
  /** At most so many; 1 to 10,000, default 1. */
  readonly limit?: number;
  /** How long to wait when nothing is there; default 0. */
  readonly wait?: Duration;
  /** Only these types; default: all that the agent takes by pull. */
  readonly types?: readonly T[];
  /** Ends the waiting; what has come is returned. */
  readonly signal?: AbortSignal;
}

/** Options of {@link RunningAgent.subscribe}. */
export interface SubscribeOptions {
  /**
   * Get what was published before, too, where history is on: as new messages with `replayOf`, in their order, each once
   * even if it is asked for again. Default: only what is published from now on.
   */
  readonly from?: SubscribeFrom;
}

/** A status that an agent gives itself. */
export type OwnStatus = NonNullable<InstanceState["status"]>;

/** One running instance of an agent. Leaving its scope makes it leave. */
export interface RunningAgent<S, R> extends Sender<S>, AsyncDisposable {
  readonly name: string;
  /** Names this running copy on the bus. */
  readonly instance: string;
  readonly "~receives"?: (type: R) => void;

  /** Takes waiting messages; settle each with `ack`, `retry` or `reject`. @throws CLOSED, UNSUPPORTED */
  receive<T extends R = R>(options?: ReceiveOptions<T>): Promise<Delivery<T, S>[]>;
  /** Takes one message after the other; ends when the agent leaves or the loop is left. */
  deliveries<T extends R = R>(options?: {
    readonly types?: readonly T[];
    readonly signal?: AbortSignal;
  }): AsyncIterable<Delivery<T, S>>;
  /** What waits for this agent, in the order of hand-off; takes nothing. @throws UNSUPPORTED where the engine cannot peek */
  peek(options?: { readonly limit?: number }): Promise<readonly Peeked[]>;

  /** Other agents that match; never itself. */
  find(filter?: AgentFilter): Promise<AgentInfo[]>;
  /**
   * Subscribes to a channel pattern; resolves when every sender knows it, and what was asked for of the past is in the inbox.
   * @throws PATTERN_INVALID, LIMIT_EXCEEDED; with `from`: UNSUPPORTED where history is off, OUT_OF_RANGE, ARGUMENT_INVALID
   * for a message that the journal does not hold, INBOX_FULL
   */
  subscribe(pattern: string, options?: SubscribeOptions): Promise<void>;
  unsubscribe(pattern: string): Promise<void>;
  /** Tells others how it is doing; `online` returns to what its load says. */
  setStatus(status: OwnStatus): Promise<void>;
  /** Hands nothing to the handlers of this instance until `resume`. */
  pause(): void;
  resume(): void;
  /** Takes no more, lets running handlers finish within `grace` (default `"10s"`), gives the rest back, and is gone. The inbox stays. */
  leave(options?: { readonly grace?: Duration }): Promise<void>;
  /** Resolves when it has left. */
  readonly closed: Promise<void>;
  /** Its types as tools for an LLM: name, description and JSON Schema, and how to call them. */
  tools(): AgentTool[];
}

/** A waiting message, as a peek shows it. */
export interface Peeked {
  readonly id: string;
  readonly type: string;
  readonly from: string;
  readonly priority: string;
  readonly createdAt: number;
  readonly attempt: number;
  readonly state: "ready" | "delayed" | "held";
}

/** What a running agent asks of the registry. */
export interface Membership {
  find(filter: AgentFilter): Promise<AgentInfo[]>;
  subscribe(pattern: string, options: SubscribeOptions): Promise<void>;
  unsubscribe(pattern: string): Promise<void>;
  setStatus(status: OwnStatus): Promise<void>;
  /** The instance is gone. */
  leave(): Promise<void>;
}

/** What a running agent is made of. */
export interface RunningAgentParts {
  readonly host: AgentHost;
  readonly membership: Membership;
  readonly worker: Worker | undefined;
  readonly pull: PullOptions & Pick<PullerOptions, "lease" | "keepAlive"> & { readonly handled: readonly string[] };
  readonly tools: () => AgentTool[];
  readonly onStop: (() => void | Promise<void>) | undefined;
}

const GRACE = 10_000;
/** How long one wait of an endless loop lasts before it is renewed. */
const LOOP_WAIT = 24 * 60 * 60 * 1000;

/** The running agent behind {@link RunningAgent}. */
export class JoinedAgent extends BoundSender<MessageType> {
  readonly name: string;
  readonly instance: string;
  readonly closed: Promise<void>;
  readonly #parts: RunningAgentParts;
  readonly #pullers = new Map<string, Puller>();
  #leaving: Promise<void> | undefined;
  #resolveClosed: () => void = () => {};

  constructor(parts: RunningAgentParts) {
    super(parts.host.sending, parts.host.origin);
    this.name = parts.host.name;
    this.instance = parts.host.instance;
    this.#parts = parts;
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
  }

  async receive(options: ReceiveOptions<MessageType> = {}): Promise<PulledDelivery[]> {
    const limit = options.limit ?? 1;
    if (!Number.isInteger(limit) || limit < 1 || limit > 10_000)
      throw new AgentwireError("OUT_OF_RANGE", "limit must be a whole number from 1 to 10000");
    const wait = options.wait === undefined ? 0 : parseDuration(options.wait, { name: "wait", min: 0 });
    return this.#puller(options.types).take(limit, wait, options.signal);
  }

  async *deliveries(
    options: { readonly types?: readonly MessageType[]; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<PulledDelivery> {
    while (!this.#leaving && !options.signal?.aborted) {
      for (const delivery of await this.receive({ ...options, wait: LOOP_WAIT })) yield delivery;
    }
  }

  async peek(options: { readonly limit?: number } = {}): Promise<readonly Peeked[]> {
    const { broker } = this.#parts.host;
    if (!broker.capabilities.peek)
      throw new AgentwireError("UNSUPPORTED", `${broker.capabilities.driver} cannot look at waiting messages`);
    const [inbox] = await broker.inspect([this.name], { peek: options.limit ?? 100 });
    return (inbox?.messages ?? []).map(({ message, attempt, state }) => {
      const { id, type, from, priority, createdAt } = message;
      return { id, type, from, priority, createdAt, attempt, state };
    });
  }

  find(filter: AgentFilter = {}): Promise<AgentInfo[]> {
    return this.#parts.membership.find({ ...filter, exclude: [...(filter.exclude ?? []), this.name] });
  }

  subscribe(pattern: string, options: SubscribeOptions = {}): Promise<void> {
    return this.#parts.membership.subscribe(pattern, options);
  }

  unsubscribe(pattern: string): Promise<void> {
    return this.#parts.membership.unsubscribe(pattern);
  }

  setStatus(status: OwnStatus): Promise<void> {
    return this.#parts.membership.setStatus(status);
  }

  pause(): void {
    this.#parts.worker?.pause();
  }

  resume(): void {
    this.#parts.worker?.resume();
  }

  leave(options: { readonly grace?: Duration } = {}): Promise<void> {
    this.#leaving ??= this.#leave(
      options.grace === undefined ? GRACE : parseDuration(options.grace, { name: "grace", min: 0 }),
    );
    return this.#leaving;
  }

  tools(): AgentTool[] {
    return this.#parts.tools();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
  }

  async #leave(grace: number): Promise<void> {
    const { worker, membership, onStop } = this.#parts;
    try {
      await Promise.all([worker?.stop(grace), ...[...this.#pullers.values()].map((puller) => puller.close())]);
      await onStop?.();
    } finally {
      await membership.leave();
      this.#resolveClosed();
    }
  }

  #puller(types: readonly MessageType[] | undefined): Puller {
    const { host, pull } = this.#parts;
    if (this.#leaving) throw new AgentwireError("CLOSED", `Agent "${this.name}" has left`);
    const names = types?.map((type) => type.name).sort();
    if (names && !host.broker.capabilities.selective) {
      throw new AgentwireError(
        "UNSUPPORTED",
        `${host.broker.capabilities.driver} cannot take chosen types from an inbox`,
      );
    }
    const key = names?.join() ?? "";
    let puller = this.#pullers.get(key);
    if (!puller) {
      const except = names === undefined && pull.handled.length > 0 ? pull.handled : undefined;
      this.#pullers.set(key, (puller = new Puller(host, { ...pull, only: names, except })));
    }
    return puller;
  }
}
