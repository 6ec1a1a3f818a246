import { createHash } from "node:crypto";
import type { Codec } from "../../message/codec.ts";
import type { Envelope } from "../../message/envelope.ts";

/** What is stored for an envelope: its text, or its bytes in base64. */
export function storedBody(codec: Codec, message: Envelope): string {
  const encoded = codec.encode(message);
  return typeof encoded === "string" ? encoded : Buffer.from(encoded).toString("base64");
}

/** The codec's form of what is stored. Text is an object's, and no base64 begins as that. */
export function encodedIn(body: string, codec: Codec): string | Uint8Array {
  return body.startsWith("{") || codec.name === "json" ? body : Buffer.from(body, "base64");
}

/** A text of a user's choice as it is compared in the database: short, and without what a text there cannot hold. */
export function compared(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 27);
}
