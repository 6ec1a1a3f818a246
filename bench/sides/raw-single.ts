import { measureQueue } from "../harness/measure-queue.ts";
import { filler } from "../harness/messages.ts";
import type { Queue } from "../harness/queue.ts";
import type { Side } from "../harness/task.ts";
import { RawTable, sequenceOf } from "./raw-table.ts";

/** better-sqlite3 with one row a commit: one synced commit to send a message, one to acknowledge it. */
class RawSingle implements Queue {
  readonly #table: RawTable;
  #handle: ((sequence: number) => void) | undefined;

  constructor(table: RawTable) {
    this.#table = table;
  }

  send(sequence: number): void {
    this.#table.commit(() => this.#table.insert(sequence));
    if (this.#handle !== undefined) this.settled();
  }

  sendMany(sequences: readonly number[]): void {
    this.#table.commit(() => {
      for (const sequence of sequences) this.#table.insert(sequence);
    });
    if (this.#handle !== undefined) this.settled();
  }

  start(handle: (sequence: number) => void): void {
    this.#handle = handle;
    this.settled();
  }

  settled(): void {
    for (let rows = this.#table.claim(1); rows.length > 0; rows = this.#table.claim(1)) {
      for (const row of rows) this.#handle?.(sequenceOf(row));
      this.#table.commit(() => this.#table.delete(rows));
    }
  }

  remaining(): number {
    return this.#table.count();
  }

  close(): void {
    this.#table.close();
  }
}

/** Raw SQLite, one row a commit. Settings: `phase`, `manner`. */
export const rawSingle: Side = (task) =>
  measureQueue(task, new RawSingle(new RawTable(task.folder, filler(task.size))));
