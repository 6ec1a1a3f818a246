import type { Delivery } from "../../broker/consumer.ts";
import type { Settlement, SettleResult } from "../../broker/settlement.ts";
import type { Envelope } from "../../message/envelope.ts";
import type { FailedAttempt } from "../../message/receipt-record.ts";

/** Carries out what a holder decides. */
export interface SettleDesk {
  settle(delivery: PostgresDelivery, settlement: Settlement): Promise<SettleResult>;
  extend(delivery: PostgresDelivery, lease: number): Promise<boolean>;
}

/** Where a copy is, and the fence of its hand-out. */
export interface Claim {
  readonly inbox: number;
  readonly level: number;
  readonly place: number;
  readonly consumer: number;
  readonly token: number;
}

/** What a delivery knows of its hand-off. */
export interface HandOff {
  readonly inbox: string;
  readonly instance: string;
  readonly claim: Claim;
  readonly attempt: number;
  readonly crashes: number;
  readonly failures: string | null;
  readonly hasKey: boolean;
  readonly offeredAt: number;
  readonly until: number;
  readonly desk: SettleDesk;
}

/** After so many lost leases a copy is handed out alone, so that its neighbours live. */
const CRASHES_TO_BE_ALONE = 2;

/** One copy in the hands of a consumer of this process. */
export class PostgresDelivery implements Delivery {
  readonly message: Envelope;
  readonly inbox: string;
  readonly instance: string;
  readonly claim: Claim;
  readonly attempt: number;
  readonly redelivered: boolean;
  readonly offeredAt: number;
  /** Nothing is handed out beside it. */
  readonly isAlone: boolean;
  /** Others wait for it, as they have its order key. */
  readonly hasKey: boolean;
  /** When the lease ends, in monotonic milliseconds. */
  until: number;
  /** A settle got no answer: it may have been done. */
  isUncertain = false;
  readonly #failures: string | null;
  readonly #desk: SettleDesk;
  #settled: Promise<SettleResult> | undefined;

  constructor(message: Envelope, handOff: HandOff) {
    this.message = message;
    this.inbox = handOff.inbox;
    this.instance = handOff.instance;
    this.claim = handOff.claim;
    this.attempt = handOff.attempt;
    this.redelivered = handOff.crashes > 0;
    this.isAlone = handOff.crashes >= CRASHES_TO_BE_ALONE;
    this.hasKey = handOff.hasKey;
    this.offeredAt = handOff.offeredAt;
    this.until = handOff.until;
    this.#failures = handOff.failures;
    this.#desk = handOff.desk;
  }

  get leaseEnds(): number {
    return this.until;
  }

  get failures(): readonly FailedAttempt[] {
    return this.#failures === null ? [] : (JSON.parse(this.#failures) as FailedAttempt[]);
  }

  settle(settlement: Settlement): Promise<SettleResult> {
    if (this.#settled) return this.#settled.then((result) => (result === "settled" ? "already" : result));
    const settled = this.#desk.settle(this, settlement);
    this.#settled = settled;
    // Where it failed nothing has changed, or nobody knows: it may be tried again.
    settled.catch(() => {
      this.#settled = undefined;
    });
    return settled;
  }

  extend(lease: number): Promise<boolean> {
    return this.#desk.extend(this, lease);
  }
}
