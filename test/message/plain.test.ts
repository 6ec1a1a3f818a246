import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AgentwireError } from "../../src/errors.ts";
import { copyPlain } from "../../src/message/plain.ts";
import { payloads } from "./envelopes.ts";

const failureOf = (value: unknown): AgentwireError => {
  try {
    copyPlain(value, "the payload");
  } catch (error) {
    if (error instanceof AgentwireError) return error;
    throw error;
  }
  throw new Error("It should have failed");
};
const parts = (value: unknown): object[] =>
  typeof value === "object" && value !== null ? [value, ...Object.values(value).flatMap(parts)] : [];

describe("a copied payload", () => {
  it("is equal, frozen throughout, and shares nothing with the caller's, which stays as it was", () => {
    fc.assert(
      fc.property(payloads, (value) => {
        const before = JSON.stringify(value);
        const copy = copyPlain(value, "the payload");
        expect(JSON.stringify(copy)).toBe(before);
        expect(parts(copy).every(Object.isFrozen)).toBe(true);
        const own = new Set(parts(value));
        expect(parts(copy).some((part) => own.has(part))).toBe(false);
        expect(parts(value).some(Object.isFrozen)).toBe(false);
      }),
    );
  });

  it("leaves out a property that is undefined, as JSON does", () => {
    expect(copyPlain({ a: undefined, b: 1 }, "the payload")).toStrictEqual({ b: 1 });
  });

  it("does not call toJSON", () => {
    expect(failureOf({ toJSON: () => 1 })).toMatchObject({ code: "PAYLOAD_INVALID", details: { path: ["toJSON"] } });
  });

  it("may hold one object twice", () => {
    const shared = { a: 1 };
    expect(copyPlain([shared, shared], "the payload")).toEqual([shared, shared]);
  });
});

describe("a value that is no payload", () => {
  it("is found anywhere in a plain value, and named by its path", () => {
    const bad = fc.constantFrom<unknown>(
      () => 1,
      Symbol("x"),
      1n,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      new Date(),
      new Map(),
      "\ud800",
      /x/,
      new (class Thing {})(),
    );
    const path = fc.array(fc.oneof(fc.stringMatching(/^[a-z]{1,5}$/), fc.nat({ max: 3 })), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(bad, path, (value, steps) => {
        const nested = steps.reduceRight<unknown>(
          (inner, step) =>
            typeof step === "number" ? [...Array.from({ length: step }, () => 0), inner] : { ok: 1, [step]: inner },
          value,
        );
        expect(failureOf(nested)).toMatchObject({ code: "PAYLOAD_INVALID", details: { path: steps } });
      }),
    );
  });

  it("is undefined, or an array with holes", () => {
    expect(failureOf(undefined).code).toBe("PAYLOAD_INVALID");
    // biome-ignore lint/suspicious/noSparseArray: a hole is what is tested
    expect(failureOf([1, , 2]).code).toBe("PAYLOAD_INVALID");
    expect(failureOf([undefined]).code).toBe("PAYLOAD_INVALID");
  });

  it("is one that contains itself, said as such", () => {
    const ring: Record<string, unknown> = { a: { b: [] } };
    (ring["a"] as { b: unknown[] }).b.push(ring);
    expect(failureOf(ring)).toMatchObject({ code: "PAYLOAD_INVALID", message: "the payload contains itself" });
  });
});
