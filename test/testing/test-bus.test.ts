import { defineAgent, defineMessage } from "agentwire";
import { testBus } from "agentwire/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { failure, gate } from "../support/buses.ts";

const Paid = defineMessage("paid", z.object({ tx: z.string() }));
const Charge = defineMessage("charge", z.object({ amount: z.number() }), { reply: z.object({ tx: z.string() }) });
const Note = defineMessage("note", z.object({ n: z.number() }));

describe("testBus", () => {
  it("shows what was sent", async () => {
    const bus = await testBus({ seed: 7 });
    const pay = defineAgent({ name: "pay", sends: [Paid] }).on(Charge, async (_message, ctx) => {
      await ctx.publish(Paid, { tx: "1" }, { channel: "paid" });
      return { tx: "1" };
    });
    await bus.join(pay);
    expect((await bus.request(Charge, { amount: 5 })).tx).toBe("1");
    await bus.settled();
    expect(bus.sent(Paid).map((message) => message.payload.tx)).toEqual(["1"]);
    await bus.close();
  });

  it("lets time pass only when told to", async () => {
    const bus = await testBus();
    const seen: number[] = [];
    await bus.join(defineAgent({ name: "reader" }).on(Note, ({ payload }) => void seen.push(payload.n)));
    await bus.send(Note, { n: 1 }, { to: "reader", delay: "1h" });
    await bus.clock.advance("59m");
    expect(seen).toEqual([]);
    await bus.clock.advance("1m");
    expect(seen).toEqual([1]);
    await bus.close();
  });

  it("ends a request by its timeout without waiting for it", async () => {
    const bus = await testBus();
    await bus.join(defineAgent({ name: "pay" }).on(Charge, () => new Promise<never>(() => {})));
    const error = failure(bus.request(Charge, { amount: 1 }, { timeout: "30s" }));
    await bus.clock.advance("30s");
    expect(await error).toMatchObject({ code: "TIMEOUT" });
    await bus.close();
  });

  it("repeats the same faults for the same seed, and loses nothing by them", async () => {
    const run = async (seed: number): Promise<number[]> => {
      const bus = await testBus({ seed, faults: { dropAck: 0.3, crash: 0.1, delay: 0.2, reorder: 0.2 } });
      const attempts: number[] = [];
      const done = new Set<number>();
      await bus.join(
        defineAgent({ name: "reader", retry: { attempts: 100 } }).on(Note, ({ payload }, ctx) => {
          attempts.push(ctx.attempt);
          done.add(payload.n);
        }),
      );
      for (let n = 0; n < 100; n++) await bus.send(Note, { n }, { to: "reader" });
      await bus.clock.advance("1m");
      await bus.settled();
      expect(done.size).toBe(100);
      expect((await bus.inboxes.get("reader"))?.ended.acknowledged).toBe(100);
      await bus.close();
      return attempts;
    };
    const first = await run(42);
    expect(first.length).toBeGreaterThan(100);
    expect(await run(42)).toEqual(first);
    expect(await run(43)).not.toEqual(first);
  });

  it("tells a handler that its message was withdrawn", async () => {
    const bus = await testBus();
    const begun = gate();
    const told = gate<unknown>();
    const reader = defineAgent({ name: "reader" }).on(Note, async (_message, { signal }) => {
      begun.open();
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      told.open(signal.reason);
    });
    await bus.join(reader);
    const { id } = await bus.send(Note, { n: 1 }, { to: "reader" });
    await begun.promise;
    await bus.withdraw(id);
    expect(await told.promise).toMatchObject({ code: "WITHDRAWN" });
    await bus.close();
  });

  it("cuts the bus off and heals it", async () => {
    const bus = await testBus();
    const seen: number[] = [];
    await bus.join(defineAgent({ name: "reader" }).on(Note, ({ payload }) => void seen.push(payload.n)));
    bus.partition(true);
    expect(await failure(bus.send(Note, { n: 1 }, { to: "reader" }))).toMatchObject({ code: "BACKPRESSURE" });
    bus.partition(false);
    await bus.send(Note, { n: 2 }, { to: "reader" });
    await bus.settled();
    expect(seen).toEqual([2]);
    await bus.close();
  });
});
