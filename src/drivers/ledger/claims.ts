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

/** Of copies that have come together, those in doubt; and those of them that are doubles of another one here. */
export function apart(
  claims: readonly Claim[],
  isDoubtful: (claim: Claim) => boolean,
): { readonly doubtful: readonly Claim[]; readonly doubles: readonly Claim[] } {
  const ids = new Set(claims.flatMap((claim) => (isDoubtful(claim) ? [] : claim.message.id)));
  const doubtful: Claim[] = [];
  const doubles: Claim[] = [];
  for (const claim of claims) {
    if (!isDoubtful(claim)) continue;
    const { id } = claim.message;
    (ids.has(id) ? doubles : doubtful).push(claim);
    ids.add(id);
  }
  return { doubtful, doubles };
}
