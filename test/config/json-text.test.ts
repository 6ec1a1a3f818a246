import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Issues } from "../../src/config/issues.ts";
import { parseJson } from "../../src/config/json-text.ts";
import { Unreadable } from "../../src/config/text-value.ts";

function read(text: string): { value: unknown; issues: Issues } {
  const issues = new Issues();
  return { value: parseJson(text, issues), issues };
}

function fault(text: string): Unreadable {
  try {
    read(text);
  } catch (error) {
    if (error instanceof Unreadable) return error;
    throw error;
  }
  throw new Error("It should have failed");
}

describe("JSON with lines", () => {
  it("reads what JSON.parse reads", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), fc.constantFrom(undefined, 2, "\t"), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        if (text.includes('"__proto__"')) return;
        expect(read(text).value).toEqual(JSON.parse(text));
      }),
    );
  });

  it("takes no text that JSON.parse refuses", () => {
    const piece = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"a"',
      '"',
      "\\",
      "1",
      "-",
      "0",
      ".",
      "e",
      "true",
      "nul",
      " ",
      "\n",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join("");
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        if (valid) expect(read(text).value).toEqual(JSON.parse(text));
        else expect(fault(text).message).toMatch(/^is not valid JSON: /);
      }),
      { numRuns: 2_000 },
    );
  });

  it("tells the line and shows nothing of the text", () => {
    const error = fault('{\n  "token": "hunter2",\n  "other": hunter2\n}');
    expect(error.line).toBe(3);
    expect(error.message).not.toContain("hunter");
  });

  it.each([
    ["", 1],
    ["{\n", 2],
    ['{"a": 1\n "b": 2}', 2],
    ["[1,]", 1],
    ['"a', 1],
    ["1 2", 1],
    ["{a: 1}", 1],
  ])("refuses %j at line %i", (text, line) => expect(fault(text).line).toBe(line));

  it("finds a key that is there twice, and one that reaches a prototype", () => {
    const { value, issues } = read('{"a": 1,\n"a": 2,\n"__proto__": {"polluted": 1}}');
    expect(value).toEqual({ a: 1 });
    expect(issues.error("f").details.issues).toEqual([
      { path: "a", line: 2, message: "the key is there twice" },
      { path: "__proto__", line: 3, message: "this key is not allowed" },
    ]);
  });
});
