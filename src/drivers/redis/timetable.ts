import type { Clock, Timer } from "../../internal/clock.ts";

/** What a {@link Timetable} needs around it. */
export interface TimetableOptions {
  readonly clock: Clock;
  /** This process among the others. */
  readonly peer: string;
  /**
   * Does what is due. `life`: for how many milliseconds this process counts as alive from now. Resolves with the server's
   * time, the next moment in which something is to be done, and the number of changes of values.
   */
  sweep(life: number | undefined): Promise<unknown>;
  /** Values have changed that nobody told of, or some time has passed. */
  missed(): void;
}

const HEARTBEAT = 10_000;
const LIFE = 30_000;
/** The one that planned something is there at its time, the others a little later, in case that it has died. */
const SPREAD = 100;
/** Signals may be lost: now and then all is looked at. */
const BEATS_TO_LOOK = 3;
const PAUSE_AFTER_FAULT = 1_000;

/** Sees to it that what is due is done when it is due, by whichever process is there, and that this one counts as alive. */
export class Timetable {
  readonly #options: TimetableOptions;
  #timer: Timer | undefined;
  #at = Number.POSITIVE_INFINITY;
  #beat: Timer | undefined;
  #beats = 0;
  #stopped = true;

  constructor(options: TimetableOptions) {
    this.#options = options;
  }

  /** Enters this process into the books and begins. */
  async start(): Promise<void> {
    this.#stopped = false;
    await this.#look(LIFE);
    this.#beatLater();
  }

  /** Enters this process into the books again, through `sweep`, which takes the arguments of the script. */
  async restart(sweep: (args: readonly string[]) => Promise<unknown>): Promise<void> {
    if (this.#stopped) return;
    this.#plan(await sweep([this.#options.peer, "", String(LIFE)]));
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#beat?.cancel();
  }

  /** A process has planned something: the server's time, when, and its name. */
  told(message: string): void {
    const [now, at, peer] = message.split(" ");
    const spread = peer === this.#options.peer ? 0 : SPREAD * (0.2 + 0.8 * Math.random());
    this.#arm(Number(at) - Number(now) + spread);
  }

  #beatLater(): void {
    this.#beat = this.#options.clock.after(HEARTBEAT, () => {
      if (++this.#beats % BEATS_TO_LOOK === 0) this.#options.missed();
      void this.#look(LIFE).catch(() => {});
      this.#beatLater();
    });
  }

  async #look(life?: number): Promise<void> {
    this.#plan(await this.#options.sweep(life));
  }

  #plan(answer: unknown): void {
    const [now, next] = answer as [number, number];
    if (next >= 0) this.#arm(next - now);
  }

  #arm(delay: number): void {
    const { clock } = this.#options;
    if (this.#stopped) return;
    const at = clock.monotonic() + Math.max(0, delay);
    if (at >= this.#at) return;
    this.#timer?.cancel();
    this.#at = at;
    this.#timer = clock.after(Math.ceil(Math.max(0, delay)), () => {
      this.#at = Number.POSITIVE_INFINITY;
      this.#look().catch(() => this.#arm(PAUSE_AFTER_FAULT));
    });
  }
}
