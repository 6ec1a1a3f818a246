import type { CancelledEnd } from "../../broker/settlement.ts";
import type { Envelope } from "../../message/envelope.ts";
import type { FailedAttempt } from "../../message/receipt-record.ts";
import { bodyIn } from "./body.ts";
import type { Row, Value } from "./connection.ts";

/** A copy that waits in the table of ready messages, as it is read to be handed out: its message says the rest. */
export interface WaitingCopy {
  readonly slot: number;
  /** Hand-offs that are over. */
  readonly attempt: number;
  /** Of these, ended by a dead process or a lapsed lease. */
  readonly crashes: number;
  readonly cancelled: CancelledEnd | undefined;
  /** Failed attempts as JSON. */
  readonly failures: string | undefined;
  /** When its last hand-off that is over began, in wall milliseconds, and to which instance it went. */
  readonly offeredAt: number | undefined;
  readonly holder: string | undefined;
  readonly expiresAt: number | undefined;
  readonly orderKey: string | undefined;
  /** The envelope itself, where this process published it. */
  message: Envelope | undefined;
  /** Its stored form, where it was read along. */
  body: Value | undefined;
}

/** A copy in the table of ready messages, whether its message can be read or not. */
export interface ReadyCopy extends WaitingCopy {
  readonly id: string;
  readonly type: string;
}

/** A copy that is held back. */
export interface DelayedCopy extends Omit<ReadyCopy, "slot" | "body"> {
  /** Its row. */
  readonly n: number;
  readonly dueAt: number;
  readonly inboxId: number;
  readonly priority: number;
  /** The place it returns to. */
  readonly slot: number | undefined;
}

/** The columns of {@link DelayedCopy} that it shares with {@link ReadyCopy}. */
export const COPY_COLUMNS =
  "id, type, attempt, crashes, cancelled, failures, offered_at, holder, expires_at, order_key";

// What another program wrote may be of any type, and one BLOB would fail the whole array.
const whole = (column: string): string => `CAST(${column} AS INTEGER)`;
const text = (column: string): string => `CAST(${column} AS TEXT)`;

/** What few copies have, as one column: each column of a row costs as much as finding the row. */
const REST = `CASE WHEN attempt > 0 OR cancelled IS NOT NULL OR expires_at IS NOT NULL OR order_key IS NOT NULL
    THEN json_array(${["attempt", "crashes"].map(whole)}, ${["cancelled", "failures"].map(text)}, ${whole("offered_at")},
      ${text("holder")}, ${whole("expires_at")}, ${text("order_key")}) END AS rest`;

/** The columns of {@link WaitingCopy} but its slot and body. */
export const WAITING_COLUMNS = REST;

/** The columns of {@link ReadyCopy} but its slot and body. */
export const READY_COLUMNS = `id, type, ${REST}`;

/** Reads a row of the ready table. */
export function readyCopyOf(row: Row): ReadyCopy {
  return {
    id: row["id"] as string,
    type: row["type"] as string,
    ...waitingCopyOf([row["slot"] as number, row["rest"] as string | null]),
  };
}

/** What is read of a row that is to be handed out: its slot, {@link WAITING_COLUMNS} and its body. */
export type WaitingColumns = readonly [slot: number, rest: string | null, body?: Value];

/** Reads a row of the ready table that is to be handed out. */
export function waitingCopyOf([slot, rest, body = null]: WaitingColumns): WaitingCopy {
  const [attempt, crashes, cancelled, failures, offeredAt, holder, expiresAt, orderKey] =
    rest === null ? FRESH : (JSON.parse(rest) as Rest);
  return {
    slot,
    attempt,
    crashes,
    cancelled: cancelled ?? undefined,
    failures: failures ?? undefined,
    offeredAt: offeredAt ?? undefined,
    holder: holder ?? undefined,
    expiresAt: expiresAt ?? undefined,
    orderKey: orderKey ?? undefined,
    message: undefined,
    body: bodyIn(body ?? undefined),
  };
}

type Rest = readonly [
  attempt: number,
  crashes: number,
  cancelled: CancelledEnd | null,
  failures: string | null,
  offeredAt: number | null,
  holder: string | null,
  expiresAt: number | null,
  orderKey: string | null,
];

const FRESH: Rest = [0, 0, null, null, null, null, null, null];

/** Reads a row of the delayed table. */
export function delayedCopyOf(row: Row): DelayedCopy {
  return {
    id: row["id"] as string,
    type: row["type"] as string,
    attempt: row["attempt"] as number,
    crashes: row["crashes"] as number,
    cancelled: (row["cancelled"] as CancelledEnd | null) ?? undefined,
    failures: (row["failures"] as string | null) ?? undefined,
    offeredAt: (row["offered_at"] as number | null) ?? undefined,
    holder: (row["holder"] as string | null) ?? undefined,
    expiresAt: (row["expires_at"] as number | null) ?? undefined,
    orderKey: (row["order_key"] as string | null) ?? undefined,
    message: undefined,
    n: row["n"] as number,
    dueAt: row["due_at"] as number,
    inboxId: row["inbox"] as number,
    priority: row["priority"] as number,
    slot: (row["slot"] as number | null) ?? undefined,
  };
}

/** A hand-off that is over. */
export interface PastHandOff {
  readonly offeredAt: number;
  readonly instance: string;
}

/** The failed attempts of a copy; what another program broke is left out. */
export function failuresOf(json: string | undefined): readonly FailedAttempt[] {
  if (json === undefined) return [];
  try {
    const failures: unknown = JSON.parse(json);
    return Array.isArray(failures) ? (failures as FailedAttempt[]) : [];
  } catch {
    return [];
  }
}

/** A copy that was never handed out here; `attempt`: elsewhere it was so often. */
export function newCopy(slot: number, message: Envelope, attempt = 0): ReadyCopy {
  const { id, type, expiresAt, orderKey } = message;
  return {
    slot,
    id,
    type,
    attempt,
    crashes: 0,
    cancelled: undefined,
    failures: undefined,
    offeredAt: undefined,
    holder: undefined,
    expiresAt,
    orderKey,
    message: undefined,
    body: undefined,
  };
}
