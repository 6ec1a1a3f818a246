import fc from "fast-check";
import { expect, it } from "vitest";
import { packReceipts, receiptsIn } from "../../src/broker/packed-receipts.ts";
import { ENDS, type ReceiptRecord } from "../../src/message/receipt-record.ts";

const few = fc.constantFrom("a", "b");
const record: fc.Arbitrary<ReceiptRecord> = fc.record(
  {
    id: fc.uuid(),
    recipient: few,
    end: fc.constantFrom(...ENDS),
    at: fc.constantFrom(1, 2),
    attempt: fc.constantFrom(0, 1),
    offeredAt: fc.constantFrom(1, 2),
    instance: few,
    reason: few,
    reply: fc.jsonValue(),
  },
  { requiredKeys: ["id", "recipient", "end", "at", "attempt"], noNullPrototype: true },
);

it("gives back the records that were packed, as JSON and plain", () => {
  fc.assert(
    fc.property(fc.array(record), (records) => {
      const plain = JSON.parse(JSON.stringify(records)) as ReceiptRecord[];
      expect(receiptsIn(JSON.parse(JSON.stringify(packReceipts(records))))).toEqual(plain);
      expect(receiptsIn(plain)).toEqual(plain);
    }),
  );
});

it("writes of what ended together little more than the ids", () => {
  const alike = Array.from({ length: 100 }, (_, at) => ({
    id: `01a1fe7e-1d7d-7750-aa18-63dbb80${String(34_000 + at)}`,
    recipient: "billing",
    end: "acknowledged" as const,
    at: 1_700_000_000_000,
    offeredAt: 1_700_000_000_000,
    instance: "one",
    attempt: 1,
  }));
  expect(JSON.stringify(packReceipts(alike)).length).toBeLessThan(100 * 50);
});

it("reads nothing from what is no entry of a receipt log", () => {
  for (const entry of [null, undefined, 1, "x", {}, { packed: 1 }]) expect(receiptsIn(entry)).toEqual([]);
});
