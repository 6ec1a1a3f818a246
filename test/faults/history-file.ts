import { closeSync, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import type { HistoryEvent } from "../../src/testing/history-events.ts";

/** A history event without its time, which the writer adds. */
export type Note = HistoryEvent extends infer E
  ? E extends HistoryEvent
    ? Omit<E, "at"> & { readonly id?: string }
    : never
  : never;

/** Writes what a program does and sees, each line in the page cache before the program goes on: SIGKILL takes none of them. */
export class HistoryWriter {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, "a");
  }

  note(event: Note): void {
    writeSync(this.#file, `${JSON.stringify({ ...event, at: Number(process.hrtime.bigint() / 1_000n) / 1_000 })}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** A history event as it stands in a file: a resolved send also names the message's id. */
export type WrittenEvent = HistoryEvent & { readonly id?: string };

/** Reads a history back; a torn last line of a killed program never happened. */
export function readHistory(path: string): WrittenEvent[] {
  return existsSync(path) ? eventsIn(readFileSync(path, "utf8")) : [];
}

/** The events in the beginning of a history. */
export function eventsIn(text: string): WrittenEvent[] {
  const lines = text.split("\n");
  lines.pop();
  return lines.map((line) => JSON.parse(line) as WrittenEvent);
}
