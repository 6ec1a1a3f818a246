import { PRIORITIES } from "../../message/envelope.ts";
import type { Connection, Row, Statement } from "./connection.ts";
import { levelEnd, levelStart } from "./slots.ts";

/** Places looked at on either side of where an id should be. */
const NEAR = 2048;

const KEY = "(? << 45) | ?";

/**
 * Finds messages in a long inbox without an index, which every message would pay for: ids are made in the order of
 * time, and copies accepted in almost the same. What was moved since, by a retry or a delay, is not found so. Nor does not
 * finding one tell anything: clocks jump, senders wait, and nothing bounds how far from its place a copy may then be.
 */
export class IdSearch {
  readonly #next: Statement;
  readonly #last: Statement;
  readonly #near: Statement;

  constructor(connection: Connection) {
    const select = "SELECT k & 35184372088831 AS slot, id FROM ready";
    this.#next = connection.prepare(`${select} WHERE k BETWEEN (${KEY}) AND (${KEY}) ORDER BY k LIMIT 1`);
    this.#last = connection.prepare(`${select} WHERE k BETWEEN (${KEY}) AND (${KEY}) ORDER BY k DESC LIMIT 1`);
    this.#near = connection.prepare(`${select} WHERE k BETWEEN (${KEY}) AND (${KEY}) AND id = ? ORDER BY k`);
  }

  /** The slots of a message's copies in an inbox, if they are where their id says. */
  slots(inbox: number, id: string): number[] {
    return PRIORITIES.flatMap((_, priority) => {
      const place = this.#place(inbox, priority, id);
      if (place === undefined) return [];
      const from = Math.max(levelStart(priority), place - NEAR);
      const to = Math.min(levelEnd(priority), place + NEAR);
      return (this.#near.all(inbox, from, inbox, to, id) as Row[]).map((row) => row["slot"] as number);
    });
  }

  /** Where an id would stand in a priority if copies lay in the order of their ids; undefined if there are none. */
  #place(inbox: number, priority: number, id: string): number | undefined {
    const end = levelEnd(priority);
    const last = this.#last.get(inbox, levelStart(priority), inbox, end) as Row | undefined;
    if (!last) return undefined;
    let low = levelStart(priority);
    let high = last["slot"] as number;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const row = this.#next.get(inbox, middle, inbox, end) as Row;
      if ((row["id"] as string) < id) low = (row["slot"] as number) + 1;
      else high = middle;
    }
    return low;
  }
}
