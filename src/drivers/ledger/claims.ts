import type { DriverContext } from "../../broker/driver.ts";
import type { Envelope } from "../../message/envelope.ts";
import type { DeadLetter, ReceiptRecord } from "../../message/receipt-record.ts";
import type { Store } from "../../store/store.ts";
import type { Arrival, QueueEngine } from "./engine.ts";
import { type HeldEntry, keyOf, type OverEntry, type Past, type Tomb } from "./rows.ts";
import { emptySheet, type SheetState } from "./sheet.ts";
import { type Doubtful, takenPast, type Verdict } from "./takeover.ts";
import { endOf } from "./tombs.ts";

/** A copy that is about to be written down on a sheet. */
export interface Claim {
  readonly arrival: Arrival;
  readonly message: Envelope;
  readonly past: Past | undefined;
  /** It cannot be read, and goes to the dead letters. */
  readonly letter?: DeadLetter<Envelope>;
  number: number;
}

/** What was written down of it. */
export type Claimed =
  | { readonly held: HeldEntry }
  | { readonly over: OverEntry }
  /** Another one ends it. */
  | { readonly theirs: true };

/** Of copies that have come together, those in doubt; and those that are doubles of another one here, or even the `same`. */
export function apart(
  claims: readonly Claim[],
  doubted: ReadonlySet<Claim>,
): { readonly doubtful: readonly Claim[]; readonly doubles: readonly Claim[]; readonly same: readonly Claim[] } {
  const marks = new Map(
    claims.flatMap((claim) => (doubted.has(claim) ? [] : [[claim.message.id, claim.arrival.mark] as const])),
  );
  const doubtful: Claim[] = [];
  const doubles: Claim[] = [];
  const same: Claim[] = [];
  for (const claim of doubted) {
    const { message, arrival } = claim;
    const mark = marks.get(message.id);
    (mark === undefined ? doubtful : mark === arrival.mark ? same : doubles).push(claim);
    if (mark === undefined) marks.set(message.id, arrival.mark);
  }
  return { doubtful, doubles, same };
}

/** What is asked about a copy. */
export function asked({ arrival, message }: Claim): Doubtful {
  return { id: message.id, arrival };
}

/** Of claims that were looked at again, those that are not to be handed out; the same with what is known of them now. */
export function lostOf(
  claims: readonly Claim[],
  verdicts: readonly Verdict[],
): { readonly lost: readonly Claim[]; readonly theirs: readonly Claim[] } {
  const lost: Claim[] = [];
  const theirs: Claim[] = [];
  claims.forEach((claim, at) => {
    // Of what was taken from another meanwhile more is known: it is claimed anew, with that.
    const past = takenPast(verdicts[at] as Verdict, claim.past);
    if (past === "free") return;
    lost.push(claim);
    theirs.push({ ...claim, past });
  });
  return { lost, theirs };
}

/** Keeps what was found out about copies that are not handed out after all. */
export async function keepPasts(store: Store, inbox: string, claims: readonly Claim[]): Promise<void> {
  await Promise.all(
    claims.map(({ message: { id }, past }) => past && store.put(keyOf("pasts", inbox, id), { ...past, i: id })),
  );
}

/** What claiming needs to know of a consumer. */
export interface ClaimingOptions {
  readonly inbox: string;
  /** Milliseconds. */
  readonly lease: number;
  /** The lease is the sheet's, which is renewed. */
  readonly renew: boolean;
  readonly tombs: readonly Tomb[];
  readonly context: DriverContext;
  readonly engine: QueueEngine;
}

/** Those copies of a batch that will be handed out, found out before they are on a sheet. */
export function claimAhead(claims: readonly Claim[], options: ClaimingOptions): ReadonlyMap<Claim, HeldEntry> {
  const state = emptySheet();
  const ahead = new Map<Claim, HeldEntry>();
  for (const claim of claims) {
    const one = claimOn(state, claim, options);
    if ("held" in one) ahead.set(claim, one.held);
  }
  return ahead;
}

/** Decides on one copy that this process has, on its sheet; as it was found out `ahead`, where it was. */
export function claimOn(
  state: SheetState,
  claim: Claim,
  options: ClaimingOptions,
  ahead?: ReadonlyMap<Claim, HeldEntry>,
): Claimed {
  const known = ahead?.get(claim);
  if (known) {
    state.held.set(claim.number, known);
    return { held: known };
  }
  const { inbox, lease, renew, tombs, context, engine } = options;
  const { message, arrival, past, number, letter } = claim;
  const { a = 0, c, f, o } = past ?? {};
  const now = context.clock.now();
  const about = { i: message.id, m: arrival.mark, l: arrival.level };
  const ending = (end: ReceiptRecord["end"]): Claimed => {
    const record = { id: message.id, recipient: inbox, end, at: now, attempt: a, ...o };
    const over: OverEntry = letter
      ? { ...about, record: { ...record, reason: letter.code }, letter }
      : { ...about, record };
    state.over.set(number, over);
    state.ended[end] = (state.ended[end] ?? 0) + 1;
    return { over };
  };
  if (letter) return ending("dead-lettered");
  const tomb = endOf(tombs, message);
  if (tomb) {
    // Whoever wants it to end takes it out of the engine, where that can be done.
    if (engine.remove && tomb.at > 0) return { theirs: true };
    return ending(tomb.end);
  }
  if ((message.expiresAt ?? Number.POSITIVE_INFINITY) <= now) return ending("expired");
  const held: HeldEntry = {
    ...about,
    a: a + 1,
    o: now,
    ...(renew ? {} : { u: context.clock.monotonic() + lease }),
    ...(c === undefined ? {} : { c }),
    ...(f === undefined ? {} : { f }),
    ...(message.key === undefined ? {} : { k: [message.from, message.key] as const }),
  };
  state.held.set(number, held);
  return { held };
}
