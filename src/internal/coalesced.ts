/**
 * Runs a task for many callers: each gets a run that began after its call, and all who call before a run begins
 * share it. Never two runs at once.
 */
export class Coalesced {
  readonly #task: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(task: () => Promise<void>) {
    this.#task = task;
  }

  /** Resolves, or fails, with the run that serves this call. */
  run(): Promise<void> {
    this.#next ??= this.#afterPresent();
    return this.#next;
  }

  /** Resolves when nothing runs and nothing is to run; never fails. */
  async idle(): Promise<void> {
    while (this.#next ?? this.#running) await (this.#next ?? this.#running)?.catch(() => {});
  }

  async #afterPresent(): Promise<void> {
    await this.#running?.catch(() => {});
    this.#next = undefined;
    this.#running = this.#task();
    try {
      await this.#running;
    } finally {
      this.#running = undefined;
    }
  }
}
