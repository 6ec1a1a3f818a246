/** Keeps the process alive while something is awaited; everything else in the library never does. */
export class KeepAlive {
  #holds = 0;
  #handle: NodeJS.Timeout | undefined;

  /** Keeps the process alive until as many `release` as `hold` have been called. */
  hold(): void {
    if (++this.#holds > 1) return;
    this.#handle ??= setInterval(() => {}, 2 ** 31 - 1);
    this.#handle.ref();
  }

  release(): void {
    if (--this.#holds === 0) this.#handle?.unref();
  }

  /** Lets go of everything. */
  close(): void {
    clearInterval(this.#handle);
    this.#handle = undefined;
  }
}
