/** What senders must know of a channel or pattern: plain JSON, stored at `registry/channels/<name>`. */
export interface ChannelRule {
  /** The channel or pattern that it is about. */
  readonly name: string;
  /** Channels whose subscribers get its messages too. */
  readonly targets: readonly string[];
}

/** A stored rule; undefined for a value that is none, which another program may have written. */
export function readRule(value: unknown): ChannelRule | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { name, targets } = value as Record<string, unknown>;
  if (typeof name !== "string" || !Array.isArray(targets)) return undefined;
  return { name, targets: targets.filter((target): target is string => typeof target === "string") };
}
