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
