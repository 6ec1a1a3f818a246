import { AgentwireError } from "../errors.ts";

const SEGMENT = /^(?:\*|[A-Za-z0-9_-]+)$/;
const LONGEST = 512;
const MOST_SEGMENTS = 64;
const DOT = 46;

/** A compiled channel pattern. */
export interface ChannelPattern {
  readonly source: string;
  /** Costs at most one pass over the channel's name. */
  matches(channel: string): boolean;
}

/** Compiles a channel pattern of at most 64 segments: `*` is exactly one segment, `**` at the end is one or more. @throws PATTERN_INVALID */
export function compilePattern(source: string): ChannelPattern {
  const segments = typeof source === "string" && source.length <= LONGEST ? source.split(".") : [];
  const open = segments.at(-1) === "**";
  const fixed = open ? segments.slice(0, -1) : segments;
  if (segments.length === 0 || segments.length > MOST_SEGMENTS || !fixed.every((segment) => SEGMENT.test(segment))) {
    const shown = typeof source === "string" ? JSON.stringify(source.slice(0, 60)) : typeof source;
    throw new AgentwireError("PATTERN_INVALID", `${shown} is not a channel pattern`);
  }
  if (!open && !fixed.includes("*")) return { source, matches: (channel) => channel === source };
  return { source, matches: (channel) => matches(channel, fixed, open) };
}

// Reads the name where it is: splitting it would cost more than the comparison.
function matches(channel: string, fixed: readonly string[], open: boolean): boolean {
  let at = 0;
  for (const segment of fixed) {
    if (at > channel.length) return false;
    let end = at + segment.length;
    if (segment === "*") {
      end = channel.indexOf(".", at);
      if (end < 0) end = channel.length;
    } else if (!channel.startsWith(segment, at)) return false;
    if (end < channel.length && channel.charCodeAt(end) !== DOT) return false;
    at = end + 1;
  }
  return open ? at < channel.length : at === channel.length + 1;
}
