import type { Codec } from "../../message/codec.ts";
import { type Envelope, PRIORITIES } from "../../message/envelope.ts";
import type { FailedAttempt } from "../../message/receipt-record.ts";

/** What few messages have, and what the scripts find them by: when it expires, its order, the limit that it counts under. */
export interface RareFacts {
  readonly x?: number;
  readonly k?: string;
  readonly n?: string;
}

const LEVELS = new Map<string, number>(PRIORITIES.map((priority, level) => [priority, level]));
const NORMAL = 2;

/** The rarer facts of a message; undefined for most. */
export function rareFactsOf(message: Envelope, limit: string | undefined): RareFacts | undefined {
  const { expiresAt, key, from } = message;
  if (expiresAt === undefined && key === undefined && limit === undefined) return undefined;
  return {
    ...(expiresAt === undefined ? {} : { x: expiresAt }),
    ...(key === undefined ? {} : { k: orderOf(from, key) }),
    ...(limit === undefined ? {} : { n: limit }),
  };
}

/** The name of one sender's order. */
export function orderOf(sender: string, key: string): string {
  return `${sender}\n${key}`;
}

/** A copy as it is stored: a line that the scripts read, then the message. */
export function storedCopy(message: Envelope, body: string | Uint8Array, rare: RareFacts | undefined): string | Buffer {
  const { priority, type, createdAt, from } = message;
  const facts = rare === undefined ? "" : `\t${JSON.stringify(rare)}`;
  const line = `${LEVELS.get(priority) ?? NORMAL}\t${type}\t${createdAt}\t${from}${facts}\n`;
  return typeof body === "string" ? line + body : Buffer.concat([Buffer.from(line), body]);
}

/** A stored copy taken apart. */
export interface StoredCopy {
  readonly level: number;
  readonly type: string;
  /** The rarer facts as JSON; empty for most. */
  readonly rare: string;
  readonly body: string | Uint8Array;
}

/** Takes a stored copy apart. */
export function partsOf(stored: string | Buffer): StoredCopy {
  const end = typeof stored === "string" ? stored.indexOf("\n") : stored.indexOf(10);
  const line = typeof stored === "string" ? stored.slice(0, end) : stored.toString("utf8", 0, end);
  const [level, type = "", , , rare = ""] = line.split("\t");
  return {
    level: Number(level),
    type,
    rare,
    body: typeof stored === "string" ? stored.slice(end + 1) : stored.subarray(end + 1),
  };
}

/** What is known of earlier hand-offs of a copy. */
export interface Past {
  /** Hand-offs that are over. */
  readonly a?: number;
  /** Of these, ended by a lapse. */
  readonly c?: number;
  /** Failed attempts as JSON. */
  readonly f?: string;
  readonly o?: number;
  readonly i?: string;
}

/** Reads what is known of earlier hand-offs. */
export function pastIn(text: string | Buffer): Past {
  return text.length === 0 ? {} : (JSON.parse(String(text)) as Past);
}

const NO_FAILURES: readonly FailedAttempt[] = Object.freeze([]);

/** The failed attempts of a copy. */
export function failuresOf({ f }: Past): readonly FailedAttempt[] {
  return f === undefined ? NO_FAILURES : (JSON.parse(f) as FailedAttempt[]);
}

/** Whether messages of a codec are stored as bytes that are no text. */
export function isBinary(codec: Codec): boolean {
  return codec.name !== "json";
}
