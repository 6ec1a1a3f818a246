import { HeldDelivery, type SettleDesk } from "../../broker/held-delivery.ts";
import type { Settlement, SettleResult } from "../../broker/settlement.ts";
import type { Envelope } from "../../message/envelope.ts";
import type { FailedAttempt } from "../../message/receipt-record.ts";
import type { Arrival } from "./engine.ts";
import type { HeldEntry } from "./rows.ts";

const NO_FAILURES: readonly FailedAttempt[] = Object.freeze([]);

/** What a delivery knows of its hand-off. */
export interface HandOffFacts {
  readonly desk: SettleDesk<LedgerDelivery> & { readonly until: number };
  /** Tells this hand-off from all others of its consumer. */
  readonly number: number;
  readonly entry: HeldEntry;
  readonly arrival: Arrival;
}

/** One copy in the hands of a consumer of this process. */
export class LedgerDelivery extends HeldDelivery {
  readonly number: number;
  readonly arrival: Arrival;
  readonly entry: HeldEntry;
  /** End of a lease of its own, in monotonic milliseconds; undefined where the holder's covers it. */
  until: number | undefined;
  /** It was taken from its holder. */
  isLost = false;
  readonly #desk: HandOffFacts["desk"];

  constructor(message: Envelope, { desk, number, entry, arrival }: HandOffFacts) {
    super(message, { inbox: arrival.inbox, attempt: entry.a, crashes: entry.c ?? 0, offeredAt: entry.o });
    this.number = number;
    this.arrival = arrival;
    this.entry = entry;
    this.until = entry.u;
    this.#desk = desk;
  }

  get failures(): readonly FailedAttempt[] {
    return this.entry.f ?? NO_FAILURES;
  }

  get leaseEnds(): number {
    return this.until ?? this.#desk.until;
  }

  protected decide(settlement: Settlement): Promise<SettleResult> {
    return this.#desk.settle(this, settlement);
  }

  extend(lease: number): Promise<boolean> {
    return this.#desk.extend(this, lease);
  }
}
