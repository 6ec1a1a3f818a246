/** Gathers what is wanted while a run is under way, and does it with the next: never two runs at once. */
export class Turns<Item> {
  readonly #run: (items: Item[]) => Promise<void>;
  readonly #most: number;
  #waiting: Item[] = [];
  #running = false;

  /** `run` must not throw; it is given at most `most` items. */
  constructor(most: number, run: (items: Item[]) => Promise<void>) {
    this.#most = most;
    this.#run = run;
  }

  add(item: Item): void {
    this.#waiting.push(item);
    if (this.#running) return;
    this.#running = true;
    // What else this turn of the event loop brings comes along.
    queueMicrotask(() => void this.#go());
  }

  async #go(): Promise<void> {
    while (this.#waiting.length > 0) await this.#run(this.#waiting.splice(0, this.#most));
    this.#running = false;
  }
}
