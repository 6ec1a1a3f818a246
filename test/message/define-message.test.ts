import { describe, expect, it } from "vitest";
import { z } from "zod";
import { AgentwireError } from "../../src/errors.ts";
import { compiled } from "../../src/message/compiled.ts";
import { defineMessage } from "../../src/message/index.ts";

const codeOf = (call: () => unknown): unknown => {
  try {
    return call();
  } catch (error) {
    return AgentwireError.is(error) ? error.code : error;
  }
};
const text = z.object({ text: z.string() });

describe("a message type", () => {
  it("holds what it was defined with", () => {
    const type = defineMessage("order.placed", text, {
      version: 3,
      description: "An order",
      channel: "orders",
      priority: "high",
      ttl: "5m",
    });
    expect(type).toMatchObject({
      name: "order.placed",
      version: 3,
      description: "An order",
      channel: "orders",
      priority: "high",
      ttl: "5m",
      hasReply: false,
    });
    expect(defineMessage("order.ask", text, { reply: text })).toMatchObject({ version: 1, hasReply: true });
    expect(type.jsonSchema()).toMatchObject({ type: "object", required: ["text"] });
  });

  it("tells its messages from others", () => {
    const type = defineMessage("order.placed", text);
    expect([type.is({ type: "order.placed" }), type.is({ type: "order.other" })]).toEqual([true, false]);
  });

  it("makes drafts", () => {
    const type = defineMessage("order.placed", text);
    expect(type.message({ text: "a" }, { to: "x" })).toEqual({ type, payload: { text: "a" }, options: { to: "x" } });
  });

  it.each([
    [{ version: 0 }, "OUT_OF_RANGE"],
    [{ version: 1.5 }, "OUT_OF_RANGE"],
    [{ priority: "urgent" }, "OUT_OF_RANGE"],
    [{ ttl: "60" }, "OUT_OF_RANGE"],
    [{ ttl: -1 }, "OUT_OF_RANGE"],
    [{ channel: "a b" }, "NAME_INVALID"],
    [{ replies: text }, "ARGUMENT_INVALID"],
    [{ reply: { type: "strnig" } }, "SCHEMA_INVALID"],
    [{ chunk: 5 }, "SCHEMA_INVALID"],
    [{ upcast: { 1: (old: unknown) => old } }, "OUT_OF_RANGE"],
    [{ version: 2, upcast: { 2: (old: unknown) => old } }, "OUT_OF_RANGE"],
    [{ version: 2, upcast: { 1: "x" } }, "ARGUMENT_INVALID"],
  ])("is refused with %j", (options, code) => {
    expect(codeOf(() => defineMessage("order", text, options as object))).toBe(code);
  });
});

describe("upcasts", () => {
  const type = defineMessage("order", z.object({ cents: z.number(), currency: z.string() }), {
    version: 3,
    upcast: {
      1: (old: { euros: number }) => ({ cents: old.euros * 100 }),
      2: (old: { cents: number }) => ({ ...old, currency: "EUR" }),
    },
  });
  const { upcast } = compiled(type);

  it("go step by step from the message's version to the type's", () => {
    expect(upcast({ euros: 2 }, 1)).toEqual({ cents: 200, currency: "EUR" });
    expect(upcast({ cents: 5 }, 2)).toEqual({ cents: 5, currency: "EUR" });
    expect(upcast({ cents: 5, currency: "USD" }, 3)).toEqual({ cents: 5, currency: "USD" });
  });

  it("leave a newer payload, and a version without a step, to the schema", () => {
    expect(upcast({ anything: 1 }, 4)).toEqual({ anything: 1 });
    expect(compiled(defineMessage("x", text, { version: 5 })).upcast({ a: 1 }, 2)).toEqual({ a: 1 });
  });

  it("may give nothing back, which the schema then refuses", () => {
    const dropping = defineMessage("x", text, { version: 2, upcast: { 1: () => undefined } });
    expect(compiled(dropping).upcast({ text: "a" }, 1)).toBeUndefined();
  });

  it("that throw are VALIDATION_FAILED", () => {
    const broken = defineMessage("x", text, {
      version: 2,
      upcast: { 1: (old: { a: { b: string } }) => ({ text: old.a.b }) },
    });
    expect(codeOf(() => compiled(broken).upcast({}, 1))).toBe("VALIDATION_FAILED");
  });
});
