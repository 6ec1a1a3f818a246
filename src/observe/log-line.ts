import { escapedJson } from "./escaped-json.ts";
import { LONGEST_LINE, loggable, loggableField } from "./log-value.ts";

/** Fields kept when a line is too long for all. */
const KEPT = ["time", "level", "message", "agent", "type", "conversation", "run", "file", "line"];
// In characters; each takes at most six bytes of JSON.
const SHORTEST = 128;
const SHORTEST_MESSAGE = 512;

/** One line of JSON with these fields, without secrets or payloads, control characters escaped, at most 8 KiB with its end. */
export function logLine(fields: Readonly<Record<string, unknown>>): string {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) plain[name] = loggableField(name, value);
  let line = escapedJson(plain);
  if (Buffer.byteLength(line) < LONGEST_LINE) return `${line}\n`;
  const short = Object.fromEntries(
    KEPT.filter((name) => plain[name] !== undefined).map((name) => [
      name,
      brief(plain[name], name === "message" ? SHORTEST_MESSAGE : SHORTEST),
    ]),
  );
  line = escapedJson({ ...short, cut: true });
  return `${line}\n`;
}

function brief(value: unknown, longest: number): unknown {
  const text = typeof value === "string" ? value : JSON.stringify(loggable(value));
  return text.length <= longest ? value : `${text.slice(0, longest)}…`;
}
