import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fingerprint, loopMark } from "../../src/message/fingerprint.ts";
import { envelope, payloads } from "./envelopes.ts";

/** The same value with its keys in the opposite order. */
const reversed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reversed(item)]),
  );
};

describe("a fingerprint", () => {
  it("does not hang on the order of keys, nor on anything but type, version, address and payload", () => {
    fc.assert(
      fc.property(payloads, (payload) => {
        const other = envelope({
          payload: reversed(payload),
          id: "0190b0c0-1234-7abc-8def-0123456789ac",
          createdAt: 1,
          priority: "low",
          headers: { a: "b" },
        });
        expect(fingerprint(other)).toBe(fingerprint(envelope({ payload })));
      }),
    );
  });

  it("differs where any of them differs", () => {
    const variants = [
      {},
      { type: "other" },
      { version: 2 },
      { to: "a" },
      { channel: "a" },
      { payload: null },
      { payload: "12" },
      { payload: 12 },
      { payload: [12] },
      { payload: { amount: 13 } },
      { payload: { amount: 12, more: {} } },
    ];
    expect(new Set(variants.map((fields) => fingerprint(envelope(fields)))).size).toBe(variants.length);
  });
});

describe("a loop mark", () => {
  it("is short, and the same for the same sender, recipient, type and payload", () => {
    expect(loopMark(envelope({ id: "a", createdAt: 5 }))).toBe(loopMark(envelope({ id: "b", createdAt: 6 })));
    expect(loopMark(envelope())).toHaveLength(12);
    const variants = [
      {},
      { from: "other" },
      { to: "a" },
      { channel: "b" },
      { type: "other" },
      { payload: { amount: 13 } },
    ];
    expect(new Set(variants.map((fields) => loopMark(envelope(fields)))).size).toBe(variants.length);
  });
});
