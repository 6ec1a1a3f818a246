import { isDeepStrictEqual } from "node:util";
import type { Clock, Timer } from "../internal/clock.ts";
import { Coalesced } from "../internal/coalesced.ts";
import type { Change, Store } from "../store/store.ts";
import { type ChannelRule, readRule } from "./channel-rule.ts";
import type { AgentRecord } from "./record.ts";
import { readRecord } from "./record-check.ts";
import { type Known, Shelf } from "./shelf.ts";

const BUCKET = "registry";
/** What the keys of all records start with. */
const PREFIX = `${BUCKET}/`;
const AGENTS = `${PREFIX}agents/`;
const CHANNELS = `${PREFIX}channels/`;

/** After reading all records, the next reading waits for so many times as long as it took: a tenth of the time at most is spent on it. */
const REST = 9;

/** The key of an agent's record. */
export function recordKey(agent: string): string {
  return AGENTS + agent;
}

/** The key of a channel's rule. */
export function ruleKey(channel: string): string {
  return CHANNELS + channel;
}

/** What a {@link RecordBook} is built from. */
export interface RecordBookOptions {
  readonly store: Pick<Store, "get" | "put" | "delete" | "list" | "revision" | "watch">;
  readonly clock: Clock;
  /** Records were added, changed or removed: those of these agents, or rules of channels. */
  onChange(agents: readonly string[]): void;
}

/**
 * All agents' records and all channels' rules in memory. Changes show at once when they are told of; `revision` moves only when all
 * records were read, so that it never claims more than what is shown.
 */
export class RecordBook {
  readonly #options: RecordBookOptions;
  readonly #agents = new Shelf<AgentRecord>(AGENTS, readRecord);
  readonly #rules = new Shelf<ChannelRule>(CHANNELS, readRule);
  readonly #shelves = [this.#agents, this.#rules] as const;
  /** Changes later than `revision`. */
  readonly #newer = new Map<string, Change>();
  readonly #reading = new Coalesced(() => this.#read());
  #revision = 0;
  #restUntil = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #unwatch: (() => void) | undefined;

  constructor(options: RecordBookOptions) {
    this.#options = options;
  }

  /** Revision of the bucket `registry` that this view shows, or an older one. */
  get revision(): number {
    return this.#revision;
  }

  async open(): Promise<void> {
    this.#unwatch = this.#options.store.watch(PREFIX, (changes) => this.#told(changes));
    await this.refresh();
  }

  close(): void {
    this.#unwatch?.();
    this.#timer?.cancel();
  }

  get(name: string): AgentRecord | undefined {
    return this.#agents.get(name);
  }

  records(): IterableIterator<Known<AgentRecord>> {
    return this.#agents.known();
  }

  /** The rules of all channels that have any. */
  rules(): ChannelRule[] {
    return [...this.#rules.known()].map(({ record }) => record);
  }

  /** Reads all records as they are now. */
  refresh(): Promise<void> {
    return this.#reading.run();
  }

  /**
   * Rewrites what is stored under a key, unless another has changed it meanwhile, then again; undefined removes it.
   * Resolves when this view shows it. What stays the same is not written.
   */
  async rewrite(key: string, change: (value: unknown) => unknown): Promise<void> {
    const { store } = this.#options;
    for (;;) {
      const entry = await store.get(key);
      const ifRevision = entry?.revision ?? 0;
      const value = change(entry?.value);
      if (isDeepStrictEqual(value, entry?.value))
        return entry && this.#written({ key, value, revision: entry.revision });
      if (value === undefined) {
        if (await store.delete(key, { ifRevision })) return this.refresh();
        continue;
      }
      const revision = await store.put(key, value, { ifRevision });
      if (revision !== undefined) return this.#written({ key, value, revision });
    }
  }

  /** Takes in a change that this process has made. */
  async #written(change: Change): Promise<void> {
    if (!this.#take(change)) return;
    if (this.#mayRead()) await this.refresh();
    else this.#readLater();
  }

  /** Reads all records if any has changed: for the slow sweep. */
  async check(): Promise<void> {
    if ((await this.#options.store.revision(BUCKET)) !== this.#revision) await this.refresh();
  }

  #told(changes: readonly Change[]): void {
    let news = false;
    for (const change of changes) news = this.#take(change) || news;
    if (!news) return;
    if (this.#mayRead()) void this.refresh().catch(() => this.#readLater());
    else this.#readLater();
  }

  /** Whether the change was news. */
  #take(change: Change): boolean {
    if (change.revision <= this.#revision || change.revision <= (this.#newer.get(change.key)?.revision ?? 0))
      return false;
    const shelf = this.#shelf(change.key);
    if (!shelf) return false;
    this.#newer.set(change.key, change);
    if (shelf.apply(change)) this.#options.onChange(shelf === this.#agents ? [shelf.nameOf(change.key)] : []);
    return true;
  }

  #shelf(key: string): Shelf<AgentRecord> | Shelf<ChannelRule> | undefined {
    return this.#shelves.find(({ prefix }) => key.startsWith(prefix));
  }

  #mayRead(): boolean {
    return this.#options.clock.monotonic() >= this.#restUntil;
  }

  #readLater(): void {
    const { clock } = this.#options;
    const delay = Math.max(1, this.#restUntil - clock.monotonic());
    this.#timer ??= clock.after(delay, () => {
      this.#timer = undefined;
      // A failed reading is repeated by the sweep, and when a publish finds the view stale.
      void this.refresh().catch(() => {});
    });
  }

  async #read(): Promise<void> {
    const { store, clock, onChange } = this.#options;
    const began = clock.monotonic();
    // The revision first: if something changes while the records are listed, it is too old, which is noticed, never too new.
    const revision = await store.revision(BUCKET);
    const entries = await store.list(PREFIX);
    const changed = new Set<string>();
    const gone = new Set(this.#shelves.flatMap((shelf) => [...shelf.names()].map((name) => shelf.prefix + name)));
    const apply = (change: Change): void => {
      const shelf = this.#shelf(change.key);
      if (shelf?.apply(change)) changed.add(change.key);
    };
    for (const entry of entries) {
      gone.delete(entry.key);
      apply(entry);
    }
    for (const key of gone) {
      const shelf = this.#shelf(key);
      if (!shelf || (this.#newer.get(key)?.revision ?? 0) > revision) continue;
      shelf.delete(shelf.nameOf(key));
      changed.add(key);
    }
    for (const [key, change] of this.#newer) {
      if (change.revision <= revision) this.#newer.delete(key);
      else apply(change);
    }
    this.#revision = revision;
    const ended = clock.monotonic();
    this.#restUntil = ended + (ended - began) * REST;
    const agents = [...changed].filter((key) => key.startsWith(AGENTS)).map((key) => this.#agents.nameOf(key));
    if (changed.size > 0) onChange(agents);
  }
}
