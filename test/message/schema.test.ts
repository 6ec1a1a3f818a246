import { describe, expect, it } from "vitest";
import { z } from "zod";
import { AgentwireError } from "../../src/errors.ts";
import type { Compiled } from "../../src/message/compiled.ts";
import { type JsonSchema, jsonSchema } from "../../src/message/index.ts";
import { compileSchema } from "../../src/message/schema.ts";
import type { StandardSchemaV1 } from "../../src/message/standard-schema.ts";

const failureOf = (call: () => unknown): unknown => {
  try {
    return call();
  } catch (error) {
    return error;
  }
};
const standard = (validate: (value: unknown) => unknown): StandardSchemaV1 => ({
  "~standard": { version: 1, vendor: "test", validate },
});
const issuesOf = async (compiled: Compiled, value: unknown): Promise<unknown> =>
  (await compiled.validate(value)).issues;

describe("a Standard Schema", () => {
  it("gives its output: transformed, coerced, with defaults, without unknown properties", () => {
    const schema = z.object({ at: z.coerce.date(), tags: z.array(z.string()).default([]), name: z.string().trim() });
    const { value } = compileSchema(schema, "order").validate({ at: "2026-01-02", name: " Ada ", more: 1 }) as {
      value: unknown;
    };
    expect(value).toEqual({ at: new Date("2026-01-02"), tags: [], name: "Ada" });
  });

  it("applies refinements, which no JSON Schema shows", async () => {
    const even = z.number().refine((count) => count % 2 === 0, "must be even");
    expect(await issuesOf(compileSchema(z.object({ count: even }), "x"), { count: 3 })).toEqual([
      { path: ["count"], message: "must be even" },
    ]);
  });

  it("may answer later, by any thenable", async () => {
    const later = compileSchema(
      z.string().refine(async (text) => text === "yes", "not yes"),
      "x",
    );
    expect(later.validate("yes")).toBeInstanceOf(Promise);
    expect(await later.validate("yes")).toEqual({ value: "yes" });
    expect(await issuesOf(later, "no")).toEqual([{ path: [], message: "not yes" }]);
    const thenable = compileSchema(
      // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
      standard((value) => ({ then: (resolve: (result: unknown) => void) => resolve({ value }) })),
      "x",
    );
    expect(await thenable.validate(1)).toEqual({ value: 1 });
  });

  it("that throws, or rejects, is SCHEMA_INVALID", async () => {
    const broken = (): never => {
      throw new Error("bug");
    };
    expect(failureOf(() => compileSchema(standard(broken), "order").validate(1))).toMatchObject({
      code: "SCHEMA_INVALID",
      message: expect.stringContaining("order"),
    });
    await expect(
      compileSchema(
        standard(async () => broken()),
        "order",
      ).validate(1),
    ).rejects.toMatchObject({ code: "SCHEMA_INVALID" });
  });

  it("may name the path of an issue by keys or by objects with keys", async () => {
    const compiled = compileSchema(
      standard(() => ({ issues: [{ message: "no", path: ["a", { key: 0 }, { key: "b" }] }, { message: "bad" }] })),
      "x",
    );
    expect(await issuesOf(compiled, 1)).toEqual([
      { path: ["a", 0, "b"], message: "no" },
      { path: [], message: "bad" },
    ]);
  });

  it("shows its JSON Schema where its library can write it", () => {
    expect(compileSchema(z.object({ a: z.coerce.number() }), "x").jsonSchema()).toMatchObject({
      type: "object",
      properties: { a: { type: "number" } },
    });
    for (const schema of [z.object({ at: z.date() }), standard((value) => ({ value }))]) {
      expect(failureOf(() => compileSchema(schema, "order").jsonSchema())).toMatchObject({ code: "SCHEMA_INVALID" });
    }
  });
});

