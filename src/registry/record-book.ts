import type { Clock, Timer } from "../internal/clock.ts";
import { Coalesced } from "../internal/coalesced.ts";
import type { Change, Store } from "../store/store.ts";
import type { AgentRecord } from "./record.ts";
import { readRecord } from "./record-check.ts";

/** What the keys of all records start with. */
const PREFIX = "registry/agents/";
const BUCKET = "registry";

/** After reading all records, the next reading waits for so many times as long as it took: a tenth of the time at most is spent on it. */
const REST = 9;

interface Known {
  readonly record: AgentRecord;
  readonly revision: number;
}

/** The key of an agent's record. */
export function recordKey(agent: string): string {
  return PREFIX + agent;
}

/** What a {@link RecordBook} is built from. */
export interface RecordBookOptions {
  readonly store: Pick<Store, "list" | "revision" | "watch">;
  readonly clock: Clock;
  /** Some records were added, changed or removed. */
  onChange(names: readonly string[]): void;
}

/**
 * All agents' records in memory. Changes show at once when they are told of; `revision` moves only when all
 * records were read, so that it never claims more than what is shown.
 */
export class RecordBook {
  readonly #options: RecordBookOptions;
  readonly #known = new Map<string, Known>();
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
    return this.#known.get(name)?.record;
  }

  records(): IterableIterator<Known> {
    return this.#known.values();
  }

  get size(): number {
    return this.#known.size;
  }

  /** Reads all records as they are now. */
  refresh(): Promise<void> {
    return this.#reading.run();
  }

  /** Takes in a change that this process has made. */
  async written(change: Change): Promise<void> {
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
    this.#newer.set(change.key, change);
    if (this.#apply(change)) this.#options.onChange([nameOf(change.key)]);
    return true;
  }

  #apply({ key, value, revision }: Change): boolean {
    const name = nameOf(key);
    const known = this.#known.get(name);
    if (known && known.revision >= revision) return false;
    const record = readRecord(value);
    // The key decides the name: a record stored under another one is not believed.
    if (record?.name !== name) return this.#known.delete(name);
    this.#known.set(name, { record, revision });
    return true;
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
    const gone = new Set(this.#known.keys());
    for (const { key, value, revision: own } of entries) {
      gone.delete(nameOf(key));
      if (this.#known.get(nameOf(key))?.revision !== own && this.#apply({ key, value, revision: own }))
        changed.add(nameOf(key));
    }
    for (const name of gone) {
      if ((this.#newer.get(recordKey(name))?.revision ?? 0) > revision) continue;
      this.#known.delete(name);
      changed.add(name);
    }
    for (const [key, change] of this.#newer) {
      if (change.revision <= revision) this.#newer.delete(key);
      else if (this.#apply(change)) changed.add(nameOf(key));
    }
    this.#revision = revision;
    const ended = clock.monotonic();
    this.#restUntil = ended + (ended - began) * REST;
    if (changed.size > 0) onChange([...changed]);
  }
}

function nameOf(key: string): string {
  return key.slice(PREFIX.length);
}
