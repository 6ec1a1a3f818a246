import type { Msg, Subscription } from "@nats-io/transport-node";
import { AGING_PERIOD } from "../../broker/aging.ts";
import type { Timer } from "../../internal/clock.ts";
import type { Arrival, Source, SourceOptions } from "../ledger/engine.ts";
import type { Connection } from "./connection.ts";
import { isStatus } from "./reading.ts";
import type { Session } from "./session.ts";

/** An arrival, and what is needed to answer for it. */
export interface NatsArrival extends Arrival {
  readonly reply: string;
  readonly delivered: number;
  /** Monotonic milliseconds. */
  readonly since: number;
}

/** The queues that are pulled from. */
export interface PullQueues {
  /** Levels on which there is something, and the one that most messages have. */
  levelsOf(inbox: string): Promise<number[]>;
  ensureConsumer(inbox: string, level: number): Promise<void>;
  /** Asks for what waits on a level, now. */
  pull(inbox: string, level: number, request: { readonly batch: number; readonly deliver: string }): void;
  /** An arrival of a message that was delivered; this process has it from now on. */
  arrivalOf(message: Msg, of: { readonly inbox: string; readonly level: number }): NatsArrival;
  /** Gives back what nobody has claimed. */
  returnUntouched(arrivals: readonly NatsArrival[]): void;
  /** How many messages of a level processes have, this one included. */
  unacknowledged(inbox: string, level: number): Promise<number>;
  /** How many of them this process has. */
  heldOf(inbox: string, level: number): number;
}

/** What pulling needs around it. */
export interface PullingOptions extends SourceOptions {
  readonly inbox: string;
  readonly session: Session;
  left(source: Pulling): void;
}

interface Level {
  readonly level: number;
  readonly deliver: string;
  readonly subscription: Subscription;
  /** There may be something that was not asked for yet. */
  hasMore: boolean;
  /** Others may hold something of it, which comes back without a word if they die. */
  isElsewhere: boolean;
  /** The request that is under way. */
  request: Request | undefined;
}

interface Request {
  readonly got: NatsArrival[];
  readonly batch: number;
  end(): void;
}

const MOST_PER_REQUEST = 1_000;
/** The server answers at once; where the connection is lost there is no answer. */
const MOST_TO_ANSWER = 5_000;
/** While others hold something, it is looked so often whether that has come back. */
const LOOK_EVERY = 1_000;
/** What was stored is told by the server; a word may be lost. */
const SLOW_LOOK = 30_000;

/**
 * Pulls messages of one inbox: the server tells of each that it has stored, and is asked for what there is. No request is
 * left waiting there: a redelivery that meets only requests of the dead makes NATS 2.9 deliver another message twice.
 * Levels are asked one after the other, the highest first, and with the aging guard.
 */
export class Pulling implements Source {
  readonly inbox: string;
  readonly #queues: PullQueues;
  readonly #options: PullingOptions;
  readonly #levels = new Map<number, Level>();
  #wanted = 0;
  #arrived: NatsArrival[] = [];
  #walking: Promise<void> | undefined;
  #passedOver = 0;
  #isClosed = false;
  #connection: Connection | undefined;
  #told: Subscription | undefined;
  #isScheduled = false;
  #heardAll: Promise<unknown> | undefined;
  #look: Timer | undefined;
  #slowLook: Timer | undefined;

  constructor(queues: PullQueues, options: PullingOptions) {
    this.#queues = queues;
    this.#options = options;
    this.inbox = options.inbox;
  }

  async start(): Promise<void> {
    await this.#begin();
    this.#lookSlowly();
  }

  want(arrivals: number): void {
    this.#wanted = arrivals;
    this.#walkSoon();
  }

