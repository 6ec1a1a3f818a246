import type { Envelope } from "../message/envelope.ts";
import type { DeadLetter, End, FailedAttempt, ReceiptRecord } from "../message/receipt-record.ts";
import type { Publication } from "./publication.ts";

/** Ends that a cancel can give. */
export type CancelledEnd = Extract<End, "superseded" | "withdrawn" | "dropped">;

/**
 * How a delivery is given up by its holder. The fence is the driver's: of all that were ever handed the copy only the
 * last can settle, whatever its engine lets through. Where the engine does not see to it, that is a row for the copy in
 * the store, changed with `ifRevision` at hand-off and at settle.
 */
export type Settlement =
  /** Ended for good. `record.end` says how. */
  | {
      readonly outcome: "end";
      readonly record: ReceiptRecord;
      /** Kept with the record when it ends as `dead-lettered`. */
      readonly deadLetter?: DeadLetter<Envelope>;
      /**
       * Messages to publish in the same step, such as the reply. An unknown inbox is left out, a full one ends only its
       * copy, dead-lettered with INBOX_FULL; `routedAt` is not looked at: the settle itself never fails for them.
       */
      readonly emit?: readonly Publication[];
      /** Not urgent: may wait 50 milliseconds for a commit to share, if nothing else is under way. */
      readonly lazy?: boolean;
    }
  /** Failed; due again after `delay` milliseconds, behind what waits by then. */
  | { readonly outcome: "retry"; readonly delay: number; readonly failure?: FailedAttempt }
  /** Given back untouched: in its old place at once, and not counted as an attempt. */
  | { readonly outcome: "release" };

/**
 * What a settle did. `settled`: decided, and the record is durable; the rest follows, whoever dies. `lost`: the lease had gone to another, nothing changed.
 * `already`: it had been settled before through this delivery, nothing changed.
 */
export type SettleResult = "settled" | "lost" | "already";
