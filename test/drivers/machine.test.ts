import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { isCertainlyDead, markOfThisProcess } from "../../src/drivers/machine.ts";

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
