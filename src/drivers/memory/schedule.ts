import type { Clock, Timer } from "../../internal/clock.ts";

interface Appointment<T> {
  readonly at: number;
  readonly order: number;
  readonly item: T;
}

/** What a {@link Schedule} does with its items. */
export interface ScheduleOptions<T> {
  readonly clock: Clock;
  /** Whether the item still waits for its time; others are forgotten when it costs nothing. */
  isLive(item: T): boolean;
  onDue(item: T): void;
}

// A jump of the wall clock is noticed within this time.
const LONGEST_SLEEP = 30_000;
const SMALLEST = 64;

const before = (a: Appointment<unknown>, b: Appointment<unknown>): boolean =>
  a.at < b.at || (a.at === b.at && a.order < b.order);

/** Items due at a wall time, all on one timer: a binary heap, of which items that ended early are swept out in time. */
export class Schedule<T> {
  readonly #options: ScheduleOptions<T>;
  #heap: Appointment<T>[] = [];
  #order = 0;
  #sweepAt = SMALLEST;
  #timer: Timer | undefined;
  #armedFor = Number.POSITIVE_INFINITY;

  constructor(options: ScheduleOptions<T>) {
    this.#options = options;
  }

  add(item: T, at: number): void {
    if (this.#heap.length >= this.#sweepAt) this.#sweep();
    this.#heap.push({ at, order: this.#order++, item });
    this.#up(this.#heap.length - 1);
    if (at < this.#armedFor) this.#arm();
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#armedFor = Number.POSITIVE_INFINITY;
    const first = this.#heap[0];
    if (!first) return;
    this.#armedFor = first.at;
    const wait = Math.max(0, Math.min(first.at - this.#options.clock.now(), LONGEST_SLEEP));
    this.#timer = this.#options.clock.after(wait, () => this.#run());
  }

  #run(): void {
    const now = this.#options.clock.now();
    for (let first = this.#heap[0]; first && first.at <= now; first = this.#heap[0]) {
      this.#removeFirst();
      if (this.#options.isLive(first.item)) this.#options.onDue(first.item);
    }
    this.#arm();
  }

  #sweep(): void {
    // Sorted ascending is a heap, too.
    this.#heap = this.#heap.filter((entry) => this.#options.isLive(entry.item)).sort((a, b) => (before(a, b) ? -1 : 1));
    this.#sweepAt = Math.max(SMALLEST, this.#heap.length * 2);
  }

  #removeFirst(): void {
    const last = this.#heap.pop() as Appointment<T>;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#down();
  }

  #up(from: number): void {
    const heap = this.#heap;
    const entry = heap[from] as Appointment<T>;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (before(heap[parent] as Appointment<T>, entry)) break;
      heap[at] = heap[parent] as Appointment<T>;
      at = parent;
    }
    heap[at] = entry;
  }

  #down(): void {
    const heap = this.#heap;
    const entry = heap[0] as Appointment<T>;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Appointment<T>, heap[child] as Appointment<T>)) child++;
      if (before(entry, heap[child] as Appointment<T>)) break;
      heap[at] = heap[child] as Appointment<T>;
      at = child;
    }
    heap[at] = entry;
  }
}
