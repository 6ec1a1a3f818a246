import type { Transaction } from "./transaction.ts";

/** One operation that waits for a transaction. */
export class Work<T = unknown> {
  /** Names what failed, such as "Publishing". */
  readonly what: string;
  /** Whether it has to survive a power loss. */
  readonly synced: boolean;
  readonly promise: Promise<T>;
  /** What came of it, once it ran; valid when its transaction is committed. */
  result: T | undefined;
  readonly #step: (tx: Transaction) => T;
  #resolve!: (result: T) => void;
  #reject!: (error: unknown) => void;

  /**
   * `step` runs within a transaction and may run again after that was undone. An AgentwireError that it throws fails
   * this work alone, so it must throw one only before it has written anything.
   */
  constructor(what: string, step: (tx: Transaction) => T, { synced = true }: { readonly synced?: boolean } = {}) {
    this.what = what;
    this.synced = synced;
    this.#step = step;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  run(tx: Transaction): void {
    this.result = this.#step(tx);
  }

  done(): void {
    this.#resolve(this.result as T);
  }

  fail(error: unknown): void {
    this.#reject(error);
  }
}
