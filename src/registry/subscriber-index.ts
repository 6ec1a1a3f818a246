import { PatternIndex } from "../message/pattern-index.ts";
import type { ChannelRoutes } from "./channel-routes.ts";
import type { DirectoryEntry } from "./directory.ts";

/** Channels whose subscribers are remembered. */
const MOST_CHANNELS = 10_000;
const NOBODY: readonly DirectoryEntry[] = [];

/** Who gets the messages of a channel, for one state of the records: its subscribers and those that routes lead to. */
export class SubscriberIndex {
  readonly #patterns = new PatternIndex<DirectoryEntry>();
  readonly #found = new Map<string, readonly DirectoryEntry[]>();

  readonly #routes: ChannelRoutes;

  constructor(entries: Iterable<DirectoryEntry>, routes: ChannelRoutes) {
    this.#routes = routes;
    for (const entry of entries) for (const pattern of entry.record.subscribes) this.#add(pattern, entry);
  }

  /** Each agent once. */
  of(channel: string): readonly DirectoryEntry[] {
    const found = this.#found.get(channel);
    if (found) return found;
    const subscribers = new Set<DirectoryEntry>();
    for (const at of this.#routes.from(channel)) for (const entry of this.#patterns.find(at)) subscribers.add(entry);
    const result = subscribers.size === 0 ? NOBODY : [...subscribers];
    // The oldest makes room: channels made from ids come and go.
    if (this.#found.size >= MOST_CHANNELS) this.#found.delete(this.#found.keys().next().value as string);
    this.#found.set(channel, result);
    return result;
  }

  #add(source: string, entry: DirectoryEntry): void {
    try {
      this.#patterns.add(source, entry);
    } catch {
      // Written by another program; it matches nothing.
    }
  }
}
