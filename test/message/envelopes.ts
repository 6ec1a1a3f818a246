import fc from "fast-check";
import { type Envelope, PRIORITIES } from "../../src/message/envelope.ts";

/** A message with nothing but what every message has. */
export function envelope(fields: Partial<Envelope> & Readonly<Record<string, unknown>> = {}): Envelope {
  return {
    v: 1,
    id: "0190b0c0-1234-7abc-8def-0123456789ab",
    type: "payment.requested",
    version: 1,
    from: "shop",
    priority: "normal",
    createdAt: 1_763_715_000_000,
    conversationId: "0190b0c0-1234-7abc-8def-0123456789ab",
    headers: {},
    payload: { amount: 12 },
    ...fields,
  };
}

const segment = fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/);
const name = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join("."));
const id = fc.uuid({ version: 7 });
const words = fc.string({ unit: "binary", minLength: 1, maxLength: 40 });
const time = fc.integer({ min: 0, max: 253_402_300_799_999 });

/** Any plain payload, `__proto__` keys and all; without `-0`, which JSON has no sign for. */
export const payloads = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);

/** Messages with any of the fields that one can have, and some that a later version may add. */
export const envelopes: fc.Arbitrary<Envelope> = fc
  .record(
    {
      v: fc.constant(1 as const),
      id,
      type: name,
      version: fc.integer({ min: 1, max: 1_000 }),
      from: name,
      priority: fc.constantFrom(...PRIORITIES),
      createdAt: time,
      conversationId: words,
      headers: fc.dictionary(words, fc.string({ unit: "binary" }), { maxKeys: 4, noNullPrototype: true }),
      payload: payloads,
      to: name,
      channel: name,
      ttl: fc.integer({ min: 0, max: 1_000_000 }),
      causationId: id,
      inReplyTo: id,
      taskId: words,
      runId: words,
      tenant: name,
      replyInbox: name.map((inbox) => `$reply.${inbox}`),
      depth: fc.nat(),
      path: fc.array(words, { maxLength: 4 }),
      budget: fc.record(
        {
          messages: fc.nat(),
          cost: fc.double({ min: 0, max: 1e9, noNaN: true, noDefaultInfinity: true }).map(Math.abs),
        },
        { requiredKeys: [], noNullPrototype: true },
      ),
      key: words,
      validUntil: time,
      orderKey: words,
      class: words,
      sig: words,
      enc: words,
      contentType: fc.constantFrom("text/plain; charset=utf-8", "application/cbor"),
      replayOf: id,
      laterField: payloads,
    },
    {
      requiredKeys: [
        "v",
        "id",
        "type",
        "version",
        "from",
        "priority",
        "createdAt",
        "conversationId",
        "headers",
        "payload",
      ],
    },
  )
  .map(
    ({ ttl, ...fields }) =>
      ({
        ...fields,
        ...(ttl === undefined ? {} : { expiresAt: Math.min(fields.createdAt + ttl, 253_402_300_799_999) }),
      }) as unknown as Envelope,
  );