  async tried(): Promise<void> {
    // What was stored before this was called has been told of when the server answers.
    this.#heardAll = this.#options.session.current?.api("INFO").catch(() => {});
    await this.#walking;
    for (const level of this.#levels.values()) level.hasMore = true;
    await this.#walk();
    this.#tell();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wanted = 0;
    this.#look?.cancel();
    this.#slowLook?.cancel();
    await this.#walking;
    this.#end();
    this.#options.left(this);
  }

  /** There is a new connection. */
  restored(): void {
    this.#begin().catch(() => {});
  }

  /** Something may wait on a level. */
  wake(level: number): void {
    const known = this.#levels.get(level);
    if (known) known.hasMore = true;
    else if (level >= 0 && level <= 4 && this.#connection) this.#addLevel(this.#connection, level);
    this.#walkSoon();
  }

  async #begin(): Promise<void> {
    const { session } = this.#options;
    const connection = session.current;
    if (!connection || this.#isClosed) return;
    this.#end();
    this.#connection = connection;
    const { names } = session;
    this.#told = connection.subscribe(names.stored(this.inbox, "*"), (message) =>
      this.wake(names.inboxIn(message.subject).level),
    );
    for (const level of await this.#queues.levelsOf(this.inbox))
      if (connection === this.#connection && !this.#isClosed) this.#addLevel(connection, level);
    this.#walkSoon();
  }

  #end(): void {
    this.#told?.unsubscribe();
    for (const { subscription, request } of this.#levels.values()) {
      subscription.unsubscribe();
      request?.end();
    }
    this.#levels.clear();
  }

  #addLevel(connection: Connection, level: number): void {
    if (this.#levels.has(level)) return;
    const deliver = connection.ownSubject();
    const made: Level = {
      level,
      deliver,
      hasMore: true,
      isElsewhere: true,
      request: undefined,
      subscription: connection.subscribe(deliver, (message) => this.#heard(made, message)),
    };
    this.#levels.set(level, made);
  }

  #lookSlowly(): void {
    this.#slowLook = this.#options.session.context.clock.after(SLOW_LOOK, () => {
      for (const level of this.#levels.values()) level.hasMore = true;
      this.#walkSoon();
      this.#lookSlowly();
    });
  }

  /** What is wanted of one turn is asked for together. */
  #walkSoon(): void {
    if (this.#isScheduled || this.#isClosed || this.#wanted <= 0 || this.#walking) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      void this.#walk();
    });
  }

  #inOrder(): Level[] {
    return [...this.#levels.values()].sort((a, b) => a.level - b.level);
  }

  #heard(level: Level, message: Msg): void {
    const { request } = level;
    if (isStatus(message)) return request?.end();
    const arrival = this.#queues.arrivalOf(message, { inbox: this.inbox, level: level.level });
    // Its request has been given up.
    if (!request) return this.#queues.returnUntouched([arrival]);
    request.got.push(arrival);
    if (request.got.length >= request.batch) request.end();
  }

  #arrive(arrivals: readonly NatsArrival[]): void {
    if (arrivals.length === 0) return;
    this.#arrived.push(...arrivals);
    this.#tell();
  }

  #tell(): void {
    const arrivals = this.#arrived;
    this.#arrived = [];
    if (arrivals.length > 0) this.#options.onArrivals(arrivals);
  }

  #walk(): Promise<void> {
    this.#walking ??= this.#walkLevels()
      .catch(() => {})
      .finally(() => {
        this.#walking = undefined;
        if (this.#inOrder().some(({ hasMore }) => hasMore)) this.#walkSoon();
        this.#lookLater();
      });
    return this.#walking;
  }

  /** Takes what waits, the highest level first, until nothing is left or wanted. */
  async #walkLevels(): Promise<void> {
    const heard = this.#heardAll;
    this.#heardAll = undefined;
    await heard;
    while (this.#wanted > 0 && !this.#isClosed) {
      const waiting = this.#inOrder().filter(({ hasMore }) => hasMore);
      const [highest, ...lower] = waiting;
      if (!highest) return;
      if (lower.length > 0 && this.#passedOver >= AGING_PERIOD - 1) {
        await this.#takeLower(lower);
        continue;
      }
      const most = lower.length > 0 ? AGING_PERIOD - 1 - this.#passedOver : MOST_PER_REQUEST;
      const got = await this.#fetch(highest, Math.min(this.#wanted, most));
      this.#passedOver = lower.length > 0 ? this.#passedOver + got.length : 0;
      this.#handOver(got);
    }
  }

  /** Of the first on each lower level the one that has waited longest is handed out. */
  async #takeLower(lower: readonly Level[]): Promise<void> {
    const firsts = await Promise.all(lower.map((level) => this.#fetch(level, 1)));
    const [first, ...others] = firsts.flat().sort((a, b) => a.order - b.order);
    this.#queues.returnUntouched(others);
    this.#passedOver = 0;
    if (first) this.#handOver([first]);
  }

  #handOver(got: readonly NatsArrival[]): void {
    const fit = got.slice(0, Math.max(0, this.#isClosed ? 0 : this.#wanted));
    this.#wanted -= fit.length;
    this.#arrive(fit);
    if (fit.length < got.length) this.#queues.returnUntouched(got.slice(fit.length));
  }

  /** Takes up to `batch` that wait on a level, now. */
  async #fetch(level: Level, batch: number): Promise<NatsArrival[]> {
    const { session } = this.#options;
    const { clock } = session.context;
    // What comes from now on is told.
    level.hasMore = false;
    await this.#queues.ensureConsumer(this.inbox, level.level);
    const got: NatsArrival[] = [];
    let timer: Timer | undefined;
    await new Promise<void>((resolve) => {
      timer = clock.after(MOST_TO_ANSWER, resolve);
      level.request = { got, batch, end: resolve };
      this.#queues.pull(this.inbox, level.level, { batch, deliver: level.deliver });
    });
    timer?.cancel();
    level.request = undefined;
    if (got.length >= batch) level.hasMore = true;
    else level.isElsewhere = true;
    return got;
  }

  /** Others may hold something that nobody will tell of if they die: while they do, it is looked for now and then. */
  #lookLater(): void {
    const isSome = [...this.#levels.values()].some(({ isElsewhere }) => isElsewhere);
    if (this.#look || this.#isClosed || !isSome || this.#wanted <= 0) return;
    const { clock } = this.#options.session.context;
    this.#look = clock.after(LOOK_EVERY, () => {
      this.#look = undefined;
      this.#lookElsewhere()
        .catch(() => {})
        .finally(() => this.#lookLater());
    });
  }

  async #lookElsewhere(): Promise<void> {
    for (const level of this.#levels.values()) {
      if (!level.isElsewhere) continue;
      level.isElsewhere = false;
      const open = await this.#queues.unacknowledged(this.inbox, level.level);
      if (open <= this.#queues.heldOf(this.inbox, level.level)) continue;
      level.isElsewhere = true;
      level.hasMore = true;
    }
    this.#walkSoon();
  }
}
