import { FakeClock } from "agentwire/testing";
import { expect, it } from "vitest";
import { Receipts } from "../../src/bus/receipts.ts";
import { KeepAlive } from "../../src/internal/keep-alive.ts";
import type { ReceiptRecord } from "../../src/message/receipt-record.ts";

it("looks once more when another process comes to know that ends are listened for, since it may have told them before", async () => {
  const id = "01a1fe92-4444-72f0-9e74-9d54b67b1487";
  const record: ReceiptRecord = { id, recipient: "ann", end: "acknowledged", at: 1, attempt: 1 };
  const written: ReceiptRecord[] = [];
  let begun: (() => void) | undefined;
  let looks = 0;
  const receipts = new Receipts({
    broker: {
      find: async () => [],
      onSignal: (_topic, _listener, told) => {
        begun = told;
        return () => {};
      },
    },
    store: {
      read: async () => {
        looks++;
        return written.length === 0 ? [] : [{ position: 1, value: [...written] }];
      },
    },
    clock: new FakeClock(),
    keepAlive: new KeepAlive(),
  });
  const settled = receipts.settled(id, ["ann"], {});
  while (looks === 0) await Promise.resolve();
  // Ended by a process that has not heard yet that somebody listens: no signal comes.
  written.push(record);
  await Promise.resolve();
  begun?.();
  expect((await settled).ends).toEqual({ ann: "acknowledged" });
});
