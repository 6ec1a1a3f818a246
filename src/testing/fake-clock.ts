import type { Clock, Timer } from "../internal/clock.ts";

interface FakeTimer extends Timer {
  readonly at: number;
  readonly order: number;
  readonly listener: () => void;
}

/** Options of a {@link FakeClock}. */
export interface FakeClockOptions {
  /** Wall milliseconds since 1970 to start at; default 2026-01-01T00:00:00Z. */
  readonly now?: number;
}

/** Time that passes only when a test says so. */
export class FakeClock implements Clock {
  #wall: number;
  #monotonic = 1_000_000;
  #order = 0;
  readonly #timers = new Set<FakeTimer>();

  constructor(options: FakeClockOptions = {}) {
    this.#wall = options.now ?? Date.UTC(2026, 0, 1);
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  after(delay: number, listener: () => void): Timer {
    const timer: FakeTimer = {
      at: this.#monotonic + Math.max(0, delay),
      order: this.#order++,
      listener,
      cancel: () => void this.#timers.delete(timer),
    };
    this.#timers.add(timer);
    return timer;
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Lets milliseconds pass: fires the timers due meanwhile in their order, each after everything before it has settled. */
  async advance(duration: number): Promise<void> {
    if (!(duration >= 0)) throw new RangeError(`a clock cannot be advanced by ${duration} ms`);
    const end = this.#monotonic + duration;
    await settled();
    for (let timer = this.#first(end); timer; timer = this.#first(end)) {
      this.#move(Math.max(0, timer.at - this.#monotonic));
      this.#timers.delete(timer);
      timer.listener();
      await settled();
    }
    this.#move(end - this.#monotonic);
  }

  /** Makes the wall clock jump, forwards or back; monotonic time and timers do not notice. */
  jump(by: number): void {
    this.#wall += by;
  }

  #move(by: number): void {
    this.#wall += by;
    this.#monotonic += by;
  }

  #first(end: number): FakeTimer | undefined {
    let first: FakeTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= end && (!first || timer.at < first.at || (timer.at === first.at && timer.order < first.order)))
        first = timer;
    }
    return first;
  }
}

/** Resolves when promises and immediate callbacks that are under way have had their turn. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
