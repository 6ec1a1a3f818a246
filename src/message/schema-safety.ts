import { AgentwireError } from "../errors.ts";
import type { JsonSchema } from "./json-schema.ts";

/** Checks a JSON Schema before it is used: its size, its references, its regular expressions. @throws SCHEMA_INVALID, SCHEMA_UNSAFE */
export function checkSchema(schema: JsonSchema, name: string): void {
  if (typeof schema !== "object" || schema === null) throw new AgentwireError("SCHEMA_INVALID", `The schema of ${name} is not an object`);
}
