import { type ChannelPattern, compilePattern } from "../message/pattern.ts";
import type { DirectoryEntry } from "./directory.ts";

/** Channels whose subscribers are remembered. */
const MOST_CHANNELS = 10_000;
const NOBODY: readonly DirectoryEntry[] = [];

interface Wildcard {
  readonly pattern: ChannelPattern;
  readonly entry: DirectoryEntry;
}

/** Who is subscribed to a channel, for one state of the records. */
export class SubscriberIndex {
  readonly #exact = new Map<string, Set<DirectoryEntry>>();
  readonly #wildcards: Wildcard[] = [];
  readonly #found = new Map<string, readonly DirectoryEntry[]>();

  constructor(entries: Iterable<DirectoryEntry>) {
    for (const entry of entries) for (const pattern of entry.record.subscribes) this.#add(pattern, entry);
  }

  /** Each agent once, those that named the channel itself first. */
  of(channel: string): readonly DirectoryEntry[] {
    const found = this.#found.get(channel);
    if (found) return found;
    const subscribers = new Set(this.#exact.get(channel));
    for (const { pattern, entry } of this.#wildcards) if (pattern.matches(channel)) subscribers.add(entry);
    const result = subscribers.size === 0 ? NOBODY : [...subscribers];
    // The oldest makes room: channels made from ids come and go.
    if (this.#found.size >= MOST_CHANNELS) this.#found.delete(this.#found.keys().next().value as string);
    this.#found.set(channel, result);
    return result;
  }

  #add(source: string, entry: DirectoryEntry): void {
    if (!source.includes("*")) {
      const entries = this.#exact.get(source);
      if (entries) entries.add(entry);
      else this.#exact.set(source, new Set([entry]));
      return;
    }
    try {
      this.#wildcards.push({ pattern: compilePattern(source), entry });
    } catch {
      // Written by another program; it matches nothing.
    }
  }
}
