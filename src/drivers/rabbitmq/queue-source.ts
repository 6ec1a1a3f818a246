import { AgingGuard, EMPTY_LEVEL } from "../../broker/aging.ts";
import { AgentwireError } from "../../errors.ts";
import type { Timer } from "../../internal/clock.ts";
import { Coalesced } from "../../internal/coalesced.ts";
import { PRIORITIES } from "../../message/envelope.ts";
import type { Source, SourceOptions } from "../ledger/engine.ts";
import { isNotFound } from "./faults.ts";
import { Intake, type QueuedArrival } from "./intake.ts";
import type { Levels } from "./levels.ts";
import type { Session } from "./session.ts";

/** What a {@link QueueSource} needs around it. */
export interface QueueSourceParts {
  readonly session: Session;
  readonly levels: Levels;
  /** The server gives these to others. */
  lost(arrivals: readonly QueuedArrival[]): void;
  closed(source: QueueSource): void;
}

/** What came and nobody wants is given back after this time, for others to have. */
const KEPT = 250;
/** A level that gives no more though more is wanted mostly waits for acknowledgments that are on their way. */
const DRY_FOR = { windowed: 1_000, unknown: 20 } as const;
/** After a fault, doubled with each that follows it. */
const SHORTEST_PAUSE = 500;
const LONGEST_PAUSE = 5_000;

/**
 * Copies of one inbox. The server gives from every level up to the window; which of them go on, and when, is decided
 * here: the server itself knows no priority between queues.
 */
export class QueueSource implements Source {
  readonly inbox: string;
  readonly intake: Intake;
  readonly #options: SourceOptions;
  readonly #parts: QueueSourceParts;
  readonly #kept: QueuedArrival[][] = PRIORITIES.map(() => []);
  readonly #aging = new AgingGuard();
  readonly #adjusting: Coalesced;
  #wanted = 0;
  /** So many times it was to be found out first what has come; nothing is handed over before that is done. */
  #asked = 0;
  #served = 0;
  #hasLooked = false;
  #isClosed = false;
  #isLeft = false;
  #giving: Timer | undefined;
  #dry: Timer | undefined;
  /** More is to be taken from levels that give no more. */
  #isThirsty = false;
  #mustStop = false;
  #pause = SHORTEST_PAUSE;
  #toldFault = "";
  #again: Timer | undefined;
  /** Levels whose queues are another's: left alone until it is tried again. */
  readonly #barred = new Set<number>();

  constructor(inbox: string, options: SourceOptions, parts: QueueSourceParts) {
    this.inbox = inbox;
    this.#options = options;
    this.#parts = parts;
    this.#adjusting = new Coalesced(() => this.#adjust());
    this.intake = new Intake({
      session: parts.session,
      inbox,
      arrived: (arrivals) => this.#arrived(arrivals),
      ended: (level) => {
        for (const arrival of this.#kept[level]?.splice(0) ?? []) this.intake.giveBack(arrival);
        void parts.levels
          .ended(inbox, level)
          .catch(() => {})
          .then(() => this.adjust());
      },
      failed: (lost) => {
        const kept = this.#unkept();
        parts.lost(lost.filter((arrival) => !kept.has(arrival)));
        this.#adjustLater();
      },
      // What nobody has asked for is better off in its queue. Within a window more is asked for soon.
      beforeRoom: () =>
        options.window === undefined && this.#wanted === 0 && this.intake.taps > 0 ? this.#stop() : undefined,
      emptied: () => {
        if (this.#isLeft) this.#leave();
      },
    });
  }

  want(arrivals: number): void {
    if (this.#isClosed) return;
    const wasFull = this.#wanted === 0;
    this.#wanted = arrivals;
    if (arrivals === 0) return this.#giveBackLater();
    this.#giving?.cancel();
    this.#giving = undefined;
    this.#mustStop = false;
    // What has come or comes now may have been overtaken by something more urgent, which is on its way too.
    if (this.#isUntapped || wasFull || this.kept > 0) this.adjust();
    else this.#watchDry();
  }

  async tried(): Promise<void> {
    await this.#parts.levels.look(this.inbox);
    if (this.#wanted === 0) return this.#giveBack();
    this.#isThirsty = true;
    await this.#adjusting.run();
    while (!this.#isClosed && this.#wanted > 0) {
      const levels = this.#parts.levels.of(this.inbox);
      const { ready } = await this.#parts.levels.count(this.inbox, levels);
      await this.intake.fence();
      if (ready.every((count) => count === 0)) return;
      this.#isThirsty = true;
      await this.#adjusting.run();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wanted = 0;
    this.#giving?.cancel();
    this.#dry?.cancel();
    this.#again?.cancel();
    await this.#adjusting.idle();
    await this.#giveBack();
    // What is held stays so.
    this.#isLeft = true;
    if (this.intake.open.length === 0) this.#leave();
  }

  /** Takes from the levels that there are, as much as is wanted. */
  adjust(): void {
    if (this.#isClosed || this.#wanted === 0) return;
    this.#asked++;
    this.#adjusting.run().then(
      () => {
        if (this.#barred.size > 0) return;
        this.#pause = SHORTEST_PAUSE;
        this.#toldFault = "";
      },
      (error: Error) => this.#failed(error),
    );
  }

  #failed(error: Error): void {
    const { session } = this.#parts;
    // Without a connection it is done again with the next one.
    if (!session.connection) return;
    const { message } = error;
    if (message !== this.#toldFault) {
      const code = AgentwireError.is(error) ? { code: error.code } : {};
      session.report({ type: "driver.fault", message, details: { ...code, inbox: this.inbox } });
    }
    this.#toldFault = message;
    this.#adjustLater();
  }

  #adjustLater(): void {
    const { session } = this.#parts;
    this.#again ??= session.context.clock.after(this.#pause, () => {
      this.#again = undefined;
      this.#barred.clear();
      if (session.connection) this.adjust();
    });
    this.#pause = Math.min(LONGEST_PAUSE, 2 * this.#pause);
  }

  /** The connection is gone; returns what had come over it. */
  forget(): QueuedArrival[] {
    const open = this.intake.open;
    const kept = this.#unkept();
    this.#barred.clear();
    this.intake.forget();
    return open.filter((arrival) => !kept.has(arrival));
  }

  /** Keeps nothing any longer; returns what it had kept. */
  #unkept(): ReadonlySet<QueuedArrival> {
    return new Set(this.#kept.flatMap((level) => level.splice(0)));
  }

  /** What came, and nobody has asked for. */
  get kept(): number {
    return this.#kept.reduce((sum, level) => sum + level.length, 0);
  }

  /** Whether there is a level from which nothing is taken. */
  get #isUntapped(): boolean {
    const isUntapped = (level: number): boolean => !this.#barred.has(level) && this.intake.room(level) === undefined;
    return !this.#hasLooked || this.#parts.levels.of(this.inbox).some(isUntapped);
  }

  /** Whether a level gives nothing more, as what it gave is not acknowledged. */
  get #isDry(): boolean {
    return this.#parts.levels.of(this.inbox).some((level) => (this.intake.room(level) ?? 1) <= 0);
  }

  /** Whether something lower would be handed over, though this level may have more than it was asked for. */
  #mayBePassedBy(level: number): boolean {
    return this.#options.window === undefined && this.#kept.some((kept, other) => other > level && kept.length > 0);
  }

