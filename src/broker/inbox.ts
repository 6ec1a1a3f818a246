import type { Envelope, Priority } from "../message/envelope.ts";
import type { End } from "../message/receipt-record.ts";

/** What happens to a message that finds its inbox full: refused, or the oldest of the lowest priority makes room (ends as `dropped`). */
export type InboxOverflow = "reject" | "drop-oldest";

/** An inbox as it is declared. Fields left out keep their value, or take the default. */
export interface InboxSpec {
  readonly name: string;
  /** Messages it holds at most, waiting and held; 1 to 1e9, default 1,000,000. */
  readonly capacity?: number;
  /** Default `reject`. */
  readonly overflow?: InboxOverflow;
  /** While paused, nothing is handed out; sending goes on. Default false. */
  readonly paused?: boolean;
  /**
   * Removed this many milliseconds after the process that declared it died; absent: kept for ever. Only that process
   * takes from it, so a hand-off need not leave a trace for others. For reply inboxes.
   */
  readonly expiresAfter?: number;
}

/** The state of one inbox. `accepted` equals the sum of `ended` plus `waiting`, always. */
export interface InboxStatus {
  readonly name: string;
  readonly capacity: number;
  readonly overflow: InboxOverflow;
  readonly paused: boolean;
  /** Copies not ended: ready, delayed and held. */
  readonly waiting: number;
  /** Of these, held by consumers. */
  readonly held: number;
  /** Of these, not yet due. */
  readonly delayed: number;
  /** Copies ever accepted. */
  readonly accepted: number;
  /** Copies ended, by the way they ended. */
  readonly ended: Readonly<Record<End, number>>;
  /** When the oldest waiting message was created, in wall milliseconds. */
  readonly oldest?: number;
  /** Consumers in all processes. */
  readonly consumers: number;
  /** Waiting messages in the order of hand-off, where `peek` asked for them. */
  readonly messages?: readonly Waiting[];
}

/** A copy that has not ended. */
export interface Waiting {
  readonly inbox: string;
  readonly message: Envelope;
  /** Hand-offs so far. */
  readonly attempt: number;
  readonly state: "ready" | "delayed" | "held";
  readonly priority: Priority;
  /** When it becomes due, if `delayed`. */
  readonly dueAt?: number;
  /** Who holds it, if `held`, and since when. */
  readonly instance?: string;
  readonly offeredAt?: number;
}

/** Options of {@link Broker.inspect}. */
export interface InspectOptions {
  /** Also return the first so many waiting messages of each inbox, held ones first; takes nothing. Default 0. */
  readonly peek?: number;
}
