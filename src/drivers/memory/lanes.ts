import { type AgingGuard, EMPTY_LEVEL } from "../../broker/aging.ts";
import { PRIORITIES } from "../../message/envelope.ts";
import type { Copy } from "./copy.ts";
import { Line } from "./line.ts";
import type { TypeFilter } from "./type-filter.ts";

/** One line per priority, with the place of each line's first copy at hand. */
class Lane {
  readonly lines = PRIORITIES.map(() => new Line());
  readonly heads = new Float64Array(PRIORITIES.length).fill(EMPTY_LEVEL);

  push(copy: Copy): void {
    (this.lines[copy.level] as Line).push(copy);
    if (this.heads[copy.level] === EMPTY_LEVEL) this.heads[copy.level] = copy.sequence;
  }

  insert(copy: Copy): void {
    (this.lines[copy.level] as Line).insert(copy);
    this.#look(copy.level);
  }

  forget(copy: Copy): void {
    (this.lines[copy.level] as Line).forget();
    this.#look(copy.level);
  }

  shift(level: number): Copy | undefined {
    const copy = (this.lines[level] as Line).shift();
    this.#look(level);
    return copy;
  }

  #look(level: number): void {
    this.heads[level] = (this.lines[level] as Line).first?.sequence ?? EMPTY_LEVEL;
  }
}

/**
 * What is ready in an inbox: five lines; once somebody takes chosen types only, five per type, so that a message
 * nobody takes is never searched past.
 */
export class Lanes {
  readonly #all = new Lane();
  #byType: Map<string, Lane> | undefined;

  push(copy: Copy): void {
    this.#of(copy).push(copy);
  }

  /** Puts a copy back into its old place. */
  insert(copy: Copy): void {
    this.#of(copy).insert(copy);
  }

  /** To be called after a waiting copy stopped being `ready`. */
  forget(copy: Copy): void {
    this.#of(copy).forget(copy);
  }

  /** Removes and returns the copy to hand out next, of those that the filter lets through. */
  take(aging: AgingGuard, filter: TypeFilter | undefined): Copy | undefined {
    if (this.#byType === undefined) return this.#shift(this.#all, aging.choose(this.#all.heads));
    const heads = new Float64Array(PRIORITIES.length).fill(EMPTY_LEVEL);
    const lanes: Lane[] = [];
    for (const [type, lane] of this.#byType) {
      if (filter && !filter.takes(type)) continue;
      for (let level = 0; level < heads.length; level++) {
        if ((lane.heads[level] as number) < (heads[level] as number)) {
          heads[level] = lane.heads[level] as number;
          lanes[level] = lane;
        }
      }
    }
    const level = aging.choose(heads);
    return level === -1 ? undefined : this.#shift(lanes[level] as Lane, level);
  }

  /** Keeps the types apart from now on. */
  split(): void {
    if (this.#byType) return;
    const waiting = PRIORITIES.flatMap((_, level) => this.of(level));
    this.#byType = new Map();
    for (const copy of waiting) this.push(copy);
  }

  /** The copies of one level in their order. */
  of(level: number): Copy[] {
    if (!this.#byType) return [...(this.#all.lines[level] as Line)];
    const copies = [...this.#byType.values()].flatMap((lane) => [...(lane.lines[level] as Line)]);
    return copies.sort((a, b) => a.sequence - b.sequence);
  }

  /** The first copy of each level. */
  firsts(): Copy[] {
    const lanes = this.#byType ? [...this.#byType.values()] : [this.#all];
    return lanes.flatMap((lane) => lane.lines.flatMap((line) => line.first ?? []));
  }

  #of(copy: Copy): Lane {
    if (this.#byType === undefined) return this.#all;
    let lane = this.#byType.get(copy.message.type);
    if (!lane) this.#byType.set(copy.message.type, (lane = new Lane()));
    return lane;
  }

  #shift(lane: Lane, level: number): Copy | undefined {
    return level === -1 ? undefined : lane.shift(level);
  }
}
