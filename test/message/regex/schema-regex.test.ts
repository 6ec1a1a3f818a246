import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { longestForBacktracking } from "../../../src/message/regex/regex-cost.ts";
import { regexParts } from "../../../src/message/regex/regex-parts.ts";
import { SchemaRegex } from "../../../src/message/regex/schema-regex.ts";
import { backtrack } from "./backtracking.ts";
import { anyRegex, anyText } from "./regexes.ts";

const longest = (source: string): number => longestForBacktracking(regexParts(source), source);

describe("the texts left to the engine", () => {
  it.each([
    ["^[a-z]+$", 256],
    ["^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$", 256],
    ["^\\w+(-\\w+)*$", 256],
    ["^(?=.*\\d)(?=.*[a-z]).{8,64}$", 256],
    ["^[\\w.-]+@[\\w.-]+\\.\\w+$", 64],
    ["[a-z]+$", 64],
    ["\\d+\\d+x", 16],
    ["^(a+)+$", 0],
    ["(a|a)*b", 0],
    ["(a*)*", 0],
    ["^\\p{L}+$", 0],
    ["^.{1,2000}$", 0],
  ])("of %s have up to %i characters", (source, length) => {
    expect(longest(source)).toBe(length);
  });

  it("cost a backtracking matcher 20,000 steps at most", () => {
    let left = 0;
    fc.assert(
      fc.property(anyRegex, anyText, (source, text) => {
        const length = longest(source);
        if (length === 0 || text === "") return;
        left++;
        const long = text.repeat(length).slice(0, length - 1);
        for (const worst of [long, `${long}!`]) {
          const { steps, found } = backtrack(regexParts(source), worst);
          expect(steps, source).toBeLessThanOrEqual(20_000);
          if (!/[\ud800-\udfff]/.test(worst)) expect(new RegExp(source, "u").test(worst)).toBe(found);
        }
      }),
      { numRuns: 300 },
    );
    expect(left).toBeGreaterThan(50);
  });
});

describe("a schema's regular expression", () => {
  it("answers the same on both sides of the longest text left to the engine", () => {
    fc.assert(
      fc.property(anyRegex, anyText, (source, text) => {
        const regex = new SchemaRegex(source);
        const engine = new RegExp(source, "u");
        for (const length of [1, 8, 16, 17, 64, 65]) {
          const repeated = text.repeat(length).slice(0, length);
          if (length <= Math.max(8, longest(source) + 1)) expect(regex.test(repeated)).toBe(engine.test(repeated));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("is told from others by its text", () => {
    expect(`${new SchemaRegex("a/b")}`).not.toBe(`${new SchemaRegex("a")}`);
  });

  it("tests a text on which the engine runs out of room", () => {
    const text = "ab".repeat(4_000_000);
    expect(new SchemaRegex("^(a|b)*$").test(text)).toBe(true);
    expect(new SchemaRegex("^(a|b)*$").test(`${text}c`)).toBe(false);
  });
});
