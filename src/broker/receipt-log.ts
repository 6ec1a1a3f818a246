import type { ReceiptRecord } from "../message/receipt-record.ts";

/** What the names of all receipt logs start with. */
export const RECEIPT_LOG_PREFIX = "receipts/";

/** What the keys of all dead letters start with. */
export const DEAD_LETTER_PREFIX = "dead-letters/";

/** Topic of the signal that carries an array of {@link ReceiptRecord} after they were written. */
export const RECEIPT_SIGNAL = "receipts";

// 2^48 ms in minutes, the largest time of a UUIDv7, has seven digits in base 36.
const WIDTH = 7;
const MINUTE = 60_000;

/**
 * The log that holds the ends of a message: `receipts/<minute>`, the minute of its UUIDv7 in base 36, seven digits,
 * so that names sort by time. One entry is an array of {@link ReceiptRecord}, all that one step ended, or
 * the same packed; `receiptsIn` reads both.
 * An id without a readable time belongs to minute 0.
 */
export function receiptLog(id: string): string {
  return receiptLogAt(timeIn(id));
}

/** The log for messages whose ids were made at a wall time in milliseconds. */
export function receiptLogAt(time: number): string {
  return (
    RECEIPT_LOG_PREFIX +
    Math.floor(time / MINUTE)
      .toString(36)
      .padStart(WIDTH, "0")
  );
}

/** Sorts records of one step by the log that each belongs to. */
export function byReceiptLog(records: readonly ReceiptRecord[]): Map<string, ReceiptRecord[]> {
  const logs = new Map<string, ReceiptRecord[]>();
  // What ends together was mostly made together: the name of the log is written once per run of one minute.
  let minute = Number.NaN;
  let entry: ReceiptRecord[] | undefined;
  for (const record of records) {
    const ofRecord = Math.floor(timeIn(record.id) / MINUTE);
    if (ofRecord !== minute || entry === undefined) {
      minute = ofRecord;
      const log = receiptLogAt(minute * MINUTE);
      entry = logs.get(log);
      if (entry === undefined) logs.set(log, (entry = []));
    }
    entry.push(record);
  }
  return logs;
}

function timeIn(id: string): number {
  const time = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  return Number.isNaN(time) ? 0 : time;
}

/** Where a copy given up on is kept: `dead-letters/<inbox>/<id>`, a `DeadLetter<Envelope>`. */
export function deadLetterKey(inbox: string, id: string): string {
  return `${DEAD_LETTER_PREFIX}${inbox}/${id}`;
}
