import { AgentwireError } from "../errors.ts";
import { compilePattern } from "../message/pattern.ts";
import { type AgentRecord, MOST_SUBSCRIPTIONS } from "./record.ts";

/** Largest record of one agent, in bytes of JSON. */
const LARGEST_RECORD = 512 * 1024;

/**
 * A record as it will be stored: plain JSON, within the limits.
 * @throws PATTERN_INVALID, LIMIT_EXCEEDED over 1,000 subscriptions, PAYLOAD_TOO_LARGE over 512 KiB
 */
export function storable(record: AgentRecord): AgentRecord {
  if (record.subscribes.length > MOST_SUBSCRIPTIONS) {
    throw new AgentwireError(
      "LIMIT_EXCEEDED",
      `Agent "${record.name}" has ${record.subscribes.length} subscriptions; at most ${MOST_SUBSCRIPTIONS} are allowed`,
      {
        details: { agent: record.name, limit: MOST_SUBSCRIPTIONS },
        hint: "Subscribe to a pattern with `*` or `**` instead.",
      },
    );
  }
  for (const pattern of record.subscribes) compilePattern(pattern);
  const json = JSON.stringify(record);
  const size = Buffer.byteLength(json);
  if (size > LARGEST_RECORD) {
    throw new AgentwireError(
      "PAYLOAD_TOO_LARGE",
      `The record of agent "${record.name}" has ${size} bytes; at most ${LARGEST_RECORD} are allowed`,
      { details: { agent: record.name, size, limit: LARGEST_RECORD }, hint: "Shorten its metadata or capabilities." },
    );
  }
  return JSON.parse(json) as AgentRecord;
}

/** A stored record; undefined for a value that is none, which another program may have written. */
export function readRecord(value: unknown): AgentRecord | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const record = value as AgentRecord;
  const lists: readonly unknown[] = [record.receives, record.sends, record.subscribes, record.capabilities];
  const fits =
    typeof record.name === "string" &&
    typeof record.kind === "string" &&
    typeof record.concurrency === "number" &&
    typeof record.firstSeen === "number" &&
    lists.every(Array.isArray);
  return fits ? record : undefined;
}
