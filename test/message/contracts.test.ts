import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type Contracts, compareContracts, contractsOf } from "../../src/message/contracts.ts";
import { defineMessage, type JsonSchema, type MessageType } from "../../src/message/index.ts";
import { narrowings } from "../../src/message/schema-narrowing.ts";

const typed = (options: {
  payload?: JsonSchema;
  reply?: JsonSchema;
  chunk?: JsonSchema;
  version?: number;
}): Contracts => {
  const { payload = { type: "object" }, ...others } = options;
  return contractsOf({ types: [defineMessage("order", payload, others) as unknown as MessageType] });
};
const object = (properties: Readonly<Record<string, JsonSchema>>, ...required: string[]): JsonSchema => ({
  type: "object",
  properties,
  required,
});
const TEXT: JsonSchema = { type: "string" };

/** The breaking changes of a payload, reply or chunk, as sentences. */
const breaks = (part: "payload" | "reply" | "chunk", before: JsonSchema, now: JsonSchema): string[] =>
  compareContracts(typed({ [part]: before }), typed({ [part]: now }))
    .filter((change) => change.breaking)
    .map((change) => `${change.where}: ${change.change}`);

describe("contracts", () => {
  it("are plain JSON, sorted by name, with the types of their agents", () => {
    const b = defineMessage("b", z.object({ x: z.string() }), {
      reply: TEXT,
      chunk: { type: "number" },
      description: "Bee",
      version: 2,
    }) as unknown as MessageType;
    const a = defineMessage("a", TEXT) as unknown as MessageType;
    const contracts = contractsOf({ types: [b], agents: [{ name: "worker", receives: [b, a], sends: [a] }] });
    expect(JSON.parse(JSON.stringify(contracts))).toEqual(contracts);
    expect(Object.keys(contracts.types)).toEqual(["a", "b"]);
    expect(contracts.types["b"]).toMatchObject({
      version: 2,
      description: "Bee",
      payload: { properties: { x: { type: "string" } } },
      reply: TEXT,
      chunk: { type: "number" },
    });
    expect(contracts.agents).toEqual({ worker: { receives: ["a", "b"], sends: ["a"] } });
    expect(compareContracts(contracts, contracts)).toEqual([]);
  });

  it("break when a type or an agent goes, and not when one comes", () => {
    const one = typed({});
    const none = contractsOf({});
    expect(compareContracts(one, none)).toEqual([
      { where: "order", breaking: true, change: "the message type was removed" },
    ]);
    expect(compareContracts(none, one)).toEqual([
      { where: "order", breaking: false, change: "the message type is new" },
    ]);
    const agents = (receives: readonly string[], sends: readonly string[]): Contracts => ({
      types: {},
      agents: { w: { receives, sends } },
    });
    expect(compareContracts(agents(["a", "b"], ["c"]), agents(["b", "d"], ["e"]))).toEqual([
      { where: "w", breaking: true, change: "the agent no longer takes a" },
      { where: "w", breaking: false, change: "the agent now takes d" },
      { where: "w", breaking: false, change: "the agent no longer sends c" },
      { where: "w", breaking: false, change: "the agent now sends e" },
    ]);
    expect(compareContracts(agents([], []), contractsOf({}))).toEqual([
      { where: "w", breaking: true, change: "the agent was removed" },
    ]);
  });
});

describe("a payload breaks its senders", () => {
  const before = object({ id: TEXT, kind: { enum: ["a", "b"] }, count: { type: "integer" } }, "id");

  it.each([
    [
      "a property becomes required",
      object({ ...before.properties, count: { type: "integer" } }, "id", "count"),
      ['order payload.count: "count" is now required'],
    ],
    [
      "a value is no longer taken",
      object({ ...before.properties, kind: { enum: ["a"] } }, "id"),
      ['order payload.kind: no longer takes "b"'],
    ],
    [
      "a type changes",
      object({ ...before.properties, id: { type: "number" } }, "id"),
      ["order payload.id: no longer takes string"],
    ],
    [
      "a limit gets stricter",
      object({ ...before.properties, id: { type: "string", maxLength: 5 } }, "id"),
      ["order payload.id: has a stricter limit: maxLength 5"],
    ],
    [
      "a pattern comes",
      object({ ...before.properties, id: { type: "string", pattern: "^a" } }, "id"),
      ["order payload.id: must now match ^a"],
    ],
    [
      "it is closed",
      { ...before, additionalProperties: false },
      ["order payload: other properties are no longer allowed"],
    ],
    [
      "it is closed and a property removed",
      { ...object({ id: TEXT, kind: { enum: ["a", "b"] } }, "id"), additionalProperties: false },
      ['order payload.count: "count" is no longer allowed', "order payload: other properties are no longer allowed"],
    ],
  ] as [string, JsonSchema, string[]][])("when %s", (_name, now, expected) => {
    expect(breaks("payload", before, now).sort()).toEqual([...expected].sort());
  });

  it.each([
    ["an optional property comes", object({ ...before.properties, note: TEXT }, "id")],
    ["a property need no longer be there", object(before.properties as Record<string, JsonSchema>)],
    ["a value is added", object({ ...before.properties, kind: { enum: ["a", "b", "c"] } }, "id")],
    ["an integer may be any number", object({ ...before.properties, count: { type: "number" } }, "id")],
    ["a type is added", object({ ...before.properties, id: { type: ["string", "null"] } }, "id")],
    ["only words about it change", { ...before, description: "An order", title: "Order" }],
  ] as [string, JsonSchema][])("not when %s", (_name, now) => {
    expect(breaks("payload", before, now)).toEqual([]);
  });

  it("not when the version was raised, which is told instead", () => {
    const changes = compareContracts(
      typed({ payload: before }),
      typed({ payload: object({ id: { type: "number" } }, "id"), version: 2 }),
    );
    expect(changes.every((change) => !change.breaking)).toBe(true);
    expect(changes[0]).toEqual({ where: "order", breaking: false, change: "the version was raised from 1 to 2" });
  });

  it("when the version goes back", () => {
    expect(compareContracts(typed({ version: 2 }), typed({ version: 1 }))).toEqual([
      { where: "order", breaking: true, change: "the version went back from 2 to 1" },
    ]);
  });
});

