import { describe, expect, it } from "vitest";
import { packHeld, unpackHeld } from "../../../src/drivers/sqlite/claim-table.ts";

describe("held slots", () => {
  it("come out as they went in, and survive bytes that do not fit", () => {
    const held = [
      { slot: 2 ** 44 + 7, until: 12.5, offeredAt: 1_790_000_000_000 },
      { slot: 1, until: 0, offeredAt: 1 },
    ];
    expect(unpackHeld(packHeld(held, 2))).toEqual(held);
    expect(unpackHeld(packHeld([], 0))).toEqual([]);
    expect(unpackHeld(packHeld(held, 2).slice(0, 30))).toEqual([held[0]]);
  });
});
