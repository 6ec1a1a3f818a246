import type { Msg, Subscription } from "@nats-io/transport-node";
import type { Clock, Timer } from "../../internal/clock.ts";
import type { Arrival } from "../ledger/engine.ts";
import type { Connection } from "./connection.ts";
import { isStatus } from "./reading.ts";

/** An arrival, and what is needed to answer for it. */
export interface NatsArrival extends Arrival {
  readonly reply: string;
  readonly delivered: number;
  /** So many more waited on its level. */
  readonly pending: number;
  /** Until then nobody else had been given it: monotonic milliseconds. */
  since: number;
}

/** A request for messages of a level. */
export interface PullRequest {
  readonly batch: number;
  readonly deliver: string;
  /** Milliseconds for which it waits at the server; absent: it takes what is there. */
  readonly wait?: number;
}

/** The queues that are pulled from. */
export interface PullQueues {
  ensureConsumer(inbox: string, level: number): Promise<void>;
  /** The server has no consumer for a level, whatever was thought before. */
  consumerGone(inbox: string, level: number): void;
  pull(inbox: string, level: number, request: PullRequest): void;
  /** An arrival of a message that was delivered; this process has it from now on. */
  arrivalOf(message: Msg, of: { readonly inbox: string; readonly level: number; readonly since: number }): NatsArrival;
  /** Gives back what nobody has claimed. */
  returnUntouched(arrivals: readonly NatsArrival[]): void;
}

/** What a {@link LevelPull} needs around it. */
export interface LevelPullOptions {
  readonly connection: Connection;
  readonly queues: PullQueues;
  readonly clock: Clock;
  readonly inbox: string;
  readonly level: number;
  /** Something has come that was not asked for just now. */
  came(): void;
}

/** The server owes an answer for so long before it is reminded. */
const PATIENCE = 50;
const REMINDER = 50;
/** Where the connection is lost there is no answer. */
const MOST_TO_ANSWER = 5_000;
const REQUEST = "all";

/**
 * Pulls from one level of an inbox, one request at a time, and keeps what came until it is handed out.
 *
 * A request takes what is there, and the server says when that was all. It says nothing if it counted messages that others
 * took before this one's turn came (in 2.9, until 2.12): the request stays and takes what comes next. It may also stay
 * though messages wait, until something happens at the consumer. So where no answer comes, a second request that ends by
 * itself makes something happen; when it has ended, the first one has taken what there was.
 */
export class LevelPull {
  readonly level: number;
  /** What came and was not handed out, in its order. */
  readonly kept: NatsArrival[] = [];
  /** There may be something that was not asked for yet. */
  hasMore = true;
  /** Others may hold something of it, which comes back without a word if they die. */
  isElsewhere = true;
  /** The last request got all that it asked for. */
  isRich = false;
  readonly #options: LevelPullOptions;
  readonly #deliver: string;
  readonly #subscription: Subscription;
  /** So many more may come on the request that the server has. */
  #open = 0;
  #pending = 0;
  /** When that request was sent: what comes on it was given later. */
  #since = 0;
  #wasGone = false;
  #isEnded = false;
  #asking: Promise<void> | undefined;
  #asked = 0;
  /** The present question has a second request. */
  #isReminded = false;
  #answered: (() => void) | undefined;

  constructor(options: LevelPullOptions) {
    this.#options = options;
    this.level = options.level;
    this.#deliver = options.connection.ownSubject();
    this.#subscription = options.connection.subscribe(`${this.#deliver}.*`, (message) => this.#heard(message));
  }

  /** An answer is awaited. */
  get isAsking(): boolean {
    return this.#asking !== undefined;
  }

  /** Nobody knows whether there is something. */
  get isUnknown(): boolean {
    return this.kept.length === 0 && (this.hasMore || this.isAsking);
  }

  /** Asks for what waits, at most so many; resolves when that is here. @throws when the consumer cannot be made */
  ask(batch: number): Promise<void> {
    // What comes from now on is told.
    if (!this.#asking) this.hasMore = false;
    this.#asking ??= this.#ask(batch).finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** Resolves when no answer is awaited. */
  async idle(): Promise<void> {
    await this.#asking?.catch(() => {});
  }

  /** The connection is gone, or it is not needed any more. What comes now goes back. */
  end(): void {
    this.#isEnded = true;
    this.#answered?.();
    this.#leave();
  }

  /** A request that the server still has must not be one of the dead. */
  #leave(): void {
    if (this.#isEnded && this.#open === 0) this.#subscription.unsubscribe();
  }

  async #ask(batch: number): Promise<void> {
    const { queues, inbox, clock } = this.#options;
    try {
      await queues.ensureConsumer(inbox, this.level);
    } catch (error) {
      this.hasMore = true;
      throw error;
    }
    if (this.#isEnded) return;
    const timers: Timer[] = [];
    this.#asked++;
    this.#isReminded = false;
    await new Promise<void>((resolve) => {
      this.#answered = resolve;
      timers.push(
        clock.after(PATIENCE, () => {
          this.#isReminded = true;
          this.#pull({ batch: 1, deliver: `${this.#deliver}.${this.#asked}`, wait: REMINDER });
        }),
        clock.after(MOST_TO_ANSWER, resolve),
      );
      if (this.#open > 0) return;
      this.#open = batch;
      this.#since = clock.monotonic();
      this.#pull({ batch, deliver: `${this.#deliver}.${REQUEST}` });
    });
    this.#answered = undefined;
    for (const timer of timers) timer.cancel();
  }

  #pull(request: PullRequest): void {
    const { queues, inbox } = this.#options;
    queues.pull(inbox, this.level, request);
  }

  #heard(message: Msg): void {
    const { queues, inbox, came } = this.#options;
    const { level, kept } = this;
    if (isStatus(message)) return this.#ended(message);
    const arrival = queues.arrivalOf(message, { inbox, level, since: this.#since });
    if (this.#isEnded) return this.#return(arrival);
    this.#pending = arrival.pending;
    this.#wasGone = false;
    // What was given back comes ahead of what was never handed out.
    let place = kept.length;
    if (arrival.delivered > 1) while (place > 0 && (kept[place - 1] as NatsArrival).delivered === 1) place--;
    kept.splice(place, 0, arrival);
    if (this.#open > 0 && --this.#open === 0) {
      this.isRich = true;
      this.hasMore = true;
      this.#answered?.();
    } else if (this.#isReminded) {
      this.hasMore = true;
      this.#answered?.();
    }
    if (!this.#answered) came();
  }

  #return(arrival: NatsArrival): void {
    if (this.#open > 0) this.#open--;
    this.#options.queues.returnUntouched([arrival]);
    this.#leave();
  }

  #ended({ subject, headers }: Msg): void {
    const request = subject.slice(this.#deliver.length + 1);
    this.isElsewhere = true;
    if (request === REQUEST) {
      // It may stop in the middle, at one that is there no more.
      if (this.#pending > 0) this.hasMore = true;
      this.#pending = 0;
      this.#open = 0;
      this.isRich = false;
      if (headers?.code === 503 || /deleted/i.test(headers?.description ?? "")) {
        const { queues, inbox } = this.#options;
        queues.consumerGone(inbox, this.level);
        if (!this.#wasGone) this.hasMore = true;
        this.#wasGone = true;
      }
      this.#leave();
    } else if (request !== String(this.#asked)) return;
    this.#answered?.();
  }
}
