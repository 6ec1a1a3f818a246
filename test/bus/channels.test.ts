import { channel, defineAgent, defineMessage } from "agentwire";
import { describe, expect, it } from "vitest";
import { failure, gate, onEachDriver } from "../support/buses.ts";

const Note = defineMessage("note", { type: "object" });
const reader = (name: string, ...subscribes: string[]) =>
  defineAgent({ name, subscribes, sends: [Note] }).on(Note, () => {});

onEachDriver("channels", (buses, driver) => {
  describe("templates", () => {
    it("take a request to all of one session, and its response back [channel.pattern]", async () => {
      const payments = channel("payments.{direction}.{session}");
      const bus = await buses.open();
      const answered = gate<string | undefined>();
      const Ask = defineMessage("ask", { type: "object" });
      await bus.join(
        defineAgent({ name: "till", subscribes: [payments.pattern({ direction: "request" })], sends: [Note] }).on(
          Ask,
          async (message, ctx) => {
            await ctx.publish(Note, {}, { channel: payments.with(message.channel ?? "", { direction: "response" }) });
          },
        ),
      );
      await bus.join(
        defineAgent({ name: "one", subscribes: [payments.pattern({ session: "a.b" })] }).on(Note, (message) =>
          answered.open(message.channel),
        ),
      );
      await bus.join(reader("other", payments.pattern({ session: "a" })));
      await bus.publish(Ask, {}, { channel: payments.format({ direction: "request", session: "a.b" }) });
      expect(payments.parse((await answered.promise) ?? "")).toEqual({ direction: "response", session: "a.b" });
      await bus.settled();
      expect((await bus.inboxes.get("other"))?.accepted).toBe(0);
    });
  });

  describe("routes", () => {
    it("lead to the subscribers of their targets, one copy each, none to the publisher [channel.route]", async () => {
      const bus = await buses.open();
      const seen = gate<string | undefined>();
      await bus.join(
        defineAgent({ name: "audit", subscribes: ["audit.payments", "audit.**", "payments.eu.*"] }).on(
          Note,
          (message) => seen.open(message.channel),
        ),
      );
      await bus.join(reader("desk", "payments.**"));
      const teller = await bus.join(reader("teller", "audit.payments"));
      await bus.channels.route("payments.*.*", ["audit.payments", "audit.all"]);
      const receipt = await teller.publish(Note, {}, { channel: "payments.eu.7" });
      expect([...receipt.recipients].sort()).toEqual(["audit", "desk"]);
      expect(await seen.promise).toBe("payments.eu.7");
      expect((await bus.publish(Note, {}, { channel: "payments.eu" })).recipients).toEqual(["desk"]);
      expect((await bus.publish(Note, {}, { channel: "audit.payments" })).recipients).not.toContain("desk");
    });

    it("go on from where others end, and a ring ends where it began [channel.route]", async () => {
      const bus = await buses.open();
      for (const name of ["a", "b", "c"]) await bus.join(reader(name, name));
      await bus.channels.route("a", ["b"]);
      await bus.channels.route("b", ["c"]);
      await bus.channels.route("*", ["a"]);
      const receipt = await bus.publish(Note, {}, { channel: "b" });
      expect([...receipt.recipients].sort()).toEqual(["a", "b", "c"]);
    });

    it("end when they are taken back, one by one or all [channel.route]", async () => {
      const bus = await buses.open();
      for (const name of ["a", "b", "c"]) await bus.join(reader(name, name));
      await bus.channels.route("s.**", ["a", "b"]);
      await bus.channels.route("s.**", ["b", "c"]);
      expect((await bus.channels.status("s.**"))?.routes).toEqual(["a", "b", "c"]);
      const reached = async () => [...(await bus.publish(Note, {}, { channel: "s.1" })).recipients].sort();
      expect(await reached()).toEqual(["a", "b", "c"]);
      await bus.channels.unroute("s.**", ["b", "other"]);
      expect(await reached()).toEqual(["a", "c"]);
      await bus.channels.unroute("s.**");
      await bus.channels.unroute("s.**");
      expect(await reached()).toEqual([]);
    });

    it("refuse what is no pattern, no channel, or too much", async () => {
      const bus = await buses.open();
      const many = Array.from({ length: 1_001 }, (_, at) => `t.${at}`);
      expect(await failure(bus.channels.route("a..b", ["c"]))).toMatchObject({ code: "PATTERN_INVALID" });
      expect(await failure(bus.channels.route("a", ["c.*"]))).toMatchObject({ code: "NAME_INVALID" });
      expect(await failure(bus.channels.route("a", many))).toMatchObject({ code: "LIMIT_EXCEEDED" });
      expect(await failure(bus.channels.declare(`a.${"b".repeat(490)}`))).toMatchObject({ code: "PATTERN_INVALID" });
      expect((await bus.channels.status("a"))?.routes ?? []).toEqual([]);
    });

    it.skipIf(driver === "memory")("are known to senders of other processes once set [channel.route]", async () => {
      const [first, second] = [await buses.open(), await buses.open()];
      await first.join(reader("audit", "audit"));
      const publish = async () => (await second.publish(Note, {}, { channel: "orders.1" })).recipients;
      expect(await publish()).toEqual([]);
      await first.channels.route("orders.*", ["audit"]);
      expect(await publish()).toEqual(["audit"]);
      expect((await second.channels.status("orders.*"))?.routes).toEqual(["audit"]);
      await first.channels.unroute("orders.*");
      expect(await publish()).toEqual([]);
      const third = await buses.open();
      await third.channels.route("orders.1", ["audit"]);
      expect(await publish()).toEqual(["audit"]);
    });
  });

  describe("status", () => {
    it("tells since when a channel is there, who is subscribed and whether anyone is at work [channel.status]", async () => {
      const bus = await buses.open();
      const before = Date.now();
      await bus.channels.declare("news.*", { description: "What happens" });
      const agent = await bus.join(reader("reader", "talk"));
      const [news, talk] = await bus.channels.list();
      expect(news).toMatchObject({
        name: "news.*",
        description: "What happens",
        declared: true,
        subscribers: [],
        active: false,
        waiting: 0,
      });
      expect(talk).toMatchObject({ name: "talk", declared: false, subscribers: ["reader"], active: true });
      for (const status of [news, talk]) expect(status?.created).toBeGreaterThanOrEqual(before);
      await agent.leave();
      await bus.publish(Note, {}, { channel: "talk" });
      await bus.channels.declare("talk");
      expect(await bus.channels.status("talk")).toEqual({ ...talk, declared: true, active: false, waiting: 1 });
    });

    it("removes what nobody uses, and only that [channel.status]", async () => {
      const bus = await buses.open();
      await bus.channels.declare("declared");
      const agent = await bus.join(reader("reader", "left", "kept.one", "kept.*"));
      await bus.channels.route("source", ["target"]);
      for (const name of ["target", "left", "kept.one"]) {
        await agent.subscribe(name);
        await agent.unsubscribe(name);
      }
      expect(await bus.channels.prune()).toEqual(["left"]);
      const names = (await bus.channels.list()).map((status) => status.name);
      expect(names).toEqual(["declared", "kept.*", "kept.one", "source", "target"]);
      await bus.channels.unroute("source");
      expect(await bus.channels.prune()).toEqual(["source", "target"]);
    });

    it("closes what has subscribers only when forced, with its routes [channel.status]", async () => {
      const bus = await buses.open();
      const closed: string[] = [];
      bus.events.on("channel.closed", (event) => closed.push(event.channel));
      await bus.join(reader("a", "s.*"));
      await bus.join(reader("b", "s.*", "t"));
      await bus.channels.route("s.*", ["t"]);
      expect(await failure(bus.channels.close("s.*"))).toMatchObject({
        code: "CHANNEL_IN_USE",
        message: expect.stringContaining("2 subscribers"),
      });
      await bus.channels.close("s.*", { force: true });
      expect((await bus.publish(Note, {}, { channel: "s.1" })).recipients).toEqual([]);
      await bus.channels.declare("d");
      await bus.channels.close("d");
      await bus.channels.close("unknown");
      expect((await bus.channels.list()).map((status) => status.name)).toEqual(["t"]);
      expect(closed).toEqual(["s.*", "d"]);
    });
  });

  describe("capacity", () => {
    /** Subscribed, but takes nothing by itself. */
    const idle = (name: string, ...subscribes: string[]) => defineAgent({ name, subscribes, receives: [Note] });

    it("lets the messages of a channel fill a part of each inbox, and dead-letters what is over it [channel.capacity]", async () => {
      const bus = await buses.open();
      const full = await bus.join(idle("full", "news.**"));
      await bus.channels.declare("news.*", { capacity: 2 });
      for (const name of ["news.a", "news.b"]) await bus.publish(Note, {}, { channel: name });
      await bus.join(idle("fresh", "news.*"));
      const over = await bus.publish(Note, {}, { channel: "news.a" });
      expect([...over.recipients].sort()).toEqual(["fresh", "full"]);
      expect((await bus.receipts.get(over.id))?.ends).toEqual({ full: "dead-lettered" });
      expect(await bus.deadLetters.list()).toMatchObject([{ recipient: "full", code: "INBOX_FULL" }]);
      for (const channel of ["news", "news.a.more"]) await bus.publish(Note, {}, { channel, requireRecipients: false });
      await bus.send(Note, {}, { to: "full" });
      expect(await bus.inboxes.get("full")).toMatchObject({ waiting: 4, ended: { "dead-lettered": 1 } });
      const [first] = await full.receive();
      await first?.ack();
      await bus.publish(Note, {}, { channel: "news.a" });
      expect((await bus.inboxes.get("full"))?.waiting).toBe(4);
    });

    it("drops the oldest where that is asked for, and ends when it is declared anew [channel.capacity]", async () => {
      const bus = await buses.open();
      const agent = await bus.join(idle("reader", "prices.*"));
      await bus.channels.declare("prices.*", { capacity: 100 });
      await bus.channels.declare("prices.tea", { capacity: 1, overflow: "drop-oldest" });
      expect(await bus.channels.status("prices.tea")).toMatchObject({ capacity: 1, overflow: "drop-oldest" });
      const receipts = [];
      for (let n = 0; n < 3; n++) receipts.push(await bus.publish(Note, {}, { channel: "prices.tea" }));
      await bus.publish(Note, {}, { channel: "prices.oil" });
      expect((await receipts[1]?.settled())?.ends).toEqual({ reader: "dropped" });
      expect((await agent.peek()).map(({ id }) => id)).toContain(receipts[2]?.id);
      expect((await bus.inboxes.get("reader"))?.waiting).toBe(2);
      await bus.channels.declare("prices.tea");
      expect(await bus.channels.status("prices.tea")).not.toHaveProperty("capacity");
      await bus.channels.close("prices.*", { force: true });
      await agent.subscribe("prices.*");
      for (let n = 0; n < 3; n++) await bus.publish(Note, {}, { channel: "prices.tea" });
      expect((await bus.inboxes.get("reader"))?.waiting).toBe(5);
    });

    it("refuses what is no capacity", async () => {
      const bus = await buses.open();
      const declare = (declaration: object) => failure(bus.channels.declare("a", declaration));
      for (const capacity of [0, 1.5, 100_001, "2"])
        expect(await declare({ capacity })).toMatchObject({ code: "OUT_OF_RANGE" });
      expect(await declare({ capacity: 1, overflow: "wait" })).toMatchObject({ code: "OUT_OF_RANGE" });
      expect(await declare({ overflow: "reject" })).toMatchObject({ code: "ARGUMENT_INVALID" });
      expect(await bus.channels.list()).toEqual([]);
    });

    it.skipIf(driver === "memory")(
      "holds for senders of other processes once declared [channel.capacity]",
      async () => {
        const [first, second] = [await buses.open(), await buses.open()];
        await first.join(idle("reader", "a"));
        await first.channels.declare("a", { capacity: 3 });
        await Promise.all(
          [first, second, first, second, first, second].map((bus) => bus.publish(Note, {}, { channel: "a" })),
        );
        expect(await first.inboxes.get("reader")).toMatchObject({ waiting: 3, ended: { "dead-lettered": 3 } });
      },
    );
  });
});
