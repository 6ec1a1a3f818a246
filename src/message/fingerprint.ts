import { hash } from "node:crypto";
import { canonical } from "./canonical.ts";
import type { Envelope } from "./envelope.ts";

/** Characters of a loop mark: 72 bits. */
const MARK_LENGTH = 12;

/** A hash of what a message says and to whom: equal for equal type, address and payload, whatever the order of keys. */
export function fingerprint(envelope: Envelope): string {
  const { type, version, to, channel, payload } = envelope;
  return hash("sha256", canonical([type, version, to ?? null, channel ?? null, payload]), "base64url");
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
