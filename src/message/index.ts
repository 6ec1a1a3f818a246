export { type ChannelParameters, type ChannelTemplate, channel } from "./channel.ts";
export {
  type BinaryCloudEvent,
  type CloudEvent,
  fromBinaryCloudEvent,
  fromCloudEvent,
  toBinaryCloudEvent,
  toCloudEvent,
} from "./cloud-events.ts";
export type { CompiledType } from "./compiled.ts";
export { type Contract, type ContractChange, type Contracts, compareContracts, contractsOf } from "./contracts.ts";
export { defineMessage, type TypeOptions } from "./define-message.ts";
export type { Duration } from "./duration.ts";
export { type Budget, type Headers, PRIORITIES, type Priority } from "./envelope.ts";
export type { ChunkInputOf, ChunkOf, InputOf, None, OutputOf, ReplyInputOf, ReplyOf, Schema } from "./inference.ts";
export type { JsonSchema } from "./json-schema.ts";
export type { AnyMessage, DraftOptions, Message, MessageDraft, MessageType } from "./message-type.ts";
export { jsonSchema } from "./schema.ts";
export type { StandardSchemaV1 } from "./standard-schema.ts";
export type { Upcast } from "./upcast.ts";
