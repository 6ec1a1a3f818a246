import type { ConsumeOptions } from "../../broker/consumer.ts";
import { HeldDelivery, type SettleDesk } from "../../broker/held-delivery.ts";
import type { CancelledEnd, Settlement, SettleResult } from "../../broker/settlement.ts";
import type { Envelope } from "../../message/envelope.ts";
import type { FailedAttempt } from "../../message/receipt-record.ts";
import { failuresOf, type WaitingCopy } from "./copy.ts";
import { TypeFilter } from "./type-filter.ts";

/** What a delivery knows of its hand-off. */
export interface HandOff {
  readonly consumer: LocalConsumer;
  readonly offeredAt: number;
  readonly until: number;
  readonly desk: SettleDesk<SqliteDelivery>;
}

/** One copy in the hands of a consumer of this process. */
export class SqliteDelivery extends HeldDelivery {
  readonly slot: number;
  /** The row as it was handed out. */
  readonly copy: WaitingCopy;
  readonly consumer: LocalConsumer;
  /** When the lease ends, in monotonic milliseconds. */
  until: number;
  /** Marked to end once it is given back. */
  cancelled: CancelledEnd | undefined;
  /** Came straight from who put it there, so that its claim may not have been written. */
  isForwarded = false;
  readonly #desk: SettleDesk<SqliteDelivery>;

  constructor(copy: WaitingCopy, message: Envelope, { consumer, offeredAt, until, desk }: HandOff) {
    super(message, { inbox: consumer.inbox, attempt: copy.attempt + 1, crashes: copy.crashes, offeredAt });
    this.copy = copy;
    this.slot = copy.slot;
    this.consumer = consumer;
    this.until = until;
    this.cancelled = copy.cancelled;
    this.#desk = desk;
  }

  get leaseEnds(): number {
    return this.until;
  }

  get failures(): readonly FailedAttempt[] {
    return failuresOf(this.copy.failures);
  }

  protected decide(settlement: Settlement): Promise<SettleResult> {
    return this.#desk.settle(this, settlement);
  }

  extend(lease: number): Promise<boolean> {
    return this.#desk.extend(this, lease);
  }
}

/** A consumer of this process: what it asked for and what it holds. */
export class LocalConsumer {
  readonly inbox: string;
  readonly options: ConsumeOptions;
  readonly filter: TypeFilter;
  /** Row of its claim. */
  claimId: number;
  /** Deliveries it still takes. */
  credit = 0;
  /** Takes nothing more; its claim goes when it holds nothing. */
  closing = false;
  readonly held = new Map<number, SqliteDelivery>();
  /** Since when a suspect waits until nothing else is held, in monotonic milliseconds. */
  #passesSince: number | undefined;

  constructor(inbox: string, options: ConsumeOptions, claimId: number) {
    this.inbox = inbox;
    this.options = options;
    this.filter = new TypeFilter(options);
    this.claimId = claimId;
  }

  /** Whether it holds a copy that has to be alone. */
  get holdsSuspect(): boolean {
    if (this.held.size !== 1) return false;
    const [only] = this.held.values();
    return (only as SqliteDelivery).isSuspect;
  }

  /** Whether others may be taken while a suspect's turn has come: for a lease, in which there may be a moment without any. */
  mayPassSuspect(monotonic: number): boolean {
    // The order of what an exclusive consumer takes is its inbox's.
    if (this.options.exclusive) return false;
    this.#passesSince ??= monotonic;
    return monotonic - this.#passesSince < this.options.lease;
  }

  /** Takes a copy. */
  hold(delivery: SqliteDelivery): void {
    if (this.held.size === 0) this.#passesSince = undefined;
    this.held.set(delivery.slot, delivery);
    this.credit--;
  }
}