  /** Takes more from a level that stays dry, though more is wanted. */
  #watchDry(): void {
    if (this.#dry || this.#wanted === 0 || !this.#isDry) return;
    const { clock } = this.#parts.session.context;
    this.#dry = clock.after(DRY_FOR[this.#options.window === undefined ? "unknown" : "windowed"], () => {
      this.#dry = undefined;
      if (this.#wanted === 0 || !this.#isDry) return;
      this.#isThirsty = true;
      this.adjust();
    });
  }

  async #adjust(): Promise<void> {
    const { levels } = this.#parts;
    const isThirsty = this.#isThirsty;
    this.#isThirsty = false;
    const serves = ++this.#asked;
    let fault: unknown;
    try {
      // Nobody has told of those that were used before this process watched.
      if (!this.#hasLooked) await levels.look(this.inbox);
      this.#hasLooked = true;
      for (const level of levels.of(this.inbox)) {
        if (this.#wanted === 0 && this.#mustStop) await this.intake.untap(level);
        const room = this.intake.room(level);
        const gives = room !== undefined && (room > 0 || !(isThirsty || this.#mayBePassedBy(level)));
        if (this.#wanted === 0 || gives || this.#barred.has(level)) continue;
        try {
          await levels.ensure(this.inbox, level);
        } catch (error) {
          // The other levels go on without it.
          this.#barred.add(level);
          fault = error;
          continue;
        }
        await this.#tap(level);
      }
      await this.intake.fence();
    } finally {
      this.#served = serves;
    }
    this.#hand();
    if (fault) throw fault;
  }

  async #tap(level: number): Promise<void> {
    try {
      await this.intake.tap(level, this.#options.window ?? this.#wanted + this.intake.open.length);
    } catch (error) {
      const { levels } = this.#parts;
      if (!isNotFound((error as Error).cause)) {
        // It may be another's by now, which is found out by declaring it.
        levels.missing(this.inbox, level);
        throw error;
      }
      await levels.ended(this.inbox, level);
      this.#adjustLater();
    }
  }

  #arrived(arrivals: readonly QueuedArrival[]): void {
    for (const arrival of arrivals) {
      const kept = this.#kept[arrival.level] as QueuedArrival[];
      // What comes again comes ahead, and among itself in its old order.
      let place = kept.length;
      while (place > 0 && (kept[place - 1] as QueuedArrival).order > arrival.order) place--;
      kept.splice(place, 0, arrival);
    }
    this.#hand();
    if (this.kept > 0) this.#giveBackLater();
  }

  #hand(): void {
    if (this.#served !== this.#asked) return;
    const chosen: QueuedArrival[] = [];
    while (this.#wanted > 0) {
      const heads = this.#kept.map(([first]) => (first ? first.sent : EMPTY_LEVEL));
      const level = this.#aging.choose(heads);
      if (level === -1) break;
      chosen.push((this.#kept[level] as QueuedArrival[]).shift() as QueuedArrival);
      this.#wanted--;
    }
    if (chosen.length > 0) this.#options.onArrivals(chosen);
  }

  #leave(): void {
    this.#parts.closed(this);
    this.intake.close().catch(() => {});
  }

  #giveBackLater(): void {
    if (this.#giving || this.#wanted > 0) return;
    this.#giving = this.#parts.session.context.clock.after(KEPT, () => {
      this.#giving = undefined;
      if (this.#wanted === 0) this.#giveBack().catch(() => {});
    });
  }

  /** Takes nothing more, unless something is wanted meanwhile. */
  #stop(): Promise<void> {
    this.#mustStop = true;
    return this.#adjusting.run();
  }

  /** Takes nothing more, and gives back what nobody wanted. */
  async #giveBack(): Promise<void> {
    if (this.intake.taps > 0 || this.kept > 0) await this.#stop();
    if (this.#wanted > 0) return;
    for (const level of this.#kept) for (const arrival of level.splice(0)) this.intake.giveBack(arrival);
    await this.intake.fence();
  }
}
