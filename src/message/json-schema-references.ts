import { pointed } from "./json-pointer.ts";
import type { JsonSchema } from "./json-schema.ts";

/** Keywords whose schemas apply to the same value, so that a ring of references through them would never end. */
const SAME_VALUE = ["allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"];

/** What is wrong with the references of a schema: one that leads nowhere, or a ring that would be followed for ever. */
export function faultyReference(root: JsonSchema, schemas: readonly JsonSchema[]): string | undefined {
  const targets = new Map<JsonSchema, JsonSchema>();
  const anchors = new Map(schemas.map((schema) => [schema["$anchor"], schema]));
  const known = new Set<unknown>(schemas);
  for (const schema of schemas) {
    const reference = schema["$ref"];
    if (typeof reference !== "string") continue;
    const isPointer = reference === "#" || reference.startsWith("#/");
    const target = isPointer ? pointed(root, reference) : anchors.get(reference.slice(1));
    if (typeof target === "boolean") continue;
    if (!known.has(target)) return `there is no schema at ${reference}`;
    targets.set(schema, target as JsonSchema);
  }
  return hasRing(schemas, (schema) => sameValue(schema, targets.get(schema)))
    ? "its references go round in a ring"
    : undefined;
}

function sameValue(schema: JsonSchema, target: JsonSchema | undefined): JsonSchema[] {
  const parts = SAME_VALUE.flatMap((keyword) => {
    const value = schema[keyword];
    return keyword === "dependentSchemas" && typeof value === "object" && value !== null ? Object.values(value) : value;
  });
  return [...parts, target].filter((part): part is JsonSchema => typeof part === "object" && part !== null);
}

function hasRing(schemas: readonly JsonSchema[], next: (schema: JsonSchema) => JsonSchema[]): boolean {
  const done = new Set<JsonSchema>();
  const open = new Set<JsonSchema>();
  for (const start of schemas) {
    if (done.has(start)) continue;
    const stack = [{ schema: start, rest: next(start) }];
    open.add(start);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const part = top.rest.pop();
      if (part === undefined) {
        open.delete(top.schema);
        done.add(top.schema);
        stack.pop();
      } else if (open.has(part)) return true;
      else if (!done.has(part)) {
        open.add(part);
        stack.push({ schema: part, rest: next(part) });
      }
    }
  }
  return false;
}
