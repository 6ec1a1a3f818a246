import type { Subscription } from "@nats-io/transport-node";
import { AGING_PERIOD, AgingGuard, EMPTY_LEVEL } from "../../broker/aging.ts";
import type { Timer } from "../../internal/clock.ts";
import { PRIORITIES } from "../../message/envelope.ts";
import type { Source, SourceOptions } from "../ledger/engine.ts";
import type { Connection } from "./connection.ts";
import { LevelPull, type NatsArrival, type PullQueues } from "./level-pull.ts";
import type { Session } from "./session.ts";

/** The queues of a {@link Pulling}. */
export interface SourceQueues extends PullQueues {
  /** Levels on which there is something, and the one that most messages have. */
  levelsOf(inbox: string): Promise<number[]>;
  /** They are somebody else's. */
  forget(arrivals: readonly NatsArrival[]): void;
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

const MOST_PER_REQUEST = 1_000;
/** A consumer that takes so many within a period gets its next ones in advance, from all levels at once. */
const FAST = 64;
const PERIOD = 100;
const MOST_IN_ADVANCE = 256;
/** Of a level behind one that has much, as part of what is asked for otherwise. */
const SMALL_PART = 1 / 8;
/** What came and nobody wants is given back after this time, for others to have. */
const KEPT = 250;
/** While others hold something, it is looked so often whether that has come back. */
const LOOK_EVERY = 1_000;
/** What was stored is told by the server; a word may be lost. */
const SLOW_LOOK = 30_000;
const PAUSE_AFTER_FAULT = 500;
/** The place of what a level may have. */
const UNKNOWN = Number.MAX_VALUE;

/**
 * Pulls messages of one inbox: the server tells of each that it has stored, and is asked for what there is. No request is
 * meant to be left waiting there: a redelivery that meets only requests of the dead makes NATS 2.9 deliver another message
 * twice. A slow consumer asks one level after the other, the highest first, for no more than it wants; a fast one asks all
 * of them at once and in advance. Which message is next is decided here, with the aging guard.
 */
export class Pulling implements Source {
  readonly inbox: string;
  readonly #queues: SourceQueues;
  readonly #options: PullingOptions;
  readonly #levels: (LevelPull | undefined)[] = PRIORITIES.map(() => undefined);
  readonly #aging = new AgingGuard();
  #wanted = 0;
  #serving: Promise<void> | undefined;
  #isClosed = false;
  #connection: Connection | undefined;
  #told: Subscription | undefined;
  #isScheduled = false;
  #heardAll: Promise<unknown> | undefined;
  #giving: Timer | undefined;
  #retry: Timer | undefined;
  #look: Timer | undefined;
  #slowLook: Timer | undefined;
  #handed = 0;
  #handedBefore = 0;
  #periodEnd = 0;

  constructor(queues: SourceQueues, options: PullingOptions) {
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
    if (arrivals > 0) this.#serveSoon();
    else this.#giveBackSoon();
  }

  async tried(): Promise<void> {
    // What was stored before this was called has been told of when the server answers.
    this.#heardAll = this.#options.session.current?.api("INFO").catch(() => {});
    await this.#serving;
    for (const level of this.#known) level.hasMore = true;
    await this.#serve();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wanted = 0;
    for (const timer of [this.#giving, this.#retry, this.#look, this.#slowLook]) timer?.cancel();
    await this.#serving;
    await Promise.all(this.#known.map((level) => level.idle()));
    this.#end();
    this.#options.left(this);
  }

  /** There is a new connection. */
  restored(): void {
    this.#begin().catch(() => this.#retryLater());
  }

  /** Something may wait on a level. */
  wake(level: number): void {
    const known = this.#levels[level];
    if (known) known.hasMore = true;
    else if (level >= 0 && level < PRIORITIES.length && this.#connection) this.#addLevel(this.#connection, level);
    this.#serveSoon();
  }

  /** What was kept of an inbox that is gone. */
  clear(): void {
    this.#queues.forget(this.#takeKept());
  }

  get #known(): LevelPull[] {
    return this.#levels.filter((level) => level !== undefined);
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
    this.#serveSoon();
  }

  #end(): void {
    this.#told?.unsubscribe();
    this.#giveBack();
    for (const level of this.#known) level.end();
    this.#levels.fill(undefined);
  }

  #addLevel(connection: Connection, level: number): void {
    this.#levels[level] ??= new LevelPull({
      connection,
      queues: this.#queues,
      clock: this.#options.session.context.clock,
      inbox: this.inbox,
      level,
      came: () => {
        if (this.#wanted > 0) this.#serveSoon();
        else this.#giveBackSoon();
      },
    });
  }

  #lookSlowly(): void {
    this.#slowLook = this.#options.session.context.clock.after(SLOW_LOOK, () => {
      for (const level of this.#known) level.hasMore = true;
      this.#serveSoon();
      this.#lookSlowly();
    });
  }

