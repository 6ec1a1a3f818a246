import { hash } from "node:crypto";
import type { Envelope } from "./envelope.ts";

/** Characters of a loop mark: 72 bits. */
const MARK_LENGTH = 12;

/** A hash of what a message says and to whom: equal for equal type, address and payload, whatever the order of keys. */
export function fingerprint(envelope: Envelope): string {
  const { type, version, to, channel, payload } = envelope;
  return hash("sha256", sorted([type, version, to ?? null, channel ?? null, payload]), "base64url");
}

/** A short hash of sender, address, type and payload, to recognise a message that comes round again. */
export function loopMark(envelope: Envelope): string {
  const { from, to, channel, type, payload } = envelope;
  // Not for security: the fastest hash that takes a text whole.
  return hash("sha1", `${from} ${to ?? channel ?? ""} ${type} ${JSON.stringify(payload)}`, "base64url").slice(
    0,
    MARK_LENGTH,
  );
}

function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.keys(value).sort();
  return `{${fields.map((key) => `${JSON.stringify(key)}:${sorted((value as Record<string, unknown>)[key])}`).join()}}`;
}
