import { AgentwireError } from "../errors.ts";
import type { Compiled } from "./compiled.ts";
import type { Schema } from "./inference.ts";
import { compileJson } from "./json-compiled.ts";
import type { JsonSchema } from "./json-schema.ts";
import { compileStandard } from "./standard-compiled.ts";
import type { StandardSchemaV1 } from "./standard-schema.ts";

const JSON_SCHEMA = Symbol.for("agentwire.json-schema");

/** A JSON Schema whose type is given by hand, where it cannot be told from its text; {@link defineMessage} checks it. */
export function jsonSchema<T>(schema: JsonSchema): StandardSchemaV1<T, T> {
  let compiled: Compiled | undefined;
  const validate = (value: unknown): unknown => (compiled ??= compileJson(schema, "a value")).validate(value);
  const exported = { input: () => schema, output: () => schema };
  return {
    "~standard": { version: 1, vendor: "agentwire", validate, jsonSchema: exported },
    [JSON_SCHEMA]: schema,
  } as unknown as StandardSchemaV1<T, T>;
}

/** Makes any schema ready for use. @throws SCHEMA_INVALID, SCHEMA_UNSAFE */
export function compileSchema(schema: Schema, name: string): Compiled {
  if ((typeof schema !== "object" && typeof schema !== "function") || schema === null) {
    throw new AgentwireError("SCHEMA_INVALID", `${name} needs a schema: a Standard Schema or a JSON Schema`);
  }
  const marked = (schema as { [JSON_SCHEMA]?: JsonSchema })[JSON_SCHEMA];
  if (marked) return compileJson(marked, name);
  return "~standard" in schema
    ? compileStandard(schema as StandardSchemaV1, name)
    : compileJson(schema as JsonSchema, name);
}
