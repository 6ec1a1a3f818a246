import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AgentwireError } from "../../src/errors.ts";
import {
  type CloudEvent,
  fromBinaryCloudEvent,
  fromCloudEvent,
  toBinaryCloudEvent,
  toCloudEvent,
} from "../../src/message/cloud-events.ts";
import { envelope, envelopes } from "./envelopes.ts";

const foreign: CloudEvent = {
  specversion: "1.0",
  id: "A234-1234",
  source: "https://example.org/sensors/7",
  type: "com.example.measured",
  data: { degrees: 21 },
};
const failureOf = (call: () => unknown): unknown => {
  try {
    return call();
  } catch (error) {
    return AgentwireError.is(error) ? error : { notOurs: error };
  }
};

describe("a CloudEvent of a message", () => {
  it("gives back every field, structured and binary", () => {
    fc.assert(
      fc.property(envelopes, (message) => {
        expect(fromCloudEvent(JSON.parse(JSON.stringify(toCloudEvent(message))) as CloudEvent)).toEqual(message);
        expect(fromBinaryCloudEvent(toBinaryCloudEvent(message))).toEqual(message);
      }),
    );
  });

  it("has attributes as the standard names them: lower case letters and digits, at most 20", () => {
    const event = toCloudEvent(
      envelope({ to: "billing", expiresAt: 1_763_715_060_000, causationId: "x", headers: { a: "b" }, depth: 2 }),
    );
    expect(event).toMatchObject({
      specversion: "1.0",
      source: "shop",
      type: "payment.requested",
      time: "2025-11-21T08:50:00.000Z",
      expirytime: "2025-11-21T08:51:00.000Z",
      typeversion: 1,
      to: "billing",
    });
    for (const [name, value] of Object.entries(event)) {
      expect(name).toMatch(/^[a-z0-9]{1,20}$/);
      if (name !== "data") expect(["string", "number"]).toContain(typeof value);
    }
  });

  it("has only printable ASCII in its headers", () => {
    fc.assert(
      fc.property(envelopes, (message) => {
        for (const value of Object.values(toBinaryCloudEvent(message).headers)) expect(value).toMatch(/^[\x20-\x7e]*$/);
      }),
    );
  });
});

describe("a foreign CloudEvent", () => {
  it("becomes a message whose sender is its source, and goes back as it came", () => {
    const message = fromCloudEvent({ ...foreign, time: "2026-01-02T03:04:05Z" });
    expect(message).toMatchObject({
      id: "A234-1234",
      version: 1,
      priority: "normal",
      conversationId: "A234-1234",
      headers: {},
      payload: { degrees: 21 },
      createdAt: Date.UTC(2026, 0, 2, 3, 4, 5),
    });
    expect(message.from).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(toCloudEvent(message)).toMatchObject({ source: foreign.source, data: { degrees: 21 } });
  });

  it("without data has the payload null", () => {
    const { data: _data, ...empty } = foreign;
    expect(fromCloudEvent(empty as CloudEvent).payload).toBeNull();
  });

  it.each([
    [{ specversion: "0.3" }, "specversion"],
    [{ id: "" }, "id"],
    [{ id: 5 }, "id"],
    [{ source: undefined }, "source"],
    [{ type: "a b" }, "type"],
    [{ time: "yesterday" }, "time"],
    [{ data_base64: "AA==" }, "data_base64"],
    [{ agentwire: "[]" }, "agentwire"],
    [{ typeversion: "x" }, "version"],
    [{ priority: "urgent" }, "priority"],
  ])("with %j is ENVELOPE_INVALID and says where", (fields, field) => {
    expect(failureOf(() => fromCloudEvent({ ...foreign, ...fields } as CloudEvent))).toMatchObject({
      code: "ENVELOPE_INVALID",
      details: { field },
    });
  });

  it("with a body or an attribute that cannot be read is refused", () => {
    const headers = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "a", "ce-type": "b" };
    expect(failureOf(() => fromBinaryCloudEvent({ headers, body: "{" }))).toMatchObject({ code: "DECODE_FAILED" });
    expect(
      failureOf(() => fromBinaryCloudEvent({ headers: { ...headers, "ce-source": "%E9" }, body: "1" })),
    ).toMatchObject({ code: "ENVELOPE_INVALID" });
    expect(failureOf(() => fromCloudEvent({ ...foreign, data: { at: new Date() } }))).toMatchObject({
      code: "PAYLOAD_INVALID",
    });
  });
});
