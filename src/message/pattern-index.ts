import { compilePattern } from "./pattern.ts";

interface Branch<T> {
  readonly next: Map<string, Branch<T>>;
  /** Values of patterns that end here. */
  readonly here: T[];
  /** Values of patterns that go on from here with `**`. */
  readonly beyond: T[];
}

/** Many channel patterns, asked which of them match one name: the cost grows with the name, not with their number. */
export class PatternIndex<T> {
  readonly #root: Branch<T> = branch();

  /** @throws PATTERN_INVALID */
  add(pattern: string, value: T): void {
    const segments = compilePattern(pattern).source.split(".");
    const open = segments.at(-1) === "**";
    let at = this.#root;
    for (const segment of open ? segments.slice(0, -1) : segments) {
      let next = at.next.get(segment);
      if (!next) at.next.set(segment, (next = branch()));
      at = next;
    }
    (open ? at.beyond : at.here).push(value);
  }

  /** The values of all patterns that match a channel; a value added with several of them comes as often. */
  find(channel: string): T[] {
    const found: T[] = [];
    let open = [this.#root];
    for (const segment of channel.split(".")) {
      const next: Branch<T>[] = [];
      for (const at of open) {
        for (const value of at.beyond) found.push(value);
        const same = at.next.get(segment);
        if (same) next.push(same);
        const any = at.next.get("*");
        if (any) next.push(any);
      }
      open = next;
    }
    for (const at of open) for (const value of at.here) found.push(value);
    return found;
  }
}

function branch<T>(): Branch<T> {
  return { next: new Map(), here: [], beyond: [] };
}
