import type { InboxOverflow } from "../../../src/broker/inbox.ts";
import type { Publication } from "../../../src/broker/publication.ts";
import type { CancelledEnd } from "../../../src/broker/settlement.ts";
import { type Envelope, PRIORITIES } from "../../../src/message/envelope.ts";
import type { DeadLetter, End, FailedAttempt, ReceiptRecord } from "../../../src/message/receipt-record.ts";
import type { Entry, Store } from "../../../src/store/store.ts";

/** What a settle decided, written in one step: its record and everything that has to follow. */
export interface Ending {
  /** The process that is about to do it; when it has died, another one does. */
  readonly process: string;
  readonly record: ReceiptRecord;
  readonly deadLetter?: DeadLetter<Envelope>;
  readonly emit: readonly Publication[];
}

/** Who has a copy. */
export interface Holder {
  readonly process: string;
  readonly instance: string;
  /** When the lease lapses, in monotonic milliseconds; absent: with its process. */
  readonly until?: number;
}

/** A copy of a message, as it stands in the store. Whoever changes it names the revision that it has read. */
export interface Row {
  readonly message: Envelope;
  readonly inbox: string;
  readonly place: number;
  readonly state: "ready" | "delayed" | "held" | "ended";
  readonly dueAt?: number;
  /** Hand-offs that count as attempts. */
  readonly attempt: number;
  /** All hand-offs: the fence, for no two have the same. */
  readonly claim: number;
  readonly redelivered: boolean;
  readonly failures: readonly FailedAttempt[];
  readonly holder?: Holder;
  /** The last hand-off that counts. */
  readonly offered?: { readonly offeredAt: number; readonly instance: string };
  readonly cancelled?: CancelledEnd;
  readonly ending?: Ending;
}

/** An inbox, as it stands in the store. */
export interface InboxRow {
  readonly name: string;
  readonly capacity: number;
  readonly overflow: InboxOverflow;
  readonly paused: boolean;
  /** Its last place. */
  readonly place: number;
  /** The place ahead of all that were given; 0 or less. */
  readonly front: number;
  readonly expires?: { readonly after: number; readonly owner: string };
}

/** First segment of every key. */
export const BUCKET = "on-store/";

/** Makes a key of names, whatever characters they have. */
export function keyOf(kind: string, ...names: readonly string[]): string {
  return BUCKET + [kind, ...names.map(encodeURIComponent)].join("/");
}

export function levelOf(row: Row): number {
  return PRIORITIES.indexOf(row.message.priority);
}

/** The row, ended without its holder. */
export function endedAs(row: Row, end: End, by: { readonly process: string; readonly at: number }): Row {
  const { message, inbox, attempt, offered } = row;
  const record = { id: message.id, recipient: inbox, end, at: by.at, attempt, ...offered };
  return { ...row, state: "ended", ending: { process: by.process, record, emit: [] } };
}

/** The row, waiting again in its old place. */
export function returned({ holder: _, ...row }: Row, how: { readonly counts: boolean }): Row {
  return how.counts
    ? { ...row, state: "ready", redelivered: true }
    : { ...row, state: "ready", attempt: row.attempt - 1 };
}

/** Values of a prefix, in order of key. */
export async function listOf<T>(store: Store, kind: string, ...names: readonly string[]): Promise<T[]> {
  return (await store.list(`${keyOf(kind, ...names)}/`)).map((entry) => entry.value as T);
}

/** Changes a value in one step; undefined if `change` wants none. What it is given may be out of date by then, so it is asked again. */
export async function changeValue<T>(
  store: Store,
  key: string,
  change: (value: T | undefined) => T | undefined,
): Promise<T | undefined> {
  for (;;) {
    const entry: Entry | undefined = await store.get(key);
    const next = change(entry?.value as T | undefined);
    if (next === undefined) return undefined;
    if ((await store.put(key, next, { ifRevision: entry?.revision ?? 0 })) !== undefined) return next;
  }
}
