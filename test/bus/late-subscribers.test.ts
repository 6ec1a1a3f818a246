import { type Bus, defineAgent, defineMessage, type Message } from "agentwire";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { failure, onEachDriver } from "../support/buses.ts";

const Price = defineMessage("price", z.object({ n: z.number() }));
const Other = defineMessage("other", z.object({ n: z.number() }));

/** A bus agent that keeps what it handles. */
async function collector(bus: Bus, name = "late") {
  const seen: Message<typeof Price>[] = [];
  const agent = await bus.join(
    defineAgent({ name, sends: [Price] }).on(Price, (message) => {
      seen.push(message);
    }),
  );
  return { agent, seen, numbers: () => seen.map(({ payload }) => payload.n) };
}
const publish = async (bus: Bus, from: number, to: number, channel = "prices.tea") => {
  const ids: string[] = [];
  for (let n = from; n <= to; n++) ids.push((await bus.publish(Price, { n }, { channel })).id);
  return ids;
};

onEachDriver("a late subscriber", (buses, driver) => {
  it("gets from the earliest on what it takes and did not send, marked and in order [channel.late]", async () => {
    const bus = await buses.open({ history: true });
    const { agent, seen, numbers } = await collector(bus);
    const [first] = await publish(bus, 1, 3);
    await bus.publish(Other, { n: 0 }, { channel: "prices.tea" });
    await bus.publish(Price, { n: -1 }, { channel: "prices.tea", ttl: 0 });
    await agent.publish(Price, { n: -2 }, { channel: "prices.tea" });
    await publish(bus, -3, -3, "wages.tea");
    await publish(bus, 4, 4, "prices.oil");
    await agent.subscribe("prices.*", { from: "earliest" });
    await publish(bus, 5, 5);
    await bus.settled();
    expect(numbers()).toEqual([1, 2, 3, 4, 5]);
    expect(seen[0]).toMatchObject({ replayOf: first, channel: "prices.tea", from: "bus" });
    expect(seen[0]?.createdAt).toBeLessThanOrEqual(seen[4]?.createdAt ?? 0);
    expect(seen[0]?.id).not.toBe(first);
    expect(seen[4]?.replayOf).toBeUndefined();
    const inbox = await bus.inboxes.get("late");
    expect(inbox).toMatchObject({ accepted: 5, waiting: 0, ended: { acknowledged: 5 } });
    expect((await bus.receipts.get(seen[0]?.id ?? ""))?.ends).toEqual({ late: "acknowledged" });
  });

  it("gets each message once, however often it asks and whatever it got by another way [channel.late]", async () => {
    const bus = await buses.open({ history: true });
    const { agent, numbers } = await collector(bus);
    await publish(bus, 1, 2);
    await agent.subscribe("prices.tea", { from: "earliest" });
    await publish(bus, 3, 3);
    await agent.unsubscribe("prices.tea");
    await publish(bus, 4, 4);
    await agent.subscribe("prices.**", { from: "earliest" });
    await Promise.all([
      agent.subscribe("prices.tea", { from: "earliest" }),
      agent.subscribe("prices.*", { from: "earliest" }),
    ]);
    await bus.settled();
    expect(numbers()).toEqual([1, 2, 3, 4]);
  });

  it("gets the last message of each channel [channel.late]", async () => {
    const bus = await buses.open({ history: true });
    const { agent, numbers } = await collector(bus);
    await publish(bus, 1, 2, "prices.tea");
    await publish(bus, 3, 4, "prices.oil");
    await publish(bus, 5, 5, "prices.tea");
    await agent.subscribe("prices.tea", { from: "last" });
    await bus.settled();
    expect(numbers()).toEqual([5]);
    await agent.subscribe("prices.*", { from: "last" });
    await bus.settled();
    expect(numbers()).toEqual([5, 4]);
  });

  it("gets what came from a time on, or after a message, the one it was handed too [channel.late]", async () => {
    const bus = await buses.open({ history: true });
    const { agent, seen, numbers } = await collector(bus);
    const [, second] = await publish(bus, 1, 3);
    await agent.subscribe("prices.tea", { from: new Date(Date.now() + 60_000) });
    await agent.unsubscribe("prices.tea");
    await bus.settled();
    expect(numbers()).toEqual([]);
    await agent.subscribe("prices.tea", { from: { after: second ?? "" } });
    await agent.unsubscribe("prices.tea");
    await bus.settled();
    expect(numbers()).toEqual([3]);
    await publish(bus, 4, 4);
    // What it was handed was sent again after message 4: it stands for the one that it repeats.
    await agent.subscribe("prices.tea", { from: { after: seen[0]?.id ?? "" } });
    await bus.settled();
    expect(numbers()).toEqual([3, 4]);
    await agent.subscribe("prices.tea", { from: 0 });
    await bus.settled();
    expect(numbers()).toEqual([3, 4, 1, 2]);
  });

  it("gets what routes lead to it", async () => {
    const bus = await buses.open({ history: true });
    const { agent, numbers } = await collector(bus);
    await publish(bus, 1, 2);
    await bus.channels.route("prices.*", ["audit"]);
    await agent.subscribe("audit", { from: "earliest" });
    await bus.settled();
    expect(numbers()).toEqual([1, 2]);
  });

  it("is refused where history is off, and for a start that is none [channel.late]", async () => {
    const bus = await buses.open();
    const { agent } = await collector(bus);
    expect(await failure(agent.subscribe("prices.*", { from: "earliest" }))).toMatchObject({ code: "UNSUPPORTED" });
    expect(await bus.channels.list()).toEqual([]);
    const kept = await buses.open({ history: true });
    const late = await collector(kept, "later");
    const from = (start: unknown) => failure(late.agent.subscribe("prices.*", { from: start as "earliest" }));
    expect(await from({ after: "019b7cf0-0000-7000-8000-000000000000" })).toMatchObject({ code: "ARGUMENT_INVALID" });
    expect(await from("first")).toMatchObject({ code: "OUT_OF_RANGE" });
    expect(await from(null)).toMatchObject({ code: "OUT_OF_RANGE" });
    expect(await from(Number.NaN)).toMatchObject({ code: "OUT_OF_RANGE" });
    expect(await failure(late.agent.subscribe("a..b", { from: "last" }))).toMatchObject({ code: "PATTERN_INVALID" });
  });

  it("is told when its inbox has no room for the past, and gets the rest when it asks again", async () => {
    const bus = await buses.open({ history: true });
    const agent = await bus.join(defineAgent({ name: "small", capacity: 2, receives: [Price] }));
    await publish(bus, 1, 3);
    expect(await failure(agent.subscribe("prices.*", { from: "earliest" }))).toMatchObject({ code: "INBOX_FULL" });
    expect((await publish(bus, 4, 4)).length).toBe(1);
    const take = async () => {
      const deliveries = await agent.receive({ limit: 10 });
      for (const delivery of deliveries) await delivery.ack();
      return deliveries.map(({ message }) => message.payload.n);
    };
    expect(await take()).toEqual([1, 2]);
    await agent.subscribe("prices.*", { from: "earliest" });
    expect(await take()).toEqual([3, 4]);
  });

  describe.skipIf(driver === "memory")("among several processes", () => {
    it("misses nothing and gets nothing twice while others go on publishing [channel.late]", async () => {
      const [first, second, third] = [
        await buses.open({ history: true }),
        await buses.open({ history: true }),
        await buses.open({ history: true }),
      ];
      const one = await collector(first);
      const two = await collector(second);
      await publish(third, 1, 300);
      let stop = false;
      let sent = 300;
      const publishing = (async () => {
        while (!stop) {
          await Promise.all([1, 2, 3].map((more) => publish(third, sent + more, sent + more)));
          sent += 3;
        }
      })();
      await Promise.all([
        one.agent.subscribe("prices.*", { from: "earliest" }),
        two.agent.subscribe("prices.*", { from: "earliest" }),
      ]);
      stop = true;
      await publishing;
      await publish(third, sent + 1, sent + 1);
      await third.settled();
      const numbers = [...one.numbers(), ...two.numbers()].sort((a, b) => a - b);
      expect(numbers).toEqual(Array.from({ length: sent + 1 }, (_, at) => at + 1));
    });
  });
});
