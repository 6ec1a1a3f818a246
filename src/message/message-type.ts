import type { CompiledType } from "./compiled.ts";
import type { Duration } from "./duration.ts";
import type { Envelope, Priority } from "./envelope.ts";
import type { InputOf, OutputOf } from "./inference.ts";
import type { JsonSchema } from "./json-schema.ts";

/** Options that a draft carries to the sender. */
export type DraftOptions = Readonly<Record<string, unknown>>;

/** A message not sent yet, made by `type.message`, for `sendMany`. */
export interface MessageDraft<T> {
  readonly type: T;
  readonly payload: unknown;
  readonly options: DraftOptions | undefined;
}

/** A named, versioned kind of message with the schemas of its payload, reply and chunks. Made by {@link defineMessage}. */
export interface MessageType<out N extends string = string, out D = unknown> {
  readonly name: N;
  readonly version: number;
  readonly description?: string;
  /** Where it is published when the sender names no channel. */
  readonly channel?: string;
  readonly priority?: Priority;
  readonly ttl?: Duration;
  /** Whether a reply is declared. */
  readonly hasReply: boolean;
  readonly "~types"?: D;
  /** @internal */
  readonly "~compiled": CompiledType;
  /** Whether a message is of this type. */
  is<M extends { readonly type: string }>(message: M): message is Extract<M, { readonly type: N }>;
  /** A draft for `sendMany`. */
  message(payload: InputOf<MessageType<N, D>>, options?: DraftOptions): MessageDraft<this>;
  /** The payload's JSON Schema. @throws SCHEMA_INVALID when the schema cannot be exported */
  jsonSchema(): JsonSchema;
}

/** A message of a type not known here, as users see it: frozen data. Times are wall milliseconds. */
export type AnyMessage = Readonly<
  Pick<
    Envelope,
    | "id"
    | "type"
    | "version"
    | "from"
    | "to"
    | "channel"
    | "payload"
    | "priority"
    | "createdAt"
    | "expiresAt"
    | "conversationId"
    | "causationId"
    | "inReplyTo"
    | "taskId"
    | "runId"
    | "replayOf"
    | "headers"
  >
>;

/** A message of a given type, as users see it: frozen data. Times are wall milliseconds. */
export type Message<T> =
  T extends MessageType<infer N>
    ? Omit<AnyMessage, "type" | "payload"> & { readonly type: N; readonly payload: OutputOf<T> }
    : never;
