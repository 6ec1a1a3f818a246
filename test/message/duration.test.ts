import fc from "fast-check";
import { expect, it } from "vitest";
import { AgentwireError } from "../../src/errors.ts";
import { type Duration, parseDuration } from "../../src/message/duration.ts";

const codeOf = (value: unknown, range = { name: "ttl" }): unknown => {
  try {
    return parseDuration(value as Duration, range);
  } catch (error) {
    return AgentwireError.is(error) ? error.code : error;
  }
};

it.each([
  [0, 0],
  [250, 250],
  ["250ms", 250],
  ["30s", 30_000],
  ["5m", 300_000],
  ["2h", 7_200_000],
  ["1d", 86_400_000],
  ["1.5s", 1_500],
  ["0s", 0],
] as [Duration, number][])("%j is %i ms", (value, expected) =>
  expect(parseDuration(value, { name: "ttl" })).toBe(expected),
);

it("a number with a unit is that many of it", () => {
  const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  fc.assert(
    fc.property(fc.nat({ max: 30_000 }), fc.constantFrom("ms", "s", "m", "h", "d"), (count, unit) => {
      expect(parseDuration(`${count}${unit}` as Duration, { name: "ttl" })).toBe(
        count * units[unit as keyof typeof units],
      );
    }),
  );
});

it.each([
  -1,
  Number.NaN,
  1e308,
  "60",
  2 ** 53 + 1,
  Number.POSITIVE_INFINITY,
  "",
  "s",
  "-1s",
  "1e3s",
  "1 s",
  "1S",
  "1s\n",
  "Infinitys",
  null,
  undefined,
  {},
  ["1s"],
  5n,
  true,
])("%s is OUT_OF_RANGE", (value) => expect(codeOf(value)).toBe("OUT_OF_RANGE"));

it("holds its bounds, which belong to it, and names the option", () => {
  const range = { name: "lease", min: 100, max: 1_000 };
  expect([codeOf(99.9, range), codeOf(100, range), codeOf("1s", range), codeOf(1_001, range)]).toEqual([
    "OUT_OF_RANGE",
    100,
    1_000,
    "OUT_OF_RANGE",
  ]);
  expect(() => parseDuration(5, range)).toThrow(/^lease must be a duration from 100 to 1000 ms/);
});
