import type { Broker } from "../broker/broker.ts";
import { AgentwireError } from "../errors.ts";
import type { Clock, Timer } from "../internal/clock.ts";
import { type ChannelPattern, compilePattern } from "../message/pattern.ts";
import type { Store } from "../store/store.ts";
import type { Directory, DirectoryEntry } from "./directory.ts";
import { MOST_SUBSCRIPTIONS, type AgentFilter, type AgentInfo, type AgentRecord, type AgentStatus, type InstanceState, type Presence, type Where } from "./record.ts";

/** What a {@link Registry} is built from. */
export interface RegistryOptions {
  readonly store: Store;
  readonly signals: Pick<Broker, "signal" | "onSignal">;
  readonly clock: Clock;
  readonly instance: string;
  /** Milliseconds between heartbeats; default 10,000. */
  readonly heartbeat?: number;
  /** Waiting messages by inbox. */
  loads?(): Promise<ReadonlyMap<string, number>>;
}

interface Seen extends Presence {
  readonly arrived: number;
}

const PREFIX = "registry/agents/";

/** Who is there: records of agents, and what their processes last told of them. */
export class Registry {
  readonly #options: RegistryOptions;
  readonly #heartbeat: number;
  readonly #records = new Map<string, AgentRecord>();
  readonly #patterns = new Map<string, ChannelPattern[]>();
  readonly #presence = new Map<string, Seen>();
  readonly #own = new Map<string, () => InstanceState>();
  readonly directory: Directory;
  #revision = 0;
  #view: DirectoryEntry[] | undefined;
  #subscribers = new Map<string, readonly DirectoryEntry[]>();
  #timer: Timer | undefined;
  #stops: (() => void)[] = [];

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#heartbeat = options.heartbeat ?? 10_000;
    const registry = this;
    this.directory = {
      get revision() {
        return registry.#revision;
      },
      refresh: () => registry.#load(),
      get: (name) => registry.#entries().find((entry) => entry.record.name === name),
      match: (where) => registry.#entries().filter((entry) => fits(entry.record, where)),
      takers: (type) => registry.#entries().filter((entry) => entry.receives.has(type)),
      subscribers: (channel) => registry.#subscribed(channel),
      all: () => registry.#entries(),
      suggest: (name) => [...registry.#records.keys()].filter((other) => other[0] === name[0]).slice(0, 3),
    };
  }

  async start(): Promise<void> {
    const { store, signals, clock } = this.#options;
    this.#stops.push(store.watch("registry/", () => void this.#load()));
    this.#stops.push(
      signals.onSignal("presence", (data) => {
        const presence = data as Presence;
        this.#presence.set(presence.instance, { ...presence, arrived: clock.monotonic() });
        this.#changed();
      }),
    );
    await this.#load();
    for (const { value } of await store.list("presence/")) {
      const presence = value as Presence;
      this.#presence.set(presence.instance, { ...presence, arrived: clock.monotonic() });
    }
    this.#changed();
    this.#beatLater();
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    for (const stop of this.#stops) stop();
    await this.#options.store.delete(`presence/${this.#options.instance}`);
  }

