import fc from "fast-check";
import { expect, it } from "vitest";
import { Names, nameOf, tokenOf } from "../../../src/drivers/nats/names.ts";

it("gives inboxes of different names different subjects and consumers", () => {
  const names = new Names("bus/main");
  const part = fc.constantFrom("a", "b", ".", "_", "=", "x", "2e", "5f", "-", "ü", " ");
  const name = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(""));
  const check = (one: string, other: string): void => {
    expect(nameOf(tokenOf(one))).toBe(one);
    expect(names.inboxIn(names.inbox(one, 3))).toEqual({ inbox: one, level: 3 });
    if (one === other) return;
    expect(names.consumer(one, 0)).not.toBe(names.consumer(other, 0));
    expect(names.consumer(one, 0)).not.toMatch(/[=.*> ]/);
    expect(new Names(one).messages).not.toBe(new Names(other).messages);
  };
  check("a.b", "a_x2eb");
  fc.assert(fc.property(name, name, check), { numRuns: 2_000 });
});
