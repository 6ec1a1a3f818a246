import { describe, expect, it } from "vitest";
import { FakeClock } from "../../src/testing/fake-clock.ts";

describe("FakeClock", () => {
  it("moves wall and monotonic time together, and only when told", async () => {
    const clock = new FakeClock({ now: 5_000 });
    const monotonic = clock.monotonic();
    await clock.advance(250);
    expect(clock.now()).toBe(5_250);
    expect(clock.monotonic() - monotonic).toBe(250);
    clock.jump(-1_000);
    expect(clock.now()).toBe(4_250);
    expect(clock.monotonic() - monotonic).toBe(250);
  });

  it("fires timers in the order of their time, then of their making, at their own time", async () => {
    const clock = new FakeClock({ now: 0 });
    const fired: string[] = [];
    clock.after(20, () => fired.push(`b@${clock.now()}`));
    clock.after(10, () => fired.push(`a@${clock.now()}`));
    clock.after(20, () => fired.push(`c@${clock.now()}`));
    clock.after(31, () => fired.push("late"));
    await clock.advance(30);
    expect(fired).toEqual(["a@10", "b@20", "c@20"]);
    expect(clock.pending).toBe(1);
  });

  it("lets promises settle between timers, and fires timers made on the way", async () => {
    const clock = new FakeClock({ now: 0 });
    const seen: string[] = [];
    clock.after(5, () => {
      void Promise.resolve().then(() => {
        seen.push("settled");
        clock.after(5, () => seen.push(`nested@${clock.now()}`));
      });
    });
    clock.after(10, () => seen.push("ten"));
    await clock.advance(10);
    expect(seen).toEqual(["settled", "ten", "nested@10"]);
  });

  it("does not fire what was cancelled, nor run backwards", async () => {
    const clock = new FakeClock();
    let fired = false;
    clock.after(1, () => (fired = true)).cancel();
    await clock.advance(10);
    expect(fired).toBe(false);
    await expect(clock.advance(-1)).rejects.toThrow(RangeError);
  });
});
