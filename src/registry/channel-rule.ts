import type { CopyLimit } from "../broker/publication.ts";

/** How much of each subscriber's inbox the messages of a channel may fill. */
export type ChannelLimit = Pick<CopyLimit, "capacity" | "overflow">;

/** What senders must know of a channel or pattern: plain JSON, stored at `registry/channels/<name>`. */
export interface ChannelRule {
  /** The channel or pattern that it is about. */
  readonly name: string;
  /** Channels whose subscribers get its messages too. */
  readonly targets: readonly string[];
  readonly limit?: ChannelLimit;
}

/** A stored rule; undefined for a value that is none, which another program may have written. */
export function readRule(value: unknown): ChannelRule | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { name, targets, limit } = value as Record<string, unknown>;
  if (typeof name !== "string" || !Array.isArray(targets)) return undefined;
  const known = readLimit(limit);
  return {
    name,
    targets: targets.filter((target): target is string => typeof target === "string"),
    ...(known ? { limit: known } : {}),
  };
}

function readLimit(value: unknown): ChannelLimit | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { capacity, overflow } = value as Record<string, unknown>;
  if (typeof capacity !== "number" || (overflow !== "reject" && overflow !== "drop-oldest")) return undefined;
  return { capacity, overflow };
}
