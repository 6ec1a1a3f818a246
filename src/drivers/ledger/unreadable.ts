import type { DriverContext } from "../../broker/driver.ts";
import { AgentwireError } from "../../errors.ts";
import type { Envelope } from "../../message/envelope.ts";
import type { DeadLetter, StoredForm } from "../../message/receipt-record.ts";
import type { Arrival } from "./engine.ts";

const RAW_KEPT = 64 * 1024;

/** What is kept of a copy that cannot be read, so that the others go on: its dead letter, and an envelope with what can be said. */
export function unreadable(
  { inbox, body, mark }: Arrival,
  error: unknown,
  context: DriverContext,
): { readonly message: Envelope; readonly letter: DeadLetter<Envelope> } {
  const code = AgentwireError.is(error) ? error.code : "DECODE_FAILED";
  const reason = AgentwireError.is(error) ? error.message : "The stored message cannot be read";
  const { id, type } = namesIn(body);
  const message = { id: id ?? `unreadable-${mark}`, type: type ?? "" } as Envelope;
  // What a newer release wrote is whole, and can be sent again by one.
  const raw = storedForm(body, code === "VERSION_UNSUPPORTED" ? Number.POSITIVE_INFINITY : RAW_KEPT);
  const letter = { message, raw, recipient: inbox, code, reason, at: context.clock.now(), attempts: [] };
  return { message, letter: letter as DeadLetter<Envelope> };
}

/** Id and type, as far as they can be made out. */
function namesIn(body: string | Uint8Array): { readonly id?: string; readonly type?: string } {
  try {
    const { id, type } = JSON.parse(typeof body === "string" ? body : Buffer.from(body).toString()) as Envelope;
    return { ...(typeof id === "string" ? { id } : {}), ...(typeof type === "string" ? { type } : {}) };
  } catch {
    return {};
  }
}

function storedForm(body: string | Uint8Array, most: number): StoredForm {
  if (typeof body === "string") return { text: body.slice(0, most) };
  const bytes = Buffer.from(body.subarray(0, most));
  const text = bytes.toString();
  return Buffer.from(text).equals(bytes) ? { text } : { base64: bytes.toString("base64") };
}
