import type { Clock } from "../../internal/clock.ts";
import type { Change } from "../../store/store.ts";
import type { Session } from "./session.ts";

/** What a watch is made of. */
export interface WatchOptions {
  readonly session: Session;
  readonly clock: Clock;
  /** Scoped prefix of the keys. */
  readonly prefix: string;
  /** Length of the scope before each key. */
  readonly strip: number;
  /** The revision of the watched bucket now. */
  bucket(): number;
  listener(changes: readonly Change[]): void;
}

const LAST = "\u{10FFFF}";

/** Tells a listener of changed values, by comparing what is there with what it was told last. */
export class Watch {
  readonly #options: WatchOptions;
  readonly #known = new Map<string, number>();
  readonly #stop: () => void;
  #seen: number;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#seen = options.bucket();
    for (const { key, revision } of this.#rows()) this.#known.set(key, revision);
    this.#stop = options.session.onValues((keys) => (keys ? this.#look(keys) : this.#lookAtAll()));
  }

  stop(): void {
    this.#stop();
  }

  #rows(): readonly { readonly key: string; readonly value: string; readonly revision: number }[] {
    const { session, clock, prefix } = this.#options;
    return session.tables.values.range(prefix, prefix + LAST, {
      after: undefined,
      now: clock.now(),
      limit: -1,
      reverse: false,
    });
  }

  #look(keys: ReadonlySet<string>): void {
    const { session, clock, prefix } = this.#options;
    const changes: Change[] = [];
    const now = clock.now();
    for (const key of keys) {
      if (!key.startsWith(prefix)) continue;
      const row = session.tables.values.get(key);
      const isLive = row !== undefined && (row.expiresAt === undefined || row.expiresAt > now);
      this.#compare(key, isLive ? row : undefined, changes);
    }
    this.#tell(changes);
  }

  /** The sweep: something may have been missed, deletions included. */
  #lookAtAll(): void {
    const bucket = this.#options.bucket();
    if (bucket === this.#seen) return;
    this.#seen = bucket;
    const changes: Change[] = [];
    const gone = new Set(this.#known.keys());
    for (const row of this.#rows()) {
      gone.delete(row.key);
      this.#compare(row.key, row, changes);
    }
    for (const key of gone) this.#compare(key, undefined, changes);
    this.#tell(changes);
  }

  #compare(
    key: string,
    row: { readonly value: string; readonly revision: number } | undefined,
    changes: Change[],
  ): void {
    const bare = key.slice(this.#options.strip);
    if (row) {
      if (this.#known.get(key) === row.revision) return;
      this.#known.set(key, row.revision);
      changes.push({ key: bare, value: JSON.parse(row.value) as unknown, revision: row.revision });
    } else if (this.#known.delete(key)) changes.push({ key: bare, revision: this.#options.bucket() });
  }

  #tell(changes: readonly Change[]): void {
    if (changes.length > 0) this.#options.listener(changes);
  }
}
