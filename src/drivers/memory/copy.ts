import type { Delivery } from "../../broker/consumer.ts";
import type { CancelledEnd, Settlement, SettleResult } from "../../broker/settlement.ts";
import { type Envelope, PRIORITIES, type Priority } from "../../message/envelope.ts";
import type { FailedAttempt } from "../../message/receipt-record.ts";

/** The inbox of a copy, as the copy sees it. */
export interface Home {
  readonly name: string;
  settle(copy: Copy, settlement: Settlement): SettleResult;
  extend(copy: Copy, lease: number): boolean;
}

/** Who holds a copy. */
export interface Holder {
  readonly instance: string;
}

/** `settled` through this object, `lost` to another one, or still to be handed out. */
export type CopyState = "ready" | "delayed" | "held" | "settled" | "lost";

const LEVELS = Object.fromEntries(PRIORITIES.map((priority, level) => [priority, level])) as Record<Priority, number>;
const NO_FAILURES: readonly FailedAttempt[] = Object.freeze([]);

/**
 * One copy of a message in one inbox, and at the same time its delivery: it waits, is handed out, and is given up.
 * A copy that comes back goes on as a new object, so that whoever still has the old one can change nothing.
 */
export class Copy implements Delivery {
  readonly message: Envelope;
  readonly home: Home;
  /** 0 is the highest priority. */
  readonly level: number;
  /** Place in the order of acceptance. */
  sequence = 0;
  state: CopyState = "ready";
  attempt = 0;
  redelivered = false;
  failures = NO_FAILURES;
  offeredAt = 0;
  /** When it becomes due, if it is delayed. */
  dueAt: number | undefined = undefined;
  /** Who holds it, or held it last. */
  holder: Holder | undefined = undefined;
  /** Cancelled while held: how it ends unless its holder ends it. */
  cancelled: CancelledEnd | undefined = undefined;
  /** Length of the lease in milliseconds; 0 where it needs no timer. */
  lease = 0;
  deadline = 0;
  previous: Copy | undefined = undefined;
  next: Copy | undefined = undefined;

  constructor(home: Home, message: Envelope) {
    this.home = home;
    this.message = message;
    // A priority that another program invented must not lose the message.
    this.level = LEVELS[message.priority] ?? LEVELS.normal;
  }

  get inbox(): string {
    return this.home.name;
  }

  get leaseEnds(): number | undefined {
    return this.lease > 0 ? this.deadline : undefined;
  }

  settle(settlement: Settlement): SettleResult {
    return this.home.settle(this, settlement);
  }

  async extend(lease: number): Promise<boolean> {
    return this.home.extend(this, lease);
  }

  /** The same copy as a new object. */
  successor(): Copy {
    const copy = new Copy(this.home, this.message);
    copy.sequence = this.sequence;
    copy.attempt = this.attempt;
    copy.redelivered = this.redelivered;
    copy.failures = this.failures;
    copy.offeredAt = this.offeredAt;
    copy.holder = this.holder;
    return copy;
  }
}
