import { AgentwireError, type Issue } from "../errors.ts";
import type { Compiled, Validation } from "./compiled.ts";
import type { JsonSchema } from "./json-schema.ts";
import type { StandardSchemaV1 } from "./standard-schema.ts";

type PathSegment = PropertyKey | { readonly key: PropertyKey };

interface StandardResult {
  readonly value?: unknown;
  readonly issues?: readonly { readonly message: string; readonly path?: readonly PathSegment[] | undefined }[] | undefined;
}

interface ExportsJsonSchema {
  readonly jsonSchema?: { input(options: { readonly target: string }): JsonSchema };
}

/** Makes a Standard Schema ready for use; its own library validates. */
export function compileStandard(schema: StandardSchemaV1, name: string): Compiled {
  const standard = schema["~standard"];
  return {
    validate: (value) => {
      const result = standard.validate(value) as StandardResult | Promise<StandardResult>;
      return result instanceof Promise ? result.then(toValidation) : toValidation(result);
    },
    jsonSchema: () => {
      const exporter = (standard as ExportsJsonSchema).jsonSchema;
      if (!exporter) throw new AgentwireError("SCHEMA_INVALID", `The schema of ${name} (${standard.vendor}) cannot be written as JSON Schema`);
      try {
        return exporter.input({ target: "draft-2020-12" });
      } catch (cause) {
        throw new AgentwireError("SCHEMA_INVALID", `The schema of ${name} cannot be written as JSON Schema`, { cause });
      }
    },
  };
}

function toValidation(result: StandardResult): Validation {
  if (!result.issues) return { value: result.value };
  return { issues: result.issues.map((issue): Issue => ({ path: (issue.path ?? []).map(segment), message: issue.message })) };
}

function segment(part: PathSegment): string | number {
  const key = typeof part === "object" ? part.key : part;
  return typeof key === "number" ? key : String(key);
}
