import { expect, it } from "vitest";
import { ReceiptRing } from "../../../src/drivers/memory/receipt-ring.ts";
import type { ReceiptRecord } from "../../../src/message/receipt-record.ts";

const usual = (id: string): ReceiptRecord => ({
  id,
  recipient: `inbox of ${id}`,
  end: "acknowledged",
  at: 1_763_715_000_123,
  offeredAt: 1_763_715_000_100.5,
  instance: `instance of ${id}`,
  attempt: 2,
});

const ring = (limit: number, records: readonly ReceiptRecord[]): ReceiptRing => {
  const made = new ReceiptRing(limit);
  for (const record of records) made.add(record);
  return made;
};

it("gives every record back as it was", () => {
  const { instance: _instance, ...nobodys } = usual("nobody's");
  const { offeredAt: _offeredAt, ...neverOffered } = usual("never offered");
  const records: ReceiptRecord[] = [
    { id: "expired", recipient: "a", end: "expired", at: 1, attempt: 0 },
    usual("usual"),
    { ...usual("given up"), end: "dead-lettered", reason: "HANDLER_FAILED" },
    { ...usual("with a reason"), reason: "SPENT" },
    { ...usual("replied"), reply: { done: true } },
    nobodys,
    neverOffered,
    usual("another"),
  ];
  expect(ring(100, records).records()).toStrictEqual(records);
});

it("keeps the last ones, oldest first", () => {
  const records = Array.from({ length: 7 }, (_, at) => usual(`${at}`));
  for (const limit of [1, 2, 3, 6, 7]) expect(ring(limit, records).records()).toStrictEqual(records.slice(-limit));
  expect(ring(3, []).records()).toEqual([]);
});