describe("a reply breaks its readers", () => {
  const before = object({ id: TEXT, note: TEXT, state: { enum: ["open", "done"] } }, "id", "state");

  it.each([
    [
      "a property is no longer always there",
      object(before.properties as Record<string, JsonSchema>, "id"),
      ['order reply.state: "state" is no longer always there'],
    ],
    [
      "an optional property goes",
      object({ id: TEXT, state: { enum: ["open", "done"] } }, "id", "state"),
      ["order reply.note: the property was removed"],
    ],
    [
      "a value comes",
      object({ ...before.properties, state: { enum: ["open", "done", "lost"] } }, "id", "state"),
      ['order reply.state: can now be "lost"'],
    ],
    [
      "a type comes",
      object({ ...before.properties, id: { type: ["string", "null"] } }, "id", "state"),
      ["order reply.id: can now be null"],
    ],
  ] as [string, JsonSchema, string[]][])("when %s", (_name, now, expected) => {
    expect(breaks("reply", before, now)).toEqual(expected);
    expect(breaks("chunk", before, now)).toEqual(expected.map((text) => text.replace("reply", "chunk")));
  });

  it("not when a value is no longer given, or a property comes", () => {
    expect(
      breaks(
        "reply",
        before,
        object({ ...before.properties, state: { enum: ["open"] }, more: TEXT }, "id", "state", "more"),
      ),
    ).toEqual([]);
  });

  it("when it is removed, and not when it comes", () => {
    expect(compareContracts(typed({ reply: TEXT }), typed({}))).toEqual([
      { where: "order reply", breaking: true, change: "the reply was removed" },
    ]);
    expect(compareContracts(typed({}), typed({ reply: TEXT }))).toEqual([
      { where: "order reply", breaking: false, change: "a reply is now declared" },
    ]);
  });
});

describe("what one schema takes and another does not", () => {
  const kinds = (from: JsonSchema, to: JsonSchema): string[] =>
    narrowings(from, to).map(({ path, kind }) => `${kind} ${path.join(".")}`.trim());

  it("is looked for in items, maps, tuples and references", () => {
    expect(kinds({ type: "array", items: TEXT }, { type: "array", items: { type: "number" } })).toEqual(["type []"]);
    expect(
      kinds(
        { type: "object", additionalProperties: TEXT } as JsonSchema,
        { type: "object", additionalProperties: { type: "number" } } as JsonSchema,
      ),
    ).toEqual(["type {}"]);
    expect(
      kinds({ type: "array", prefixItems: [TEXT, TEXT] }, { type: "array", prefixItems: [TEXT, { type: "number" }] }),
    ).toEqual(["type 1"]);
    expect(kinds({ $ref: "#/$defs/a", $defs: { a: TEXT } }, TEXT)).toEqual([]);
    expect(kinds(TEXT, { $ref: "#/$defs/a", $defs: { a: { type: "number" } } })).toEqual(["type"]);
  });

  it("is decided by alternatives: each needs one that takes it", () => {
    const either = { anyOf: [TEXT, { type: "number" }] };
    expect(kinds(TEXT, either)).toEqual([]);
    expect(kinds(either, TEXT)).toEqual(["schema"]);
    expect(kinds(either, { oneOf: [{ type: "number" }, TEXT] })).toEqual([]);
  });

  it("ends for schemas that contain themselves", () => {
    const json = z.toJSONSchema(z.json()) as JsonSchema;
    expect(kinds(json, json)).toEqual([]);
    const tree = (leaf: JsonSchema): JsonSchema => ({
      type: "object",
      properties: { leaf, children: { type: "array", items: { $ref: "#" } } },
    });
    expect(kinds(tree(TEXT), tree(TEXT))).toEqual([]);
    expect(kinds(tree(TEXT), tree({ type: "number" }))).toEqual(["type leaf"]);
  });

  it("counts where it cannot be told", () => {
    expect(kinds(TEXT, { type: "string", not: { const: "a" } })).toEqual(["schema"]);
    expect(kinds({ type: "string", not: { const: "a" } }, TEXT)).toEqual([]);
  });
});
