import type { InboxOverflow } from "../../broker/inbox.ts";
import type { Publication } from "../../broker/publication.ts";
import type { CancelledEnd } from "../../broker/settlement.ts";
import type { Envelope } from "../../message/envelope.ts";
import type { DeadLetter, End, FailedAttempt, ReceiptRecord } from "../../message/receipt-record.ts";
import type { Entry, Store } from "../../store/store.ts";

/** An inbox, as it stands in the store. */
export interface InboxRow {
  readonly name: string;
  readonly capacity: number;
  readonly overflow: InboxOverflow;
  readonly paused: boolean;
  readonly expires?: { readonly after: number; readonly owner: string };
}

/** What earlier hand-offs have left of a copy. */
export interface Past {
  /** Hand-offs that count. */
  readonly a: number;
  /** Of these, ended by a death or a lapse. */
  readonly c?: number;
  readonly f?: readonly FailedAttempt[];
  /** The last of them. */
  readonly o?: { readonly offeredAt: number; readonly instance: string };
  /** The copy was put into the engine for somebody who had died: it may be there twice. */
  readonly g?: true;
}

/** A copy in somebody's hands. Names are short, since there is one of it for every message in work. */
export interface HeldEntry {
  /** Id of the message. */
  readonly i: string;
  /** Mark of the engine's copy. */
  readonly m: string;
  /** Level. */
  readonly l: number;
  /** The number of this attempt. */
  readonly a: number;
  /** When it was handed out, in wall milliseconds. */
  readonly o: number;
  /** When its own lease ends, in monotonic milliseconds of its machine; absent: with the sheet's. */
  readonly u?: number;
  readonly c?: number;
  readonly f?: readonly FailedAttempt[];
  /** Its sender and order, if it has one. */
  readonly k?: readonly [from: string, key: string];
  /** It was cancelled meanwhile. */
  readonly x?: CancelledEnd;
}

/** A copy that was decided on: what has to follow is here, whoever does it. */
export interface OverEntry {
  readonly i: string;
  readonly m: string;
  readonly l: number;
  readonly record?: ReceiptRecord;
  readonly letter?: DeadLetter<Envelope>;
  readonly emit?: readonly Publication[];
  /** It is to be handed out again: what is known of it, and when. */
  readonly again?: Past;
  readonly dueAt?: number;
}

/** Waiting copies that are to end instead of being handed out. */
export interface Tomb {
  readonly ids?: readonly string[];
  readonly sender?: string;
  /** Of this order, older than the message `before`. */
  readonly key?: string;
  readonly before?: string;
  readonly end: CancelledEnd | "expired";
  /** Wall milliseconds. */
  readonly at: number;
}

/** What one consumer holds and has decided: one row, changed with `ifRevision` by its owner, and by whoever takes from it. */
export interface SheetRow {
  readonly process: string;
  /** Mark of that process on its machine. */
  readonly about: string;
  readonly instance: string;
  /** Takes deliveries; otherwise it only ends copies for its process. */
  readonly consumes: boolean;
  /** Milliseconds. */
  readonly lease: number;
  /** When the lease of what has none of its own ends, in monotonic milliseconds of its machine. */
  readonly until: number;
  /** Grows with each of its owner's writes. */
  readonly write: number;
  /** Its process is dead; another one has taken it over. */
  readonly adopted?: true;
  /** Hand-offs of the holder: the fence, for no two have the same. */
  readonly held: readonly (readonly [number: number, entry: HeldEntry])[];
  readonly over: readonly (readonly [number: number, entry: OverEntry])[];
  /** Ends that it has ever decided. */
  readonly ended: Readonly<Partial<Record<End, number>>>;
  readonly tombs: readonly Tomb[];
}

/** A message that is not due, or whose retry is not. */
export interface DelayedRow {
  readonly inbox: string;
  readonly id: string;
  readonly level: number;
  readonly dueAt: number;
  readonly from: string;
  readonly key?: string;
  readonly expiresAt?: number;
  readonly createdAt: number;
  /** As the codec wrote it; `64` when that is bytes, in base64. */
  readonly body: string;
  readonly is64?: true;
  readonly past?: Past;
  /** It has ended, and this is being carried out. */
  readonly record?: ReceiptRecord;
}

/** First segment of every key. */
const BUCKET = "ledger/";

/** Makes a key of names, whatever characters they have. */
export function keyOf(kind: string, ...names: readonly string[]): string {
  return BUCKET + [kind, ...names.map(encodeURIComponent)].join("/");
}

/** The names that a key was made of, without its kind. */
export function namesIn(key: string): string[] {
  return key.slice(BUCKET.length).split("/").slice(1).map(decodeURIComponent);
}

/** Times in keys sort as text. */
export function timeText(time: number): string {
  return Math.max(0, Math.ceil(time)).toString(36).padStart(9, "0");
}

/** Changes a value in one step; undefined if `change` wants none. It is asked again when another was faster. */
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

/** A stored body as text, and back. */
export function textOfBody(body: string | Uint8Array): { readonly body: string; readonly is64?: true } {
  return typeof body === "string" ? { body } : { body: Buffer.from(body).toString("base64"), is64: true };
}

/** The body that {@link textOfBody} was given. */
export function bodyOfText({ body, is64 }: { readonly body: string; readonly is64?: true }): string | Uint8Array {
  return is64 ? Buffer.from(body, "base64") : body;
}

/** What a hand-off leaves behind that was ended by a death or a lapse. */
export function lapsedPast({ a, c = 0, f, o }: HeldEntry, instance: string): Past {
  return { a, c: c + 1, ...(f ? { f } : {}), o: { offeredAt: o, instance } };
}

/** What is known of a copy from what travels with it; nothing where another program has written that. */
export function pastOf(head: string | undefined): Past | undefined {
  if (head === undefined || head === "") return undefined;
  try {
    const past = JSON.parse(head) as Past;
    return isPast(past) ? past : undefined;
  } catch {
    return undefined;
  }
}

function isPast(past: Past): boolean {
  const { a, c = 0, f = [], o, g = true } = past;
  const isOffer = o === undefined || (Number.isFinite(o.offeredAt) && typeof o.instance === "string");
  return isCount(a) && isCount(c) && Array.isArray(f) && f.every(isFailure) && isOffer && g === true;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isFailure({ attempt, at, code, message }: FailedAttempt): boolean {
  return isCount(attempt) && Number.isFinite(at) && typeof code === "string" && typeof message === "string";
}
