import { AgentwireError } from "../errors.ts";
import type { JsonSchema } from "./json-schema.ts";
import { KEYWORDS, type KeywordKind } from "./json-schema-keywords.ts";
import { faultyReference } from "./json-schema-references.ts";
import { LinearRegex } from "./regex/linear-regex.ts";
import { RegexUnfit } from "./regex/regex-parts.ts";

/** Deepest nesting of a schema's objects and arrays: twice that of a payload and room for alternatives. */
const MOST_LEVELS = 256;
/** Objects, arrays and values in one schema. */
const MOST_NODES = 50_000;
/** Bytes of a schema as JSON. */
const LARGEST = 1024 * 1024;

const DIALECT = /^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;

const TYPES: ReadonlySet<unknown> = new Set(["string", "number", "integer", "boolean", "null", "array", "object"]);

/**
 * Checks a JSON Schema before it is used and returns a copy that nobody else holds: its size and depth, the kind of
 * each keyword's value, that references stay inside and end, and that texts can be tested by its regular expressions in linear time.
 * @throws SCHEMA_INVALID, SCHEMA_UNSAFE
 */
export function checkJsonSchema(schema: unknown, name: string): JsonSchema {
  return new SchemaCheck(name).run(schema);
}

class SchemaCheck {
  readonly #name: string;
  #nodes = 0;

  constructor(name: string) {
    this.#name = name;
  }

  run(schema: unknown): JsonSchema {
    if (!isObject(schema)) throw this.#invalid("it is not an object");
    this.#measure(schema, 0);
    const text = JSON.stringify(schema);
    if (Buffer.byteLength(text) > LARGEST) throw this.#invalid(`it is larger than ${LARGEST} bytes`);
    const copy = JSON.parse(text) as JsonSchema;
    const all: JsonSchema[] = [];
    this.#schema(copy, "#", all);
    const fault = faultyReference(copy, all);
    if (fault !== undefined) throw this.#invalid(fault);
    return copy;
  }

  #measure(value: unknown, level: number): void {
    if (++this.#nodes > MOST_NODES) throw this.#invalid(`it has more than ${MOST_NODES} parts, or contains itself`);
    if (level > MOST_LEVELS) throw this.#invalid(`it is nested deeper than ${MOST_LEVELS} levels, or contains itself`);
    if (typeof value === "function" || typeof value === "bigint") throw this.#invalid(`it holds a ${typeof value}`);
    if (typeof value !== "object" || value === null) return;
    for (const part of Object.values(value)) this.#measure(part, level + 1);
  }

  #schema(node: unknown, at: string, all: JsonSchema[]): void {
    if (typeof node === "boolean") return;
    if (!isObject(node)) throw this.#invalid(`${at} is not a schema`);
    all.push(node);
    for (const [keyword, value] of Object.entries(node)) {
      const kind = KEYWORDS.get(keyword);
      if (kind !== undefined) this.#keyword(kind, value, `${at}/${keyword}`, all);
    }
    if (at !== "#" && node["$id"] !== undefined) throw this.#invalid(`${at}/$id: only the whole schema can have one`);
  }

  #keyword(kind: KeywordKind, value: unknown, at: string, all: JsonSchema[]): void {
    switch (kind) {
      case "schema":
        return this.#schema(value, at, all);
      case "schemas":
        this.#expect(Array.isArray(value) && value.length > 0, at, "a list of schemas");
        for (const [index, part] of (value as unknown[]).entries()) this.#schema(part, `${at}/${index}`, all);
        return;
      case "schema map":
      case "pattern map":
        this.#expect(isObject(value), at, "an object of schemas");
        for (const [key, part] of Object.entries(value as object)) {
          if (kind === "pattern map") this.#pattern(key, at);
          this.#schema(part, `${at}/${key}`, all);
        }
        return;
      case "text map":
        this.#expect(isObject(value), at, "an object of lists");
        for (const [key, part] of Object.entries(value as object)) this.#keyword("texts", part, `${at}/${key}`, all);
        return;
      case "pattern":
        this.#expect(typeof value === "string", at, "a text");
        return this.#pattern(value as string, at);
      case "texts":
        return this.#expect(
          Array.isArray(value) && value.every((item) => typeof item === "string"),
          at,
          "a list of texts",
        );
      case "type":
        return this.#expect(
          TYPES.has(value) || (Array.isArray(value) && value.length > 0 && value.every((item) => TYPES.has(item))),
          at,
          `one of ${[...TYPES].join(", ")}`,
        );
      case "text":
        return this.#expect(typeof value === "string", at, "a text");
      case "number":
        return this.#expect(typeof value === "number", at, "a number");
      case "positive":
        return this.#expect(typeof value === "number" && value > 0, at, "a number over 0");
      case "count":
        return this.#expect(Number.isSafeInteger(value) && (value as number) >= 0, at, "a whole number from 0");
      case "flag":
        return this.#expect(typeof value === "boolean", at, "true or false");
      case "list":
        return this.#expect(Array.isArray(value) && value.length > 0, at, "a list of values");
      case "reference":
        return this.#expect(
          typeof value === "string" && value.startsWith("#"),
          at,
          "a reference within the schema, such as #/$defs/name",
        );
      case "dialect":
        return this.#expect(
          typeof value === "string" && DIALECT.test(value),
          at,
          "https://json-schema.org/draft/2020-12/schema",
        );
      case "refused":
        throw this.#invalid(`${at} is not supported`);
    }
  }

  #expect(holds: boolean, at: string, wanted: string): void {
    if (!holds) throw this.#invalid(`${at} must be ${wanted}`);
  }

  #pattern(source: string, at: string): void {
    try {
      new RegExp(source, "u");
      new LinearRegex(source);
    } catch (error) {
      if (error instanceof SyntaxError) throw this.#invalid(`${at} is not a regular expression`);
      if (!(error instanceof RegexUnfit)) throw error;
      throw new AgentwireError(
        "SCHEMA_UNSAFE",
        `The schema of ${this.#name} has a pattern at ${at.slice(0, 200)} that ${error.message}`,
        { details: { name: this.#name, at } },
      );
    }
  }

  #invalid(fault: string): AgentwireError {
    return new AgentwireError("SCHEMA_INVALID", `The schema of ${this.#name} cannot be used: ${fault.slice(0, 400)}`, {
      details: { name: this.#name },
    });
  }
}

function isObject(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
