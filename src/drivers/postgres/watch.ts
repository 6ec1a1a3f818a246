import type { Change } from "../../store/store.ts";
import type { Topics } from "./topics.ts";

/** A stored value as its row. */
export interface ValueRow {
  readonly key: string;
  /** JSON. */
  readonly value: string;
  readonly revision: number;
}

/** What a watch is made of. */
export interface WatchOptions {
  readonly topics: Topics;
  /** Scoped prefix of the keys. */
  readonly prefix: string;
  /** Length of the scope before each key. */
  readonly strip: number;
  /** Topic of the changes of all keys, which this process listens to anyway. */
  readonly topic: string;
  /** The values under the prefix, of these keys if some are given, with the revision of their bucket. */
  read(keys?: readonly string[]): Promise<{ readonly rows: readonly ValueRow[]; readonly revision: number }>;
  listener(changes: readonly Change[]): void;
}

/** Tells a listener of changed values, by comparing what is there with what it was told last. */
export class Watch {
  readonly #options: WatchOptions;
  readonly #known = new Map<string, number>();
  /** Keys as the first look found them: where one was changed just before, its notification may come after. */
  readonly #untold = new Set<string>();
  readonly #unhear: () => void;
  #changed = new Set<string>();
  #isWhole = true;
  #isLooking = false;
  #isFirst = true;
  #stopped = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#unhear = options.topics.hear(options.topic, (data) => {
      const key = data.slice(1);
      if (!key.startsWith(options.prefix)) return;
      this.#changed.add(key);
      void this.#look();
    });
    void this.#look();
  }

  stop(): void {
    this.#stopped = true;
    this.#unhear();
  }

  /** Something may have been missed, deletions included. */
  lookAtAll(): void {
    this.#isWhole = true;
    void this.#look();
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      while (!this.#stopped && (this.#isWhole || this.#changed.size > 0)) {
        const isWhole = this.#isWhole;
        const keys = [...this.#changed];
        this.#isWhole = false;
        if (!isWhole) this.#changed = new Set();
        const { rows, revision } = await this.#options.read(isWhole ? undefined : keys);
        if (isWhole) this.#compare(rows, { gone: [...this.#known.keys()], revision });
        else this.#tellOf(keys, rows, revision);
      }
    } catch {
      // The next sweep looks at everything.
      this.#isWhole = true;
    } finally {
      this.#isLooking = false;
    }
  }

  #compare(rows: readonly ValueRow[], at: { readonly gone: readonly string[]; readonly revision: number }): void {
    const changes: Change[] = [];
    const gone = new Set(at.gone);
    for (const row of rows) {
      gone.delete(row.key);
      if (this.#known.get(row.key) === row.revision) continue;
      this.#known.set(row.key, row.revision);
      if (this.#isFirst) this.#untold.add(row.key);
      else changes.push(this.#change(row));
    }
    for (const key of gone) changes.push(this.#gone(key, at.revision));
    this.#isFirst = false;
    this.#tell(changes);
  }

  #tellOf(keys: readonly string[], rows: readonly ValueRow[], revision: number): void {
    const changes: Change[] = [];
    const found = new Map(rows.map((row) => [row.key, row]));
    for (const key of keys) {
      const row = found.get(key);
      if (!row) changes.push(this.#gone(key, revision));
      else if (this.#untold.delete(key) || this.#known.get(key) !== row.revision) changes.push(this.#change(row));
    }
    this.#tell(changes);
  }

  #change({ key, value, revision }: ValueRow): Change {
    this.#known.set(key, revision);
    return { key: key.slice(this.#options.strip), value: JSON.parse(value) as unknown, revision };
  }

  #gone(key: string, revision: number): Change {
    this.#known.delete(key);
    this.#untold.delete(key);
    return { key: key.slice(this.#options.strip), revision };
  }

  #tell(changes: readonly Change[]): void {
    if (changes.length > 0 && !this.#stopped) this.#options.listener(changes);
  }
}
