import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AGING_PERIOD, AgingGuard, EMPTY_LEVEL } from "../../src/broker/aging.ts";

const E = EMPTY_LEVEL;

describe("AgingGuard", () => {
  it("answers -1 where nothing waits, and counts nothing", () => {
    const guard = new AgingGuard(15);
    expect(guard.choose([E, E, E, E, E])).toBe(-1);
    expect(guard.choose([1, 2, E, E, E])).toBe(1);
  });

  it("hands off the highest level while it is alone", () => {
    const guard = new AgingGuard();
    for (let turn = 0; turn < 100; turn++) expect(guard.choose([E, 5, E, E, E])).toBe(1);
    expect(guard.passedOver).toBe(0);
  });

  it("gives the sixteenth hand-off to the longest-waiting lower message", () => {
    const guard = new AgingGuard();
    const levels = Array.from({ length: 32 }, () => guard.choose([100, 50, 40, E, 45]));
    expect(levels.filter((level) => level === 2)).toHaveLength(2);
    expect(levels.indexOf(2)).toBe(15);
    expect(levels.filter((level) => level === 0)).toHaveLength(30);
  });

  it("never lets 16 hand-offs in a row pass over a lower level that waits", () => {
    const place = fc.oneof(fc.constant(E), fc.integer({ min: 1, max: 50 }));
    fc.assert(
      fc.property(
        fc.array(fc.array(place, { minLength: 5, maxLength: 5 }), { minLength: 20, maxLength: 80 }),
        (turns) => {
          const guard = new AgingGuard();
          let passed = 0;
          for (const heads of turns) {
            const chosen = guard.choose(heads);
            const highest = heads.findIndex((head) => head !== E);
            if (highest === -1) continue;
            expect(heads[chosen]).not.toBe(E);
            const lowerWaits = heads.some((head, level) => level > highest && head !== E);
            passed = lowerWaits && chosen === highest ? passed + 1 : 0;
            expect(passed).toBeLessThan(AGING_PERIOD);
          }
        },
      ),
    );
  });
});
