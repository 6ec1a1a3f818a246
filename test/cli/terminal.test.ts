import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readAddress } from "../../src/cli/address.ts";
import { familyOf } from "../../src/cli/demo/advisor.ts";
import { isPlace } from "../../src/cli/demo/find-packages.ts";
import { readFacts } from "../../src/cli/demo/package-facts.ts";
import { age } from "../../src/cli/terminal/age.ts";
import { plainText } from "../../src/cli/terminal/plain-text.ts";
import { styleFor } from "../../src/cli/terminal/style.ts";
import { table } from "../../src/cli/terminal/table.ts";

describe("text for a terminal", () => {
  it("never has a control character, whatever it comes from", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(plainText(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
      }),
    );
  });

  it("leaves plain text as it is, and shows the rest", () => {
    expect(plainText("Grüße, 世界!")).toBe("Grüße, 世界!");
    expect(plainText("\u001b[31mred\n\u009b")).toBe("\\e[31mred\\n\\u{9b}");
  });

  it("sets tables in columns, one line a row", () => {
    expect(
      table(
        [{ title: "a" }, { title: "n", right: true }],
        [
          ["x\ny", 5],
          ["long name", 12],
        ],
      ),
    ).toEqual(["a           n", "x\\ny        5", "long name  12"]);
  });

  it("is coloured on terminals only", () => {
    expect(styleFor({ isTTY: true }, {}).bad("x")).toContain("\u001b[");
    expect(styleFor({ isTTY: true }, { NO_COLOR: "1" }).bad("x")).toBe("x");
    expect(styleFor({ isTTY: true }, { TERM: "dumb" }).bad("x")).toBe("x");
    expect(styleFor({}, {}).bad("x")).toBe("x");
  });

  it("tells ages", () => {
    expect([5_000, 600_000, 7_200_000, 5 * 86_400_000].map((past) => age(0, past))).toEqual([
      "5 s",
      "10 min",
      "2 h",
      "5 d",
    ]);
  });
});

describe("addresses", () => {
  it("are names, or filters", () => {
    expect(readAddress("ann")).toBe("ann");
    expect(readAddress("role=cso,region=eu")).toEqual({ role: "cso", region: "eu" });
    for (const wrong of ["rank=1", "role=", "role=a,"]) expect(() => readAddress(wrong)).toThrow(/is no address/);
  });
});

describe("the demo's knowledge", () => {
  it("puts licences into families: of OR the freest counts, of AND the strictest", () => {
    const families = [
      "MIT",
      "GPL-3.0",
      "(MIT OR GPL-3.0)",
      "MIT AND GPL-3.0-only",
      "MPL-2.0",
      "CC0-1.0",
      "My Own",
      "",
    ].map(familyOf);
    expect(families).toEqual([
      "permissive",
      "copyleft",
      "permissive",
      "copyleft",
      "weak copyleft",
      "public domain",
      "unknown",
      "none",
    ]);
  });

  it("reads licences as old packages write them", () => {
    expect(readFacts('{"name":"a","license":{"type":"MIT"}}')).toEqual({ name: "a", version: "", licence: "MIT" });
    expect(readFacts('{"licenses":[{"type":"MIT"},{"type":"ISC"}]}').licence).toBe("MIT OR ISC");
    for (const wrong of ["[]", "null", "7", "{"]) expect(() => readFacts(wrong)).toThrow(/package\.json is not/);
  });

  it("knows where a package may lie", () => {
    expect(
      ["/x/node_modules/a", "/x/node_modules/@s/a", "/x/node_modules/a/lib"].map((path) => isPlace(path, true)),
    ).toEqual([true, true, false]);
    expect(isPlace("/x/any", false)).toBe(true);
  });
});
