import type { ReceiptRecord } from "../../message/receipt-record.ts";

/**
 * The last records, in columns where they are of the usual kind: an object for each would outlive thousands of messages,
 * and moving those is a large part of what garbage collection costs here.
 */
export class ReceiptRing {
  readonly #limit: number;
  /** A message's id where it was acknowledged with nothing more to tell; any other record as a whole. */
  readonly #slots: (string | ReceiptRecord)[] = [];
  readonly #recipients: string[] = [];
  readonly #instances: string[] = [];
  readonly #at: number[] = [];
  readonly #offeredAt: number[] = [];
  readonly #attempts: number[] = [];
  #next = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(record: ReceiptRecord): void {
    const slot = this.#next;
    this.#next = slot + 1 === this.#limit ? 0 : slot + 1;
    this.#slots[slot] = isUsual(record) ? record.id : record;
    // Filled for the others too: an array with gaps is slow.
    this.#recipients[slot] = record.recipient;
    this.#instances[slot] = record.instance ?? "";
    this.#at[slot] = record.at;
    this.#offeredAt[slot] = record.offeredAt ?? 0;
    this.#attempts[slot] = record.attempt;
  }

  /** All that it holds, oldest first. */
  records(): ReceiptRecord[] {
    const { length } = this.#slots;
    const oldest = length < this.#limit ? 0 : this.#next;
    return this.#slots.map((_, at) => this.#record((oldest + at) % length));
  }

  #record(slot: number): ReceiptRecord {
    const held = this.#slots[slot] as string | ReceiptRecord;
    if (typeof held !== "string") return held;
    return {
      id: held,
      recipient: this.#recipients[slot] as string,
      end: "acknowledged",
      at: this.#at[slot] as number,
      offeredAt: this.#offeredAt[slot] as number,
      instance: this.#instances[slot] as string,
      attempt: this.#attempts[slot] as number,
    };
  }
}

function isUsual(record: ReceiptRecord): boolean {
  return (
    record.end === "acknowledged" &&
    record.offeredAt !== undefined &&
    record.instance !== undefined &&
    record.reason === undefined &&
    record.reply === undefined
  );
}