describe("a JSON Schema", () => {
  const order = compileSchema(
    {
      type: "object",
      properties: {
        id: { type: "string", minLength: 1 },
        kind: { enum: ["a", "b"] },
        items: { type: "array", items: { type: "integer" } },
      },
      required: ["id"],
      additionalProperties: false,
    },
    "order",
  );

  it("gives back the value itself", () => {
    const value = { id: "1", kind: "a", items: [1] };
    expect((order.validate(value) as { value: unknown }).value).toBe(value);
  });

  it.each([
    [{}, { path: ["id"], message: "is required" }],
    [
      { id: "1", more: 1 },
      { path: ["more"], message: "must not be there" },
    ],
    [
      { id: "1", kind: "c" },
      { path: ["kind"], message: 'must be one of "a","b"' },
    ],
    [
      { id: "1", items: [1, "x"] },
      { path: ["items", 1], message: "must be integer" },
    ],
    [7, { path: [], message: "must be object" }],
  ])("names the place where %j does not fit", async (value, issue) => {
    expect(await issuesOf(order, value)).toEqual([issue]);
  });

  it("does not take inherited members for properties", async () => {
    expect(await issuesOf(compileSchema({ type: "object", required: ["toString"] }, "x"), {})).toEqual([
      { path: ["toString"], message: "is required" },
    ]);
    expect(
      await issuesOf(
        compileSchema(JSON.parse('{"properties":{"__proto__":{"type":"string"}}}') as JsonSchema, "x"),
        {},
      ),
    ).toBeUndefined();
  });

  it("cuts a long name in an issue", async () => {
    const [issue] = (await issuesOf(order, { id: "1", ["k".repeat(10_000)]: 1 })) as { path: string[] }[];
    expect(issue?.path[0]).toHaveLength(101);
  });

  it("may refer to its own parts, also to itself one level down", async () => {
    const tree = compileSchema(
      {
        $ref: "#/$defs/node",
        $defs: {
          node: {
            type: "object",
            properties: { children: { type: "array", items: { $ref: "#/$defs/node" } } },
            additionalProperties: false,
          },
        },
      },
      "tree",
    );
    expect(await issuesOf(tree, { children: [{ children: [] }, {}] })).toBeUndefined();
    expect(await issuesOf(tree, { children: [{ child: 1 }] })).toEqual([
      { path: ["children", 0, "child"], message: "must not be there" },
    ]);
    expect(
      await issuesOf(compileSchema({ $ref: "#here", $defs: { a: { $anchor: "here", type: "string" } } }, "x"), 1),
    ).toHaveLength(1);
  });

  it("is copied: a later change of the object changes nothing", async () => {
    const schema = { type: "object", properties: { a: { type: "string" } } };
    const compiled = compileSchema(schema, "x");
    schema.properties.a.type = "number";
    expect(await issuesOf(compiled, { a: "text" })).toBeUndefined();
    expect(compiled.jsonSchema()).toMatchObject({ properties: { a: { type: "string" } } });
  });

  it("may be a typed one, checked when the message type is defined", () => {
    const typed = jsonSchema<{ a: string }>({ type: "object", properties: { a: { type: "string" } }, required: ["a"] });
    expect(typed["~standard"].validate({ a: 1 })).toMatchObject({ issues: [{ path: ["a"] }] });
    expect(failureOf(() => compileSchema(jsonSchema({ type: "strnig" }), "order"))).toMatchObject({
      code: "SCHEMA_INVALID",
      message: expect.stringMatching(/order.*#\/type/),
    });
  });

  it("takes true and false for schemas within", async () => {
    const compiled = compileSchema({ properties: { a: true, b: false } } as unknown as JsonSchema, "x");
    expect(await issuesOf(compiled, { a: 1 })).toBeUndefined();
    expect(await issuesOf(compiled, { b: 1 })).toHaveLength(1);
  });

  it.each([
    [{ type: "array", items: [{ type: "string" }] }, "#/items"],
    [{ required: "a" }, "#/required"],
    [{ minLength: -1 }, "#/minLength"],
    [{ multipleOf: 0 }, "#/multipleOf"],
    [{ enum: [] }, "#/enum"],
    [{ allOf: [] }, "#/allOf"],
    [{ dependencies: { a: ["b"] } }, "#/dependencies"],
    [{ properties: { a: { $id: "x" } } }, "#/properties/a/$id"],
    [{ uniqueItems: "yes" }, "#/uniqueItems"],
    [{ $schema: "http://json-schema.org/draft-07/schema#" }, "#/$schema"],
    [{ patternProperties: { "(": {} } }, "#/patternProperties"],
    [{ dependentRequired: { a: [1] } }, "#/dependentRequired/a"],
    [{ $ref: "#/properties/a", properties: { a: 5 } }, "#/properties/a"],
    [{ $ref: "#/%" }, "#/%"],
  ] as [object, string][])("%j is SCHEMA_INVALID and says where", (schema, place) => {
    const error = failureOf(() => compileSchema(schema as JsonSchema, "order"));
    expect(AgentwireError.is(error, "SCHEMA_INVALID") && error.message).toContain(place);
  });

  it("is no function, text or nothing", () => {
    for (const schema of [undefined, null, "x", 5, [], true])
      expect(failureOf(() => compileSchema(schema as never, "order"))).toMatchObject({ code: "SCHEMA_INVALID" });
  });
});
