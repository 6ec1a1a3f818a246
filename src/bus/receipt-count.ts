import type { LogEntry, Store } from "../store/store.ts";

/** Entries read at once: each can hold the ends of hundreds of messages. */
const PAGE = 50;

interface Counted {
  /** Positions of the first and of the last entry that were counted. */
  readonly first: number;
  readonly last: number;
  readonly records: number;
}

/** How many records the receipt logs hold. Only what was written since it last looked is read. */
export class ReceiptCount {
  readonly #store: Pick<Store, "read" | "trim">;
  #counted = new Map<string, Counted>();

  constructor(store: Pick<Store, "read" | "trim">) {
    this.#store = store;
  }

  /** Removes the oldest records, so that of these logs, oldest first, about `most` records stay, never more. */
  async bound(logs: readonly string[], most: number): Promise<void> {
    const counted = new Map<string, Counted>();
    let surplus = -most;
    for (const log of logs) {
      const count = await this.#count(log);
      if (count === undefined) continue;
      counted.set(log, count);
      surplus += count.records;
    }
    this.#counted = counted;
    for (const [log, { records }] of counted) {
      if (surplus <= 0) return;
      counted.delete(log);
      if (records <= surplus) await this.#store.trim(log);
      else await this.#store.trim(log, { upTo: await this.#endOf(log, surplus) });
      surplus -= records;
    }
  }

  async #count(log: string): Promise<Counted | undefined> {
    const [first] = await this.#store.read(log, { limit: 1 });
    if (!first) return undefined;
    const before = this.#counted.get(log);
    // What was counted has been trimmed, by an engine that bounds its logs itself.
    const known = before?.first === first.position ? before : undefined;
    let last = known?.last ?? 0;
    let records = known?.records ?? 0;
    for await (const entry of this.#entries(log, last)) {
      last = entry.position;
      records += recordsIn(entry);
    }
    return { first: first.position, last, records };
  }

  /** The position up to which a log holds so many records, or the few more that one entry has. */
  async #endOf(log: string, records: number): Promise<number> {
    let left = records;
    for await (const entry of this.#entries(log, 0)) {
      left -= recordsIn(entry);
      if (left <= 0) return entry.position;
    }
    return 0;
  }

  async *#entries(log: string, from: number): AsyncGenerator<LogEntry> {
    for (let after = from; ; ) {
      const page = await this.#store.read(log, { after, limit: PAGE });
      yield* page;
      const last = page.at(-1);
      if (page.length < PAGE || !last) return;
      after = last.position;
    }
  }
}

/** What another program wrote counts as one. */
function recordsIn({ value }: LogEntry): number {
  return Array.isArray(value) ? value.length : 1;
}
