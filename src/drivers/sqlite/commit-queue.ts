import { AgentwireError } from "../../errors.ts";
import { faultError, faultKind } from "./faults.ts";
import type { Transaction } from "./transaction.ts";
import type { Work } from "./work.ts";

/** What the queue needs of the session around it. */
export interface CommitQueueOptions {
  readonly path: string;
  /**
   * Starts a transaction. Throws SQLite's error when another process has the lock.
   * `synced`: it has an operation that must survive a power loss, and does not only give copies to consumers.
   */
  begin(options: { readonly synced: boolean }): Transaction;
  /** Does what follows from the works: hands out copies and writes what was gathered. */
  complete(tx: Transaction): void;
  commit(): void;
  /** Undoes the transaction, in the file and in memory. */
  rollback(tx: Transaction): void;
  /** Everything is durable: tells whoever has to know. */
  committed(tx: Transaction): void;
  /**
   * The connection can no longer be trusted; opens a new one, or throws. `unsure`: the log may have in the system's memory
   * what will never be on the disk.
   */
  reopen(options: { readonly unsure: boolean }): void;
}

/** A transaction is closed after so long and so many rows, so that the event loop is never held for long. */
const LONGEST = 5;
const MOST_ROWS = 512;
/** How long a settle that is not urgent waits for company: so long that a burst shares, and an idle moment is used. */
const LAZY_DELAY = 1;
/** So many turns of the event loop pass between tries before a busy file is tried by timer. */
const EAGER_TRIES = 4;
const LONGEST_PAUSE = 8;
const PATIENCE = 30_000;

/**
 * Runs the operations of one turn of the event loop in one transaction, in order, and answers them after its commit.
 * Waiting for another process's transaction never blocks the event loop.
 */
export class CommitQueue {
  readonly #options: CommitQueueOptions;
  #queue: Work[] = [];
  #scheduled = false;
  #lazyTimer: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #tries = 0;
  #busySince = 0;
  #broken = false;
  /** A sync may have failed: it does not tell what of the log is on the disk, and none that follows does. */
  #unsure = false;
  #closed = false;
  #whenIdle: (() => void)[] = [];
  readonly #flush = (): void => this.#run();

  constructor(options: CommitQueueOptions) {
    this.#options = options;
  }

  /** Waits for a transaction; with `lazy` for one that others need, or a millisecond. */
  submit<T>(work: Work<T>, { lazy = false }: { readonly lazy?: boolean } = {}): Promise<T> {
    if (this.#closed) {
      work.fail(new AgentwireError("CLOSED", `${work.what} failed: the driver is closed`));
      return work.promise;
    }
    this.#queue.push(work as Work);
    // It may be pausing for nobody's sake, and would let the process end.
    this.#retry?.ref();
    if (!lazy) this.kick();
    else if (!this.#scheduled && this.#lazyTimer === undefined) this.#lazyTimer = setTimeout(this.#flush, LAZY_DELAY);
    return work.promise;
  }

  /** Runs a transaction at the end of this turn of the event loop, also when nothing is queued. */
  kick(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    setImmediate(this.#flush);
  }

  /** Resolves when nothing is queued. */
  async drain(): Promise<void> {
    while (this.#queue.length > 0) {
      this.kick();
      await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    }
  }

  /** Takes nothing more. What is queued fails with CLOSED. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#lazyTimer);
    const queue = this.#queue;
    this.#queue = [];
    for (const work of queue) work.fail(new AgentwireError("CLOSED", `${work.what} failed: the driver was closed`));
    this.#idle();
  }

  #run(): void {
    this.#scheduled = false;
    clearTimeout(this.#lazyTimer);
    this.#lazyTimer = undefined;
    this.#retry = undefined;
    if (this.#closed) return;
    let tx: Transaction;
    try {
      if (this.#broken) this.#options.reopen({ unsure: this.#unsure });
      this.#broken = false;
      this.#unsure = false;
      tx = this.#options.begin({ synced: this.#queue.some(({ synced }) => synced) });
    } catch (error) {
      return this.#cannotBegin(error);
    }
    this.#tries = 0;
    const batch: Work[] = [];
    const done = this.#runWorks(tx, batch);
    if (!done) return this.#next();
    let committing = false;
    try {
      this.#options.complete(tx);
      committing = true;
      this.#options.commit();
    } catch (error) {
      this.#undo(tx);
      this.#failed(error, batch, committing);
      return this.#next();
    }
    for (const work of done) work.done();
    this.#options.committed(tx);
    this.#next();
  }

  /** Runs works until the transaction is full; undefined when it had to be undone. */
  #runWorks(tx: Transaction, batch: Work[]): Work[] | undefined {
    const start = performance.now();
    const done: Work[] = [];
    let at = 0;
    while (at < this.#queue.length) {
      const work = this.#queue[at++] as Work;
      batch.push(work);
      try {
        work.run(tx);
        done.push(work);
      } catch (error) {
        if (AgentwireError.is(error)) {
          work.fail(error);
          continue;
        }
        this.#undo(tx);
        // Nothing is certain about the works before this one but that they are not stored: they run again without it.
        this.#queue.splice(0, at, ...done);
        this.#failed(error, [work], false);
        return undefined;
      }
      if (tx.rows >= MOST_ROWS || performance.now() - start > LONGEST) break;
    }
    this.#queue.splice(0, at);
    return done;
  }

  #undo(tx: Transaction): void {
    try {
      this.#options.rollback(tx);
    } catch {
      // Only a new connection helps.
      this.#broken = true;
    }
  }

  /** Fails works whose transaction was undone, or may not have been. */
  #failed(error: unknown, works: readonly Work[], committing: boolean): void {
    const kind = faultKind(error);
    const { path } = this.#options;
    if (kind === "io" || kind === "full-index" || kind === "corrupt") this.#broken = true;
    if (kind === "io") this.#unsure = true;
    // After a failed sync the operating system may still write the pages, as after a failed indexing somebody may find
    // them in the log: only then is the outcome open.
    const unknown = committing && (kind === "io" || kind === "full-index");
    const why = kind === "full-index" ? `the disk under ${path} is full` : (error as Error).message;
    for (const work of works) {
      work.fail(
        unknown
          ? new AgentwireError("INDETERMINATE", `${work.what} failed while it was being written: ${why}`, {
              cause: error,
            })
          : faultError(error, work.what, path),
      );
    }
  }

  #cannotBegin(error: unknown): void {
    if (faultKind(error) === "busy") {
      if (this.#tries++ === 0) this.#busySince = performance.now();
      if (performance.now() - this.#busySince <= PATIENCE) return this.#tryLater();
    } else this.#broken = true;
    this.#tries = 0;
    const queue = this.#queue;
    this.#queue = [];
    for (const work of queue) work.fail(faultError(error, work.what, this.#options.path));
    this.#idle();
  }

  // Real timers, because the lock is held in real time; they keep the process alive for those who wait.
  #tryLater(): void {
    this.#scheduled = true;
    if (this.#tries <= EAGER_TRIES) setImmediate(this.#flush);
    else {
      const pause = Math.min(LONGEST_PAUSE, 1 + (this.#tries - EAGER_TRIES) / 4) * (0.5 + Math.random());
      this.#retry = setTimeout(this.#flush, pause);
      if (this.#queue.length === 0) this.#retry.unref();
    }
  }

  #next(): void {
    if (this.#queue.length > 0) this.kick();
    else this.#idle();
  }

  #idle(): void {
    const waiting = this.#whenIdle;
    this.#whenIdle = [];
    for (const resolve of waiting) resolve();
  }
}
