import { AgentwireError } from "../errors.ts";
import type { Codec } from "./codec.ts";
import { ENVELOPE_FIELDS, type Envelope } from "./envelope.ts";
import { checkEnvelope } from "./envelope-check.ts";

/** Characters of a whole message; the largest payload, every character of it escaped, is less. */
const LONGEST = 64 * 1024 * 1024;

const KNOWN: ReadonlySet<string> = new Set(ENVELOPE_FIELDS);
/** Fields that few messages have; the others are written out in {@link encode}. */
const RARE = ENVELOPE_FIELDS.slice(ENVELOPE_FIELDS.indexOf("taskId"), ENVELOPE_FIELDS.indexOf("payload")).filter(
  (field) => field !== "headers",
);
const RARE_BEFORE_HEADERS = RARE.slice(0, 2);
const RARE_AFTER_HEADERS = RARE.slice(2);

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The wire form: canonical JSON, the envelope's fields in their order, then those this version does not know by name. */
export const jsonCodec: Codec = { name: "json", encode, decode };

// Written by hand: a third faster than building an object in the right order and having it stringified.
function encode(envelope: Envelope): string {
  const {
    id,
    type,
    version,
    from,
    to,
    channel,
    priority,
    createdAt,
    expiresAt,
    conversationId,
    causationId,
    inReplyTo,
    headers,
    payload,
  } = envelope;
  let text = `{"v":1,"id":${quote(id)},"type":${quote(type)},"version":${version},"from":${quote(from)}`;
  let written = 9;
  if (to !== undefined) (text += `,"to":${quote(to)}`), written++;
  if (channel !== undefined) (text += `,"channel":${quote(channel)}`), written++;
  text += `,"priority":"${priority}","createdAt":${createdAt}`;
  if (expiresAt !== undefined) (text += `,"expiresAt":${expiresAt}`), written++;
  text += `,"conversationId":${quote(conversationId)}`;
  if (causationId !== undefined) (text += `,"causationId":${quote(causationId)}`), written++;
  if (inReplyTo !== undefined) (text += `,"inReplyTo":${quote(inReplyTo)}`), written++;
  const all = Object.keys(envelope).length;
  const hasRare = all > written + 1;
  if (hasRare) text += fields(envelope, RARE_BEFORE_HEADERS);
  text += `,"headers":${JSON.stringify(headers)}`;
  if (hasRare) text += fields(envelope, RARE_AFTER_HEADERS);
  text += `,"payload":${JSON.stringify(payload)}`;
  if (hasRare)
    text += fields(
      envelope,
      Object.keys(envelope)
        .filter((field) => !KNOWN.has(field))
        .sort(),
    );
  return `${text}}`;
}

function fields(envelope: Envelope, names: readonly string[]): string {
  let text = "";
  for (const name of names) {
    const value = (envelope as unknown as Readonly<Record<string, unknown>>)[name];
    if (value !== undefined) text += `,${JSON.stringify(name)}:${JSON.stringify(value)}`;
  }
  return text;
}

/** Most texts of an envelope are ids and names, which need no escaping. */
function quote(text: string): string {
  return /^[\w.$:-]*$/.test(text) ? `"${text}"` : JSON.stringify(text);
}

function decode(data: string | Uint8Array): Envelope {
  return checkEnvelope(parse(data));
}

function parse(data: string | Uint8Array): unknown {
  if (data.length > LONGEST)
    throw new AgentwireError("DECODE_FAILED", `A stored message is longer than ${LONGEST} bytes`);
  try {
    return JSON.parse(typeof data === "string" ? data : UTF8.decode(data));
  } catch {
    // The parser's own error quotes the text, which may be somebody's secret.
    throw new AgentwireError("DECODE_FAILED", "A stored message is not JSON in UTF-8");
  }
}
