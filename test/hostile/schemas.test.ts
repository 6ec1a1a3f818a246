import { AgentwireError, defineMessage, type ErrorCode, jsonSchema } from "agentwire";
import { describe, expect, it } from "vitest";
import { onEmbeddedDrivers } from "../support/buses.ts";
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

describe("B13 a regular expression that cannot be tested in linear time", () => {
  it.each(["^(a+)\\1$", "(?<x>a+)\\k<x>", "^(?:a{1,100}){1,100}$", "^.{1,100000}$"])(
    "%s is SCHEMA_UNSAFE",
    (pattern) => {
      expect(codeOf(text(pattern))).toBe("SCHEMA_UNSAFE");
      expect(codeOf({ type: "object", patternProperties: { [pattern]: {} } })).toBe("SCHEMA_UNSAFE");
      expect(codeOf({ $defs: { deep: { allOf: [{ items: text(pattern) }] } } })).toBe("SCHEMA_UNSAFE");
    },
  );

  it("is refused with where it stands and what to do", () => {
    expect(() => defineMessage("hostile", text("(a)\\1") as AnySchema)).toThrow(
      /hostile has a pattern at #\/properties\/name\/pattern that refers back .* write it out/,
    );
  });

  it.each(["^[a-z]+$", "^(a+)+$", "(x+x+)+y", "^(?=.*\\d).{8,64}$", "^[A-Z]{3}[0-9]*$", "^[^@]+@[^@]+$"])(
    "%s is fine",
    (pattern) => {
      expect(codeOf(text(pattern))).toBe("defined");
    },
  );

  it.each(["(", "a**", "(?i:a)", "\\p{None}"])("%s is SCHEMA_INVALID", (pattern) => {
    expect(codeOf(text(pattern))).toBe("SCHEMA_INVALID");
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

onEmbeddedDrivers("a payload against its schema", (buses) => {
  // Each of these holds a matcher that tries one way after the other for minutes at least, most of them for ever.
  it.each([
    ["^(a+)+$", `${"a".repeat(100_000)}!`],
    ["^(a*)*$", `${"a".repeat(100_000)}!`],
    ["(a|aa)+$", `${"a".repeat(100_000)}!`],
    ["^(\\w+\\s?)*$", `${"a ".repeat(50_000)}!`],
    ["(x+x+)+y", "x".repeat(100_000)],
    ["^(?=(a+)+b)", "a".repeat(100_000)],
    ["[a-z]+$", `${"a".repeat(1_000_000)}!`],
    ["\\s+$", `${" ".repeat(1_000_000)}x`],
    ["\\d+\\d+x", "1".repeat(100_000)],
    [".*.*.*=.*", "a".repeat(100_000)],
    ["<(?!/).*>$", "<".repeat(1_000_000)],
  ])("B13 %s refuses at once what is made for backtracking, as value and as key", async (pattern, hostile) => {
    const victim = await victimOn(await buses.open());
    const Name = defineMessage("name", jsonSchema<unknown>(text(pattern) as AnySchema));
    const Keys = defineMessage(
      "keys",
      jsonSchema<unknown>({ type: "object", patternProperties: { [pattern]: {} }, additionalProperties: false }),
    );
    await victim.refuses(() => victim.bus.send(Name, { name: hostile }, { to: "victim" }), "VALIDATION_FAILED");
    await victim.refuses(() => victim.bus.send(Keys, { [hostile]: 1 }, { to: "victim" }), "VALIDATION_FAILED");
  });

  it("B13 a text on which the engine runs out of room is tested", async () => {
    const victim = await victimOn(await buses.open());
    const Letters = defineMessage("letters", jsonSchema<unknown>({ type: "string", pattern: "^(a|b)*$" }));
    const long = "ab".repeat(4_000_000);
    await victim.refuses(() => victim.bus.send(Letters, `${long}c`, { to: "victim" }), "VALIDATION_FAILED");
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
