import { AgentwireError, type Issue } from "../errors.ts";
import type { Compiled, Validation } from "./compiled.ts";
import type { JsonSchema } from "./json-schema.ts";
import type { StandardSchemaV1 } from "./standard-schema.ts";

type PathSegment = PropertyKey | { readonly key: PropertyKey };

interface StandardResult {
  readonly value?: unknown;
  readonly issues?:
    | readonly { readonly message: string; readonly path?: readonly PathSegment[] | undefined }[]
    | undefined;
}

interface ExportsJsonSchema {
  readonly jsonSchema?: { input(options: { readonly target: string }): JsonSchema };
}

/**
 * Makes a Standard Schema ready for use. Its own library validates, since only it knows the schema's transforms,
 * refinements and defaults; compiled to JavaScript, today's libraries are as fast as a JSON Schema validator.
 * @throws SCHEMA_INVALID
 */
export function compileStandard(schema: StandardSchemaV1, name: string): Compiled {
  const standard = schema["~standard"];
  if (typeof standard?.validate !== "function")
    throw new AgentwireError("SCHEMA_INVALID", `The schema of ${name} has no validate function`);
  let exported: JsonSchema | undefined;
  const failed = (cause: unknown): never => {
    throw new AgentwireError("SCHEMA_INVALID", `The schema of ${name} threw instead of validating`, { cause });
  };
  return {
    validate: (value) => {
      let result: StandardResult | PromiseLike<StandardResult>;
      try {
        result = standard.validate(value) as StandardResult | PromiseLike<StandardResult>;
      } catch (cause) {
        return failed(cause);
      }
      return isPending(result) ? Promise.resolve(result).then(toValidation, failed) : toValidation(result);
    },
    jsonSchema: () => (exported ??= exportSchema(standard, name)),
  };
}

function exportSchema(standard: StandardSchemaV1["~standard"] & ExportsJsonSchema, name: string): JsonSchema {
  if (!standard.jsonSchema)
    throw new AgentwireError(
      "SCHEMA_INVALID",
      `The schema of ${name} (${standard.vendor}) cannot be written as JSON Schema`,
    );
  try {
    return standard.jsonSchema.input({ target: "draft-2020-12" });
  } catch (cause) {
    throw new AgentwireError("SCHEMA_INVALID", `The schema of ${name} cannot be written as JSON Schema`, { cause });
  }
}

function isPending(result: StandardResult | PromiseLike<StandardResult>): result is PromiseLike<StandardResult> {
  return typeof (result as { then?: unknown }).then === "function";
}

function toValidation(result: StandardResult): Validation {
  if (!result.issues) return { value: result.value };
  return {
    issues: result.issues.map((issue): Issue => ({ path: (issue.path ?? []).map(segment), message: issue.message })),
  };
}

function segment(part: PathSegment): string | number {
  const key = typeof part === "object" ? part.key : part;
  if (typeof key === "number") return key;
  // A sender chooses the names in a payload, and so their length.
  const name = String(key);
  return name.length > 100 ? `${name.slice(0, 100)}…` : name;
}
