import { AgentwireError } from "../errors.ts";
import type { Clock } from "../internal/clock.ts";
import { parseDuration } from "../message/duration.ts";
import { type Budget, type Envelope, type Headers, PRIORITIES, type Priority } from "../message/envelope.ts";
import type { IdGenerator } from "../message/id.ts";
import type { MessageType } from "../message/index.ts";
import type { Origin } from "./origin.ts";
import type { MessageOptions } from "./sending.ts";

/** Bytes of all header names and values together. */
const HEADERS_LIMIT = 16 * 1024;
/** The last millisecond of the year 9999. */
const LATEST_TIME = 253_402_300_799_999;

const NO_HEADERS: Headers = Object.freeze({});
const KNOWN_PRIORITIES: ReadonlySet<unknown> = new Set(PRIORITIES);

/** Options that any way of sending knows; others are refused, so that a misspelt one is not silently lost. */
// biome-ignore format: a list of names
const KNOWN_OPTIONS: ReadonlySet<string> = new Set([
  "priority", "ttl", "delay", "deliverAt", "idempotencyKey", "headers", "conversation", "validUntil", "key", "supersedes", "budget", "signal",
  "to", "ifUnknown", "channel", "requireRecipients", "where", "timeout", "expect", "__proto__",
]);

/** What is left to decide after the options: where it goes. */
export interface Stamped {
  readonly to?: string;
  readonly channel?: string;
  readonly replyInbox?: string;
  readonly inReplyTo?: string;
  readonly replayOf?: string;
}

/** Parts that every envelope needs. */
export interface StampOptions {
  readonly clock: Clock;
  readonly ids: IdGenerator;
}

/** Writes the envelope around a checked payload. @throws OUT_OF_RANGE, ARGUMENT_INVALID */
export function stamp(
  parts: StampOptions,
  origin: Pick<Origin, "name" | "cause">,
  type: MessageType,
  payload: unknown,
  options: MessageOptions,
  address: Stamped,
): Envelope {
  for (const name in options) {
    if (!KNOWN_OPTIONS.has(name))
      throw new AgentwireError("ARGUMENT_INVALID", `There is no option "${name}" for sending ${type.name}`);
  }
  const priority = options.priority ?? type.priority ?? "normal";
  if (!KNOWN_PRIORITIES.has(priority)) {
    throw new AgentwireError(
      "OUT_OF_RANGE",
      `priority must be one of ${PRIORITIES.join(", ")}, not ${typeof priority === "string" ? JSON.stringify((priority as string).slice(0, 40)) : typeof priority}`,
    );
  }
  const createdAt = parts.clock.now();
  const id = parts.ids.next(createdAt);
  const cause = origin.cause;
  const ttl = options.ttl === undefined ? type.ttl : options.ttl;
  const envelope: { -readonly [K in keyof Envelope]: Envelope[K] } = {
    v: 1,
    id,
    type: type.name,
    version: type.version,
    from: origin.name,
    payload,
    priority: priority as Priority,
    createdAt,
    conversationId: options.conversation ?? cause?.conversationId ?? id,
    headers: options.headers === undefined ? NO_HEADERS : copyHeaders(options.headers),
  };
  if (address.to !== undefined) envelope.to = address.to;
  if (address.channel !== undefined) envelope.channel = address.channel;
  if (address.replyInbox !== undefined) envelope.replyInbox = address.replyInbox;
  if (address.inReplyTo !== undefined) envelope.inReplyTo = address.inReplyTo;
  if (address.replayOf !== undefined) envelope.replayOf = address.replayOf;
  if (ttl !== undefined)
    envelope.expiresAt = createdAt + parseDuration(ttl, { name: "ttl", min: 0, max: LATEST_TIME - createdAt });
  if (options.validUntil !== undefined) envelope.validUntil = timeOf(options.validUntil, "validUntil");
  if (options.key !== undefined) envelope.key = text(options.key, "key", 256);
  if (options.conversation !== undefined) text(options.conversation, "conversation", 256);
  if (cause !== undefined) {
    envelope.causationId = cause.id;
    // An answer adds no hop: it only goes back.
    envelope.depth = (cause.depth ?? 0) + (address.inReplyTo === undefined ? 1 : 0);
    if (cause.taskId !== undefined) envelope.taskId = cause.taskId;
    if (cause.runId !== undefined) envelope.runId = cause.runId;
  }
  const budget = options.budget === undefined ? cause?.budget : checkBudget(options.budget);
  if (budget !== undefined) envelope.budget = budget;
  return envelope;
}

/** When a message becomes due, from `delay` or `deliverAt`; undefined for at once. @throws OUT_OF_RANGE, ARGUMENT_INVALID */
export function dueTime(options: MessageOptions, now: number): number | undefined {
  if (options.delay === undefined)
    return options.deliverAt === undefined ? undefined : timeOf(options.deliverAt, "deliverAt");
  if (options.deliverAt !== undefined)
    throw new AgentwireError("ARGUMENT_INVALID", "Give either `delay` or `deliverAt`, not both");
  const delay = parseDuration(options.delay, { name: "delay", min: 0, max: LATEST_TIME - now });
  return delay === 0 ? undefined : now + delay;
}

/** Checks that a text option is a well-formed string of at most `limit` bytes. @throws ARGUMENT_INVALID */
export function text(value: unknown, name: string, limit: number): string {
  if (typeof value !== "string" || value === "" || Buffer.byteLength(value) > limit) {
    throw new AgentwireError("ARGUMENT_INVALID", `${name} must be a string of 1 to ${limit} bytes`);
  }
  return value;
}

/** A time that a caller gave. @throws OUT_OF_RANGE */
export function timeOf(value: Date | number, name: string): number {
  const time = value instanceof Date ? value.getTime() : value;
  if (typeof time !== "number" || !Number.isFinite(time) || time < 0 || time > LATEST_TIME) {
    throw new AgentwireError(
      "OUT_OF_RANGE",
      `${name} must be a Date or milliseconds since 1970, before the year 10000`,
    );
  }
  return Math.trunc(time);
}

function copyHeaders(headers: Headers): Headers {
  const copy: Record<string, string> = {};
  let size = 0;
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (typeof value !== "string" || name === "__proto__") {
      throw new AgentwireError("ARGUMENT_INVALID", `Header ${JSON.stringify(name.slice(0, 80))} must be a string`);
    }
    size += name.length + value.length;
    copy[name] = value;
  }
  if (size > HEADERS_LIMIT)
    throw new AgentwireError("PAYLOAD_TOO_LARGE", `The headers have ${size} bytes; at most ${HEADERS_LIMIT} travel`);
  return Object.freeze(copy);
}

function checkBudget(budget: Budget): Budget {
  const copy: Record<string, number> = {};
  for (const name of ["messages", "tokens", "cost", "deadline", "depth"] as const) {
    const value = budget[name];
    if (value === undefined) continue;
    if (typeof value !== "number" || !Number.isFinite(value) || value < 0) {
      throw new AgentwireError("OUT_OF_RANGE", `budget.${name} must be a number from 0`);
    }
    copy[name] = value;
  }
  return Object.freeze(copy);
}
