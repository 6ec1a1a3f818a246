import { describe, expect, it } from "vitest";
import { byReceiptLog, deadLetterKey, receiptLog, receiptLogAt } from "../../src/broker/receipt-log.ts";
import type { ReceiptRecord } from "../../src/message/receipt-record.ts";

const idAt = (time: number): string => {
  const hex = time.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
};
const record = (id: string): ReceiptRecord => ({ id, recipient: "a", end: "acknowledged", at: 1, attempt: 1 });

describe("receipt log names", () => {
  it("follow the minute of the id", () => {
    const minute = 29_000_000 * 60_000;
    expect(receiptLog(idAt(minute))).toBe("receipts/00h9kjk");
    expect(receiptLog(idAt(minute + 59_999))).toBe(receiptLog(idAt(minute)));
    expect(receiptLog(idAt(minute + 60_000))).not.toBe(receiptLog(idAt(minute)));
    expect(receiptLogAt(minute)).toBe(receiptLog(idAt(minute)));
  });

  it("sort by time over the whole range of a UUIDv7", () => {
    const times = [0, 60_000, 36 ** 5 * 60_000, Date.UTC(2026, 0), 2 ** 48 - 1];
    const names = times.map(receiptLogAt);
    expect([...names].sort()).toEqual([...names].sort((a, b) => times[names.indexOf(a)]! - times[names.indexOf(b)]!));
    expect(new Set(names.map((name) => name.length))).toEqual(new Set(["receipts/".length + 7]));
  });

  it("keep an id without a time in minute 0", () => {
    expect(receiptLog("order-zzz")).toBe("receipts/0000000");
  });

  it("group the records of one step", () => {
    const [a, b, c] = [record(idAt(0)), record(idAt(120_000)), record(idAt(59_000))];
    expect([...byReceiptLog([a, b, c])]).toEqual([
      ["receipts/0000000", [a, c]],
      ["receipts/0000002", [b]],
    ]);
  });
});

it("a dead letter is kept under its inbox and id", () => {
  expect(deadLetterKey("billing", "x-1")).toBe("dead-letters/billing/x-1");
});
