import type { Broker } from "../broker/broker.ts";
import { AgentwireError } from "../errors.ts";
import type { Clock, Timer } from "../internal/clock.ts";
import { compilePattern } from "../message/pattern.ts";
import type { Change, Entry, Store } from "../store/store.ts";
import { AgentChanges, type AgentListener } from "./agent-changes.ts";
import { agentInfo } from "./agent-info.ts";
import { matchesFilter } from "./agent-match.ts";
import { OFFLINE_AFTER, READINESS } from "./agent-status.ts";
import { Attendance } from "./attendance.ts";
import { ChannelBook } from "./channel-book.ts";
import type { Directory, DirectoryEntry } from "./directory.ts";
import { DirectoryView } from "./directory-view.ts";
import { Heartbeat, PRESENCE_PREFIX, PRESENCE_SIGNAL, type StateOf } from "./heartbeat.ts";
import { LastSeen } from "./last-seen.ts";
import { Picker, type PickOptions } from "./pick.ts";
import { readPresence } from "./presence-check.ts";
import type { AgentFilter, AgentInfo, AgentRecord, AgentStatus, Presence } from "./record.ts";
import { RecordBook, recordKey } from "./record-book.ts";
import { readRecord, storable } from "./record-check.ts";
import { mergeRecord, refuseContradiction, withoutSubscription, withSubscription } from "./record-merge.ts";
import { type RegistryStats, registryStats } from "./registry-stats.ts";

/** What a {@link Registry} is built from. */
export interface RegistryOptions {
  readonly store: Store;
  readonly signals: Pick<Broker, "signal" | "onSignal">;
  readonly clock: Clock;
  readonly instance: string;
  /** Milliseconds between heartbeats; default 10,000. */
  readonly heartbeat?: number;
  /** Waiting and held messages by inbox: of those named, or of all. */
  loads?(inboxes?: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

const DEFAULT_HEARTBEAT = 10_000;
/** Changes that nobody told of are looked for this often, in milliseconds. */
const SLOW_SWEEP = 30_000;

/** Who is there: what agents have registered, and what their processes last told of them. */
export class Registry {
  /** The fast view that routing asks. */
  readonly directory: Directory;
  /** What is known of channels, beside who is subscribed. */
  readonly channels: ChannelBook;
  readonly #options: RegistryOptions;
  readonly #interval: number;
  readonly #attendance: Attendance;
  readonly #book: RecordBook;
  readonly #view: DirectoryView;
  readonly #heartbeat: Heartbeat;
  readonly #lastSeen: LastSeen;
  readonly #changes: AgentChanges;
  readonly #picker = new Picker();
  #stops: (() => void)[] = [];
  #timer: Timer | undefined;
  #sweptAt = 0;
  #stopped = false;

  constructor(options: RegistryOptions) {
    const { store, signals, clock, instance } = options;
    this.#options = options;
    this.#interval = options.heartbeat ?? DEFAULT_HEARTBEAT;
    this.#attendance = new Attendance(clock);
    this.#changes = new AgentChanges({ status: (agent) => this.#statusOf(agent), now: () => clock.now() });
    this.#book = new RecordBook({ store, clock, onChange: (names) => this.#recordsChanged(names) });
    this.channels = new ChannelBook({ store, clock, book: this.#book });
    this.#view = new DirectoryView(this.#book, this.#attendance);
    this.directory = this.#view;
    this.#lastSeen = new LastSeen(store);
    this.#heartbeat = new Heartbeat({
      store,
      signals,
      clock,
      instance,
      interval: this.#interval,
      lastSeen: this.#lastSeen,
      onTold: (presence) => this.#changes.look(this.#attendance.tell(presence) ?? []),
    });
  }

  /** Reads who is there and listens to what changes. */
  async start(): Promise<void> {
    const { store, signals, clock } = this.#options;
    this.#stops.push(signals.onSignal(PRESENCE_SIGNAL, (data) => this.#told(readPresence(data))));
    this.#stops.push(store.watch(PRESENCE_PREFIX, (changes) => this.#presencesChanged(changes)));
    await this.#book.open();
    for (const [agent, at] of await this.#lastSeen.read()) this.#attendance.saw(agent, at);
    for (const entry of await store.list(PRESENCE_PREFIX)) this.#toldBefore(entry);
    this.#sweptAt = clock.monotonic();
    this.#beatLater();
  }

  /** Writes the departure of this process and stops listening. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#timer?.cancel();
    for (const stop of this.#stops) stop();
    this.#book.close();
    await this.#heartbeat.stop();
  }

  /**
   * Makes an agent known. The same definition again writes nothing; of two different ones the newest stands.
   * @throws AGENT_CONFLICT when an instance of another kind or role is running under the name, PATTERN_INVALID,
   * LIMIT_EXCEEDED over 1,000 subscriptions, PAYLOAD_TOO_LARGE over 512 KiB
   */
  async register(record: AgentRecord): Promise<void> {
    await this.#change(record.name, (existing) => {
      if (existing && this.#runs(record.name)) refuseContradiction(existing, record);
      return mergeRecord(existing, record);
    });
    await this.channels.use(record.subscribes);
  }

  /** Counts a running copy of an agent among those of this process; `state` is asked with each heartbeat. */
  announce(agent: string, state: StateOf): void {
    this.#heartbeat.add(agent, state);
    // If it fails, the next heartbeat tells.
    this.announceNow().catch(() => {});
  }

  /** Tells others at once how the agents of this process are doing. */
  announceNow(): Promise<void> {
    return this.#heartbeat.now();
  }

  /** One running copy of an agent is gone from this process; without `state` all its copies. */
  async retire(agent: string, state?: StateOf): Promise<void> {
    this.#heartbeat.remove(agent, state);
    await this.announceNow();
  }

  /** Subscribes an agent to a channel or pattern. @throws PATTERN_INVALID, LIMIT_EXCEEDED, AGENT_NOT_FOUND */
  async subscribe(agent: string, pattern: string): Promise<void> {
    compilePattern(pattern);
    await this.#change(agent, (record) => withSubscription(this.#registered(agent, record), pattern));
    await this.channels.use([pattern]);
  }

  /** Ends a subscription; one that does not exist is no error. @throws AGENT_NOT_FOUND */
  async unsubscribe(agent: string, pattern: string): Promise<void> {
    await this.#change(agent, (record) => withoutSubscription(this.#registered(agent, record), pattern));
  }

  /**
   * Forgets an agent: its name is free again. Its inbox stays. False if it was not known.
   * @throws AGENT_CONFLICT while an instance runs, unless forced
   */
  async remove(agent: string, options: { readonly force?: boolean } = {}): Promise<boolean> {
    if (!options.force && this.#book.get(agent) && this.#runs(agent)) {
      const instances = this.#attendance.instances(agent);
      throw new AgentwireError("AGENT_CONFLICT", `Agent "${agent}" is running and cannot be removed`, {
        details: { agent, instances },
        hint: "Stop its instances first, or remove it with `force: true`.",
      });
    }
    const removed = await this.#options.store.delete(recordKey(agent));
    await this.#book.refresh();
    return removed;
  }

  /** All agents, in the order of registration. */
  list(): Promise<AgentInfo[]> {
    return this.find();
  }

  /** The agents that match, in the order of registration. */
  async find(filter: AgentFilter = {}): Promise<AgentInfo[]> {
    const candidates = filter.type === undefined ? this.directory.match(filter) : this.directory.takers(filter.type);
    return this.#infos(candidates.filter((entry) => matchesFilter(entry, filter)));
  }

  /** One agent by name. */
  async get(name: string): Promise<AgentInfo | undefined> {
    const entry = this.directory.get(name);
    return entry && (await this.#infos([entry]))[0];
  }

  /** One of the agents that match; undefined if none does. @throws OUT_OF_RANGE, ARGUMENT_INVALID for options that cannot be used */
  async pick(filter: AgentFilter = {}, options: PickOptions = {}): Promise<AgentInfo | undefined> {
    const exclude = [...(filter.exclude ?? []), ...(options.exclude ?? [])];
    return this.#picker.pick(await this.find({ ...filter, exclude }), options);
  }

  /** Calls `listener` when an agent comes, goes or changes its status, from now on; returns the way to stop. */
  watch(listener: AgentListener): () => void {
    return this.#changes.watch(listener, this.#names());
  }

  /** The agents in numbers. */
  async stats(): Promise<RegistryStats> {
    return registryStats(await this.find());
  }

  async #infos(entries: readonly DirectoryEntry[]): Promise<AgentInfo[]> {
    if (entries.length === 0) return [];
    const loads = await this.#options.loads?.(entries.map((entry) => entry.record.name));
    return entries.map((entry) => agentInfo(entry, this.#attendance, loads?.get(entry.record.name)));
  }

  #change(agent: string, change: (record: AgentRecord | undefined) => AgentRecord): Promise<void> {
    return this.#book.rewrite(recordKey(agent), (value) => storable(change(readRecord(value))));
  }

  #registered(agent: string, record: AgentRecord | undefined): AgentRecord {
    if (record) return record;
    const suggestions = this.directory.suggest(agent);
    throw new AgentwireError("AGENT_NOT_FOUND", `No agent named "${agent}" is known`, {
      details: { agent, suggestions },
    });
  }

  #runs(agent: string): boolean {
    return READINESS[this.#attendance.status(agent)] < READINESS.stale;
  }

  #statusOf(agent: string): AgentStatus {
    return this.#book.get(agent) ? this.#attendance.status(agent) : "offline";
  }

  #told(presence: Presence | undefined, age = 0): void {
    if (presence) this.#changes.look(this.#attendance.tell(presence, age) ?? []);
  }

