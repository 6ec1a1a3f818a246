import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import type { ConsumeMessage } from "amqplib";
import type { NewCopy } from "../ledger/engine.ts";

/** Content types by the form of a body. */
const TEXT = "application/json";
const BYTES = "application/msgpack";

/** A message on its way into a queue. */
export interface Parcel {
  readonly queue: string;
  readonly body: Buffer;
  /** Names this copy among all that were ever put into a queue. */
  readonly mark: string;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string | number>>;
}

/** Names of our headers: what the ledger knows of a copy, and when it was sent, in units that no two copies of a process share. */
const HEAD = "agentwire-head";
const SENT = "agentwire-sent";

/** Packs a copy; `sent` grows with each. */
export function pack(
  { body, head }: NewCopy,
  { queue, mark, sent }: { readonly queue: string; readonly mark: string; readonly sent: number },
): Parcel {
  const isText = typeof body === "string";
  return {
    queue,
    mark,
    body: isText ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    contentType: isText ? TEXT : BYTES,
    headers: head === undefined ? { [SENT]: sent } : { [SENT]: sent, [HEAD]: head },
  };
}

/** What came out of a queue; another program's message has no more than its body. */
export interface Unpacked {
  readonly body: string | Uint8Array;
  readonly head: string | undefined;
  readonly mark: string;
  /** 0 if it is not known. */
  readonly sent: number;
}

/** Unpacks what a queue has given. */
export function unpack({ content, properties }: ConsumeMessage): Unpacked {
  const { contentType, messageId, headers = {} } = properties;
  const [head, sent] = [headers[HEAD] as unknown, headers[SENT] as unknown];
  return {
    // What is no text stays as it is: it must not become another one.
    body: contentType === BYTES || !isUtf8(content) ? content : content.toString(),
    head: typeof head === "string" ? head : undefined,
    mark: typeof messageId === "string" ? messageId : createHash("sha256").update(content).digest("base64url"),
    sent: Number.isSafeInteger(sent) && (sent as number) > 0 ? (sent as number) : 0,
  };
}
