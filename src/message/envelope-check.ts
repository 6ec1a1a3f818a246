import { AgentwireError } from "../errors.ts";
import { type Envelope, PRIORITIES } from "./envelope.ts";
import { MAX_DEPTH } from "./plain.ts";

/** Version of the wire form written here, and the latest that is understood. */
const WIRE_VERSION = 1;
/** The last millisecond of the year 9999. */
const LATEST_TIME = 253_402_300_799_999;
const LONGEST_TEXT = 16_384;

// Foreign programs write into shared engines: nothing from the wire may name a key or an inbox that a user could not.
const ID = /^[A-Za-z0-9_.:-]{1,128}$/;
const ADDRESS = /^\$?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;
const LONGEST_ADDRESS = 256;
const MEDIA_TYPE = /^[\x21-\x7e][\x20-\x7e]{0,255}$/;

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string" && value !== "" && value.length <= LONGEST_TEXT;
const isId: Check = (value) => typeof value === "string" && ID.test(value);
const isAddress: Check = (value) => typeof value === "string" && value.length <= LONGEST_ADDRESS && ADDRESS.test(value);
const isTime: Check = (value) => typeof value === "number" && value >= 0 && value <= LATEST_TIME;
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isRecord: Check = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const everyField = (value: unknown, check: Check): boolean =>
  isRecord(value) && Object.values(value as object).every(check);
const known: ReadonlySet<unknown> = new Set(PRIORITIES);

const CHECKS: { readonly [F in keyof Required<Envelope>]: Check } = {
  v: (value) => value === WIRE_VERSION,
  id: isId,
  type: isAddress,
  version: (value) => isCount(value) && value !== 0,
  from: isAddress,
  to: isAddress,
  channel: isAddress,
  payload: () => true,
  priority: (value) => known.has(value),
  createdAt: isTime,
  expiresAt: isTime,
  conversationId: isText,
  causationId: isId,
  inReplyTo: isId,
  taskId: isText,
  runId: isText,
  headers: (value) => everyField(value, (header) => typeof header === "string"),
  tenant: isAddress,
  replyInbox: isAddress,
  depth: isCount,
  path: (value) => Array.isArray(value) && value.every(isText),
  budget: (value) => everyField(value, (limit) => typeof limit === "number" && limit >= 0),
  key: isText,
  validUntil: isTime,
  orderKey: isText,
  class: isText,
  sig: isText,
  enc: isText,
  contentType: (value) => typeof value === "string" && MEDIA_TYPE.test(value),
  replayOf: isId,
};
const REQUIRED = [
  "id",
  "type",
  "version",
  "from",
  "priority",
  "createdAt",
  "conversationId",
  "headers",
  "payload",
] as const;

/** What is known of a field. */
interface Field {
  readonly check: Check;
  readonly required: boolean;
}

const FIELDS: ReadonlyMap<string, Field> = new Map(
  Object.entries(CHECKS).map(([name, check]): [string, Field] => [
    name,
    { check, required: (REQUIRED as readonly string[]).includes(name) },
  ]),
);

/**
 * Checks an envelope field by field as it came out of an engine, and freezes it, payload and all.
 * Fields this version does not know are kept. The value must be fresh from a parser, shared with nobody.
 * @throws VERSION_UNSUPPORTED, ENVELOPE_INVALID naming the field
 */
export function checkEnvelope(value: unknown): Envelope {
  if (!isRecord(value)) throw new AgentwireError("ENVELOPE_INVALID", "A stored message is not an object");
  const fields = value as Record<string, unknown>;
  const v = Object.hasOwn(fields, "v") ? fields["v"] : undefined;
  if (Number.isInteger(v) && (v as number) > WIRE_VERSION) {
    throw new AgentwireError(
      "VERSION_UNSUPPORTED",
      `A stored message has wire version ${String(v)}; this program reads up to ${WIRE_VERSION}`,
      {
        details: { v },
      },
    );
  }
  if (v !== WIRE_VERSION) throw invalid(fields, "v", "is not a wire version");
  let required = 0;
  for (const name in fields) {
    const value = fields[name];
    const field = FIELDS.get(name);
    if (field && !field.check(value)) throw invalid(fields, name, "has a wrong type or value");
    if (field?.required) required++;
    if (typeof value !== "string") freeze(fields, name, value, 0);
  }
  if (required < REQUIRED.length) {
    const missing = REQUIRED.find((name) => !Object.hasOwn(fields, name));
    throw invalid(fields, missing ?? "id", "is missing");
  }
  const { createdAt, expiresAt } = fields as Partial<Envelope>;
  if (expiresAt !== undefined && expiresAt < (createdAt as number))
    throw invalid(fields, "expiresAt", "is before createdAt");
  return Object.freeze(fields) as unknown as Envelope;
}

function freeze(envelope: Readonly<Record<string, unknown>>, field: string, value: unknown, depth: number): void {
  if (typeof value === "number" && !Number.isFinite(value)) throw invalid(envelope, field, "has a number out of range");
  if (typeof value !== "object" || value === null) return;
  if (depth >= MAX_DEPTH) throw invalid(envelope, field, `is nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) for (let at = 0; at < value.length; at++) freeze(envelope, field, value[at], depth + 1);
  else for (const key in value) freeze(envelope, field, (value as Record<string, unknown>)[key], depth + 1);
  Object.freeze(value);
}

function invalid(envelope: Readonly<Record<string, unknown>>, field: string, fault: string): AgentwireError {
  const name = field.slice(0, 80);
  const id = isId(envelope["id"]) ? { id: envelope["id"] } : {};
  return new AgentwireError("ENVELOPE_INVALID", `Field ${JSON.stringify(name)} of a stored message ${fault}`, {
    details: { field: name, ...id },
  });
}