  /** A stored presence lives for six heartbeats: what has passed of them is its age. */
  #toldBefore({ value, expiresAt }: Entry): void {
    const presence = readPresence(value);
    if (!presence || expiresAt === undefined) return;
    const lifetime = presence.heartbeat * OFFLINE_AFTER;
    const left = expiresAt - this.#options.clock.now();
    this.#told(presence, Math.min(lifetime, Math.max(0, lifetime - left)));
  }

  #presencesChanged(changes: readonly Change[]): void {
    for (const { key, value } of changes) {
      if (value !== undefined) this.#told(readPresence(value));
      else this.#changes.look(this.#attendance.left(key.slice(PRESENCE_PREFIX.length)) ?? []);
    }
  }

  #recordsChanged(names: readonly string[]): void {
    this.#view.changed(names);
    this.#changes.look(names);
  }

  #beatLater(): void {
    this.#timer = this.#options.clock.after(this.#interval, () => {
      this.#beat().catch(() => {
        // The store is away: what was to be told is told with the next beat.
      });
      this.#beatLater();
    });
  }

  async #beat(): Promise<void> {
    const now = this.#options.clock.monotonic();
    this.#changes.look(this.#names());
    this.#attendance.sweep();
    const isDue = now - this.#sweptAt >= SLOW_SWEEP;
    if (isDue) this.#sweptAt = now;
    await this.#heartbeat.beat();
    if (isDue) await this.#book.check();
  }

  *#names(): Generator<string> {
    for (const { record } of this.#book.records()) yield record.name;
  }
}
