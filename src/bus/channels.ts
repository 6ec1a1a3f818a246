import type { Broker } from "../broker/broker.ts";
import type { InboxOverflow } from "../broker/inbox.ts";
import { AgentwireError } from "../errors.ts";
import type { Clock } from "../internal/clock.ts";
import { compilePattern } from "../message/pattern.ts";
import type { EventHub } from "../observe/event-hub.ts";
import type { ChannelBook, ChannelDeclaration, ChannelRecord } from "../registry/channel-book.ts";
import type { AgentInfo } from "../registry/record.ts";

/** A channel, or the pattern of several, as its subscribers see it. */
export interface ChannelStatus {
  /** The name or pattern that agents subscribed to, or that was declared or routed. */
  readonly name: string;
  readonly description?: string;
  /** When it was declared or first subscribed to, in wall milliseconds. */
  readonly created: number;
  /** Whether it was declared: such a one stays when nobody is subscribed. */
  readonly declared: boolean;
  /** How much of each subscriber's inbox its messages may fill, where that is limited, and what becomes of one over it. */
  readonly capacity?: number;
  readonly overflow?: InboxOverflow;
  readonly subscribers: readonly string[];
  /** Channels whose subscribers get its messages too. */
  readonly routes: readonly string[];
  /** Messages that wait in the subscribers' inboxes, whatever way they came. */
  readonly waiting: number;
  /** Whether any subscriber is there now. */
  readonly active: boolean;
}

/** What channels need of the registry. */
export interface Subscriptions {
  readonly channels: ChannelBook;
  list(): Promise<AgentInfo[]>;
  unsubscribe(agent: string, pattern: string): Promise<void>;
}

/** The channels of a bus. A channel exists by being used; declaring one is for those that shall stay. */
export class Channels {
  readonly #broker: Broker;
  readonly #subscriptions: Subscriptions;
  readonly #book: ChannelBook;
  readonly #events: EventHub;
  readonly #clock: Clock;

  constructor(options: {
    readonly broker: Broker;
    readonly subscriptions: Subscriptions;
    readonly events: EventHub;
    readonly clock: Clock;
  }) {
    this.#broker = options.broker;
    this.#subscriptions = options.subscriptions;
    this.#book = options.subscriptions.channels;
    this.#events = options.events;
    this.#clock = options.clock;
  }

  /** All channels and patterns that were ever subscribed to, declared or routed, and not closed since; by name. */
  async list(): Promise<ChannelStatus[]> {
    const [agents, records] = await Promise.all([this.#subscriptions.list(), this.#book.list()]);
    return this.#statuses(agents, records);
  }

  /** One channel by the name or pattern that agents subscribed to. */
  async status(name: string): Promise<ChannelStatus | undefined> {
    return (await this.list()).find((channel) => channel.name === name);
  }

  /**
   * Makes a channel or pattern known as it is given; it stays until it is closed, also when nobody is subscribed. What was
   * declared of it before, and is not given, ends. Resolves when every sender knows it.
   * @throws PATTERN_INVALID, OUT_OF_RANGE, ARGUMENT_INVALID; UNSUPPORTED for a `capacity` where the engine cannot count
   */
  async declare(name: string, declaration: ChannelDeclaration = {}): Promise<void> {
    const { driver, limits } = this.#broker.capabilities;
    if (declaration.capacity !== undefined && !limits)
      throw new AgentwireError("UNSUPPORTED", `${driver} cannot count the messages of one channel in an inbox`);
    await this.#book.declare(name, declaration);
  }

  /**
   * Sends what is published on a channel, or on those of a pattern, to the subscribers of other channels too. It stays
   * one message, with the channel it was published on, and one copy for each agent however many ways lead to it. Routes
   * go on from where others end; a ring of them ends where it began. Resolves when every sender knows it. Idempotent.
   * @throws PATTERN_INVALID, NAME_INVALID, LIMIT_EXCEEDED over 1,000 targets of one source
   */
  route(source: string, targets: readonly string[]): Promise<void> {
    return this.#book.route(source, targets);
  }

  /** Ends routes from a channel or pattern, as it was given: those to some targets, or all. @throws PATTERN_INVALID */
  unroute(source: string, targets?: readonly string[]): Promise<void> {
    return this.#book.unroute(source, targets);
  }

  /** Removes a channel and the routes from it. With `force` its subscribers are unsubscribed first. @throws CHANNEL_IN_USE naming how many are subscribed */
  async close(name: string, options: { readonly force?: boolean } = {}): Promise<void> {
    const channel = await this.status(name);
    if (!channel) return;
    const { subscribers } = channel;
    if (subscribers.length > 0 && !options.force) {
      const count = subscribers.length;
      throw new AgentwireError("CHANNEL_IN_USE", `Channel "${name}" has ${count} subscriber${count === 1 ? "" : "s"}`, {
        details: { channel: name, subscribers },
      });
    }
    for (const agent of subscribers) await this.#subscriptions.unsubscribe(agent, name);
    await this.#remove(name);
  }

  /** Removes channels that nobody uses: not declared, no subscriber by any pattern, no route from it or to it. Returns their names. */
  async prune(): Promise<string[]> {
    const channels = await this.list();
    const targets = new Set(channels.flatMap((channel) => channel.routes));
    const patterns = channels
      .filter((channel) => channel.subscribers.length > 0)
      .map(({ name }) => compilePattern(name));
    const unused = channels
      .filter((channel) => !channel.declared && channel.subscribers.length === 0 && channel.routes.length === 0)
      .map((channel) => channel.name)
      .filter((name) => !targets.has(name) && !patterns.some((pattern) => pattern.matches(name)));
    for (const name of unused) await this.#remove(name);
    return unused;
  }

  async #statuses(agents: readonly AgentInfo[], records: readonly ChannelRecord[]): Promise<ChannelStatus[]> {
    const inboxes = new Map((await this.#broker.inspect()).map((inbox) => [inbox.name, inbox.waiting]));
    const known = new Map(records.map((record) => [record.name, record]));
    const rules = this.#book.rules();
    const subscribed = new Map<string, AgentInfo[]>();
    for (const agent of agents) {
      for (const pattern of agent.subscribes) subscribed.set(pattern, [...(subscribed.get(pattern) ?? []), agent]);
    }
    return [...new Set([...known.keys(), ...rules.keys(), ...subscribed.keys()])].sort().map((name) => {
      const record = known.get(name);
      const subscribers = subscribed.get(name) ?? [];
      return {
        name,
        ...(record?.description === undefined ? {} : { description: record.description }),
        created: record?.created ?? Math.min(this.#clock.now(), ...subscribers.map((agent) => agent.firstSeen)),
        declared: record?.declared ?? false,
        ...rules.get(name)?.limit,
        subscribers: subscribers.map((agent) => agent.name),
        routes: rules.get(name)?.targets ?? [],
        waiting: subscribers.reduce((sum, agent) => sum + (inboxes.get(agent.name) ?? 0), 0),
        active: subscribers.some((agent) => agent.status !== "offline" && agent.status !== "stale"),
      };
    });
  }

  async #remove(name: string): Promise<void> {
    await this.#book.remove(name);
    if (this.#events.wants("channel.closed"))
      this.#events.emit({ type: "channel.closed", at: this.#clock.now(), channel: name });
  }
}
