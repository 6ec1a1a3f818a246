import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bus, defineAgent, defineMessage } from "agentwire";
import { FakeClock } from "agentwire/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { assemble } from "../../src/connect.ts";
import { loadDriver } from "../../src/drivers.ts";
import type { Clock } from "../../src/internal/clock.ts";
import { gate } from "../support/buses.ts";

const Note = defineMessage("note", z.object({ n: z.number() }));
const LEASE = 30_000;

/** The clock of a process that can stand still: time passes, and none of its timers fires. */
function clockOf(time: FakeClock): Clock & { stand(duration: number): void } {
  let stood = 0;
  return {
    now: () => time.now() + stood,
    monotonic: () => time.monotonic() + stood,
    after: (delay, listener) => time.after(delay, listener),
    stand: (duration) => void (stood += duration),
  };
}

describe("a process that stood still for longer than its lease, on sqlite", () => {
  const buses: Bus[] = [];
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "agentwire-standstill-"));
  });
  afterEach(async () => {
    for (const bus of buses.splice(0)) await bus.close({ grace: 0 });
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(clock: Clock): Promise<Bus> {
    const url = `sqlite:${join(folder, "bus.db")}`;
    const bus = await assemble(url, { logger: false }, { clock, random: Math.random, loadDriver });
    buses.push(bus);
    return bus;
  }

  /** Joins a worker whose first handler waits; resolves once that has begun. */
  async function busy(bus: Bus): Promise<{ readonly handled: number[]; go(): void }> {
    const handled: number[] = [];
    const begun = gate();
    const held = gate();
    await bus.join(
      defineAgent({ name: "worker", lease: LEASE }).on(Note, async ({ payload }) => {
        handled.push(payload.n);
        begun.open();
        if (payload.n === 0) await held.promise;
      }),
    );
    for (const n of [0, 1, 2]) await bus.send(Note, { n }, { to: "worker" });
    await begun.promise;
    return { handled, go: () => held.open() };
  }

  it("runs no handler on what another has been handed meanwhile [lease.lapse]", async () => {
    const clock = clockOf(new FakeClock());
    const stopped = await open(clock);
    const { handled, go } = await busy(stopped);
    const time = new FakeClock();
    const other = await open(time);
    const taken: number[] = [];
    await other.join(
      defineAgent({ name: "worker", lease: LEASE }).on(Note, ({ payload }) => void taken.push(payload.n)),
    );
    while (taken.length < 3) await time.advance(1_000);
    clock.stand(3 * LEASE);
    go();
    await stopped.settled();
    expect([...taken].sort()).toEqual([0, 1, 2]);
    expect(handled).toEqual([0]);
    expect((await stopped.inboxes.get("worker"))?.ended.acknowledged).toBe(3);
  });

  it("goes on with what nobody else has taken [lease.renew]", async () => {
    const clock = clockOf(new FakeClock());
    const bus = await open(clock);
    const { handled, go } = await busy(bus);
    clock.stand(3 * LEASE);
    go();
    await bus.settled();
    expect(handled).toEqual([0, 1, 2]);
  });
});
