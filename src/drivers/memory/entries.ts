import type { Clock } from "../../internal/clock.ts";
import type { Change, Entry, ListOptions, PutOptions } from "../../store/store.ts";
import { plainCopy } from "./plain-copy.ts";
import { Schedule } from "./schedule.ts";
import { SortedKeys } from "./sorted-keys.ts";

/** Key-value data with revisions and times to live, shared by all drivers of one scope. */
export class Entries {
  readonly #clock: Clock;
  readonly #onChange: (change: Change) => void;
  readonly #entries = new Map<string, Entry>();
  readonly #keys = new SortedKeys();
  readonly #buckets = new Map<string, number>();
  readonly #expiries: Schedule<Entry>;
  #revision = 0;

  constructor(clock: Clock, onChange: (change: Change) => void) {
    this.#clock = clock;
    this.#onChange = onChange;
    this.#expiries = new Schedule<Entry>({
      clock,
      isLive: (entry) => this.#entries.get(entry.key) === entry,
      onDue: (entry) => this.#remove(entry.key),
    });
  }

  get(key: string): Entry | undefined {
    const entry = this.#present(key);
    return entry && { ...entry, value: plainCopy(entry.value) };
  }

  /** Whether the key has this revision now; 0: is absent. No revision always holds. */
  holds(key: string, ifRevision: number | undefined): boolean {
    return ifRevision === undefined || (this.#present(key)?.revision ?? 0) === ifRevision;
  }

  put(key: string, value: unknown, { ifRevision, ttl }: PutOptions = {}): number | undefined {
    if (!this.holds(key, ifRevision)) return undefined;
    const copy = plainCopy(value);
    const revision = this.#nextRevision(key);
    const entry: Entry = {
      key,
      value: copy,
      revision,
      ...(ttl === undefined ? {} : { expiresAt: this.#clock.now() + ttl }),
    };
    if (!this.#entries.has(key)) this.#keys.add(key);
    this.#entries.set(key, entry);
    if (entry.expiresAt !== undefined) this.#expiries.add(entry, entry.expiresAt);
    this.#onChange({ key, value: copy, revision });
    return revision;
  }

  delete(key: string, ifRevision: number | undefined): boolean {
    if (!this.#present(key) || !this.holds(key, ifRevision)) return false;
    this.#remove(key);
    return true;
  }

  list(prefix: string, { limit = Number.POSITIVE_INFINITY, after, reverse = false }: ListOptions): Entry[] {
    const found: Entry[] = [];
    for (const key of this.#keys.startingWith(prefix, { after, reverse })) {
      if (found.length >= limit) break;
      const entry = this.get(key);
      if (entry) found.push(entry);
    }
    return found;
  }

  /** The largest revision given in a bucket. */
  revision(bucket: string): number {
    return this.#buckets.get(bucket) ?? 0;
  }

  #present(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    return entry?.expiresAt !== undefined && entry.expiresAt <= this.#clock.now() ? undefined : entry;
  }

  #remove(key: string): void {
    this.#entries.delete(key);
    this.#keys.delete(key);
    this.#onChange({ key, revision: this.#nextRevision(key) });
  }

  #nextRevision(key: string): number {
    const end = key.indexOf("/");
    this.#buckets.set(end === -1 ? key : key.slice(0, end), ++this.#revision);
    return this.#revision;
  }
}
