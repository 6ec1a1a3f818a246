import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Schedule } from "../../../src/drivers/memory/schedule.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";

interface Item {
  readonly at: number;
  live: boolean;
}

describe("Schedule", () => {
  it("makes every live item due once, in the order of time and then of adding, on one timer", async () => {
    const items = fc.array(fc.record({ at: fc.integer({ min: 0, max: 300 }), live: fc.boolean() }), { maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(items, async (all: Item[]) => {
        const clock = new FakeClock({ now: 0 });
        const due: Item[] = [];
        const schedule = new Schedule<Item>({ clock, isLive: (item) => item.live, onDue: (item) => due.push(item) });
        for (const item of all) {
          schedule.add(item, item.at);
          expect(clock.pending).toBe(1);
        }
        await clock.advance(150);
        const early = all.filter((item) => item.live && item.at <= 150);
        expect(due).toEqual(early.sort((a, b) => a.at - b.at));
        clock.jump(150);
        await clock.advance(150);
        expect(due).toEqual(all.filter((item) => item.live).sort((a, b) => a.at - b.at));
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  it("forgets items that ended early, so that it stays small", () => {
    const clock = new FakeClock({ now: 0 });
    let asked = 0;
    const schedule = new Schedule<Item>({
      clock,
      isLive: (item) => {
        asked++;
        return item.live;
      },
      onDue: () => {},
    });
    for (let n = 0; n < 10_000; n++) {
      const item = { at: 1_000_000 + n, live: true };
      schedule.add(item, item.at);
      item.live = false;
    }
    // Sweeps of 64 at a time: each item is looked at about once, not again and again.
    expect(asked).toBeLessThan(20_000);
    expect(asked).toBeGreaterThan(9_000);
  });
});
