import { PatternIndex } from "../message/pattern-index.ts";
import type { ChannelRule } from "./channel-rule.ts";

/** Where routes lead, for one state of the rules. */
export class ChannelRoutes {
  readonly #targets = new PatternIndex<readonly string[]>();
  #any = false;

  constructor(rules: Iterable<ChannelRule>) {
    for (const { name, targets } of rules) {
      if (targets.length === 0) continue;
      try {
        this.#targets.add(name, targets);
        this.#any = true;
      } catch {
        // Written by another program; it leads nowhere.
      }
    }
  }

  /** The channel and all that routes lead to from it, each once, however they are joined. */
  from(channel: string): Iterable<string> {
    if (!this.#any) return [channel];
    const reached = new Set([channel]);
    // A set also goes through what is added on the way, and takes nothing twice: a ring of routes ends by itself.
    for (const at of reached)
      for (const targets of this.#targets.find(at)) for (const target of targets) reached.add(target);
    return reached;
  }
}
