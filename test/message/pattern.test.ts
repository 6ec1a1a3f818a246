import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compilePattern } from "../../src/message/pattern.ts";
import { PatternIndex } from "../../src/message/pattern-index.ts";
import { fastest } from "../support/fastest.ts";

const names = fc
  .array(fc.constantFrom("a", "b", "ab", "-", "_x"), { minLength: 1, maxLength: 5 })
  .map((segments) => segments.join("."));
const patterns = fc
  .tuple(fc.array(fc.constantFrom("a", "b", "ab", "-", "_x", "*"), { maxLength: 4 }), fc.constantFrom("", "**"))
  .map(([segments, end]) => [...segments, ...(end === "" && segments.length > 0 ? [] : ["**"])].join("."));

/** What a pattern means, in the plainest way. */
function means(pattern: readonly string[], name: readonly string[]): boolean {
  const [first, ...others] = pattern;
  if (first === undefined) return name.length === 0;
  if (first === "**") return name.length >= 1;
  return name.length > 0 && (first === "*" || first === name[0]) && means(others, name.slice(1));
}

describe("a channel pattern", () => {
  it("matches what it means", () => {
    fc.assert(
      fc.property(patterns, names, (pattern, name) => {
        expect(compilePattern(pattern).matches(name)).toBe(means(pattern.split("."), name.split(".")));
      }),
      { numRuns: 2_000 },
    );
  });

  it("matches one segment with *, one or more with ** at the end", () => {
    expect(["a.b", "a", "a.b.c", "a.bb"].map((name) => compilePattern("a.*").matches(name))).toEqual([
      true,
      false,
      false,
      true,
    ]);
    expect(["a.b", "a", "a.b.c", "ab.c"].map((name) => compilePattern("a.**").matches(name))).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(["a", "a.b"].map((name) => compilePattern("**").matches(name))).toEqual([true, true]);
  });
});

describe("an index of patterns", () => {
  it("finds exactly those that match", () => {
    fc.assert(
      fc.property(fc.array(patterns, { maxLength: 20 }), names, (all, name) => {
        const index = new PatternIndex<number>();
        for (const [at, pattern] of all.entries()) index.add(pattern, at);
        const expected = all.flatMap((pattern, at) => (compilePattern(pattern).matches(name) ? [at] : []));
        expect(index.find(name).sort((a, b) => a - b)).toEqual(expected);
      }),
    );
  });

  it("B9 answers 10,000 names over 1,000 patterns without looking at each", () => {
    const forms = [
      (at: number) => `orders.*.r${at}`,
      (at: number) => `orders.eu${at}.**`,
      (at: number) => `*.*.r${at}`,
      (at: number) => `*.eu.*.x${at}`,
    ];
    const index = new PatternIndex<number>();
    for (let at = 0; at < 1_000; at++) index.add((forms[at % 4] as (at: number) => string)(at), at);
    const names = Array.from({ length: 10_000 }, (_, at) => `orders.eu${at % 50}.r${at % 1_000}`);
    let found = 0;
    const indexed = fastest(() => (found = names.reduce((sum, name) => sum + index.find(name).length, 0)));
    // What it takes to cut the names into segments and look each up once; 100 ms is about thirty times that.
    const known = new Map(names.flatMap((name) => name.split(".")).map((segment, at) => [segment, at]));
    const reference = fastest(() =>
      names.reduce((sum, name) => name.split(".").reduce((all, segment) => all + (known.get(segment) ?? 0), sum), 0),
    );
    expect(indexed / reference).toBeLessThan(30);
    expect(found).toBe(7_600);
  });
});
