import type { Clock, Timer } from "./clock.ts";

/** Something with a deadline; `deadline` is written by {@link Deadlines}. */
export interface Deadlined {
  /** Monotonic milliseconds. */
  deadline: number;
}

/**
 * Many deadlines on one timer. Those of equal length are kept in the order of insertion, so that adding and
 * removing one costs no search; there are few different lengths.
 */
export class Deadlines<T extends Deadlined> {
  readonly #clock: Clock;
  readonly #onExpired: (item: T) => void;
  readonly #byLength = new Map<number, Set<T>>();
  #timer: Timer | undefined;
  #armedFor = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, onExpired: (item: T) => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  /** Expires `item` after `length` milliseconds, unless it is deleted before. */
  add(item: T, length: number): void {
    item.deadline = this.#clock.monotonic() + length;
    let set = this.#byLength.get(length);
    if (!set) this.#byLength.set(length, (set = new Set()));
    set.add(item);
    if (item.deadline < this.#armedFor) this.#arm(item.deadline);
  }

  delete(item: T, length: number): void {
    this.#byLength.get(length)?.delete(item);
  }

  clear(): void {
    this.#timer?.cancel();
    this.#armedFor = Number.POSITIVE_INFINITY;
    this.#byLength.clear();
  }

  #arm(at: number): void {
    this.#timer?.cancel();
    this.#armedFor = at;
    this.#timer = this.#clock.after(Math.max(0, at - this.#clock.monotonic()), () => this.#expire());
  }

  #expire(): void {
    const now = this.#clock.monotonic();
    const due: T[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const [length, set] of this.#byLength) {
      for (const item of set) {
        if (item.deadline > now) {
          next = Math.min(next, item.deadline);
          break;
        }
        set.delete(item);
        due.push(item);
      }
      if (set.size === 0) this.#byLength.delete(length);
    }
    this.#armedFor = Number.POSITIVE_INFINITY;
    if (next < Number.POSITIVE_INFINITY) this.#arm(next);
    for (const item of due) this.#onExpired(item);
  }
}
