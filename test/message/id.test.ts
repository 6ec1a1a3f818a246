import fc from "fast-check";
import { expect, it } from "vitest";
import { IdGenerator, isId, timeOfId } from "../../src/message/id.ts";

const generatorAt = (times: readonly number[]): IdGenerator => {
  let at = 0;
  return new IdGenerator({ clock: { now: () => times[Math.min(at++, times.length - 1)] as number } });
};

it("makes unique UUIDv7 in the order they were made, however the clock jumps", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 48 - 2 }), { minLength: 2, maxLength: 50 }), (times) => {
      const generator = generatorAt(times);
      const ids = times.map(() => generator.next());
      expect(ids.every(isId)).toBe(true);
      expect([...ids].sort()).toEqual(ids);
      expect(new Set(ids).size).toBe(ids.length);
    }),
  );
});

it("keeps the order of more ids in one millisecond than its counter holds, and draws new random bytes", () => {
  const generator = generatorAt([1_000]);
  const ids = Array.from({ length: 20_000 }, () => generator.next());
  expect([...ids].sort()).toEqual(ids);
  expect(new Set(ids.map((id) => id.slice(-12))).size).toBe(ids.length);
});

it("carries the wall time, in whole milliseconds", () => {
  expect(timeOfId(generatorAt([1_763_715_000_123]).next())).toBe(1_763_715_000_123);
  expect(timeOfId(generatorAt([1_763_715_000_123.75]).next())).toBe(1_763_715_000_123);
});

it("goes by the time it is given, and asks no clock then", () => {
  const clock = { now: () => expect.unreachable() };
  expect(timeOfId(new IdGenerator({ clock }).next(1_763_715_000_123))).toBe(1_763_715_000_123);
});

it("two generators of the same instant do not meet", () => {
  expect(generatorAt([5]).next()).not.toBe(generatorAt([5]).next());
});

it.each([
  "",
  "x",
  "0190b0c0-1234-4abc-8def-0123456789ab",
  "0190B0C0-1234-7ABC-8DEF-0123456789AB",
  "0190b0c0-1234-7abc-8def-0123456789ab\n",
])("%j is no id of ours", (text) => {
  expect(isId(text)).toBe(false);
  expect(timeOfId(text)).toBe(0);
});
