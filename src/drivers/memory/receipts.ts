import { RECEIPT_SIGNAL } from "../../broker/receipt-log.ts";
import type { ReceiptRecord } from "../../message/receipt-record.ts";
import type { Signals } from "./signals.ts";

/** The last records of ends. They become logs only when somebody reads them, so that a record costs a slot in a ring. */
export class RecentReceipts {
  readonly #signals: Signals;
  readonly #limit: number;
  #ring: ReceiptRecord[] = [];
  #next = 0;
  #news: ReceiptRecord[] | undefined;

  constructor(signals: Signals, limit: number) {
    this.#signals = signals;
    this.#limit = limit;
  }

  add(record: ReceiptRecord): void {
    if (this.#ring.length < this.#limit) this.#ring.push(record);
    else {
      this.#ring[this.#next] = record;
      this.#next = (this.#next + 1) % this.#limit;
    }
    if (this.#signals.heard(RECEIPT_SIGNAL)) this.#tell(record);
  }

  /** What was added since the last call, at most the limit, oldest first. */
  drain(): ReceiptRecord[] {
    const records = [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)];
    this.#ring = [];
    this.#next = 0;
    return records;
  }

  #tell(record: ReceiptRecord): void {
    if (this.#news) {
      this.#news.push(record);
      return;
    }
    const news = [record];
    this.#news = news;
    queueMicrotask(() => {
      this.#news = undefined;
      this.#signals.send(RECEIPT_SIGNAL, news);
    });
  }
}
