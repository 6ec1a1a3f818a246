import { RECEIPT_SIGNAL } from "../../broker/receipt-log.ts";
import type { ReceiptRecord } from "../../message/receipt-record.ts";
import { ReceiptRing } from "./receipt-ring.ts";
import type { Signals } from "./signals.ts";

/** The last records of ends. They become logs only when somebody reads them, so that a record costs a slot in a ring. */
export class RecentReceipts {
  readonly #signals: Signals;
  readonly #limit: number;
  #ring: ReceiptRing;
  #news: ReceiptRecord[] | undefined;

  constructor(signals: Signals, limit: number) {
    this.#signals = signals;
    this.#limit = limit;
    this.#ring = new ReceiptRing(limit);
  }

  add(record: ReceiptRecord): void {
    this.#ring.add(record);
    if (this.#signals.heard(RECEIPT_SIGNAL)) this.#tell(record);
  }

  /** What was added since the last call, at most the limit, oldest first. */
  drain(): ReceiptRecord[] {
    const records = this.#ring.records();
    if (records.length > 0) this.#ring = new ReceiptRing(this.#limit);
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
