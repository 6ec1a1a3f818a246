import { type HandedOut, HeldDelivery, type SettleDesk } from "../../broker/held-delivery.ts";
import type { Settlement, SettleResult } from "../../broker/settlement.ts";
import type { Envelope } from "../../message/envelope.ts";
import type { FailedAttempt } from "../../message/receipt-record.ts";

/** Where a copy is, and the fence of its hand-out. */
export interface Claim {
  readonly inbox: number;
  readonly level: number;
  readonly place: number;
  readonly consumer: number;
  readonly token: number;
}

/** What a delivery knows of its hand-off. */
export interface HandOff extends HandedOut {
  readonly instance: string;
  readonly claim: Claim;
  readonly failures: string | null;
  readonly hasKey: boolean;
  readonly isForwarded: boolean;
  readonly until: number;
  readonly desk: SettleDesk<PostgresDelivery>;
}

/** One copy in the hands of a consumer of this process. */
export class PostgresDelivery extends HeldDelivery {
  readonly instance: string;
  readonly claim: Claim;
  /** Others wait for it, as they have its order key. */
  readonly hasKey: boolean;
  /** It came along with its wake-up. */
  readonly isForwarded: boolean;
  /** When the lease ends, in monotonic milliseconds. */
  until: number;
  /** A settle got no answer: it may have been done. */
  isUncertain = false;
  readonly #failures: string | null;
  readonly #desk: SettleDesk<PostgresDelivery>;

  constructor(message: Envelope, handOff: HandOff) {
    super(message, handOff);
    this.instance = handOff.instance;
    this.claim = handOff.claim;
    this.hasKey = handOff.hasKey;
    this.isForwarded = handOff.isForwarded;
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

  protected decide(settlement: Settlement): Promise<SettleResult> {
    return this.#desk.settle(this, settlement);
  }

  extend(lease: number): Promise<boolean> {
    return this.#desk.extend(this, lease);
  }
}
