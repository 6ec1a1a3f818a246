import { AgentwireError } from "../errors.ts";
import { systemClock } from "../internal/clock.ts";
import { escapeSegment, unescapeSegment } from "./channel-escape.ts";
import type { Envelope } from "./envelope.ts";
import { checkEnvelope } from "./envelope-check.ts";
import type { AnyMessage } from "./message-type.ts";
import { copyPlain } from "./plain.ts";

/** A CloudEvent 1.0 in structured form: its JSON. */
export interface CloudEvent {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** RFC 3339. */
  readonly time?: string;
  readonly datacontenttype?: string;
  readonly data?: unknown;
  readonly [extension: string]: unknown;
}

/** A CloudEvent 1.0 in binary form over HTTP: attributes in headers, data in the body. */
export interface BinaryCloudEvent {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const JSON_TYPE = "application/json";
const NAME = /^\$?[\w-]+(?:\.[\w-]+)*$/;

/** Fields that have an extension attribute of their own; the rest travels in `agentwire` as JSON. */
const EXTENSIONS = {
  to: "to",
  channel: "channel",
  priority: "priority",
  conversationId: "conversationid",
  causationId: "causationid",
  inReplyTo: "inreplyto",
  taskId: "taskid",
  runId: "runid",
} as const satisfies Partial<Record<keyof Envelope, string>>;

/** Writes a message as a CloudEvent: `from` becomes `source`, the payload `data`; {@link fromCloudEvent} gives every field back. */
export function toCloudEvent(message: AnyMessage): CloudEvent {
  const {
    v: _wire,
    id,
    type,
    version,
    from,
    payload,
    createdAt,
    expiresAt,
    contentType,
    ...others
  } = message as unknown as Envelope;
  const event: Record<string, unknown> = {
    specversion: "1.0",
    id,
    source: sourceOf(from),
    type,
    time: new Date(createdAt).toISOString(),
    datacontenttype: contentType ?? JSON_TYPE,
    typeversion: version,
  };
  if (expiresAt !== undefined) event["expirytime"] = new Date(expiresAt).toISOString();
  const rest: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(others)) {
    if (value === undefined) continue;
    const extension = EXTENSIONS[field as keyof typeof EXTENSIONS];
    if (extension !== undefined) event[extension] = value;
    else if (field !== "headers" || Object.keys(value as object).length > 0) rest[field] = value;
  }
  if (Object.keys(rest).length > 0) event["agentwire"] = JSON.stringify(rest);
  event["data"] = payload;
  return event as unknown as CloudEvent;
}

/**
 * Reads a CloudEvent, ours or a foreign one, as a message. A foreign `source` that is no name is escaped into one;
 * without `time` it counts as made now.
 * @throws ENVELOPE_INVALID naming the attribute, PAYLOAD_INVALID and its kin
 */
export function fromCloudEvent(event: CloudEvent): AnyMessage {
  if (typeof event !== "object" || event === null || event.specversion !== "1.0")
    throw invalid("specversion", `is not "1.0"`);
  for (const attribute of ["id", "source", "type"] as const) {
    if (typeof event[attribute] !== "string" || event[attribute] === "") throw invalid(attribute, "is not a text");
  }
  if (event["data_base64"] !== undefined) throw invalid("data_base64", "holds bytes; a payload is JSON");
  const envelope: Record<string, unknown> = {
    ...restOf(event["agentwire"]),
    v: 1,
    id: event.id,
    type: event.type,
    version: wholeNumber(event["typeversion"]) ?? 1,
    from: NAME.test(event.source) ? event.source : escapeSegment(event.source),
    priority: "normal",
    createdAt: timeOf("time", event.time) ?? systemClock.now(),
    conversationId: event.id,
    payload: copyPlain(event.data ?? null, "the event's data"),
  };
  envelope["headers"] ??= {};
  for (const [field, extension] of Object.entries(EXTENSIONS))
    if (event[extension] !== undefined) envelope[field] = event[extension];
  const expiresAt = timeOf("expirytime", event["expirytime"]);
  if (expiresAt !== undefined) envelope["expiresAt"] = expiresAt;
  const { datacontenttype = JSON_TYPE } = event;
  if (datacontenttype !== JSON_TYPE) envelope["contentType"] = datacontenttype;
  return checkEnvelope(envelope);
}

/** Writes a message as a CloudEvent in binary form: `ce-` headers and a JSON body. */
export function toBinaryCloudEvent(message: AnyMessage): BinaryCloudEvent {
  const { data, datacontenttype, ...attributes } = toCloudEvent(message);
  const headers: Record<string, string> = { "content-type": datacontenttype as string };
  for (const [name, value] of Object.entries(attributes)) headers[`ce-${name}`] = percentEncoded(String(value));
  return { headers, body: JSON.stringify(data) };
}

/** Reads a CloudEvent in binary form. @throws as {@link fromCloudEvent}; DECODE_FAILED when the body is not JSON */
export function fromBinaryCloudEvent(binary: BinaryCloudEvent): AnyMessage {
  const event: Record<string, unknown> = {};
  for (const [header, value] of Object.entries(binary.headers)) {
    const name = header.toLowerCase();
    if (name === "content-type") event["datacontenttype"] = value;
    else if (name.startsWith("ce-")) event[name.slice(3)] = percentDecoded(name, value);
  }
  event["data"] = parseJson(binary.body, "The body of a CloudEvent");
  return fromCloudEvent(event as unknown as CloudEvent);
}

/** A foreign source that was escaped into a name comes out as it was. */
function sourceOf(from: string): string {
  const source = unescapeSegment(from);
  return source === undefined || NAME.test(source) ? from : source;
}

function restOf(text: unknown): Record<string, unknown> {
  if (text === undefined) return {};
  const rest = typeof text === "string" ? parseJson(text, "Attribute agentwire of a CloudEvent") : undefined;
  if (typeof rest !== "object" || rest === null || Array.isArray(rest))
    throw invalid("agentwire", "is not a JSON object");
  return rest as Record<string, unknown>;
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AgentwireError("DECODE_FAILED", `${what} is not JSON`);
  }
}

/** In headers, numbers are text. */
function wholeNumber(value: unknown): unknown {
  return typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : value;
}

function timeOf(attribute: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const time =
    typeof value === "string" && /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time)) throw invalid(attribute, "is not a time as in RFC 3339");
  return time;
}

// The HTTP binding: everything but printable ASCII, and space, quote and percent sign of that.
function percentEncoded(text: string): string {
  return text.replaceAll(/[^\x21\x23\x24\x26-\x7e]+/gu, (part) =>
    [...new TextEncoder().encode(part)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
  );
}

function percentDecoded(header: string, value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw invalid(header, "is not percent-encoded UTF-8");
  }
}

function invalid(attribute: string, fault: string): AgentwireError {
  return new AgentwireError("ENVELOPE_INVALID", `Attribute ${attribute} of a CloudEvent ${fault}`, {
    details: { field: attribute },
  });
}
