import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { WaitingCopy } from "../../../src/drivers/sqlite/copy.ts";
import type { SlotRange } from "../../../src/drivers/sqlite/ready-table.ts";
import { ReadyWindow } from "../../../src/drivers/sqlite/ready-window.ts";
import { slotOf } from "../../../src/drivers/sqlite/slots.ts";

const copy = (slot: number): WaitingCopy => ({
  slot,
  attempt: 0,
  crashes: 0,
  cancelled: undefined,
  failures: undefined,
  offeredAt: undefined,
  holder: undefined,
  expiresAt: undefined,
  orderKey: undefined,
  message: undefined,
  body: undefined,
});

/** A table of free and taken slots, as the window reads it. */
class Table {
  readonly slots: number[] = [];
  readonly taken = new Set<number>();

  reads = 0;

  read({ after, to, limit }: SlotRange): WaitingCopy[] {
    this.reads++;
    return this.slots
      .filter((slot) => slot > after && slot <= to)
      .sort((a, b) => a - b)
      .slice(0, limit)
      .map(copy);
  }

  isTaken(slot: number): boolean {
    return this.taken.has(slot);
  }

  first(priority: number): number | undefined {
    const free = this.slots.filter((slot) => Math.floor(slot / 2 ** 42) === priority && !this.taken.has(slot));
    return free.length === 0 ? undefined : Math.min(...free);
  }
}

describe("ReadyWindow", () => {
  it("knows the first free copy of each priority, whatever happens to the table", () => {
    const step = fc.record({
      do: fc.constantFrom("add", "add", "add", "take", "take", "give back", "end", "reset"),
      at: fc.nat(),
      priority: fc.nat(4),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.nat(100), (steps, before) => {
        const table = new Table();
        const window = new ReadyWindow();
        let sequence = 0;
        for (let at = 0; at < before; at++) table.slots.push(slotOf(at % 5, ++sequence));
        for (const { do: what, at, priority } of steps) {
          const held = [...table.taken];
          const slot = held[at % Math.max(held.length, 1)];
          if (what === "add") {
            const next = slotOf(priority, ++sequence);
            table.slots.push(next);
            window.append(copy(next));
          } else if (what === "take") {
            const heads = window.heads(table, undefined);
            const first = table.first(priority);
            expect(heads[priority]).toBe(first === undefined ? Number.POSITIVE_INFINITY : first % 2 ** 42);
            if (first !== undefined) {
              expect(window.peek(priority).slot).toBe(first);
              expect(window.take(priority).slot).toBe(first);
              table.taken.add(first);
            }
          } else if (what === "give back" && slot !== undefined) {
            table.taken.delete(slot);
            window.restore(copy(slot));
          } else if (what === "end" && slot !== undefined) {
            table.taken.delete(slot);
            table.slots.splice(table.slots.indexOf(slot), 1);
          } else if (what === "reset") window.reset();
          if (window.isEmpty) for (let level = 0; level < 5; level++) expect(table.first(level)).toBeUndefined();
        }
      }),
    );
  });

  it("looks past copies that may not go now", () => {
    const table = new Table();
    const window = new ReadyWindow();
    for (let sequence = 1; sequence <= 500; sequence++) table.slots.push(slotOf(2, sequence));
    const heads = window.heads(table, (row) => row.slot < slotOf(2, 400));
    expect(heads[2]).toBe(400);
    expect(window.take(2).slot).toBe(slotOf(2, 400));
    expect(window.heads(table, undefined)[2]).toBe(1);
  });

  it("reads once for all priorities where little waits", () => {
    const table = new Table();
    const window = new ReadyWindow();
    table.slots.push(slotOf(1, 2), slotOf(4, 1));
    expect([...window.heads(table, undefined)]).toEqual([Infinity, 2, Infinity, Infinity, 1]);
    window.take(1);
    window.take(4);
    expect([...window.heads(table, undefined)]).toEqual([Infinity, Infinity, Infinity, Infinity, Infinity]);
    expect(window.isEmpty).toBe(true);
    expect(table.reads).toBe(1);
  });

  it("keeps the envelopes of its own messages over a reset", () => {
    const table = new Table();
    const window = new ReadyWindow();
    window.heads(table, undefined);
    const message = { id: "m" } as unknown as NonNullable<WaitingCopy["message"]>;
    const slot = slotOf(1, 1);
    table.slots.push(slot);
    window.append({ ...copy(slot), message });
    window.reset();
    window.heads(table, undefined);
    expect(window.take(1).message).toBe(message);
  });
});
