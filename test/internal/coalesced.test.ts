import { describe, expect, it } from "vitest";
import { Coalesced } from "../../src/internal/coalesced.ts";

function steps() {
  const open: (() => void)[] = [];
  let running = 0;
  let most = 0;
  let runs = 0;
  const task = async (): Promise<void> => {
    runs++;
    most = Math.max(most, ++running);
    await new Promise<void>((resolve) => open.push(resolve));
    running--;
  };
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { task, open, turn, counts: () => ({ runs, most }) };
}

describe("coalesced runs", () => {
  it("gives callers a run that began after they called, shared, never two at once", async () => {
    const { task, open, turn, counts } = steps();
    const coalesced = new Coalesced(task);
    const first = [coalesced.run(), coalesced.run()];
    await turn();
    const second = [coalesced.run(), coalesced.run(), coalesced.run()];
    await turn();
    expect(counts()).toEqual({ runs: 1, most: 1 });
    open.shift()?.();
    await Promise.all(first);
    await turn();
    expect(counts()).toEqual({ runs: 2, most: 1 });
    open.shift()?.();
    await Promise.all(second);
    await coalesced.idle();
    expect(counts()).toEqual({ runs: 2, most: 1 });
  });

  it("fails those whose run failed, and runs again", async () => {
    let fails = true;
    const coalesced = new Coalesced(async () => {
      if (fails) throw new Error("once");
    });
    await expect(Promise.all([coalesced.run(), coalesced.run()])).rejects.toThrow("once");
    fails = false;
    await expect(coalesced.run()).resolves.toBeUndefined();
  });

  it("is idle only after the run that is to come", async () => {
    const { task, open, turn, counts } = steps();
    const coalesced = new Coalesced(task);
    void coalesced.run();
    await turn();
    void coalesced.run();
    const idle = coalesced.idle();
    open.shift()?.();
    await turn();
    open.shift()?.();
    await idle;
    expect(counts().runs).toBe(2);
  });
});
