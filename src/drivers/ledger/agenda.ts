import type { Clock, Timer } from "../../internal/clock.ts";

/** Things to be done at their times, on one timer. */
export class Agenda<T> {
  readonly #clock: Clock;
  readonly #due: (items: T[]) => void;
  /** By time; few times are the same. */
  readonly #items: { readonly at: number; readonly item: T }[] = [];
  #timer: Timer | undefined;
  #armedFor = Number.POSITIVE_INFINITY;

  /** `due` is given items in the order of their times. */
  constructor(clock: Clock, due: (items: T[]) => void) {
    this.#clock = clock;
    this.#due = due;
  }

  /** Wall milliseconds. */
  add(at: number, item: T): void {
    // Mostly later than the others: looked for from the end.
    let place = this.#items.length;
    if (place > 0 && (this.#items[place - 1]?.at ?? 0) > at) {
      let low = 0;
      while (low < place) {
        const middle = (low + place) >> 1;
        if ((this.#items[middle]?.at ?? 0) <= at) low = middle + 1;
        else place = middle;
      }
    }
    this.#items.splice(place, 0, { at, item });
    this.#arm();
  }

  clear(): void {
    this.#timer?.cancel();
    this.#armedFor = Number.POSITIVE_INFINITY;
    this.#items.length = 0;
  }

  #arm(): void {
    const at = this.#items[0]?.at;
    if (at === undefined || at >= this.#armedFor) return;
    this.#timer?.cancel();
    this.#armedFor = at;
    this.#timer = this.#clock.after(Math.max(0, at - this.#clock.now()), () => this.#fire());
  }

  #fire(): void {
    this.#armedFor = Number.POSITIVE_INFINITY;
    const now = this.#clock.now();
    let count = 0;
    while ((this.#items[count]?.at ?? Number.POSITIVE_INFINITY) <= now) count++;
    const due = this.#items.splice(0, count).map(({ item }) => item);
    if (due.length > 0) this.#due(due);
    this.#arm();
  }
}
