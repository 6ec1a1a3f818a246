import { JOURNAL_LOG } from "../../broker/journal-log.ts";
import { byReceiptLog, RECEIPT_LOG_PREFIX } from "../../broker/receipt-log.ts";
import type { LogEntry, ReadOptions } from "../../store/store.ts";
import { plainCopy } from "./plain-copy.ts";
import type { RecentReceipts } from "./receipts.ts";

/** The journal has entries for every message and hand-off. */
const JOURNAL_ROOM = 10;

/** Append-only logs, each bounded to the last `limit` entries, the journal to ten times as many; all receipts together are bounded to as many. */
export class Logs {
  readonly #logs = new Map<string, LogEntry[]>();
  readonly #receipts: RecentReceipts;
  readonly #limit: number;
  #position = 0;

  constructor(receipts: RecentReceipts, limit: number) {
    this.#receipts = receipts;
    this.#limit = limit;
  }

  append(log: string, values: readonly unknown[]): void {
    this.#bringIn();
    this.#append(log, values.map(plainCopy));
  }

  read(log: string, { after = 0, limit = 1_000 }: ReadOptions): LogEntry[] {
    this.#bringIn();
    const entries = this.#logs.get(log) ?? [];
    const from = firstAfter(entries, after);
    return entries.slice(from, from + limit).map(({ position, value }) => ({ position, value: plainCopy(value) }));
  }

  names(prefix: string): string[] {
    this.#bringIn();
    return [...this.#logs.keys()].filter((name) => name.startsWith(prefix)).sort();
  }

  trim(log: string, upTo: number): void {
    this.#bringIn();
    const entries = this.#logs.get(log);
    if (!entries) return;
    entries.splice(0, firstAfter(entries, upTo));
    if (entries.length === 0) this.#logs.delete(log);
  }

  #append(log: string, values: readonly unknown[]): void {
    let entries = this.#logs.get(log);
    if (!entries) this.#logs.set(log, (entries = []));
    for (const value of values) entries.push({ position: ++this.#position, value });
    const limit = log === JOURNAL_LOG ? this.#limit * JOURNAL_ROOM : this.#limit;
    // A quarter over the limit before any is cut off, so that an append stays cheap.
    if (entries.length > limit * 1.25) entries.splice(0, entries.length - limit);
  }

  #bringIn(): void {
    const records = this.#receipts.drain();
    if (records.length === 0) return;
    for (const [log, ends] of byReceiptLog(records))
      this.#append(
        log,
        ends.map((end) => [end]),
      );
    const logs = [...this.#logs.keys()].filter((name) => name.startsWith(RECEIPT_LOG_PREFIX)).sort();
    let surplus = -this.#limit;
    for (const log of logs) surplus += this.#logs.get(log)?.length ?? 0;
    for (const log of logs) {
      if (surplus <= 0) break;
      const entries = this.#logs.get(log) ?? [];
      surplus -= entries.splice(0, surplus).length;
      if (entries.length === 0) this.#logs.delete(log);
    }
  }
}

/** Index of the first entry after a position. */
function firstAfter(entries: readonly LogEntry[], position: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle] as LogEntry).position <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
