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
  /** Few have any: a table costs the server, and the client library, more than the rest of what comes before the body. */
  readonly headers: Readonly<Record<string, string>> | undefined;
}

/** What the ledger knows of a copy. */
const HEAD = "agentwire-head";
/** A sender's name among the others, and when it sent the copy, in units that no two copies of a sender share, in base 36. */
const MARK = /^[\w-]{12}\.([0-9a-z]{1,10})$/;

/** Packs a copy; `sent` grows with each of this `sender`. */
export function pack(
  { body, head }: NewCopy,
  { queue, sender, sent }: { readonly queue: string; readonly sender: string; readonly sent: number },
): Parcel {
  const isText = typeof body === "string";
  return {
    queue,
    mark: `${sender}.${sent.toString(36)}`,
    body: isText ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    contentType: isText ? TEXT : BYTES,
    headers: head === undefined ? undefined : { [HEAD]: head },
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
  const { contentType, messageId, headers } = properties;
  const head = headers?.[HEAD] as unknown;
  const sent = typeof messageId === "string" ? MARK.exec(messageId)?.[1] : undefined;
  return {
    // What is no text stays as it is: it must not become another one.
    body: contentType === BYTES || !isUtf8(content) ? content : content.toString(),
    head: typeof head === "string" ? head : undefined,
    mark: typeof messageId === "string" ? messageId : createHash("sha256").update(content).digest("base64url"),
    sent: sent === undefined ? 0 : Number.parseInt(sent, 36),
  };
}
