import type { Envelope } from "../../message/envelope.ts";
import type { DeadLetter } from "../../message/receipt-record.ts";
import type { Arrival } from "./engine.ts";
import type { HeldEntry, OverEntry, Past } from "./rows.ts";

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

/** What a holder has decided. */
export type Decided = "lost" | "back" | { readonly over: OverEntry };

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
