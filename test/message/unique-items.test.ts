import { expect, it } from "vitest";
import { compileJson } from "../../src/message/json-compiled.ts";

const unique = compileJson({ type: "array", uniqueItems: true }, "list");
const isUnique = (items: readonly unknown[]): boolean => "value" in unique.validate(items);

it("finds equal items whatever the order of their keys, and takes different ones", () => {
  expect(
    isUnique([
      { a: 1, b: [2] },
      { b: [2], a: 1 },
    ]),
  ).toBe(false);
  expect(isUnique([1, "1", [1], { a: 1 }, null, true, "true"])).toBe(true);
  expect(isUnique([0, -0])).toBe(false);
  expect(unique.validate([1, 1])).toEqual({ issues: [{ path: [], message: "must not have equal items" }] });
  expect("value" in compileJson({ uniqueItems: false }, "list").validate([1, 1])).toBe(true);
});

it("looks at every item once", () => {
  let looks = 0;
  const items = Array.from({ length: 2_000 }, (_, at) => ({
    get at(): number {
      looks++;
      return at;
    },
  }));
  expect(isUnique(items)).toBe(true);
  expect(looks).toBe(items.length);
});
