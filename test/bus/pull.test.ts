import { defineAgent, defineMessage } from "agentwire";
import { expect, it } from "vitest";
import { z } from "zod";
import { failure, gate, onEachDriver } from "../support/buses.ts";

const Resize = defineMessage("resize", z.object({ width: z.number() }), { reply: z.object({ bytes: z.number() }) });
const Note = defineMessage("note", z.object({ text: z.string() }));

onEachDriver("pull", (buses) => {
  it("takes what waits, answers a request, and is empty then [pull.take]", async () => {
    const bus = await buses.open();
    const worker = await bus.join(defineAgent({ name: "resizer", receives: [Resize] }));
    const reply = bus.request(Resize, { width: 3 }, { to: "resizer" });
    const [job] = await worker.receive({ wait: "5s" });
    expect(job?.message.payload).toEqual({ width: 3 });
    await job?.ack({ bytes: 9 });
    await job?.ack({ bytes: 10 });
    expect(await reply).toEqual({ bytes: 9 });
    expect(await worker.receive()).toEqual([]);
  });

  it("waits for one to come, and gives up after its time [pull.take]", async () => {
    const bus = await buses.open();
    const worker = await bus.join(defineAgent({ name: "reader", receives: [Note] }));
    expect(await worker.receive({ wait: 20 })).toEqual([]);
    const taken = worker.receive({ wait: "10s" });
    await bus.send(Note, { text: "x" }, { to: "reader" });
    const [delivery] = await taken;
    expect(delivery?.message.payload.text).toBe("x");
    await delivery?.ack();
  });

  it("takes chosen types only, highest priority first, and leaves the others [pull.types]", async () => {
    const bus = await buses.open();
    const worker = await bus.join(defineAgent({ name: "both", receives: [Note, Resize] }));
    await bus.send(Resize, { width: 1 }, { to: "both" });
    await bus.send(Note, { text: "low" }, { to: "both", priority: "low" });
    await bus.send(Note, { text: "high" }, { to: "both", priority: "high" });
    const notes = await worker.receive({ limit: 10, types: [Note] });
    expect(notes.map((note) => note.message.payload.text)).toEqual(["high", "low"]);
    for (const note of notes) await note.ack();
    expect(await worker.peek()).toMatchObject([{ type: "resize", state: "ready" }]);
  });

  it("tries again after retry, and keeps a dead letter after reject [pull.settle]", async () => {
    const bus = await buses.open();
    const worker = await bus.join(defineAgent({ name: "reader", receives: [Note] }));
    await bus.send(Note, { text: "x" }, { to: "reader" });
    const [first] = await worker.receive();
    await first?.retry({ delay: 0 });
    const [second] = await worker.receive({ wait: "5s" });
    expect(second?.attempt).toBe(2);
    await second?.reject("no use");
    expect(await bus.deadLetters.list()).toMatchObject([{ code: "HANDLER_REJECTED", reason: "no use" }]);
  });

  it("gives a delivery back when its scope is left unsettled [pull.settle]", async () => {
    const bus = await buses.open();
    const worker = await bus.join(defineAgent({ name: "reader", receives: [Note] }));
    await bus.send(Note, { text: "x" }, { to: "reader" });
    const [first] = await worker.receive();
    await first?.[Symbol.asyncDispose]();
    const [again] = await worker.receive({ wait: "5s" });
    expect(again?.attempt).toBe(1);
    await again?.ack();
  });

  it("loses its lease when it keeps a delivery too long, and says so [pull.lease]", async () => {
    const bus = await buses.open();
    const worker = await bus.join(defineAgent({ name: "reader", receives: [Note], lease: 100 }));
    await bus.send(Note, { text: "x" }, { to: "reader" });
    const [first] = await worker.receive();
    const [second] = await worker.receive({ wait: "10s" });
    expect(second).toMatchObject({ redelivered: true, attempt: 2 });
    expect(await failure(first?.ack() as Promise<void>)).toMatchObject({ code: "LEASE_LOST" });
    await second?.ack();
    await bus.settled();
    expect((await bus.inboxes.get("reader"))?.ended.acknowledged).toBe(1);
  });

  it("loops over deliveries until the agent leaves [pull.take]", async () => {
    const bus = await buses.open();
    const worker = await bus.join(defineAgent({ name: "reader", receives: [Note] }));
    const two = gate();
    const seen: string[] = [];
    const loop = (async () => {
      for await (const delivery of worker.deliveries()) {
        seen.push(delivery.message.payload.text);
        await delivery.ack();
        if (seen.length === 2) two.open();
      }
    })();
    await bus.send(Note, { text: "1" }, { to: "reader" });
    await bus.send(Note, { text: "2" }, { to: "reader" });
    await two.promise;
    await worker.leave();
    await loop;
    expect(seen).toEqual(["1", "2"]);
  });
});
