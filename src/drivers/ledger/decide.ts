import type { CancelledEnd, Settlement } from "../../broker/settlement.ts";
import type { Envelope } from "../../message/envelope.ts";
import type { OverEntry, Past } from "./rows.ts";
import type { SheetState } from "./sheet.ts";

/** How a holder settles a copy. */
export interface Decision {
  readonly number: number;
  readonly message: Envelope;
  readonly settlement: Settlement;
  readonly inbox: string;
  readonly instance: string;
}

/** What a holder has decided. */
export type Decided = "lost" | "back" | { readonly over: OverEntry };

/** Decides on a copy that is in a holder's hands, on its sheet. */
export function decide(
  { held, over, ended }: SheetState,
  { number, message, settlement, inbox, instance }: Decision,
  now: number,
): Decided {
  const entry = held.get(number);
  if (!entry) {
    const decided = over.get(number);
    return decided ? { over: decided } : "lost";
  }
  held.delete(number);
  const { i, m, l, a, c, f, o, x } = entry;
  const conclude = (rest: Pick<OverEntry, "record" | "letter" | "emit" | "again" | "dueAt">): Decided => {
    const { record } = rest;
    if (record) ended[record.end] = (ended[record.end] ?? 0) + 1;
    const concluded: OverEntry = { i, m, l, ...rest };
    over.set(number, concluded);
    return { over: concluded };
  };
  if (settlement.outcome === "end") {
    const { record, deadLetter, emit } = settlement;
    return conclude({ record, ...(deadLetter ? { letter: deadLetter } : {}), ...(emit?.length ? { emit } : {}) });
  }
  const isExpired = (message.expiresAt ?? Number.POSITIVE_INFINITY) <= now;
  const end: CancelledEnd | "expired" | undefined = x ?? (isExpired ? "expired" : undefined);
  if (end) return conclude({ record: { id: i, recipient: inbox, end, at: now, attempt: a, offeredAt: o, instance } });
  if (settlement.outcome === "release") return "back";
  const failures = settlement.failure ? [...(f ?? []), settlement.failure] : f;
  const again: Past = {
    a,
    ...(c === undefined ? {} : { c }),
    ...(failures ? { f: failures } : {}),
    o: { offeredAt: o, instance },
  };
  return conclude({ again, ...(settlement.delay > 0 ? { dueAt: now + settlement.delay } : {}) });
}
