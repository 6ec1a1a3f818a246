import type { Envelope } from "../message/envelope.ts";
import type { FailedAttempt } from "../message/receipt-record.ts";
import type { Delivery } from "./consumer.ts";
import type { Settlement, SettleResult } from "./settlement.ts";

/** Carries out what the holders of deliveries decide. */
export interface SettleDesk<Held> {
  settle(delivery: Held, settlement: Settlement): Promise<SettleResult>;
  extend(delivery: Held, lease: number): Promise<boolean>;
}

/** What every driver knows of a hand-off. */
export interface HandedOut {
  readonly inbox: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** Hand-offs before this one that ended without being settled. */
  readonly crashes: number;
  /** In wall milliseconds. */
  readonly offeredAt: number;
}

/** After so many hand-offs that took their process down, a copy is handed out alone, so that its neighbours live. */
const CRASHES_TO_BE_ALONE = 2;

/** Whether a copy is handed out alone, after so many hand-offs that ended without being settled. */
export function isSuspect(crashes: number): boolean {
  return crashes >= CRASHES_TO_BE_ALONE;
}

/** One copy in the hands of a consumer of this process, given up once. */
export abstract class HeldDelivery implements Delivery {
  readonly message: Envelope;
  readonly inbox: string;
  readonly attempt: number;
  readonly redelivered: boolean;
  /** Nothing is handed out beside it. */
  readonly isSuspect: boolean;
  readonly offeredAt: number;
  #settled: Promise<SettleResult> | undefined;

  constructor(message: Envelope, { inbox, attempt, crashes, offeredAt }: HandedOut) {
    this.message = message;
    this.inbox = inbox;
    this.attempt = attempt;
    this.redelivered = crashes > 0;
    this.isSuspect = isSuspect(crashes);
    this.offeredAt = offeredAt;
  }

  abstract get failures(): readonly FailedAttempt[];
  abstract get leaseEnds(): number | undefined;
  abstract extend(lease: number): Promise<boolean>;
  protected abstract decide(settlement: Settlement): Promise<SettleResult>;

  settle(settlement: Settlement): Promise<SettleResult> {
    if (this.#settled) return this.#settled.then((result) => (result === "settled" ? "already" : result));
    const settled = this.decide(settlement);
    this.#settled = settled;
    // Where it failed nothing has changed, or nobody knows: it may be tried again.
    settled.catch(() => {
      this.#settled = undefined;
    });
    return settled;
  }
}
