import { ENDS, type End, type ReceiptRecord } from "../../message/receipt-record.ts";
import type { Entry, Store } from "../../store/store.ts";
import { type HeldEntry, namesIn, type OverEntry, type SheetRow } from "./rows.ts";

/** Of a hand-off: its number, id, mark, level, attempt and time, and what only few have. */
type PackedHeld = readonly [
  number: number,
  i: string,
  m: string,
  l: number,
  a: number,
  o: number,
  rest?: Omit<HeldEntry, "i" | "m" | "l" | "a" | "o">,
];

/** What few records have, or what is not as in the others; `null` where there is none. */
interface RestOfRecord {
  readonly recipient?: string;
  readonly instance?: string | null;
  readonly reason?: string;
  readonly reply?: unknown;
}

type PackedRecord = readonly [
  end: number,
  at: number,
  attempt: number,
  offeredAt: number | null,
  ...rest: RestOfRecord[],
];

type PackedOver = readonly [
  number: number,
  i: string,
  m: string,
  l: number,
  record: PackedRecord | null,
  rest?: Omit<OverEntry, "i" | "m" | "l" | "record">,
];

/** A sheet as it is stored: small, because it is written once for a few messages, with all that is in work. */
type PackedSheet = Omit<SheetRow, "held" | "over"> & {
  readonly held: readonly PackedHeld[];
  readonly over: readonly PackedOver[];
};

/** The stored form of a sheet. */
export function packSheet(key: string, { held, over, ...row }: SheetRow): PackedSheet {
  const about = { inbox: namesIn(key)[0] as string, instance: row.instance };
  return {
    ...row,
    held: held.map(
      ([number, { i, m, l, a, o, ...rest }]): PackedHeld =>
        isEmpty(rest) ? [number, i, m, l, a, o] : [number, i, m, l, a, o, rest],
    ),
    over: over.map(([number, { i, m, l, record, ...rest }]): PackedOver => {
      const packed = record === undefined ? null : packRecord(record, about);
      return isEmpty(rest) ? [number, i, m, l, packed] : [number, i, m, l, packed, rest];
    }),
  };
}

/** The sheet that is stored as an entry of the store. */
export function sheetIn({ key, value }: Pick<Entry, "key" | "value">): SheetRow {
  const { held, over, ...row } = value as PackedSheet;
  const about = { inbox: namesIn(key)[0] as string, instance: row.instance };
  return {
    ...row,
    held: held.map(([number, i, m, l, a, o, rest]) => [number, { i, m, l, a, o, ...rest }] as const),
    over: over.map(([number, i, m, l, packed, rest]) => {
      const record = packed ? { record: unpackRecord(i, packed, about) } : {};
      return [number, { i, m, l, ...record, ...rest }] as const;
    }),
  };
}

/** Changes a sheet in one step; undefined if `change` wants none. It is asked again when another was faster. */
export async function changeSheet(
  store: Store,
  key: string,
  change: (row: SheetRow | undefined) => SheetRow | undefined,
): Promise<SheetRow | undefined> {
  for (;;) {
    const entry = await store.get(key);
    const next = change(entry && sheetIn(entry));
    if (next === undefined) return undefined;
    const revision = await store.put(key, packSheet(key, next), { ifRevision: entry?.revision ?? 0 });
    if (revision !== undefined) return next;
  }
}

interface About {
  readonly inbox: string;
  readonly instance: string;
}

function packRecord(record: ReceiptRecord, { inbox, instance }: About): PackedRecord {
  const { end, at, attempt, offeredAt = null } = record;
  const rest: { -readonly [Field in keyof RestOfRecord]: RestOfRecord[Field] } = {};
  if (record.recipient !== inbox) rest.recipient = record.recipient;
  if (record.instance !== instance) rest.instance = record.instance ?? null;
  if (record.reason !== undefined) rest.reason = record.reason;
  if (record.reply !== undefined) rest.reply = record.reply;
  const packed = [ENDS.indexOf(end), at, attempt, offeredAt] as const;
  return isEmpty(rest) ? packed : [...packed, rest];
}

function unpackRecord(id: string, packed: PackedRecord, about: About): ReceiptRecord {
  const [end, at, attempt, offeredAt, rest = {}] = packed;
  const { recipient = about.inbox, instance = about.instance, reason, reply } = rest;
  return {
    id,
    recipient,
    end: ENDS[end] as End,
    at,
    ...(offeredAt === null ? {} : { offeredAt }),
    ...(instance === null ? {} : { instance }),
    attempt,
    ...(reason === undefined ? {} : { reason }),
    ...(reply === undefined ? {} : { reply }),
  };
}

function isEmpty(value: object): boolean {
  for (const _ in value) return false;
  return true;
}