  /** What is wanted of one turn is asked for together. */
  #serveSoon(): void {
    if (this.#isScheduled || this.#isClosed || this.#wanted <= 0 || this.#serving) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      void this.#serve();
    });
  }

  #serve(): Promise<void> {
    this.#serving ??= this.#serveAll()
      .catch(() => this.#retryLater())
      .finally(() => {
        this.#serving = undefined;
        this.#giveBackSoon();
        if (!this.#retry && this.#known.some(({ isUnknown }) => isUnknown)) this.#serveSoon();
        this.#lookLater();
      });
    return this.#serving;
  }

  #retryLater(): void {
    this.#retry ??= this.#options.session.context.clock.after(PAUSE_AFTER_FAULT, () => {
      this.#retry = undefined;
      this.#serveSoon();
    });
  }

  /** Hands out what waits until nothing is left or wanted. */
  async #serveAll(): Promise<void> {
    const heard = this.#heardAll;
    this.#heardAll = undefined;
    await heard;
    while (this.#wanted > 0 && !this.#isClosed) {
      this.#giving?.cancel();
      this.#giving = undefined;
      if (this.#hand()) continue;
      const asked = this.#toAsk();
      if (asked.length === 0) return;
      await Promise.all(asked.map(({ level, batch }) => level.ask(batch)));
    }
  }

  /** Hands out what is certain to be next; false if there is nothing of which that can be said. */
  #hand(): boolean {
    const chosen: NatsArrival[] = [];
    while (chosen.length < this.#wanted) {
      const heads = this.#heads();
      if (this.#isBlocked(heads)) break;
      const level = this.#levels[this.#aging.choose(heads)];
      if (!level) break;
      chosen.push(level.kept.shift() as NatsArrival);
    }
    if (chosen.length === 0) return false;
    this.#wanted -= chosen.length;
    this.#count(chosen.length);
    this.#refill();
    this.#options.onArrivals(chosen);
    return true;
  }

  /** The place of each level's first message among all of the inbox. */
  #heads(): number[] {
    return this.#levels.map((level) => {
      if (!level) return EMPTY_LEVEL;
      const [first] = level.kept;
      return first ? first.order : level.isUnknown ? UNKNOWN : EMPTY_LEVEL;
    });
  }

  get #isLowerDue(): boolean {
    return this.#aging.passedOver >= AGING_PERIOD - 1;
  }

  /** Whether it depends on a level that nobody knows which message is next. */
  #isBlocked(heads: readonly number[]): boolean {
    const highest = heads.findIndex((place) => place !== EMPTY_LEVEL);
    return heads[highest] === UNKNOWN || (this.#isLowerDue && heads.indexOf(UNKNOWN, highest + 1) !== -1);
  }

  /** What has to be asked before the next can be handed out. */
  #toAsk(): { readonly level: LevelPull; readonly batch: number }[] {
    const waiting = this.#known.filter(({ kept, isUnknown }) => kept.length > 0 || isUnknown);
    const [highest, ...lower] = waiting;
    if (!highest) return [];
    if (this.#isFast) return waiting.filter(({ isUnknown }) => isUnknown).map((level) => this.#inAdvance(level));
    const unknownLower = lower.filter(({ isUnknown }) => isUnknown);
    if (this.#isLowerDue && unknownLower.length > 0) return unknownLower.map((level) => ({ level, batch: 1 }));
    // In some of the places one of a lower level comes.
    const places = lower.length > 0 ? Math.floor((this.#aging.passedOver + this.#wanted) / AGING_PERIOD) : 0;
    return [{ level: highest, batch: Math.max(1, Math.min(MOST_PER_REQUEST, this.#wanted - places)) }];
  }

  #inAdvance(level: LevelPull): { readonly level: LevelPull; readonly batch: number } {
    const batch = Math.min(MOST_IN_ADVANCE, Math.max(this.#wanted, this.#handed, this.#handedBefore));
    const isBehind = this.#known.some((one) => one.level < level.level && one.isRich);
    return { level, batch: isBehind ? Math.ceil(batch * SMALL_PART) : batch };
  }

  /** Asks levels that have much for more before they are empty. */
  #refill(): void {
    if (!this.#isFast) return;
    for (const level of this.#known) {
      const { batch } = this.#inAdvance(level);
      if (level.isRich && level.hasMore && !level.isAsking && level.kept.length < batch / 2)
        level.ask(batch).then(
          () => this.#serveSoon(),
          () => this.#retryLater(),
        );
    }
  }

  /** Whether much was handed out of late. */
  get #isFast(): boolean {
    this.#count(0);
    return Math.max(this.#handed, this.#handedBefore) >= FAST;
  }

  #count(handed: number): void {
    const now = this.#options.session.context.clock.monotonic();
    if (now >= this.#periodEnd) {
      this.#handedBefore = now < this.#periodEnd + PERIOD ? this.#handed : 0;
      this.#handed = 0;
      this.#periodEnd = now + PERIOD;
    }
    this.#handed += handed;
  }

  /** What nobody wants goes back; a fast consumer may want it soon. */
  #giveBackSoon(): void {
    if (this.#giving || this.#wanted > 0 || this.#serving || this.#known.every(({ kept }) => kept.length === 0)) return;
    if (!this.#isFast) return this.#giveBack();
    this.#giving = this.#options.session.context.clock.after(KEPT, () => {
      this.#giving = undefined;
      if (this.#wanted === 0) this.#giveBack();
    });
  }

  #giveBack(): void {
    const kept = this.#takeKept();
    if (kept.length > 0) this.#queues.returnUntouched(kept);
  }

  #takeKept(): NatsArrival[] {
    return this.#known.flatMap(({ kept }) => kept.splice(0));
  }

  /** Others may hold something that nobody will tell of if they die: while they do, it is looked for now and then. */
  #lookLater(): void {
    const isSome = this.#known.some(({ isElsewhere }) => isElsewhere);
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
    for (const level of this.#known) {
      if (!level.isElsewhere) continue;
      level.isElsewhere = false;
      const open = await this.#queues.unacknowledged(this.inbox, level.level);
      if (open <= this.#queues.heldOf(this.inbox, level.level)) continue;
      level.isElsewhere = true;
      level.hasMore = true;
    }
    this.#serveSoon();
  }
}
