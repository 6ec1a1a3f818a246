import { measureQueue } from "../harness/measure-queue.ts";
import { filler } from "../harness/messages.ts";
import type { Queue } from "../harness/queue.ts";
import type { Side } from "../harness/task.ts";
import { type RawRow, RawTable, sequenceOf } from "./raw-table.ts";

interface Pending {
  readonly sequence: number;
  readonly resolve: () => void;
}

/** better-sqlite3 behind promises: what was sent and acknowledged within one turn of the event loop shares one commit. */
class RawPromises implements Queue {
  readonly #table: RawTable;
  #pending: Pending[] = [];
  #held: readonly RawRow[] = [];
  #handle: ((sequence: number) => void) | undefined;
  #scheduled = false;
  #idle: (() => void)[] = [];

  constructor(table: RawTable) {
    this.#table = table;
  }

  send(sequence: number): Promise<void> {
    return new Promise((resolve) => {
      this.#pending.push({ sequence, resolve });
      this.#schedule();
    });
  }

  sendMany(sequences: readonly number[]): Promise<unknown> {
    return Promise.all(sequences.map((sequence) => this.send(sequence)));
  }

  start(handle: (sequence: number) => void): void {
    this.#handle = handle;
    this.#schedule();
  }

  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      this.#schedule();
    });
  }

  remaining(): number {
    return this.#table.count();
  }

  close(): void {
    this.#table.close();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#scheduled = false;
    const pending = this.#pending;
    const held = this.#held;
    this.#pending = [];
    this.#held = [];
    if (pending.length + held.length > 0) {
      this.#table.commit(() => {
        this.#table.delete(held);
        for (const { sequence } of pending) this.#table.insert(sequence);
      });
      for (const { resolve } of pending) resolve();
    }
    if (this.#handle !== undefined) {
      this.#held = this.#table.claim(256);
      for (const row of this.#held) this.#handle(sequenceOf(row));
    }
    if (this.#held.length > 0) this.#schedule();
    else for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** Raw SQLite behind promises. Settings: `phase`, `manner`. */
export const rawPromises: Side = (task) =>
  measureQueue(task, new RawPromises(new RawTable(task.folder, filler(task.size))));
