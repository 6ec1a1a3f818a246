import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { packHeld, unpackHeld } from "../../../src/drivers/sqlite/claim-table.ts";
import { isCertainlyDead, markOfThisProcess } from "../../../src/drivers/sqlite/machine.ts";

describe("isCertainlyDead", () => {
  const here = markOfThisProcess();

  it("takes this process and its parent for alive", () => {
    expect(isCertainlyDead(here, here)).toBe(false);
    expect(isCertainlyDead({ ...here, pid: process.ppid, started: "" }, here)).toBe(false);
  });

  it("knows a process that has ended", async () => {
    const child = spawn(process.execPath, ["-e", "0"]);
    const pid = child.pid as number;
    await once(child, "exit");
    expect(isCertainlyDead({ ...here, pid, started: "1" }, here)).toBe(true);
  });

  it("is not deceived by a number that was given away again", () => {
    expect(isCertainlyDead({ ...here, started: "another time" }, here)).toBe(true);
  });

  it("takes processes of another boot for dead, and those of another namespace for alive", () => {
    expect(isCertainlyDead({ ...here, boot: "earlier" }, here)).toBe(true);
    expect(isCertainlyDead({ ...here, pid: 999_999_999, namespace: "pid:[1]" }, here)).toBe(false);
  });
});

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
