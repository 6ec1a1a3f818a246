import { describe, expect, it } from "vitest";
import { isSafePattern } from "../../src/message/pattern-safety.ts";
import { regexParts } from "../../src/message/regex-parts.ts";

describe("a pattern with two ways round a loop", () => {
  it.each([
    "(a+)+",
    "(a*)*",
    "(a|a)*",
    "(a|aa)+",
    "([a-z]+)*",
    "(.*a){12}",
    "(\\w+\\s?)*",
    "(x+x+)+y",
    "((a+)b?)+c",
    "(a?b?)*",
    "(a*b*)*",
    "(a|[^b])*",
    "(?:\\d+|[0-9a-f])+",
    "(?<year>\\d+)+",
    "((?=x)a+)+",
    "(?=(a+)+)b",
    "(\\u0061|a)*",
    "(\\x61|\\w)+",
    "(é|[à-ü])*",
    "([^]|.)*",
    "(a?){30}a{30}",
    "((ab|a)(b|))+",
    "(?:[a-z]{1,40}-?){20}",
    "^(([a-z])+.)+[A-Z]([a-z])+$",
  ])("%s is unsafe", (pattern) => {
    expect(isSafePattern(pattern, "u")).toBe(false);
  });

  it.each(["(a)\\1", "(?<x>a)\\k<x>"])("%s refers back and counts as unsafe", (pattern) => {
    expect(isSafePattern(pattern, "u")).toBe(false);
  });

  it("is found whichever letter case is ignored", () => {
    expect(isSafePattern("(a|A)*", "u")).toBe(true);
    expect(isSafePattern("(a|A)*", "iu")).toBe(false);
  });
});

describe("a pattern with one way round each loop", () => {
  it.each([
    "",
    "^$",
    "a+b+",
    "^[a-z]+[a-z]*$",
    "(ab)+",
    "(a|b)*",
    "(a|ba)*",
    "([a-z0-9]+-)*[a-z0-9]+",
    "(?:[^,]+)(?:,[^,]+)*",
    '^([^"\\\\]|\\\\.)*$',
    "\\p{L}+(\\s\\p{L}+)*",
    "(?:(?!\\.\\.).)*",
    "^(?=.*\\d)(?=.*[a-z]).{8,64}$",
    "^[a-z]{1,20}(-[a-z]{1,20}){0,10}$",
    "^(\\d{1,3}\\.?){4}$",
    "[\\]\\)(]+x",
    "(a\\|b)*",
    "(\\(a\\))*",
    "a{2,}b{3}",
    "(?:a{0}b)*",
    "\\u{1F600}+",
    "^\\d{4}-(0[1-9]|1[0-2])-([0-2]\\d|3[01])T\\d\\d:\\d\\d(:\\d\\d(\\.\\d+)?)?Z$",
    "^(?:[A-Za-z0-9_'+\\-]+\\.)*[A-Za-z0-9_'+\\-]*[A-Za-z0-9_+\\-]@(?:[A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$",
  ])("%s is safe", (pattern) => {
    expect(isSafePattern(pattern, "u")).toBe(true);
  });

  it.each([
    ["^(?:[a-z]+\\.)*[a-z]+$", `${"a.".repeat(20_000)}!`],
    ['^([^"\\\\]|\\\\.)*$', `${"\\a".repeat(20_000)}"`],
    ["^(a|ba)*$", `${"ba".repeat(20_000)}c`],
  ])("%s refuses a long text at once", (pattern, text) => {
    const started = performance.now();
    expect(new RegExp(pattern, "u").test(text)).toBe(false);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe("the check itself", () => {
  it.each([
    `${"(".repeat(2_000)}a${")*".repeat(2_000)}`,
    `(${"a|".repeat(900)}b)*`,
    `(${"[a-z]?".repeat(400)}x)*`,
    `${"(a*)".repeat(600)}`,
    "a".repeat(5_000),
    "(a{1,32}){1,32}",
  ])("answers a pattern made to be slow", (pattern) => {
    const started = performance.now();
    expect(typeof isSafePattern(pattern, "u")).toBe("boolean");
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it("takes a pattern apart as it is written", () => {
    expect(regexParts("a|[b\\]]{2,3}?", "u")).toEqual({
      kind: "choice",
      options: [
        { kind: "sequence", parts: [{ kind: "character", source: "a" }] },
        {
          kind: "sequence",
          parts: [{ kind: "repeat", min: 2, max: 3, part: { kind: "character", source: "[b\\]]" } }],
        },
      ],
    });
  });
});
