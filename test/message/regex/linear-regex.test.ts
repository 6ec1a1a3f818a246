import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LinearRegex } from "../../../src/message/regex/linear-regex.ts";
import { RegexUnfit } from "../../../src/message/regex/regex-parts.ts";
import { anyRegex, anyText, countedRegex, longText } from "./regexes.ts";

/** A text that counts how often it is looked at. */
class CountedText {
  looks = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get length(): number {
    return this.#text.length;
  }

  codePointAt(at: number): number | undefined {
    this.looks++;
    return this.#text.codePointAt(at);
  }

  charCodeAt(at: number): number {
    this.looks++;
    return this.#text.charCodeAt(at);
  }
}

/** What it costs a new matcher to test a text: characters looked at, nodes and words of sets. */
function workOf(source: string, text: string): number {
  const counted = new CountedText(text);
  const regex = new LinearRegex(source);
  regex.test(counted as unknown as string);
  return counted.looks + regex.work;
}

/** No two stretches of it are the same, so that remembered steps are of no use. */
function noise(length: number): string {
  let seed = 1;
  return Array.from({ length }, () => ((seed = (seed * 48_271) % 2_147_483_647) & 64 ? "-" : "a")).join("");
}

describe("a linear matcher", () => {
  it.each([
    ["all kinds", anyRegex, anyText],
    ["large counts", countedRegex, longText],
  ])("finds what the engine finds, with %s", (_name, regex, text) => {
    const outcomes = new Set<boolean>();
    fc.assert(
      fc.property(regex, fc.array(text, { minLength: 1, maxLength: 10 }), (source, texts) => {
        const engine = new RegExp(source, "u");
        const linear = new LinearRegex(source);
        for (const tested of texts) {
          const found = linear.test(tested);
          outcomes.add(found);
          expect(found, `/${source}/u on ${JSON.stringify(tested)}`).toBe(engine.test(tested));
        }
      }),
      { numRuns: 1_000 },
    );
    expect(outcomes.size).toBe(2);
  });

  it.each([
    ["^\\p{L}+$", "Ωжé中"],
    ["^\\p{L}+$", "Ω1"],
    ["(?<year>\\d{4})-(?<month>\\d\\d)", "on 2026-05-04"],
    ["^(?=.*\\d)(?=.*[a-z])(?!.*\\s).{8,64}$", "passw0rd"],
    ["^(?=.*\\d)(?=.*[a-z])(?!.*\\s).{8,64}$", "passw rd1"],
    ["(?<=(?<!\\\\)\\$)\\d+", "it is $5"],
    ["(?<=(?<!\\\\)\\$)\\d+", "it is \\$5"],
    ["^(?:(?!\\.\\.).)*$", "a.b.c"],
    ["^(?:(?!\\.\\.).)*$", "a..c"],
    ["\\bfoo\\b", "a foo."],
    ["\\bfoo\\b", "a food"],
    ["^.$", "😁"],
    ["^..$", "😁"],
    ["^\\ud83d$", "😁"],
    ["\\ude01", "😁"],
    ["\\ude01", "\ude01"],
    ["\\B", "a😁a"],
    ["(?<!^|a)(?!$)", "a😁"],
    ["", ""],
    ["[]", "a"],
    ["(?:){1000000000}x", "x"],
    ["(".repeat(100) + "){1,2}".repeat(100), ""],
    ["(?:(?:){2,1000000000}|a{0}){3,}$", "x"],
  ])("finds %s in %j where the engine does", (source, text) => {
    expect(new LinearRegex(source).test(text)).toBe(new RegExp(source, "u").test(text));
  });

  it("finds what the engine finds in long texts of all characters", () => {
    const all = Array.from({ length: 0x11000 }, (_, index) => String.fromCodePoint(index * 16)).join("");
    for (const source of ["\\p{Lu}\\p{Lu}\\p{Lu}$", "^\\P{Cs}*\\p{Cs}+[^]{1024,}$", "[^\\s\\S]", "(?<=😁)"])
      expect(new LinearRegex(source).test(all)).toBe(new RegExp(source, "u").test(all));
  });

  it("finds the same again when it has forgotten its steps", () => {
    const source = "a[a-]{20}-b";
    const linear = new LinearRegex(source);
    const text = noise(30_000);
    for (let round = 0; round < 3; round++) {
      expect(linear.test(text)).toBe(false);
      expect(linear.test(`${text}a${"-".repeat(21)}b`)).toBe(true);
      expect(linear.test(`${text}a${"-".repeat(22)}b`)).toBe(
        new RegExp(source, "u").test(`${text}a${"-".repeat(22)}b`),
      );
    }
  });
});

