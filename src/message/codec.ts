import type { Envelope } from "./envelope.ts";

/** Turns envelopes into what an engine stores, and back. */
export interface Codec {
  readonly name: string;
  encode(envelope: Envelope): string | Uint8Array;
  /**
   * Reads and checks an envelope; unknown fields are kept, the result is frozen.
   * @throws DECODE_FAILED, ENVELOPE_INVALID, VERSION_UNSUPPORTED
   */
  decode(data: string | Uint8Array): Envelope;
}
