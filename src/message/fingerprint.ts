import { createHash } from "node:crypto";
import type { Envelope } from "./envelope.ts";

/** A hash of what a message says and to whom: equal for equal type, address and payload, whatever the order of keys. */
export function fingerprint(envelope: Envelope): string {
  const { type, version, to, channel, payload } = envelope;
  return createHash("sha256")
    .update(JSON.stringify([type, version, to ?? "", channel ?? ""]))
    .update(sorted(payload))
    .digest("base64url");
}

/** A short hash of sender, address, type and payload, to recognise a message that comes round again. */
export function loopMark(envelope: Envelope): string {
  const text = `${envelope.from} ${envelope.to ?? envelope.channel ?? ""} ${envelope.type} ${JSON.stringify(envelope.payload)}`;
  // FNV-1a, twice with different starts: 64 bits without a hash object per message.
  let a = 0x811c9dc5;
  let b = 0x9dc5811c;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x01000193) + 0x9e37;
  }
  return (a >>> 0).toString(36) + (b >>> 0).toString(36);
}

function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${sorted(field)}`).join()}}`;
}
