import { createRequire } from "node:module";
import type { ErrorObject, ValidateFunction } from "ajv";
import { AgentwireError, type Issue } from "../errors.ts";
import type { Compiled } from "./compiled.ts";
import type { JsonSchema } from "./json-schema.ts";
import { checkSchema } from "./schema-safety.ts";

type Ajv = import("ajv/dist/2020.js").Ajv2020;

// Loaded at the first validation, since most programs start without needing it at once.
const require = createRequire(import.meta.url);

/** Makes a JSON Schema ready for use: checked at once, compiled when the first value comes. @throws SCHEMA_INVALID, SCHEMA_UNSAFE */
export function compileJson(schema: JsonSchema, name: string): Compiled {
  checkSchema(schema, name);
  let compiled: ValidateFunction | undefined;
  return {
    validate: (value) => {
      compiled ??= compile(schema, name);
      return compiled(value) ? { value } : { issues: (compiled.errors ?? []).map(toIssue) };
    },
    jsonSchema: () => schema,
  };
}

function compile(schema: JsonSchema, name: string): ValidateFunction {
  const { Ajv2020 } = require("ajv/dist/2020.js") as { Ajv2020: new (options: object) => Ajv };
  try {
    return new Ajv2020({ strict: false, allErrors: false, validateFormats: false, logger: false }).compile(schema);
  } catch (cause) {
    throw new AgentwireError("SCHEMA_INVALID", `The schema of ${name} cannot be compiled: ${cause instanceof Error ? cause.message : ""}`, { cause });
  }
}

function toIssue(error: ErrorObject): Issue {
  const path = error.instancePath
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  return { path, message: error.message ?? "does not fit" };
}
