import type { End, ReceiptRecord } from "../message/receipt-record.ts";

/** A record without what it has in common with the one before it. */
interface Packed {
  readonly id: string;
  readonly recipient?: string;
  readonly end?: End;
  readonly at?: number;
  /** Null: none, though the one before has one. */
  readonly offeredAt?: number | null;
  readonly instance?: string | null;
  readonly attempt?: number;
  readonly reason?: string;
  readonly reply?: unknown;
}

/** An entry of a receipt log, small because there is a record for every message: what ends together is mostly alike. */
export interface PackedReceipts {
  readonly packed: readonly Packed[];
}

/** What every record is compared with first. */
const NOTHING: Partial<ReceiptRecord> = {};

/** Packs the records that one step wrote into one log. */
export function packReceipts(records: readonly ReceiptRecord[]): PackedReceipts {
  let last = NOTHING;
  const packed = records.map((record): Packed => {
    const { id, recipient, end, at, offeredAt, instance, attempt, reason, reply } = record;
    const rest: { -readonly [Field in keyof Packed]: Packed[Field] } = { id };
    if (recipient !== last.recipient) rest.recipient = recipient;
    if (end !== last.end) rest.end = end;
    if (at !== last.at) rest.at = at;
    if (offeredAt !== last.offeredAt) rest.offeredAt = offeredAt ?? null;
    if (instance !== last.instance) rest.instance = instance ?? null;
    if (attempt !== last.attempt) rest.attempt = attempt;
    if (reason !== undefined) rest.reason = reason;
    if (reply !== undefined) rest.reply = reply;
    last = record;
    return rest;
  });
  return { packed };
}

/** The records of an entry of a receipt log, packed or plain; nothing from what is neither. */
export function receiptsIn(entry: unknown): readonly ReceiptRecord[] {
  if (Array.isArray(entry)) return entry as readonly ReceiptRecord[];
  const { packed } = (entry ?? {}) as Partial<PackedReceipts>;
  if (!Array.isArray(packed)) return [];
  let last = NOTHING;
  return (packed as readonly Packed[]).map((rest) => {
    const { id, recipient = last.recipient, end = last.end, at = last.at, attempt = last.attempt } = rest;
    const { offeredAt = last.offeredAt ?? null, instance = last.instance ?? null, reason, reply } = rest;
    last = {
      id,
      recipient: recipient as string,
      end: end as End,
      at: at as number,
      ...(offeredAt === null ? {} : { offeredAt }),
      ...(instance === null ? {} : { instance }),
      attempt: attempt as number,
      ...(reason === undefined ? {} : { reason }),
      ...(reply === undefined ? {} : { reply }),
    };
    return last as ReceiptRecord;
  });
}
