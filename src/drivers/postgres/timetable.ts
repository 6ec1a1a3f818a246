import type { Clock, Timer } from "../../internal/clock.ts";
import type { Row, Statement } from "./connection.ts";

/** What the timetable needs around it. */
export interface TimetableOptions {
  readonly clock: Clock;
  /** Asks for one row. */
  readonly ask: (what: string, statement: Statement) => Promise<Row>;
  /** Scope and peer. */
  who(): readonly [scope: string, peer: number];
  onHungry(inboxes: readonly number[]): void;
  /** The slow sweep is over: whatever else has to be looked at. */
  swept(): void;
}

const SWEEP = 30_000;
/** What is due is seen to at most so often. */
const GRAIN = 5;
const BATCH = 256;

const TICK = { name: "tick", text: "SELECT more, next, hungry FROM tick($1, $2, $3, $4, $5)" };

/**
 * Everything that happens because of the time: due and expired messages, values that vanish, processes that are gone. A
 * time that this process knows of is kept to; a slow sweep finds what others left behind. An idle system writes nothing.
 */
export class Timetable {
  readonly #options: TimetableOptions;
  #alarm: Timer | undefined;
  #alarmAt = Number.POSITIVE_INFINITY;
  #sweep: Timer | undefined;
  #ticking: Promise<void> | undefined;
  #isThorough = false;
  #again = false;
  #stopped = true;

  constructor(options: TimetableOptions) {
    this.#options = options;
  }

  start(): void {
    this.#stopped = false;
    this.lookThoroughly();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#alarm?.cancel();
    this.#sweep?.cancel();
    await this.#ticking;
  }

  /** Something becomes due or expires, in wall milliseconds. */
  note(at: number): void {
    this.#within(at - this.#options.clock.now());
  }

  /** Looks at leases and at other processes too. */
  lookThoroughly(): void {
    this.#isThorough = true;
    this.#tick();
  }

  #within(delay: number): void {
    if (this.#stopped || delay > SWEEP) return;
    const { clock } = this.#options;
    const at = clock.monotonic() + Math.max(delay, 0) + GRAIN;
    if (at >= this.#alarmAt) return;
    this.#alarm?.cancel();
    this.#alarmAt = at;
    this.#alarm = clock.after(at - clock.monotonic(), () => {
      this.#alarmAt = Number.POSITIVE_INFINITY;
      this.#tick();
    });
  }

  #tick(): void {
    this.#again = true;
    this.#ticking ??= this.#run();
  }

  async #run(): Promise<void> {
    const { ask, who, onHungry, clock, swept } = this.#options;
    while (this.#again && !this.#stopped) {
      this.#again = false;
      const isThorough = this.#isThorough;
      this.#isThorough = false;
      try {
        const values = [...who(), BATCH, SWEEP, isThorough];
        const { more, next, hungry } = await ask("Looking at what is due", { ...TICK, values });
        if (more === true) this.#again = true;
        if (typeof next === "number") this.#within(next);
        onHungry(hungry as readonly number[]);
      } catch {
        // The next sweep looks again; what is out of reach now has been reported.
      }
      if (!isThorough || this.#stopped) continue;
      swept();
      this.#sweep?.cancel();
      // Spread, so that many processes do not sweep at once.
      this.#sweep = clock.after(SWEEP * (0.75 + Math.random() / 4), () => this.lookThoroughly());
    }
    this.#ticking = undefined;
  }
}
