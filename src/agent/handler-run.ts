import type { Delivery } from "../broker/consumer.ts";
import type { Deadlined } from "../internal/deadlines.ts";
import type { FailedAttempt } from "../message/receipt-record.ts";
import type { HandlerEntry } from "./definition.ts";
import type { HandlerContext, HandlerRun } from "./handler-context.ts";
import type { Held } from "./settling.ts";

/** What a run asks of its worker. */
export interface RunOwner {
  extend(run: Run, length: number): Promise<void>;
}

/** One delivery in a worker, from its arrival to its settling. */
export class Run implements HandlerRun, Held, Deadlined {
  readonly delivery: Delivery;
  attempt: number;
  failures: readonly FailedAttempt[];
  /** The key whose order it keeps, if its agent has one. */
  readonly lane: string | undefined;
  deadline = 0;
  /** Length under which its deadline is kept; 0 for none. */
  limit = 0;
  context: HandlerContext | undefined;
  entry: HandlerEntry | undefined;
  /** It was superseded, withdrawn or dropped while it was here. */
  cancelled: "superseded" | "withdrawn" | "dropped" | undefined;
  /** It has been settled or lost: what its handler still does no longer counts. */
  over = false;
  readonly #owner: RunOwner;

  constructor(owner: RunOwner, delivery: Delivery, lane: string | undefined) {
    this.#owner = owner;
    this.delivery = delivery;
    this.attempt = delivery.attempt;
    this.failures = delivery.failures;
    this.lane = lane;
  }

  extend(length: number): Promise<void> {
    return this.#owner.extend(this, length);
  }
}
