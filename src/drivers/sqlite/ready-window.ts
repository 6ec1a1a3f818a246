import { EMPTY_LEVEL } from "../../broker/aging.ts";
import { type Envelope, PRIORITIES } from "../../message/envelope.ts";
import type { WaitingCopy } from "./copy.ts";
import type { SlotRange } from "./ready-table.ts";
import { levelEnd, levelStart, priorityOf, sequenceOf } from "./slots.ts";

/** Where a window's rows come from. */
export interface RowSource {
  /** Reads rows in the order of their slots, those that are held among them. */
  read(range: SlotRange): readonly WaitingCopy[];
  /** Whether a copy is held. */
  isTaken(slot: number): boolean;
}

/** Most copies of one priority that are kept before the table is asked again. */
const KEPT = 2048;
/** Most copies looked through for one that may be handed out now. */
const LOOKED_THROUGH = 16_384;
const FIRST_LOAD = 32;
const LARGEST_LOAD = 256;
const MOST_KNOWN = 4096;

/** The part of one priority that is known: all free copies up to `last`, and whether that is all there are. */
class Level {
  rows: WaitingCopy[] = [];
  head = 0;
  complete = false;
  last: number;
  load = FIRST_LOAD;
  readonly start: number;

  constructor(priority: number) {
    this.start = levelStart(priority);
    this.last = this.start;
  }

  /** Whether nothing is known of it. */
  get isUnread(): boolean {
    return !this.complete && this.last === this.start;
  }

  get size(): number {
    return this.rows.length - this.head;
  }

  reset(): void {
    this.rows = [];
    this.head = 0;
    this.complete = false;
    this.last = this.start;
    this.load = FIRST_LOAD;
  }

  take(at: number): WaitingCopy {
    const row = this.rows[at] as WaitingCopy;
    if (at !== this.head) this.rows.splice(at, 1);
    else if (++this.head === this.rows.length) {
      this.rows = [];
      this.head = 0;
    } else if (this.head >= 1024) {
      this.rows = this.rows.slice(this.head);
      this.head = 0;
    }
    return row;
  }
}

/**
 * The front of one inbox's free copies as this process knows it, so that handing out what was just published reads
 * nothing. Valid until another process writes.
 */
export class ReadyWindow {
  readonly #levels = PRIORITIES.map((_, priority) => new Level(priority));
  readonly #heads = new Float64Array(PRIORITIES.length);
  readonly #at = new Int32Array(PRIORITIES.length);
  /** Envelopes of this process's own messages that were known before the window was dropped. */
  #known = new Map<number, Envelope>();

  /** Forgets the rows; their envelopes are kept for when they are read again. */
  reset(): void {
    if (this.#known.size > MOST_KNOWN) this.#known = new Map();
    for (const level of this.#levels) {
      for (let at = level.head; at < level.rows.length; at++) {
        const { slot, message } = level.rows[at] as WaitingCopy;
        if (message !== undefined && this.#known.size < MOST_KNOWN) this.#known.set(slot, message);
      }
      level.reset();
    }
  }

  /** Forgets the envelopes too: slots mean something else from now on. */
  clear(): void {
    this.reset();
    this.#known = new Map();
  }

  /** A copy was added at the end of its priority. */
  append(row: WaitingCopy): void {
    const level = this.#levels[priorityOf(row.slot)] as Level;
    if (!level.complete) return;
    if (level.size >= KEPT) level.complete = false;
    else {
      level.rows.push(row);
      level.last = row.slot;
    }
  }

  /** A copy is free again at its old place. */
  restore(row: WaitingCopy): void {
    const level = this.#levels[priorityOf(row.slot)] as Level;
    if (row.slot > level.last && !level.complete) return;
    let at = level.rows.length;
    while (at > level.head && (level.rows[at - 1] as WaitingCopy).slot > row.slot) at--;
    level.rows.splice(at, 0, row);
    level.last = Math.max(level.last, row.slot);
  }

  /** A copy is no longer there. */
  remove(slot: number): void {
    const level = this.#levels[priorityOf(slot)] as Level;
    const at = level.rows.findIndex((row, index) => index >= level.head && row.slot === slot);
    if (at !== -1) level.take(at);
  }

  /** Whether nothing is free, as far as is known; false also when that is not known. */
  get isEmpty(): boolean {
    return this.#levels.every((level) => level.complete && level.size === 0);
  }

  /**
   * The places, in the order of acceptance, of the first copy of each priority that may be handed out.
   * `blocked` says which may not be now; absent: all may.
   */
  heads(source: RowSource, blocked: ((row: WaitingCopy) => boolean) | undefined): Float64Array {
    for (let priority = 0; priority < this.#levels.length; priority++) {
      const at = this.#first(priority, source, blocked);
      this.#at[priority] = at;
      this.#heads[priority] =
        at === -1 ? EMPTY_LEVEL : sequenceOf(((this.#levels[priority] as Level).rows[at] as WaitingCopy).slot);
    }
    return this.#heads;
  }

  /** The copy that `heads` found in a priority; still there. */
  peek(priority: number): WaitingCopy {
    return (this.#levels[priority] as Level).rows[this.#at[priority] as number] as WaitingCopy;
  }

  /** Takes the copy that `heads` found in a priority. */
  take(priority: number): WaitingCopy {
    return (this.#levels[priority] as Level).take(this.#at[priority] as number);
  }

  #first(priority: number, source: RowSource, blocked: ((row: WaitingCopy) => boolean) | undefined): number {
    const level = this.#levels[priority] as Level;
    let at = level.head;
    for (;;) {
      for (; at < level.rows.length; at++) {
        if (!blocked?.(level.rows[at] as WaitingCopy)) return at;
      }
      if (level.complete || level.size >= LOOKED_THROUGH) return -1;
      const offset = at - level.head;
      this.#extend(priority, source);
      at = level.head + offset;
    }
  }

  /** Reads on in a priority, and in those after it where nothing is known of them yet: mostly one statement then shows all there is. */
  #extend(priority: number, source: RowSource): void {
    const level = this.#levels[priority] as Level;
    const limit = level.load;
    level.load = Math.min(limit * 2, LARGEST_LOAD);
    const goesOn = this.#levels.every((other, at) => at < priority || other.isUnread);
    const lowest = goesOn ? this.#levels.length - 1 : priority;
    const rows = source.read({ after: level.last, to: levelEnd(lowest), limit });
    for (const row of rows) this.#read(row, source);
    const isAll = rows.length < limit;
    const reached = isAll ? lowest : priorityOf((rows.at(-1) as WaitingCopy).slot);
    for (let at = priority; at < reached; at++) (this.#levels[at] as Level).complete = true;
    if (isAll) (this.#levels[reached] as Level).complete = true;
  }

  #read(row: WaitingCopy, source: RowSource): void {
    const level = this.#levels[priorityOf(row.slot)] as Level;
    level.last = row.slot;
    if (source.isTaken(row.slot)) return;
    const known = this.#known.get(row.slot);
    if (known !== undefined) {
      this.#known.delete(row.slot);
      row.message = known;
    }
    level.rows.push(row);
  }
}
