import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import { AgentwireError } from "../../src/errors.ts";
import { channel } from "../../src/message/channel.ts";
import { escapeSegment, unescapeSegment } from "../../src/message/channel-escape.ts";
import { compilePattern } from "../../src/message/pattern.ts";

const payments = channel("payments.{direction}.{session}");
// Short enough for a name: an escaped unit takes four characters.
const values = fc.string({ unit: fc.nat({ max: 0xffff }).map((unit) => String.fromCharCode(unit)), maxLength: 8 });
const codeOf = (call: () => unknown): unknown => {
  try {
    return call();
  } catch (error) {
    return AgentwireError.is(error) ? error.code : error;
  }
};

describe("an escaped segment", () => {
  it("gives back any text, half surrogates and the escape mark included", () => {
    fc.assert(
      fc.property(values, (text) => {
        expect(unescapeSegment(escapeSegment(text))).toBe(text);
      }),
    );
    const marks = fc.string({ unit: fc.constantFrom("_", "x", "0", "4", "A", ".", "-"), maxLength: 12 });
    fc.assert(
      fc.property(marks, (text) => {
        expect(unescapeSegment(escapeSegment(text))).toBe(text);
      }),
      { numRuns: 1_000 },
    );
  });

  it("is one segment of allowed characters", () => {
    fc.assert(
      fc.property(values, (text) => {
        expect(escapeSegment(text)).toMatch(/^[A-Za-z0-9_-]+$/);
      }),
    );
  });

  it("is the text itself where that is a segment without the mark", () => {
    for (const text of ["order_7", "a-B-9", "_", "x_y", "__"]) expect(escapeSegment(text)).toBe(text);
    expect(escapeSegment("a.b@c")).toBe("a_x002E_b_x0040_c");
    expect(escapeSegment("")).toBe("_x_");
  });

  it("has no second spelling", () => {
    for (const segment of ["_x0061_", "_x002e_", "_x00_", "_x002E", "_x002E__x0040_", "a.b", "", "é"])
      expect(unescapeSegment(segment)).toBeUndefined();
  });
});

describe("a channel template", () => {
  it("formats and parses any values", () => {
    fc.assert(
      fc.property(values, values, (direction, session) => {
        const name = payments.format({ direction, session });
        expect(payments.parse(name)).toEqual({ direction, session });
        expect(name.split(".")).toHaveLength(3);
        expect(compilePattern(payments.pattern()).matches(name)).toBe(true);
        expect(compilePattern(payments.pattern({ session })).matches(name)).toBe(true);
      }),
    );
  });

  it("knows its parameters by name", () => {
    expectTypeOf(payments.format)
      .parameter(0)
      .toEqualTypeOf<{ readonly direction: string; readonly session: string }>();
    expect(payments.format({ direction: "in", session: "a.b" })).toBe("payments.in.a_x002E_b");
    expect(payments.pattern({ direction: "in" })).toBe("payments.in.*");
    expect(channel("news").format({})).toBe("news");
  });

  it("changes some values of a channel and keeps the others", () => {
    fc.assert(
      fc.property(values, values, (direction, session) => {
        const request = payments.format({ direction: "request", session });
        expect(payments.with(request, { direction })).toBe(payments.format({ direction, session }));
      }),
    );
    expectTypeOf(payments.with)
      .parameter(1)
      .toEqualTypeOf<{ readonly direction?: string; readonly session?: string }>();
    expect(payments.with("payments.request.7", {})).toBe("payments.request.7");
    expect(codeOf(() => payments.with("orders.request.7", { direction: "response" }))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => payments.with("payments.request.7", { direction: "x".repeat(128) }))).toBe("NAME_INVALID");
    expect(codeOf(() => payments.with("payments.request.7", { session: 7 } as never))).toBe("ARGUMENT_INVALID");
  });

  it("gives the pattern of all sessions, or of one, whatever characters its name has", () => {
    const of = (session: string): string => payments.format({ direction: "request", session });
    const one = compilePattern(payments.pattern({ session: "a.b" }));
    expect([of("a.b"), payments.with(of("a.b"), { direction: "response" })].every(one.matches)).toBe(true);
    expect([of("a"), of("b"), of("a_b")].some(one.matches)).toBe(false);
    const all = compilePattern(payments.pattern());
    expect([of("a.b"), of("*"), of("")].every(all.matches)).toBe(true);
  });

  it("parses only names of its shape", () => {
    for (const name of ["payments.in", "payments.in.a.b", "Payments.in.a", "orders.in.a", "payments..a", ""])
      expect(payments.parse(name)).toBeUndefined();
  });

  it.each(["", "a..b", "a.{b", "a.{b}c", "a.{}", "{a}.{a}", "a.*", "a b", "{1}", "a.{b.c}"])(
    "%j is NAME_INVALID",
    (template) => {
      expect(codeOf(() => channel(template))).toBe("NAME_INVALID");
    },
  );

  it("refuses what is no text, what is missing, and names over 128 bytes", () => {
    expect(codeOf(() => payments.format({ direction: "in" } as never))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => payments.format({ direction: "in", session: 5 } as never))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => channel("a.{toString}").format({} as never))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => payments.format({ direction: "in", session: "x".repeat(128) }))).toBe("NAME_INVALID");
    expect(codeOf(() => channel(5 as never))).toBe("NAME_INVALID");
  });
});
