import { Worker } from "node:worker_threads";
import type { ClientLibrary, Connection, Statement } from "./connection.ts";

/** What a {@link WriteBack} needs. */
export interface WriteBackOptions {
  readonly library: ClientLibrary;
  readonly path: string;
  /** The connection that writes; its log is written back for it. */
  readonly connection: Connection;
  /** From so many pages on the log is written back; default 16,000, which are 128 MB. */
  readonly longest?: number;
}

const LONGEST = 16_000;
/** So few pages take about as long as a commit. */
const FEW = 500;

// Each round writes back what came during the one before. Where that is not less, the disk is the limit, and the writer
// waits for the rest. A string, so that it runs wherever the package was bundled or is run from its sources.
const THREAD = `
const { parentPort, workerData } = require("node:worker_threads");
const library = require(workerData.module);
const connection = new (library.DatabaseSync ?? library)(workerData.path, { timeout: 0 });
connection.exec("PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0");
const round = connection.prepare("PRAGMA wal_checkpoint(PASSIVE)");
const size = connection.prepare("PRAGMA wal_checkpoint(NOOP)");
parentPort.on("message", () => {
  try {
    for (let before = Infinity; ; ) {
      round.get();
      const { log, checkpointed } = size.get();
      const left = log - checkpointed;
      if (left <= workerData.few || left >= before) break;
      before = left;
    }
  } catch {
    // The disk is full, or the file is gone: the writer finds out.
  }
  parentPort.postMessage("done");
});
`;

/**
 * Writes the write-ahead log back into the file, beside the connection that writes: a long log takes 100 ms and more, in
 * which nothing else would happen on the event loop. A thread with a connection of its own does it, made when it is first needed.
 */
export class WriteBack {
  readonly #options: WriteBackOptions;
  readonly #longest: number;
  readonly #size: Statement;
  readonly #rest: Statement;
  #thread: Worker | undefined;
  #isAtWork = false;
  /** There is no thread, or no longer. */
  #isAlone = false;

  constructor(options: WriteBackOptions) {
    const { connection, longest = LONGEST } = options;
    this.#options = options;
    this.#longest = longest;
    connection.exec("PRAGMA wal_autocheckpoint=0");
    this.#size = connection.prepare("PRAGMA wal_checkpoint(NOOP)");
    this.#rest = connection.prepare("PRAGMA wal_checkpoint(PASSIVE)");
  }

  /** Something was committed: a log that has become long is written back. */
  committed(): void {
    if (!this.#isAtWork && !this.#isAlone && this.#left() > this.#longest) this.#begin();
  }

  /** Nothing else is to be done just now: the log is written back, as far as nobody reads from it. */
  idle(): void {
    if (this.#isAtWork) return;
    if (this.#left() > FEW && !this.#isAlone) this.#begin();
    else this.#finish();
  }

  /** Lets go of the file. Whoever closes the writing connection waits for this: the last one to close removes the log. */
  async close(): Promise<void> {
    this.#isAlone = true;
    await this.#thread?.terminate();
  }

  /** Pages of the log that are not in the file yet. */
  #left(): number {
    try {
      const { log, checkpointed } = this.#size.get() as { log: number; checkpointed: number };
      return log - checkpointed;
    } catch {
      // What was committed stays committed.
      return 0;
    }
  }

  #begin(): void {
    this.#isAtWork = true;
    this.#thread ??= this.#start();
    this.#thread.postMessage("begin");
  }

  #start(): Worker {
    const { library, path } = this.#options;
    const workerData = { module: library.module, path, few: FEW };
    const thread = new Worker(THREAD, { eval: true, execArgv: [], workerData });
    // It keeps no process alive.
    thread.unref();
    thread.on("message", () => {
      this.#isAtWork = false;
      if (!this.#isAlone) this.#finish();
    });
    thread.on("error", () => this.#fail());
    return thread;
  }

  /** What the thread has left over; the next commit begins the log anew. */
  #finish(): void {
    try {
      this.#rest.get();
    } catch {
      // Another process is at it, or the disk is full; the next commit or round tells.
    }
  }

  /** Without a thread the writer does it by itself, as SQLite does. */
  #fail(): void {
    this.#isAtWork = false;
    if (this.#isAlone) return;
    this.#isAlone = true;
    this.#options.connection.exec(`PRAGMA wal_autocheckpoint=${this.#longest}`);
  }
}
