import { measureQueue } from "../harness/measure-queue.ts";
import { filler } from "../harness/messages.ts";
import type { Queue } from "../harness/queue.ts";
import type { Side } from "../harness/task.ts";
import { type RawRow, RawTable, sequenceOf } from "./raw-table.ts";

const BATCH = 100;

/**
 * better-sqlite3 without anything around it, in batches of 100. With a consumer, a batch's acknowledgments share
 * the next batch's commit: the fastest way that was found.
 */
class RawBatches implements Queue {
  readonly #table: RawTable;
  #handle: ((sequence: number) => void) | undefined;
  #held: readonly RawRow[] = [];

  constructor(table: RawTable) {
    this.#table = table;
  }

  send(sequence: number): void {
    this.sendMany([sequence]);
  }

  sendMany(sequences: readonly number[]): void {
    this.#table.commit(() => {
      this.#table.delete(this.#held);
      for (const sequence of sequences) this.#table.insert(sequence);
    });
    this.#held = [];
    this.#takeBatch();
  }

  start(handle: (sequence: number) => void): void {
    this.#handle = handle;
    this.settled();
  }

  /** Hands out and deletes until nothing waits. */
  settled(): void {
    this.#takeBatch();
    while (this.#held.length > 0) {
      this.#table.commit(() => this.#table.delete(this.#held));
      this.#held = [];
      this.#takeBatch();
    }
  }

  remaining(): number {
    return this.#table.count();
  }

  close(): void {
    this.#table.close();
  }

  #takeBatch(): void {
    if (this.#handle === undefined || this.#held.length > 0) return;
    this.#held = this.#table.claim(BATCH);
    for (const row of this.#held) this.#handle(sequenceOf(row));
  }
}

/** Raw SQLite in batches of 100. Settings: `phase`, `manner` (`bulk100`). */
export const rawBatches: Side = (task) =>
  measureQueue(task, new RawBatches(new RawTable(task.folder, filler(task.size))));
