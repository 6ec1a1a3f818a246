import { HeldDelivery, type SettleDesk } from "../../broker/held-delivery.ts";
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

/** What a delivery knows of its hand-off. */
export interface HandOffFacts {
  readonly holder: Holder;
  readonly desk: SettleDesk<RedisDelivery>;
  /** Tells this hand-off from others of the same copy. */
  readonly token: string;
  readonly past: Past;
  readonly rare: string;
  /** By the server's clock. */
  readonly offeredAt: number;
  /** End of a lease of its own, in monotonic milliseconds; undefined where the holder's covers it. */
  readonly until: number | undefined;
}

/** One copy in the hands of a consumer of this process. */
export class RedisDelivery extends HeldDelivery {
  readonly holder: Holder;
  readonly token: string;
  readonly rare: string;
  readonly past: Past;
  until: number | undefined;
  /** It was taken from its holder. */
  isLost = false;
  /** A settle was under way when the connection was lost. */
  isUncertain = false;
  /** The latest try to settle it. */
  settling: Promise<SettleResult> | undefined;
  readonly #desk: SettleDesk<RedisDelivery>;

  constructor(message: Envelope, { holder, desk, token, past, rare, offeredAt, until }: HandOffFacts) {
    const { a = 0, c = 0 } = past;
    super(message, { inbox: holder.inbox, attempt: a + 1, crashes: c, offeredAt });
    this.holder = holder;
    this.token = token;
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

  protected decide(settlement: Settlement): Promise<SettleResult> {
    this.settling = this.#desk.settle(this, settlement);
    return this.settling;
  }

  extend(lease: number): Promise<boolean> {
    return this.#desk.extend(this, lease);
  }
}
