export { type CompiledType } from "./compiled.ts";
export { defineMessage, type TypeOptions, type Upcast } from "./define-message.ts";
export type { Duration } from "./duration.ts";
export { type Budget, type Headers, PRIORITIES, type Priority } from "./envelope.ts";
export type { ChunkInputOf, ChunkOf, InputOf, None, OutputOf, ReplyInputOf, ReplyOf, Schema } from "./inference.ts";
export type { JsonSchema } from "./json-schema.ts";
export type { DraftOptions, Message, MessageDraft, MessageType } from "./message-type.ts";
export { jsonSchema } from "./schema.ts";
export type { StandardSchemaV1 } from "./standard-schema.ts";
