import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bus, connect, defineAgent, defineMessage } from "agentwire";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { gate } from "../support/buses.ts";

const Greet = defineMessage("greet", z.object({ name: z.string() }), { reply: z.object({ text: z.string() }) });
const Note = defineMessage("note", z.object({ n: z.number() }), { channel: "notes" });
const Count = defineMessage("count", z.object({ to: z.number() }), {
  reply: z.object({ sum: z.number() }),
  chunk: z.number(),
});

describe("several buses on one sqlite file", () => {
  let folder: string;
  let first: Bus;
  let second: Bus;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "agentwire-test-"));
    first = await connect(`sqlite:${join(folder, "bus.db")}`, { logger: false });
    second = await connect(`sqlite:${join(folder, "bus.db")}`, { logger: false });
  });

  afterEach(async () => {
    await Promise.all([first.close(), second.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  it("requests across [request.reply]", async () => {
    await first.join(defineAgent({ name: "greeter" }).on(Greet, ({ payload }) => ({ text: `Hello ${payload.name}` })));
    expect(await second.request(Greet, { name: "Ada" })).toEqual({ text: "Hello Ada" });
  });

  it("streams across [request.stream]", async () => {
    await first.join(
      defineAgent({ name: "counter" }).on(Count, async function* ({ payload }) {
        let sum = 0;
        for (let n = 0; n < payload.to; n++) yield ((sum += n), n);
        return { sum };
      }),
    );
    const stream = second.stream(Count, { to: 20 });
    const chunks: number[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks).toHaveLength(20);
    expect(await stream.reply).toEqual({ sum: 190 });
  });

  it("reaches a subscriber of the other as soon as its subscribe has resolved [channel.subscribe]", async () => {
    const seen = gate<number>();
    const agent = await first.join(defineAgent({ name: "reader" }).on(Note, ({ payload }) => seen.open(payload.n)));
    await agent.subscribe("notes");
    expect((await second.publish(Note, { n: 7 })).recipients).toEqual(["reader"]);
    expect(await seen.promise).toBe(7);
    await agent.unsubscribe("notes");
    expect((await second.publish(Note, { n: 8 })).recipients).toEqual([]);
  });

  it("tells the sender of an end in the other, at once and later [receipt.settled]", async () => {
    await first.join(defineAgent({ name: "reader" }).on(Note, () => {}));
    const receipt = await second.send(Note, { n: 1 }, { to: "reader" });
    expect((await receipt.settled({ timeout: "10s" })).ends).toEqual({ reader: "acknowledged" });
    expect((await first.receipts.get(receipt.id))?.steps.map((step) => step.step)).toEqual([
      "accepted",
      "offered",
      "acknowledged",
    ]);
  });

  it("shares one inbox among instances, each message once [handle.share]", async () => {
    const seen: string[] = [];
    const worker = (bus: string) =>
      defineAgent({ name: "worker", concurrency: 2 }).on(Note, async ({ payload }) => {
        seen.push(`${bus} ${payload.n}`);
        await new Promise((resolve) => setTimeout(resolve, 1));
      });
    await first.join(worker("first"));
    await second.join(worker("second"));
    await Promise.all(Array.from({ length: 200 }, (_, n) => first.send(Note, { n }, { to: "worker" })));
    await first.settled({ timeout: "20s" });
    expect(seen.map((one) => Number(one.split(" ")[1])).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 200 }, (_, n) => n),
    );
    expect(new Set(seen.map((one) => one.split(" ")[0]))).toEqual(new Set(["first", "second"]));
  });

  it("shows the events of the other while somebody watches", async () => {
    const acknowledged = gate<string>();
    const watching = gate();
    second.events.onEverywhere(({ instance, event }) => {
      watching.open();
      if (event.type === "message.acknowledged") acknowledged.open(instance);
    });
    const agent = await first.join(defineAgent({ name: "reader" }).on(Note, () => {}));
    await agent.subscribe("notes");
    while ((await Promise.race([watching.promise.then(() => true), first.publish(Note, { n: 1 })])) !== true);
    await first.publish(Note, { n: 2 });
    expect(await acknowledged.promise).toBe(first.instance);
  });

  it("knows the agents of the other, and that they have left [registry.find]", async () => {
    const agent = await first.join(defineAgent({ name: "reader", role: "reading" }).on(Note, () => {}));
    expect(await second.agents.find({ role: "reading" })).toMatchObject([{ name: "reader", status: "online" }]);
    await agent.leave();
    expect(await first.agents.get("reader")).toMatchObject({ status: "offline" });
  });
});