  async register(record: AgentRecord): Promise<void> {
    const key = PREFIX + record.name;
    const existing = (await this.#options.store.get(key))?.value as AgentRecord | undefined;
    const next = existing ? { ...record, firstSeen: existing.firstSeen, subscribes: [...new Set([...record.subscribes, ...existing.subscribes])] } : record;
    for (const pattern of next.subscribes) compilePattern(pattern);
    if (!existing || JSON.stringify(existing) !== JSON.stringify(next)) await this.#options.store.put(key, next);
    await this.#load();
  }

  announce(agent: string, state: () => InstanceState): void {
    this.#own.set(agent, state);
    void this.announceNow();
  }

  async announceNow(): Promise<void> {
    const { store, signals, clock, instance } = this.#options;
    const presence: Presence = { instance, at: clock.now(), agents: [...this.#own.values()].map((state) => state()) };
    signals.signal("presence", presence);
    await store.put(`presence/${instance}`, presence, { ttl: this.#heartbeat * 6 });
  }

  async retire(agent: string): Promise<void> {
    this.#own.delete(agent);
    await this.announceNow();
  }

  async subscribe(agent: string, pattern: string): Promise<void> {
    compilePattern(pattern);
    await this.#change(agent, (record) => {
      if (record.subscribes.includes(pattern)) return record;
      if (record.subscribes.length >= MOST_SUBSCRIPTIONS) {
        throw new AgentwireError("LIMIT_EXCEEDED", `Agent "${agent}" has ${MOST_SUBSCRIPTIONS} subscriptions, which is the limit`);
      }
      return { ...record, subscribes: [...record.subscribes, pattern] };
    });
  }

  unsubscribe(agent: string, pattern: string): Promise<void> {
    return this.#change(agent, (record) => ({ ...record, subscribes: record.subscribes.filter((other) => other !== pattern) }));
  }

  async list(): Promise<AgentInfo[]> {
    return this.find({});
  }

  async find(filter: AgentFilter): Promise<AgentInfo[]> {
    return this.#entries()
      .filter((entry) => fits(entry.record, filter) && !(filter.exclude ?? []).includes(entry.record.name))
      .map((entry) => this.#info(entry));
  }

  async get(name: string): Promise<AgentInfo | undefined> {
    const entry = this.directory.get(name);
    return entry && this.#info(entry);
  }

  async #change(agent: string, change: (record: AgentRecord) => AgentRecord): Promise<void> {
    const { store } = this.#options;
    for (;;) {
      const entry = await store.get(PREFIX + agent);
      if (!entry) throw new AgentwireError("AGENT_NOT_FOUND", `No agent named "${agent}" is known`);
      const next = change(entry.value as AgentRecord);
      if (next === entry.value) return;
      if ((await store.put(entry.key, next, { ifRevision: entry.revision })) !== undefined) break;
    }
    await this.#load();
  }

  async #load(): Promise<void> {
    const { store } = this.#options;
    for (;;) {
      const revision = await store.revision("registry");
      const entries = await store.list(PREFIX);
      if ((await store.revision("registry")) !== revision) continue;
      this.#records.clear();
      this.#patterns.clear();
      for (const { value } of entries) {
        const record = value as AgentRecord;
        this.#records.set(record.name, record);
        this.#patterns.set(record.name, record.subscribes.map(compilePattern));
      }
      this.#revision = revision;
      return this.#changed();
    }
  }

  #changed(): void {
    this.#view = undefined;
    this.#subscribers = new Map();
  }

  #entries(): DirectoryEntry[] {
    this.#view ??= [...this.#records.values()].map((record) => {
      const states = [...this.#presence.values()].flatMap((seen) => seen.agents.filter((state) => state.agent === record.name));
      return {
        record,
        receives: new Set(record.receives),
        status: (states.length > 0 ? "online" : "offline") as AgentStatus,
        concurrency: Math.max(1, states.reduce((sum, state) => sum + state.concurrency, 0) || record.concurrency),
        lastSeen: this.#options.clock.now(),
      };
    });
    return this.#view;
  }

  #subscribed(channel: string): readonly DirectoryEntry[] {
    let found = this.#subscribers.get(channel);
    if (!found) {
      found = this.#entries().filter((entry) => this.#patterns.get(entry.record.name)?.some((pattern) => pattern.matches(channel)));
      this.#subscribers.set(channel, found);
    }
    return found;
  }

  #info(entry: DirectoryEntry): AgentInfo {
    return { ...entry.record, status: entry.status, instances: [], running: 0, load: 0, lastSeen: entry.lastSeen };
  }

  #beatLater(): void {
    this.#timer = this.#options.clock.after(this.#heartbeat, () => {
      if (this.#own.size > 0) void this.announceNow();
      this.#beatLater();
    });
  }
}

function fits(record: AgentRecord, where: Where): boolean {
  return (
    (where.role === undefined || record.role === where.role) &&
    (where.department === undefined || record.department === where.department) &&
    (where.region === undefined || record.region === where.region) &&
    (where.label === undefined || (record.labels ?? []).includes(where.label)) &&
    (where.capability === undefined || record.capabilities.some((capability) => capability.name === where.capability))
  );
}
