import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReceiptCount } from "../../src/bus/receipt-count.ts";
import { MemoryEngine } from "../../src/drivers/memory/index.ts";
import { systemClock } from "../../src/internal/clock.ts";
import { jsonCodec } from "../../src/message/codec-json.ts";
import type { Store } from "../../src/store/store.ts";
import { driverOn } from "../drivers/sqlite/setup.ts";

/** Runs a test on a new store. */
async function withStore(driver: "memory" | "sqlite", test: (store: Store) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "agentwire-test-"));
  const context = { clock: systemClock, codec: jsonCodec, scope: "test", instance: "one", report: () => {} };
  const { broker, store } =
    driver === "memory" ? new MemoryEngine(systemClock).driver(context) : driverOn(join(folder, "bus.db"));
  try {
    await broker.open();
    await store?.open();
    await test(store as Store);
  } finally {
    await store?.close();
    await broker.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const LOGS = ["receipts/0000001", "receipts/0000002", "receipts/0000003"];
const recordsOf = async (store: Store, log: string) =>
  (await store.read(log)).flatMap(({ value }) => value as unknown[]);

describe.each(["memory", "sqlite"] as const)("the bound on receipts on %s", (driver) => {
  it("keeps the newest records, as many as fit, whatever is appended between two looks", async () => {
    const step = fc.record({
      appends: fc.array(fc.tuple(fc.nat({ max: 2 }), fc.integer({ min: 1, max: 4 })), { maxLength: 60 }),
      most: fc.integer({ min: 1, max: 30 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 4 }), (steps) =>
        withStore(driver, async (store) => {
          const count = new ReceiptCount(store);
          let serial = 0;
          for (const { appends, most } of steps) {
            for (const [log, records] of appends)
              await store.append(LOGS[log] as string, [Array.from({ length: records }, () => ++serial)]);
            const before = await Promise.all(LOGS.map((log) => recordsOf(store, log)));
            await count.bound(await store.logs("receipts/"), most);
            const after = await Promise.all(LOGS.map((log) => recordsOf(store, log)));
            const kept = after.flat();
            expect(kept).toEqual(before.flat().slice(before.flat().length - kept.length));
            expect(kept.length).toBeLessThanOrEqual(most);
            // An entry goes or stays as a whole, and the largest has four records.
            expect(kept.length).toBeGreaterThan(Math.min(most, before.flat().length) - 4);
          }
        }),
      ),
      { numRuns: driver === "memory" ? 60 : 15 },
    );
  });

  it("reads again only what is new", async () => {
    await withStore(driver, async (store) => {
      const read: number[] = [];
      const count = new ReceiptCount({
        trim: store.trim.bind(store),
        read: async (log, options) => {
          const page = await store.read(log, options);
          if (options?.limit !== 1) read.push(page.length);
          return page;
        },
      });
      for (let at = 0; at < 120; at++) await store.append(LOGS[0] as string, [[at]]);
      await count.bound(LOGS, 1_000);
      expect(read.splice(0)).toEqual([50, 50, 20]);
      await store.append(LOGS[0] as string, [[120], [121]]);
      await count.bound(LOGS, 1_000);
      expect(read).toEqual([2]);
    });
  });
});
