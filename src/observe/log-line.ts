import { LONGEST_LINE, loggable, loggableField } from "./log-value.ts";

/** Fields kept when a line is too long for all. */
const KEPT = ["time", "level", "message", "agent", "type", "conversation", "run", "file", "line"];
// In characters; each takes at most six bytes of JSON.
const SHORTEST = 128;
const SHORTEST_MESSAGE = 512;

// What JSON leaves as it is, and a terminal or a reader of lines might act on: DEL, C1 controls, line separators, marks of direction.
const STILL_CONTROLS = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** One line of JSON with these fields, without secrets or payloads, control characters escaped, at most 8 KiB with its end. */
export function logLine(fields: Readonly<Record<string, unknown>>): string {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) plain[name] = loggableField(name, value);
  let line = escaped(plain);
  if (Buffer.byteLength(line) < LONGEST_LINE) return `${line}\n`;
  const short = Object.fromEntries(
    KEPT.filter((name) => plain[name] !== undefined).map((name) => [
      name,
      brief(plain[name], name === "message" ? SHORTEST_MESSAGE : SHORTEST),
    ]),
  );
  line = escaped({ ...short, cut: true });
  return `${line}\n`;
}

function escaped(value: unknown): string {
  const hex = (mark: string): string => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replace(STILL_CONTROLS, hex);
}

function brief(value: unknown, longest: number): unknown {
  const text = typeof value === "string" ? value : JSON.stringify(loggable(value));
  return text.length <= longest ? value : `${text.slice(0, longest)}…`;
}
