import { createRequire } from "node:module";
import type { ErrorObject, FuncKeywordDefinition, Options, ValidateFunction } from "ajv";
import { AgentwireError, type Issue } from "../errors.ts";
import { canonical } from "./canonical.ts";
import type { Compiled } from "./compiled.ts";
import type { JsonSchema } from "./json-schema.ts";
import { checkJsonSchema } from "./json-schema-check.ts";
import { SchemaRegex } from "./regex/schema-regex.ts";

type AjvModule = typeof import("ajv/dist/2020.js");

// Loaded when the first value comes: it costs as much as the rest of the package, and many programs never need it.
const require = createRequire(import.meta.url);

// An instance of its own per schema: without the meta schemas it costs a third of a millisecond and keeps nothing alive.
const OPTIONS: Options = {
  strict: false,
  meta: false,
  validateSchema: false,
  validateFormats: false,
  ownProperties: true,
  logger: false,
  code: { regExp: Object.assign((source: string) => new SchemaRegex(source), { code: "SchemaRegex" }) },
};

// The library compares every item with every other one, and so minutes of an array that fits into a payload.
const UNIQUE_ITEMS: FuncKeywordDefinition = {
  keyword: "uniqueItems",
  type: "array",
  schemaType: "boolean",
  errors: false,
  validate: (wanted: boolean, items: readonly unknown[]) =>
    !wanted || new Set(items.map(canonical)).size === items.length,
  error: { message: "must not have equal items" },
};

/** Makes a JSON Schema ready for use: checked at once, compiled when the first value comes. `format` is an annotation, as the standard has it. @throws SCHEMA_INVALID, SCHEMA_UNSAFE */
export function compileJson(schema: JsonSchema, name: string): Compiled {
  const checked = checkJsonSchema(schema, name);
  let validate: ValidateFunction | undefined;
  return {
    validate: (value) => {
      validate ??= compile(checked, name);
      return validate(value) ? { value } : { issues: (validate.errors ?? []).map(toIssue) };
    },
    jsonSchema: () => checked,
  };
}

function compile(schema: JsonSchema, name: string): ValidateFunction {
  const { Ajv2020 } = require("ajv/dist/2020.js") as AjvModule;
  try {
    const { $schema: _dialect, ...rest } = schema;
    return new Ajv2020(OPTIONS).removeKeyword("uniqueItems").addKeyword(UNIQUE_ITEMS).compile(rest);
  } catch (cause) {
    throw new AgentwireError("SCHEMA_INVALID", `The schema of ${name} cannot be compiled`, { cause });
  }
}

type Params = {
  readonly allowedValues?: readonly unknown[];
  readonly additionalProperty?: string;
  readonly missingProperty?: string;
};

function toIssue(error: ErrorObject): Issue {
  const parts = error.instancePath.split("/").slice(1);
  const path = parts.map((part): string | number =>
    /^\d+$/.test(part) ? Number(part) : shown(part.replaceAll("~1", "/").replaceAll("~0", "~")),
  );
  const { additionalProperty, missingProperty, allowedValues } = error.params as Params;
  if (additionalProperty !== undefined)
    return { path: [...path, shown(additionalProperty)], message: "must not be there" };
  if (missingProperty !== undefined) return { path: [...path, missingProperty], message: "is required" };
  if (allowedValues)
    return { path, message: `must be one of ${JSON.stringify(allowedValues).slice(1, -1).slice(0, 200)}` };
  return { path, message: error.message ?? "does not fit" };
}

/** A sender chooses the names in a payload, and so their length. */
function shown(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}…` : name;
}
