import { type BusEvent, defineAgent, defineMessage } from "agentwire";
import { expect, it } from "vitest";
import { z } from "zod";
import { failure, gate, onEachDriver } from "../support/buses.ts";

const Note = defineMessage("note", z.object({ text: z.string() }), { channel: "notes" });
const Other = defineMessage("other", z.object({ on: z.boolean() }));

onEachDriver("routing", (buses) => {
  it("names near agents when one is not known, and queues nothing [send.unknown]", async () => {
    const bus = await buses.open();
    await bus.join(defineAgent({ name: "reader" }).on(Note, () => {}));
    const error = await failure(bus.send(Note, { text: "" }, { to: "raeder" }));
    expect(error).toMatchObject({ code: "AGENT_NOT_FOUND", details: { agent: "raeder", suggestions: ["reader"] } });
  });

  it("holds a message for a name not yet seen, if asked to [send.hold]", async () => {
    const bus = await buses.open();
    const seen = gate<string>();
    await bus.send(Note, { text: "early" }, { to: "later", ifUnknown: "hold" });
    await bus.join(defineAgent({ name: "later" }).on(Note, ({ payload }) => seen.open(payload.text)));
    expect(await seen.promise).toBe("early");
  });

  it("queues for a known agent that is offline [send.offline]", async () => {
    const bus = await buses.open();
    const seen = gate<string>();
    const definition = defineAgent({ name: "sleeper" }).on(Note, ({ payload }) => seen.open(payload.text));
    await (await bus.join(definition)).leave();
    await bus.send(Note, { text: "wake up" }, { to: definition });
    await bus.join(definition);
    expect(await seen.promise).toBe("wake up");
  });

  it("picks by role, department and capability, and names the filter when nobody fits [send.pick]", async () => {
    const bus = await buses.open();
    const seen: string[] = [];
    const seller = (name: string, region: string) =>
      defineAgent({ name, role: "sales", department: "revenue", region, capabilities: ["quote"] }).on(
        Note,
        () => void seen.push(name),
      );
    await bus.join(seller("north", "n"));
    await bus.join(seller("south", "s"));
    await (await bus.send(Note, { text: "" }, { to: { role: "sales", region: "s" } })).settled();
    expect(seen).toEqual(["south"]);
    const error = await failure(bus.send(Note, { text: "" }, { to: { role: "sales", region: "west" } }));
    expect(error).toMatchObject({ code: "NO_AGENT_FOUND", message: expect.stringContaining('region "west"') });
  });

  it("spreads a burst over equal agents [send.spread]", async () => {
    const bus = await buses.open();
    const seen: Record<string, number> = {};
    for (const name of ["a", "b", "c"]) {
      await bus.join(
        defineAgent({ name, role: "worker" }).on(Note, async () => {
          seen[name] = (seen[name] ?? 0) + 1;
          await new Promise((resolve) => setImmediate(resolve));
        }),
      );
    }
    await Promise.all(Array.from({ length: 90 }, () => bus.send(Note, { text: "" }, { to: { role: "worker" } })));
    await bus.settled();
    expect(Object.values(seen).reduce((sum, count) => sum + count, 0)).toBe(90);
    for (const count of Object.values(seen)) expect(count).toBeGreaterThanOrEqual(20);
  });

  it("publishes one copy to every subscriber that takes the type, never to the publisher [channel.publish, channel.pattern]", async () => {
    const bus = await buses.open();
    const seen: string[] = [];
    const events: BusEvent[] = [];
    bus.events.on("message.skipped", (event) => events.push(event));
    const listener = (name: string, subscribes: string[]) =>
      defineAgent({ name, subscribes, sends: [Note] }).on(Note, () => void seen.push(name));
    await bus.join(listener("both", ["news.*", "news.**"]));
    await bus.join(listener("one", ["news.sport"]));
    await bus.join(defineAgent({ name: "deaf", subscribes: ["news.sport"] }).on(Other, () => {}));
    const self = await bus.join(listener("self", ["news.*"]));
    const receipt = await self.publish(Note, { text: "" }, { channel: "news.sport" });
    expect([...receipt.recipients].sort()).toEqual(["both", "one"]);
    await receipt.settled();
    expect(seen.sort()).toEqual(["both", "one"]);
    expect(events).toMatchObject([{ recipient: "deaf" }]);
  });

  it("tells when nobody is subscribed, and fails if recipients were required [channel.empty]", async () => {
    const bus = await buses.open();
    const unrouted = gate<BusEvent>();
    bus.events.on("message.unrouted", unrouted.open);
    const receipt = await bus.publish(Note, { text: "" });
    expect(receipt.recipients).toEqual([]);
    expect(await unrouted.promise).toMatchObject({ id: receipt.id, channel: "notes" });
    expect(await failure(bus.publish(Note, { text: "" }, { requireRecipients: true }))).toMatchObject({
      code: "NO_RECIPIENTS",
    });
  });

  it("reaches a subscriber as soon as its subscribe has resolved, and no more after unsubscribe [channel.subscribe]", async () => {
    const bus = await buses.open();
    const agent = await bus.join(defineAgent({ name: "late" }).on(Note, () => {}));
    await agent.subscribe("notes");
    expect((await bus.publish(Note, { text: "" })).recipients).toEqual(["late"]);
    expect(await bus.channels.list()).toMatchObject([{ name: "notes", subscribers: ["late"], active: true }]);
    expect(await failure(bus.channels.close("notes"))).toMatchObject({
      code: "CHANNEL_IN_USE",
      details: { subscribers: ["late"] },
    });
    await agent.unsubscribe("notes");
    expect((await bus.publish(Note, { text: "" })).recipients).toEqual([]);
  });

  it("broadcasts to every agent that takes the type but the sender [channel.broadcast]", async () => {
    const bus = await buses.open();
    const seen: string[] = [];
    const member = (name: string, department: string) =>
      defineAgent({ name, department, sends: [Note] }).on(Note, () => void seen.push(name));
    const boss = await bus.join(member("boss", "sales"));
    await bus.join(member("ann", "sales"));
    await bus.join(member("bob", "sales"));
    await bus.join(member("eve", "law"));
    await (await boss.broadcast(Note, { text: "" }, { where: { department: "sales" } })).settled();
    expect(seen.sort()).toEqual(["ann", "bob"]);
  });

  it("finds the agents that take a value [registry.find]", async () => {
    const bus = await buses.open();
    await bus.join(defineAgent({ name: "noter" }).on(Note, () => {}));
    await bus.join(defineAgent({ name: "other", sends: [Note] }).on(Other, () => {}));
    expect((await bus.agents.find({ accepts: { text: "x" } })).map((agent) => agent.name)).toEqual(["noter"]);
    expect(await bus.agents.contract("other")).toMatchObject({
      receives: { other: { type: "object" } },
      sends: { note: { type: "object" } },
    });
  });

  it("holds senders to the limits that an agent declares [send.limits]", async () => {
    const bus = await buses.open();
    const small = defineAgent({
      name: "small",
      role: "reader",
      subscribes: ["notes"],
      limits: { types: ["note"], maxSize: 30 },
    });
    await bus.join(small.on(Note, () => {}).on(Other, () => {}));
    await bus.send(Note, { text: "short" }, { to: "small" });
    expect(await failure(bus.send(Other, { on: true }, { to: "small" }))).toMatchObject({ code: "FORBIDDEN" });
    expect(await failure(bus.send(Note, { text: "x".repeat(40) }, { to: "small" }))).toMatchObject({
      code: "PAYLOAD_TOO_LARGE",
      details: { limit: 30 },
    });
    expect(await failure(bus.send(Note, { text: "x".repeat(40) }, { to: { role: "reader" } }))).toMatchObject({
      code: "NO_AGENT_FOUND",
    });
    expect((await bus.publish(Note, { text: "x".repeat(40) })).recipients).toEqual([]);
  });

  it("refuses a type that the agent does not declare [send.declared]", async () => {
    const bus = await buses.open();
    await bus.join(defineAgent({ name: "reader" }).on(Note, () => {}));
    const agent = await bus.join(defineAgent({ name: "talker", sends: [Other] }).on(Other, () => {}));
    const error = await failure((agent as unknown as typeof bus).send(Note, { text: "" }, { to: "reader" }));
    expect(error).toMatchObject({ code: "TYPE_NOT_DECLARED", details: { agent: "talker", type: "note" } });
  });

  it("refuses an option it does not know [send.options]", async () => {
    const bus = await buses.open();
    await bus.join(defineAgent({ name: "reader" }).on(Note, () => {}));
    const misspelt = { to: "reader", prority: "high" } as { to: string };
    expect(await failure(bus.send(Note, { text: "" }, misspelt))).toMatchObject({ code: "ARGUMENT_INVALID" });
  });

  it("answers the built-in questions without code of the agent [registry.answers]", async () => {
    const bus = await buses.open();
    const { CapabilityQuery, HealthCheck, StatusQuery } = await import("agentwire");
    await bus.join(defineAgent({ name: "reader", role: "reading", capabilities: ["read"] }).on(Note, () => {}));
    expect(await bus.request(HealthCheck, {}, { to: "reader" })).toMatchObject({ agent: "reader", concurrency: 1 });
    expect(await bus.request(CapabilityQuery, {}, { to: "reader" })).toMatchObject({
      role: "reading",
      capabilities: [{ name: "read" }],
    });
    expect(await bus.request(StatusQuery, {}, { to: "reader" })).toMatchObject({
      agent: "reader",
      load: expect.any(Number),
    });
  });
});
