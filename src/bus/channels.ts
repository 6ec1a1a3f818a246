import type { Broker } from "../broker/broker.ts";
import { AgentwireError } from "../errors.ts";
import type { Clock } from "../internal/clock.ts";
import type { EventHub } from "../observe/event-hub.ts";
import type { AgentInfo } from "../registry/record.ts";

/** A channel, or the pattern of several, as its subscribers see it. */
export interface ChannelStatus {
  /** The name or pattern that agents subscribed to. */
  readonly name: string;
  readonly subscribers: readonly string[];
  /** Messages that wait in the subscribers' inboxes, whatever way they came. */
  readonly waiting: number;
  /** Whether any subscriber is there now. */
  readonly active: boolean;
}

/** What channels need of the registry. */
export interface Subscriptions {
  list(): Promise<AgentInfo[]>;
  unsubscribe(agent: string, pattern: string): Promise<void>;
}

/** The channels that anyone is subscribed to. A channel exists by being used; nothing has to be created. */
export class Channels {
  readonly #broker: Broker;
  readonly #subscriptions: Subscriptions;
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
    this.#events = options.events;
    this.#clock = options.clock;
  }

  /** All channels and patterns with subscribers, by name. */
  async list(): Promise<ChannelStatus[]> {
    const agents = await this.#subscriptions.list();
    const inboxes = new Map((await this.#broker.inspect()).map((inbox) => [inbox.name, inbox.waiting]));
    const channels = new Map<string, AgentInfo[]>();
    for (const agent of agents) {
      for (const pattern of agent.subscribes) channels.set(pattern, [...(channels.get(pattern) ?? []), agent]);
    }
    return [...channels]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, subscribers]) => ({
        name,
        subscribers: subscribers.map((agent) => agent.name),
        waiting: subscribers.reduce((sum, agent) => sum + (inboxes.get(agent.name) ?? 0), 0),
        active: subscribers.some((agent) => agent.status !== "offline" && agent.status !== "stale"),
      }));
  }

  /** One channel by the name or pattern that agents subscribed to. */
  async status(name: string): Promise<ChannelStatus | undefined> {
    return (await this.list()).find((channel) => channel.name === name);
  }

  /** Removes a channel. With `force` its subscribers are unsubscribed first. @throws CHANNEL_IN_USE naming how many are subscribed */
  async close(name: string, options: { readonly force?: boolean } = {}): Promise<void> {
    const channel = await this.status(name);
    if (!channel) return;
    if (!options.force) {
      const count = channel.subscribers.length;
      throw new AgentwireError("CHANNEL_IN_USE", `Channel "${name}" has ${count} subscriber${count === 1 ? "" : "s"}`, {
        details: { channel: name, subscribers: channel.subscribers },
      });
    }
    for (const agent of channel.subscribers) await this.#subscriptions.unsubscribe(agent, name);
    if (this.#events.wants("channel.closed"))
      this.#events.emit({ type: "channel.closed", at: this.#clock.now(), channel: name });
  }
}
