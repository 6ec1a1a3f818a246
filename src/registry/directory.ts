import type { CopyLimit } from "../broker/publication.ts";
import type { AgentRecord, AgentStatus, Where } from "./record.ts";

/** An agent as routing sees it. */
export interface DirectoryEntry {
  readonly record: AgentRecord;
  readonly receives: ReadonlySet<string>;
  readonly status: AgentStatus;
  /** Concurrency over all online instances; the record's own where there is none. At least 1. */
  readonly concurrency: number;
  readonly lastSeen: number;
}

/** Who is there, held in memory and kept fresh: what routing asks on the way of every message. Synchronous and fast. */
export interface Directory {
  /** Revision of the store's bucket `registry` that this view shows. */
  readonly revision: number;
  /** Reads anew what has changed; called when a publish was answered `stale`. */
  refresh(): Promise<void>;
  get(name: string): DirectoryEntry | undefined;
  /** All that match, registration order. */
  match(where: Where): readonly DirectoryEntry[];
  /** All that take a message type. */
  takers(type: string): readonly DirectoryEntry[];
  /** Agents with a pattern that matches the channel, or one that routes lead to from it, each once; cached per channel until the revision changes. */
  subscribers(channel: string): readonly DirectoryEntry[];
  /** The channel and all that routes lead to from it, each once. */
  channelsFrom(channel: string): Iterable<string>;
  /** How much of an inbox the messages of a channel may fill, where that is limited. */
  limitOf(channel: string): CopyLimit | undefined;
  all(): readonly DirectoryEntry[];
  /** Up to 3 known names close to this one, nearest first. */
  suggest(name: string): string[];
}