describe("the work of a linear matcher", () => {
  const SIZE = 2_000;
  it.each([
    ["^(a+)+$", `${"a".repeat(SIZE)}!`],
    ["^(a*)*$", `${"a".repeat(SIZE)}!`],
    ["(a|a)*b", "a".repeat(SIZE)],
    ["(a|aa)+$", `${"a".repeat(SIZE)}!`],
    ["(.*a){12}", "a".repeat(11)],
    ["^(\\w+\\s?)*$", `${"a ".repeat(SIZE / 2)}!`],
    ["(x+x+)+y", "x".repeat(SIZE)],
    ["(a?){30}a{30}", "a".repeat(29)],
    ["(?=(a+)+b)a", "a".repeat(SIZE)],
    ["(?<!b(a+)+)!", `${"a".repeat(SIZE)}!`],
    ["[a-z]+$", `${"a".repeat(SIZE)}!`],
    ["\\s+$", `${" ".repeat(SIZE)}x`],
    ["\\d+\\d+x", "1".repeat(SIZE)],
    [".*.*=.*", "a".repeat(SIZE)],
    ["^.*a.*a.*a.*a$", `${"a".repeat(SIZE)}!`],
    ["-[a-z-]{15}!", noise(SIZE)],
    ["-[a-z-]{1,15}!", noise(SIZE)],
    ["-[a-z-]{300}!", noise(SIZE)],
    ["-[a-z-]{1,300}!", noise(SIZE)],
    ["(?=.{15}!)-|(?<=-.{15})!", noise(SIZE)],
  ])("of %s grows with the text", (source, text) => {
    const long = text.repeat(8);
    // A step over each node for each character, at most; a pattern has no more nodes than twice its characters, written out.
    const written = source.length + 15 + 30 * 2 * Number(source.includes("{30}") || source.includes("{12}"));
    expect(workOf(source, long) - workOf(source, text)).toBeLessThanOrEqual(long.length * 2 * written);
  });

  it("is a look at each character where steps can be remembered", () => {
    const work = (length: number): number => workOf("^(?:[a-z]+\\.)*[a-z]+$|[a-z]+!", "abc.de".repeat(length));
    expect(work(2_000) - work(1_000)).toBe(6_000);
  });
});

describe("what cannot be matched in linear time", () => {
  it.each([
    ["a reference back", "(a)\\1", "refers back"],
    ["a reference back by name", "(?<x>a)\\k<x>", "refers back"],
    ["counts of counts", "^(a{1,100}){1,100}$", "too large"],
    ["a large count", "^.{1,100000}$", "maxLength"],
    ["many looks", "(?=a)(?=b)(?=c)(?=d)(?=e)(?=f)(?=g)(?=h)(?=i)", "more than 8 times"],
    ["many groups", `${"(".repeat(1_000)}a${")".repeat(1_000)}`, "nests"],
  ])("%s is unfit, and the fault says why", (_name, source, why) => {
    expect(() => new LinearRegex(source)).toThrow(RegexUnfit);
    expect(() => new LinearRegex(source)).toThrow(why);
  });

  it("flags within are not known to every engine", () => {
    expect(() => new LinearRegex("(?i:a)")).toThrow(SyntaxError);
    expect(() => new LinearRegex("(?-i:a)")).toThrow(SyntaxError);
  });
});
