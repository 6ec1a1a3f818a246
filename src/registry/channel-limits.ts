import type { CopyLimit } from "../broker/publication.ts";
import { PatternIndex } from "../message/pattern-index.ts";
import type { ChannelRule } from "./channel-rule.ts";

/** Which limit the messages of a channel count under, for one state of the rules. */
export class ChannelLimits {
  readonly #limits = new PatternIndex<CopyLimit>();
  #any = false;

  constructor(rules: Iterable<ChannelRule>) {
    for (const { name, limit } of rules) {
      if (limit === undefined) continue;
      try {
        this.#limits.add(name, { name, ...limit });
        this.#any = true;
      } catch {
        // Written by another program; it matches nothing.
      }
    }
  }

  /** The limit of the most exact name or pattern that matches. */
  of(channel: string): CopyLimit | undefined {
    return this.#any ? this.#limits.find(channel).sort((a, b) => compare(a.name, b.name))[0] : undefined;
  }
}

/** Of two that match one channel, the one comes first that is exact where they begin to differ. */
function compare(a: string, b: string): number {
  const [left, right] = [a.split("."), b.split(".")];
  const at = left.findIndex((segment, place) => segment !== right[place]);
  return at === -1 ? 0 : breadth(left[at]) - breadth(right[at]);
}

function breadth(segment: string | undefined): number {
  return segment === "**" ? 2 : segment === "*" ? 1 : 0;
}
