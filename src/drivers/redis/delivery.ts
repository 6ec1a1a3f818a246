import type { Delivery } from "../../broker/consumer.ts";
import type { Settlement, SettleResult } from "../../broker/settlement.ts";
import type { Envelope } from "../../message/envelope.ts";
import type { FailedAttempt } from "../../message/receipt-record.ts";
import { failuresOf, type Past } from "./copy.ts";

/** Who holds deliveries, as they see it. */
export interface Holder {
  readonly id: string;
  readonly inbox: string;
  readonly instance: string;
  /** Until when its lease covers what it holds, in monotonic milliseconds. */
  readonly until: number;
}

/** Carries out what a holder decides. */
export interface SettleDesk {
  settle(delivery: RedisDelivery, settlement: Settlement): Promise<SettleResult>;
  extend(delivery: RedisDelivery, lease: number): Promise<boolean>;
}

/** What a delivery knows of its hand-off. */
export interface HandOffFacts {
  readonly holder: Holder;
  readonly desk: SettleDesk;
  /** Tells this hand-off from others of the same copy. */
  readonly token: string;
  readonly past: Past;
  readonly rare: string;
  /** By the server's clock. */
  readonly offeredAt: number;
  /** End of a lease of its own, in monotonic milliseconds; undefined where the holder's covers it. */
  readonly until: number | undefined;
}

/** After so many hand-offs that took their process down, a copy is handed out alone, so that its neighbours live. */
const CRASHES_TO_BE_ALONE = 2;

/** One copy in the hands of a consumer of this process. */
export class RedisDelivery implements Delivery {
  readonly message: Envelope;
  readonly holder: Holder;
  readonly inbox: string;
  readonly token: string;
  readonly attempt: number;
  readonly redelivered: boolean;
  readonly isSuspect: boolean;
  readonly offeredAt: number;
  readonly rare: string;
  readonly past: Past;
  until: number | undefined;
  /** It was taken from its holder. */
  isLost = false;
  /** A settle was under way when the connection was lost. */
  isUncertain = false;
  readonly #desk: SettleDesk;
  #settled: Promise<SettleResult> | undefined;

  constructor(message: Envelope, { holder, desk, token, past, rare, offeredAt, until }: HandOffFacts) {
    const { a = 0, c = 0 } = past;
    this.message = message;
    this.holder = holder;
    this.inbox = holder.inbox;
    this.token = token;
    this.attempt = a + 1;
    this.redelivered = c > 0;
    this.isSuspect = c >= CRASHES_TO_BE_ALONE;
    this.offeredAt = offeredAt;
    this.rare = rare;
    this.past = past;
    this.until = until;
    this.#desk = desk;
  }

  get failures(): readonly FailedAttempt[] {
    return failuresOf(this.past);
  }

  get leaseEnds(): number {
    return Math.max(
      this.until ?? 0,
      this.until === undefined || this.holder.until > this.until ? this.holder.until : 0,
    );
  }

  settle(settlement: Settlement): Promise<SettleResult> {
    if (this.#settled) return this.#settled.then((result) => (result === "settled" ? "already" : result));
    const settled = this.#desk.settle(this, settlement);
    this.#settled = settled;
    // Where it is not known whether it was decided, or was not, it may be tried again.
    settled.catch(() => {
      this.#settled = undefined;
    });
    return settled;
  }

  extend(lease: number): Promise<boolean> {
    return this.#desk.extend(this, lease);
  }
}
