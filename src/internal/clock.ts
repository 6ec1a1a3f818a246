/** A cancellable wait made by a {@link Clock}. */
export interface Timer {
  /** Stops the timer; calling it again, or after it fired, does nothing. */
  cancel(): void;
}

/** Every source of time in the library, so that a test can hold all of it in one hand. */
export interface Clock {
  /** Wall time in milliseconds since 1970, for time stamps and expiry. May jump. */
  now(): number;
  /** Monotonic milliseconds since the machine started, for leases and timeouts. Comparable across processes of one boot. */
  monotonic(): number;
  /**
   * Calls `listener` once after `delay` milliseconds. Never keeps the process alive.
   * Delays over 2^31-1 ms are split, so that they never fire at once.
   */
  after(delay: number, listener: () => void): Timer;
}

const LONGEST_TIMER = 2 ** 31 - 1;

class SystemTimer implements Timer {
  #handle: NodeJS.Timeout | undefined;

  constructor(delay: number, listener: () => void) {
    this.#arm(delay, listener);
  }

  #arm(delay: number, listener: () => void): void {
    const step = Math.min(delay, LONGEST_TIMER);
    this.#handle = setTimeout(() => (delay > step ? this.#arm(delay - step, listener) : listener()), step);
    this.#handle.unref();
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }
}

// performance.now() counts from the start of the process; the difference makes it comparable across processes.
const SINCE_BOOT = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => SINCE_BOOT + performance.now(),
  after: (delay, listener) => new SystemTimer(delay, listener),
};
