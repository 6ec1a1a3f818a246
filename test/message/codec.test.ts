import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AgentwireError } from "../../src/errors.ts";
import type { Codec } from "../../src/message/codec.ts";
import { jsonCodec } from "../../src/message/codec-json.ts";
import { msgpackCodec } from "../../src/message/codec-msgpack.ts";
import { ENVELOPE_FIELDS } from "../../src/message/envelope.ts";
import { envelope, envelopes } from "./envelopes.ts";

const failureOf = (call: () => unknown): AgentwireError => {
  try {
    call();
  } catch (error) {
    if (error instanceof AgentwireError) return error;
    throw error;
  }
  throw new Error("It should have failed");
};

/** Every object and array of a value, itself included. */
const parts = (value: unknown): object[] =>
  typeof value === "object" && value !== null ? [value, ...Object.values(value).flatMap(parts)] : [];

const CODECS: readonly Codec[] = [jsonCodec, msgpackCodec()];

describe.each(CODECS)("the codec $name", (codec) => {
  it("gives back every field of every message, frozen, known or not", () => {
    fc.assert(
      fc.property(envelopes, (message) => {
        const decoded = codec.decode(codec.encode(message));
        expect(decoded).toStrictEqual(message);
        expect(parts(decoded).every(Object.isFrozen)).toBe(true);
      }),
    );
  });

  it("writes the same bytes whatever the order of the fields", () => {
    fc.assert(
      fc.property(envelopes, (message) => {
        const shuffled = Object.fromEntries(Object.entries(message).reverse()) as unknown as typeof message;
        expect(codec.encode(shuffled)).toEqual(codec.encode(message));
      }),
    );
  });

  it("carries a payload of 64 levels and refuses a deeper one", () => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
    expect(codec.decode(codec.encode(envelope({ payload: nested(64) }))).payload).toEqual(nested(64));
    expect(failureOf(() => codec.decode(codec.encode(envelope({ payload: nested(65) })))).code).toBe(
      "ENVELOPE_INVALID",
    );
  });

  it("carries names of object members as plain data", () => {
    const payload: unknown = JSON.parse(
      '{"__proto__":{"polluted":1},"a":{"constructor":{"prototype":1},"__proto__":[2]}}',
    );
    const decoded = codec.decode(codec.encode(envelope({ payload }))).payload;
    expect(JSON.stringify(decoded)).toBe(JSON.stringify(payload));
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it("answers arbitrary bytes with one of its three errors", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(["DECODE_FAILED", "ENVELOPE_INVALID", "VERSION_UNSUPPORTED"]).toContain(
          failureOf(() => codec.decode(bytes)).code,
        );
      }),
    );
  });
});

describe("the wire form", () => {
  it("is JSON with the fields in their canonical order and absent ones left out", () => {
    fc.assert(
      fc.property(envelopes, (message) => {
        const names = Object.keys(JSON.parse(jsonCodec.encode(message) as string) as object);
        const expected = [
          ...ENVELOPE_FIELDS.filter((field) => message[field] !== undefined),
          ...("laterField" in message ? ["laterField"] : []),
        ];
        expect(names).toEqual(expected);
      }),
    );
  });

  it("leaves out a field that is undefined", () => {
    expect(jsonCodec.encode({ ...envelope(), to: undefined, taskId: undefined } as never)).toBe(
      jsonCodec.encode(envelope()),
    );
  });

  it("does not quote what it cannot read", () => {
    const error = failureOf(() => jsonCodec.decode('{"password":"hunter2"'));
    expect(error.code).toBe("DECODE_FAILED");
    expect(`${error.message}${String(error.cause)}`).not.toContain("hunter2");
  });

  it("is UTF-8: other bytes are DECODE_FAILED, not replaced", () => {
    const bytes = Buffer.from(JSON.stringify(envelope({ payload: "é" })), "latin1");
    expect(failureOf(() => jsonCodec.decode(bytes)).code).toBe("DECODE_FAILED");
    expect(jsonCodec.decode(Buffer.from(JSON.stringify(envelope({ payload: "é" })))).payload).toBe("é");
  });

  it("cannot hold a number that JSON cannot", () => {
    const text = JSON.stringify(envelope({ payload: [1] })).replace("[1]", "[1e999]");
    expect(failureOf(() => jsonCodec.decode(text))).toMatchObject({
      code: "ENVELOPE_INVALID",
      details: { field: "payload" },
    });
  });
});

describe("MessagePack", () => {
  it("holds no dates or bytes for a payload", async () => {
    const { pack } = await import("msgpackr");
    const codec = msgpackCodec();
    for (const payload of [new Date(0), Buffer.from("x")]) {
      expect(failureOf(() => codec.decode(pack({ ...envelope(), payload }))).code).toBe("ENVELOPE_INVALID");
    }
  });
});
