import { AgentwireError, defineMessage, type ErrorCode, jsonSchema } from "agentwire";
import { describe, expect, it } from "vitest";
import { onEachDriver } from "../support/buses.ts";
import { victimOn } from "./victim.ts";

type AnySchema = Parameters<typeof jsonSchema>[0];

const codeOf = (schema: unknown): ErrorCode | string => {
  try {
    defineMessage("hostile", schema as AnySchema);
  } catch (error) {
    return AgentwireError.is(error) ? error.code : `not ours: ${String(error).slice(0, 100)}`;
  }
  return "defined";
};

const text = (pattern: string): unknown => ({ type: "object", properties: { name: { type: "string", pattern } } });

describe("B13 a regular expression that can take exponential time", () => {
  it.each([
    "^(a+)+$",
    "^(a*)*$",
    "(a|a)*b",
    "(a|aa)+$",
    "^([a-zA-Z]+)*$",
    "(.*a){12}",
    "^(\\w+\\s?)*$",
    "(x+x+)+y",
    "((a+)b?)+c",
  ])("%s is SCHEMA_UNSAFE", (pattern) => {
    expect(codeOf(text(pattern))).toBe("SCHEMA_UNSAFE");
    expect(codeOf({ type: "object", patternProperties: { [pattern]: {} } })).toBe("SCHEMA_UNSAFE");
    expect(codeOf({ $defs: { deep: { allOf: [{ items: text(pattern) }] } } })).toBe("SCHEMA_UNSAFE");
  });

  it.each(["^[a-z]+$", "^\\d{4}-\\d{2}-\\d{2}$", "^(?:ab)+$", "^[A-Z]{3}[0-9]*$", "^(?:\\+|-)?\\d+$", "^[^@]+@[^@]+$"])(
    "%s is fine",
    (pattern) => {
      expect(codeOf(text(pattern))).toBe("defined");
    },
  );

  it("a pattern that does not compile is SCHEMA_INVALID", () => {
    expect(codeOf(text("("))).toBe("SCHEMA_INVALID");
  });
});

describe("B14 a hostile schema", () => {
  const levels = (depth: number): unknown => {
    let schema: unknown = { type: "string" };
    for (let level = 0; level < depth; level++) schema = { type: "object", properties: { a: schema } };
    return schema;
  };
  const HOSTILE: readonly (readonly [string, unknown])[] = [
    ["a reference to the web", { $ref: "http://127.0.0.1:9/schema.json" }],
    ["a reference to a secure site", { properties: { a: { $ref: "https://example.invalid/x#/y" } } }],
    ["a reference to a file", { items: { $ref: "file:///etc/passwd" } }],
    ["a dynamic reference elsewhere", { $dynamicRef: "https://example.invalid/x" }],
    ["a meta schema elsewhere", { $schema: "https://example.invalid/meta", type: "object" }],
    ["a reference to nothing", { $ref: "#/$defs/none" }],
    ["a reference to itself", { $ref: "#" }],
    ["a ring of references", { $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } }, $ref: "#/$defs/a" }],
    ["10,000 levels", levels(10_000)],
    ["a $data pattern", { type: "object", properties: { a: { type: "string", pattern: { $data: "1/b" } } } }],
    ["5 MiB", { type: "string", description: "a".repeat(5 * 1024 * 1024) }],
    ["an enumeration of 5 MiB", { enum: Array.from({ length: 200_000 }, (_, index) => `choice number ${index}...`) }],
    ["a keyword of the wrong kind", { type: "object", properties: [] }],
    ["an unknown type", { type: "strnig" }],
    ["no object", 5],
    ["null", null],
    ["a list", []],
  ];
  it.each(HOSTILE)("%s is SCHEMA_INVALID", (_name, schema) => {
    const started = performance.now();
    expect(codeOf(schema)).toBe("SCHEMA_INVALID");
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it("a circular object is SCHEMA_INVALID", () => {
    const ring: Record<string, unknown> = { type: "object" };
    ring["properties"] = { ring };
    expect(codeOf(ring)).toBe("SCHEMA_INVALID");
  });

  it("a recursive schema that consumes a level is fine, and its validation ends", () => {
    const Tree = defineMessage(
      "tree",
      jsonSchema<unknown>({ type: "object", properties: { child: { $ref: "#" } }, additionalProperties: false }),
    );
    expect(Tree.name).toBe("tree");
  });

  it("a reserved name does not reach a prototype", () => {
    expect(
      codeOf(
        JSON.parse(
          '{"type":"object","properties":{"__proto__":{"polluted":1}},"$defs":{"constructor":{"type":"string"}}}',
        ),
      ),
    ).not.toMatch(/^not ours/);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

onEachDriver("a payload against its schema", (buses) => {
  it("B13 an input made for backtracking takes no longer than another that does not fit", async () => {
    const victim = await victimOn(await buses.open());
    const Name = defineMessage(
      "name",
      jsonSchema<unknown>({ type: "object", properties: { name: { type: "string", pattern: "^[a-z]+[a-z]*$" } } }),
    );
    const least = async (name: string): Promise<number> => {
      let fast = Number.POSITIVE_INFINITY;
      for (let run = 0; run < 7; run++) {
        const started = performance.now();
        await victim.refuses(() => victim.bus.send(Name, { name }, { to: "victim" }), "VALIDATION_FAILED");
        fast = Math.min(fast, performance.now() - started);
      }
      return fast;
    };
    // What backtracks in `^(a+)+$` for ten seconds, beside what fails at its first character.
    const plain = await least(`!${"a".repeat(28)}`);
    expect((await least(`${"a".repeat(28)}!`)) / plain).toBeLessThan(10);
  });

  it("an error about a payload shows the path and not the value", async () => {
    const victim = await victimOn(await buses.open());
    const Secret = defineMessage(
      "secret",
      jsonSchema<unknown>({ type: "object", properties: { card: { type: "string", maxLength: 3 } } }),
    );
    const error = await victim.refuses(
      () => victim.bus.send(Secret, { card: "4111-secret" }, { to: "victim" }),
      "VALIDATION_FAILED",
    );
    expect(JSON.stringify(error)).toContain("card");
    expect(JSON.stringify(error)).not.toContain("4111");
  });
});
