import { type BusEvent, defineAgent, defineMessage } from "agentwire";
import { expect, it } from "vitest";
import { z } from "zod";
import { failure, gate, onEachDriver } from "../support/buses.ts";

const Note = defineMessage("note", z.object({ text: z.string() }));

onEachDriver("sending", (buses) => {
  it("makes one copy for one idempotency key, and answers the second with the first receipt [send.once]", async () => {
    const bus = await buses.open();
    const seen: string[] = [];
    await bus.join(defineAgent({ name: "reader" }).on(Note, ({ payload }) => void seen.push(payload.text)));
    const options = { to: "reader", idempotencyKey: "order-1" };
    const first = await bus.send(Note, { text: "x" }, options);
    const second = await bus.send(Note, { text: "x" }, options);
    expect([first.duplicate, second.duplicate, second.id, second.recipients]).toEqual([
      false,
      true,
      first.id,
      ["reader"],
    ]);
    expect(await failure(bus.send(Note, { text: "y" }, options))).toMatchObject({ code: "ID_CONFLICT" });
    await bus.settled();
    expect(seen).toEqual(["x"]);
  });

  it("ends an order's older message when a newer one supersedes it [stale.supersede]", async () => {
    const bus = await buses.open();
    const seen: string[] = [];
    await bus.join(defineAgent({ name: "reader" }).on(Note, ({ payload }) => void seen.push(payload.text)));
    await bus.inboxes.pause("reader");
    const old = await bus.send(Note, { text: "go left" }, { to: "reader", key: "course" });
    await bus.send(Note, { text: "go right" }, { to: "reader", key: "course", supersedes: { key: "course" } });
    await bus.inboxes.resume("reader");
    await bus.settled();
    expect(seen).toEqual(["go right"]);
    expect((await old.settled()).ends).toEqual({ reader: "superseded" });
  });

  it("withdraws what waits, and aborts what runs [stale.withdraw]", async () => {
    const bus = await buses.open();
    const started = gate();
    const aborted = gate<unknown>();
    await bus.join(
      defineAgent({ name: "reader" }).on(Note, async (_message, ctx) => {
        started.open();
        await new Promise<void>((_, reject) =>
          ctx.signal.addEventListener("abort", () => (aborted.open(ctx.signal.reason), reject(ctx.signal.reason))),
        );
      }),
    );
    const running = await bus.send(Note, { text: "1" }, { to: "reader" });
    await started.promise;
    await bus.inboxes.pause("reader");
    const waiting = await bus.send(Note, { text: "2" }, { to: "reader" });
    expect(await bus.withdraw(waiting.id)).toEqual({ ended: 1, held: 0 });
    expect((await waiting.settled()).ends).toEqual({ reader: "withdrawn" });
    expect(await bus.withdraw(running.id)).toEqual({ ended: 0, held: 1 });
    expect(await aborted.promise).toMatchObject({ code: "WITHDRAWN" });
    expect((await running.settled()).ends).toEqual({ reader: "withdrawn" });
  });

  it("ends a chain that grows too long, with one event [guard.depth]", async () => {
    const bus = await buses.open();
    const refused: BusEvent[] = [];
    bus.events.on("message.dead-lettered", (event) => refused.push(event));
    const Hop = defineMessage("hop", z.object({ n: z.number() }));
    const player = (name: string, other: string) =>
      defineAgent({ name, sends: [Hop] }).on(
        Hop,
        async ({ payload }, ctx) => void (await ctx.send(Hop, { n: payload.n + 1 }, { to: other })),
      );
    await bus.join(player("ping", "pong"));
    await bus.join(player("pong", "ping"));
    await bus.send(Hop, { n: 0 }, { to: "ping" });
    await bus.settled();
    expect(refused).toMatchObject([{ code: "HOPS_EXCEEDED" }]);
    const [letter] = await bus.deadLetters.list();
    expect(letter).toMatchObject({ code: "HOPS_EXCEEDED", message: { payload: { n: 17 } } });
  });

  it("ends a message that goes round in a loop [guard.loop]", async () => {
    const bus = await buses.open();
    const forward = (name: string, other: string) =>
      defineAgent({ name, sends: [Note] }).on(
        Note,
        async ({ payload }, ctx) => void (await ctx.send(Note, payload, { to: other })),
      );
    await bus.join(forward("left", "right"));
    await bus.join(forward("right", "left"));
    await bus.send(Note, { text: "round" }, { to: "left" });
    await bus.settled();
    expect(await bus.deadLetters.list()).toMatchObject([{ code: "LOOP_DETECTED" }]);
  });

  it("ends a conversation that has spent its budget [guard.budget]", async () => {
    const bus = await buses.open();
    const Split = defineMessage("split", z.object({ depth: z.number() }));
    let handled = 0;
    await bus.join(
      defineAgent({ name: "splitter", sends: [Split], retry: { attempts: 1 } }).on(Split, async ({ payload }, ctx) => {
        handled++;
        await ctx.send(Split, { depth: payload.depth + 1 }, { to: "splitter" });
        await ctx.send(Split, { depth: payload.depth + 100 }, { to: "splitter" });
      }),
    );
    await bus.send(Split, { depth: 0 }, { to: "splitter", budget: { messages: 5 } });
    await bus.settled();
    expect(handled).toBe(5);
    const letters = await bus.deadLetters.list();
    expect(new Set(letters.map((letter) => letter.code))).toEqual(new Set(["BUDGET_SPENT"]));
  });

  it("tells a full inbox's sender, and ends only that copy of a fan-out [inbox.full]", async () => {
    const bus = await buses.open();
    const small = defineAgent({ name: "small", capacity: 1, subscribes: ["notes"], receives: [Note] });
    await bus.join(small);
    await bus.join(defineAgent({ name: "large", subscribes: ["notes"] }).on(Note, () => {}));
    await bus.send(Note, { text: "1" }, { to: small });
    expect(await failure(bus.send(Note, { text: "2" }, { to: small }))).toMatchObject({
      code: "INBOX_FULL",
      details: { inbox: "small", capacity: 1 },
    });
    const receipt = await bus.publish(Note, { text: "3" }, { channel: "notes" });
    expect((await receipt.settled()).ends).toEqual({ small: "dead-lettered", large: "acknowledged" });
  });

  it("lets senders wait for room where the agent asks for it [inbox.wait]", async () => {
    const bus = await buses.open();
    const small = await bus.join(defineAgent({ name: "small", capacity: 1, overflow: "wait", receives: [Note] }));
    await bus.send(Note, { text: "1" }, { to: "small" });
    const second = bus.send(Note, { text: "2" }, { to: "small" });
    const [first] = await small.receive();
    await first?.ack();
    expect((await second).recipients).toEqual(["small"]);
  });

  it("sends many drafts in one batch, each with its own outcome [send.many]", async () => {
    const bus = await buses.open();
    await bus.join(defineAgent({ name: "reader" }).on(Note, () => {}));
    const drafts = [
      Note.message({ text: "a" }, { to: "reader" }),
      Note.message({ text: "b" }, { to: "nobody" }),
      Note.message({ text: "c" }, { to: "reader" }),
    ];
    const results = await bus.sendMany(drafts);
    expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  it("counts every copy: accepted are the six ends and what waits [receipt.identity]", async () => {
    const bus = await buses.open();
    await bus.join(
      defineAgent({ name: "mixed", retry: { attempts: 1 } }).on(Note, ({ payload }, ctx) => {
        if (payload.text === "bad") ctx.reject("bad");
      }),
    );
    for (const text of ["good", "bad", "good"]) await bus.send(Note, { text }, { to: "mixed" });
    await bus.send(Note, { text: "old" }, { to: "mixed", ttl: 0 });
    await bus.send(Note, { text: "later" }, { to: "mixed", delay: "1h" });
    await bus.settled();
    const inbox = await bus.inboxes.get("mixed");
    expect(inbox).toMatchObject({
      accepted: 5,
      waiting: 1,
      delayed: 1,
      ended: { acknowledged: 2, "dead-lettered": 1, expired: 1 },
    });
  });
});
