import { AgentwireError } from "../errors.ts";

const SEGMENT = /^(?:\*|[A-Za-z0-9_-]+)$/;
const LONGEST = 512;
const MOST_SEGMENTS = 64;

/** A compiled channel pattern. */
export interface ChannelPattern {
  readonly source: string;
  matches(channel: string): boolean;
}

/** Compiles a channel pattern: `*` is exactly one segment, `**` at the end is one or more. @throws PATTERN_INVALID */
export function compilePattern(source: string): ChannelPattern {
  const segments = typeof source === "string" && source.length <= LONGEST ? source.split(".") : [];
  const open = segments.at(-1) === "**";
  const fixed = open ? segments.slice(0, -1) : segments;
  if (segments.length === 0 || segments.length > MOST_SEGMENTS || !fixed.every((segment) => SEGMENT.test(segment))) {
    throw new AgentwireError("PATTERN_INVALID", `${JSON.stringify(String(source).slice(0, 60))} is not a channel pattern`);
  }
  const plain = !open && !fixed.includes("*");
  return {
    source,
    matches: (channel) => {
      if (plain) return channel === source;
      const parts = channel.split(".");
      if (open ? parts.length <= fixed.length : parts.length !== fixed.length) return false;
      return fixed.every((segment, at) => segment === "*" || segment === parts[at]);
    },
  };
}
