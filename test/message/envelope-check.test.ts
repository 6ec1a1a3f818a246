import { describe, expect, it } from "vitest";
import { AgentwireError } from "../../src/errors.ts";
import { jsonCodec } from "../../src/message/codec-json.ts";
import { envelope } from "./envelopes.ts";

const decode = (fields: Readonly<Record<string, unknown>>): unknown =>
  jsonCodec.decode(JSON.stringify({ ...envelope(), ...fields }));

const failureOf = (call: () => unknown): unknown => {
  try {
    return call();
  } catch (error) {
    return error;
  }
};

describe("B61 a stored message", () => {
  it.each(["id", "type", "version", "from", "priority", "createdAt", "conversationId", "headers", "payload"])(
    "without %s is ENVELOPE_INVALID naming it",
    (field) => {
      const error = failureOf(() => decode({ [field]: undefined }));
      expect(AgentwireError.is(error, "ENVELOPE_INVALID") && error.details).toMatchObject({ field });
    },
  );

  it.each([
    ["id", 9007199254740991],
    ["id", ""],
    ["id", "a/b"],
    ["id", "a\u0000"],
    ["id", "x".repeat(129)],
    ["type", "a b"],
    ["type", 1],
    ["version", 0],
    ["version", 1.5],
    ["version", "1"],
    ["from", "a..b"],
    ["from", null],
    ["to", "x/../y"],
    ["to", "*"],
    ["channel", "a.*"],
    ["replyInbox", "$JS.API.>"],
    ["priority", "urgent"],
    ["priority", 1],
    ["createdAt", -1],
    ["createdAt", "2026-01-01"],
    ["createdAt", 253_402_300_800_000],
    ["expiresAt", 0],
    ["expiresAt", null],
    ["conversationId", ""],
    ["conversationId", 7],
    ["causationId", ["x"]],
    ["headers", []],
    ["headers", { a: 1 }],
    ["headers", null],
    ["depth", -1],
    ["depth", 2.5],
    ["path", "x"],
    ["path", [1]],
    ["budget", { messages: "1" }],
    ["budget", { tokens: -1 }],
    ["key", ""],
    ["validUntil", "never"],
    ["taskId", 5],
    ["replayOf", ""],
  ] as [string, unknown][])("with %s %j is ENVELOPE_INVALID naming the field and not the value", (field, value) => {
    const error = failureOf(() => decode({ [field]: value }));
    expect(AgentwireError.is(error, "ENVELOPE_INVALID") && error.details).toMatchObject({ field });
  });

  it("of a later wire version is VERSION_UNSUPPORTED, even if nothing else of it is understood", () => {
    expect(failureOf(() => jsonCodec.decode('{"v":99,"other":true}'))).toMatchObject({ code: "VERSION_UNSUPPORTED" });
  });

  it.each(["null", "[]", '"x"', "5", "{}", '{"v":"1"}', '{"v":0}', '{"v":1.5}'])("%s is ENVELOPE_INVALID", (text) => {
    expect(failureOf(() => jsonCodec.decode(text))).toMatchObject({ code: "ENVELOPE_INVALID" });
  });

  it("names the message where it has a usable id, for whoever looks for it", () => {
    expect(failureOf(() => decode({ type: 5 }))).toMatchObject({ details: { field: "type", id: envelope().id } });
  });

  it("keeps fields that this version does not know", () => {
    expect(decode({ laterField: { a: [1, 2] } })).toMatchObject({ laterField: { a: [1, 2] } });
  });

  it("may go from a reply inbox, and expire when it was made", () => {
    expect(decode({ from: "$reply.bus-1", to: "$reply.bus-2", expiresAt: envelope().createdAt })).toMatchObject({
      to: "$reply.bus-2",
    });
  });
});
