import type { Route } from "./route.ts";

/** Routes of channels kept at once. */
const MOST_REMEMBERED = 10_000;

/**
 * Routes of channels at one revision of the registry, by channel, type and sending agent. Three maps within each other
 * cost less than one: their keys are texts that carry their hash, a joined key would be hashed for every message.
 */
export class RouteMemory {
  readonly #routes = new Map<string, Map<string, Map<string, Route>>>();
  #revision = -1;
  #size = 0;

  /** What was remembered at this revision. `sender` is an agent's name, empty for whoever is no agent. */
  get(revision: number, channel: string, type: string, sender: string): Route | undefined {
    return revision === this.#revision ? this.#routes.get(channel)?.get(type)?.get(sender) : undefined;
  }

  set(revision: number, channel: string, type: string, sender: string, route: Route): void {
    if (revision !== this.#revision || this.#size >= MOST_REMEMBERED) {
      this.#routes.clear();
      this.#size = 0;
      this.#revision = revision;
    }
    let ofChannel = this.#routes.get(channel);
    if (!ofChannel) this.#routes.set(channel, (ofChannel = new Map()));
    let ofType = ofChannel.get(type);
    if (!ofType) ofChannel.set(type, (ofType = new Map()));
    ofType.set(sender, route);
    this.#size++;
  }
}
