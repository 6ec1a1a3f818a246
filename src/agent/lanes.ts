import { Deque } from "../internal/deque.ts";

/** Something that belongs to a lane. */
export interface InLane {
  readonly lane: string | undefined;
}

/** Lets one item of each lane through at a time, the others wait in order. */
export class Lanes<T extends InLane> {
  readonly #busy = new Map<string, Deque<T>>();

  /** Whether the item may go now; otherwise `leave` of the one before lets it through. */
  enter(item: T): boolean {
    const lane = item.lane as string;
    const queue = this.#busy.get(lane);
    if (queue) {
      queue.push(item);
      return false;
    }
    this.#busy.set(lane, new Deque());
    return true;
  }

  /** Ends an item's turn; returns the next of its lane. */
  leave(item: T): T | undefined {
    const lane = item.lane as string;
    const next = this.#busy.get(lane)?.shift();
    if (next === undefined) this.#busy.delete(lane);
    return next;
  }

  find(matches: (item: T) => boolean): T | undefined {
    for (const queue of this.#busy.values()) for (const item of queue) if (matches(item)) return item;
    return undefined;
  }
}
