import type { FromJsonSchema, JsonSchema } from "./json-schema.ts";
import type { StandardInput, StandardOutput, StandardSchemaV1 } from "./standard-schema.ts";

/** What a message type's schema can be. */
export type Schema = StandardSchemaV1 | JsonSchema;

declare const none: unique symbol;

/** Stands for a reply that a message type does not declare. */
export type None = typeof none;

export type SchemaInput<S> = S extends StandardSchemaV1 ? StandardInput<S> : FromJsonSchema<S>;
export type SchemaOutput<S> = S extends StandardSchemaV1 ? StandardOutput<S> : FromJsonSchema<S>;

type Same<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
type Part<K extends string, S> = [S] extends [None]
  ? unknown
  : { [k in K]: SchemaOutput<S> } & (Same<SchemaInput<S>, SchemaOutput<S>> extends true
      ? unknown
      : { [k in `${K}Input`]: SchemaInput<S> });
type Root<S> = { payload: SchemaOutput<S> } & (Same<SchemaInput<S>, SchemaOutput<S>> extends true
  ? unknown
  : { input: SchemaInput<S> });
type Flat<T> = { [K in keyof T]: T[K] } & {};

/** What a message type remembers of its schemas: inputs only where they differ from outputs, so that error texts stay short. */
export type TypesOf<S, R, C> = Flat<Root<S> & Part<"reply", R> & Part<"chunk", C>>;

type Remembered<T> = T extends { readonly "~types"?: infer X } ? NonNullable<X> : never;
type Get<X, K extends string, Otherwise> = X extends { readonly [k in K]: infer V } ? V : Otherwise;

/** What a sender of this message type passes. */
export type InputOf<T> = Get<Remembered<T>, "input", Get<Remembered<T>, "payload", never>>;
/** What a handler of this message type gets. */
export type OutputOf<T> = Get<Remembered<T>, "payload", never>;
/** What a request of this message type resolves with; {@link None} where no reply is declared. */
export type ReplyOf<T> = Get<Remembered<T>, "reply", None>;
/** What a handler of this message type returns. */
export type ReplyInputOf<T> = Get<Remembered<T>, "replyInput", Get<Remembered<T>, "reply", None>>;
/** What the reader of a stream gets. */
export type ChunkOf<T> = Get<Remembered<T>, "chunk", never>;
/** What a streaming handler yields. */
export type ChunkInputOf<T> = Get<Remembered<T>, "chunkInput", Get<Remembered<T>, "chunk", never>>;
