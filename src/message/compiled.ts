import type { Issue } from "../errors.ts";
import type { JsonSchema } from "./json-schema.ts";

/** What a validation found: the schema's output, or what is wrong. */
export type Validation =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly Issue[]; readonly value?: undefined };

/** A schema made ready for use. */
export interface Compiled {
  validate(value: unknown): Validation | Promise<Validation>;
  /** @throws SCHEMA_INVALID when it cannot be written as JSON Schema */
  jsonSchema(): JsonSchema;
}

/** A message type's schemas made ready for use. */
export interface CompiledType {
  readonly payload: Compiled;
  readonly reply: Compiled | undefined;
  readonly chunk: Compiled | undefined;
  /** Brings a payload of an older version up to the type's own. */
  upcast(payload: unknown, from: number): unknown;
}

/** The compiled schemas of a message type. */
export function compiled(type: { readonly "~compiled": CompiledType }): CompiledType {
  return type["~compiled"];
}
