import { AgentwireError } from "../errors.ts";
import type { Codec } from "./codec.ts";
import { ENVELOPE_FIELDS, type Envelope } from "./envelope.ts";

const KNOWN: ReadonlySet<string> = new Set(ENVELOPE_FIELDS);

/** The wire form: canonical JSON, the envelope's fields in their order and then those this version does not know. */
export const jsonCodec: Codec = {
  name: "json",
  encode: (envelope) => {
    const ordered: Record<string, unknown> = {};
    for (const field of ENVELOPE_FIELDS) if (envelope[field] !== undefined) ordered[field] = envelope[field];
    for (const field of Object.keys(envelope)) if (!KNOWN.has(field)) ordered[field] = (envelope as unknown as Record<string, unknown>)[field];
    return JSON.stringify(ordered);
  },
  decode: (data) => {
    try {
      return Object.freeze(JSON.parse(typeof data === "string" ? data : new TextDecoder().decode(data))) as Envelope;
    } catch (cause) {
      throw new AgentwireError("DECODE_FAILED", "A stored message is not JSON", { cause });
    }
  },
};
