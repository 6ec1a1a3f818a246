import { type Bus, connect, defineAgent, defineMessage } from "agentwire";
import { testBus } from "agentwire/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";

let bus: Bus;
beforeEach(async () => {
  bus = await connect("memory:", { logger: false });
});
afterEach(() => bus.close({ grace: 0 }));

describe("the first programs of a reader", () => {
  it("greets", async () => {
    const Greet = defineMessage("greet", z.object({ name: z.string() }), { reply: z.object({ text: z.string() }) });
    const greeter = defineAgent({ name: "greeter" }).on(Greet, ({ payload }) => ({ text: `Hello ${payload.name}` }));
    await bus.join(greeter);
    const { text } = await bus.request(Greet, { name: "Ada" });
    expect(text).toBe("Hello Ada");
  });

  it("works off a queue by pull", async () => {
    const Resize = defineMessage("image.resize", z.object({ path: z.string(), width: z.number() }), {
      reply: z.object({ bytes: z.number() }),
    });
    const worker = await bus.join(defineAgent({ name: "resizer", receives: [Resize] }));
    const asked = bus.request(Resize, { path: "a.png", width: 100 }, { to: "resizer" });
    for await (const job of worker.deliveries()) {
      const bytes = job.message.payload.width * 3;
      await job.ack({ bytes });
      break;
    }
    expect(await asked).toEqual({ bytes: 300 });
  });

  it("supervises", async () => {
    const Build = defineMessage("build", z.object({ repo: z.string() }), { reply: z.object({ passed: z.boolean() }) });
    const Test = defineMessage("test", z.object({ file: z.string() }), { reply: z.object({ ok: z.boolean() }) });
    const worker = defineAgent({ name: "tester", capabilities: ["test"], concurrency: 4 }).on(Test, ({ payload }) => ({
      ok: payload.file.endsWith(".ts"),
    }));
    const boss = defineAgent({ name: "boss", sends: [Test] }).on(Build, async (_m, ctx) => {
      const results = await Promise.all(
        ["a.ts", "b.ts"].map((file) => ctx.request(Test, { file }, { to: { capability: "test" } })),
      );
      return { passed: results.every((r) => r.ok) };
    });
    await bus.join(worker);
    await bus.join(boss);
    expect(await bus.request(Build, { repo: "." }, { to: boss, timeout: "1m" })).toEqual({ passed: true });
  });

  it("streams", async () => {
    async function* llm(question: string): AsyncGenerator<string> {
      yield* question.split(" ");
    }
    const Ask = defineMessage("ask", z.object({ q: z.string() }), {
      reply: z.object({ answer: z.string() }),
      chunk: z.string(),
    });
    const writer = defineAgent({ name: "writer" }).on(Ask, async function* ({ payload }) {
      let answer = "";
      for await (const token of llm(payload.q)) {
        answer += token;
        yield token;
      }
      return { answer };
    });
    await bus.join(writer);
    const stream = bus.stream(Ask, { q: "why is it so" }, { to: writer });
    const tokens: string[] = [];
    for await (const token of stream) tokens.push(token);
    expect(tokens).toEqual(["why", "is", "it", "so"]);
    expect((await stream.reply).answer).toBe("whyisitso");
  });

  it("joins a class as it is", async () => {
    class Billing {
      total = 0;
      async charge(amount: number): Promise<string> {
        this.total += amount;
        return `TX-${this.total}`;
      }
    }
    const Charge = defineMessage("charge", z.object({ amount: z.number() }), { reply: z.object({ tx: z.string() }) });
    const billing = new Billing();
    await bus.join(
      defineAgent({ name: "billing" }).on(Charge, async ({ payload }) => ({
        tx: await billing.charge(payload.amount),
      })),
    );
    expect(await bus.request(Charge, { amount: 5 })).toEqual({ tx: "TX-5" });
    expect(billing.total).toBe(5);
  });

  it("is tested", async () => {
    const Paid = defineMessage("paid", z.object({ tx: z.string() }));
    const Charge = defineMessage("charge", z.object({ amount: z.number() }), { reply: z.object({ tx: z.string() }) });
    const pay = defineAgent({ name: "pay", sends: [Paid] }).on(Charge, async (_m, ctx) => {
      await ctx.publish(Paid, { tx: "1" }, { channel: "paid" });
      return { tx: "1" };
    });
    const trial = await testBus({ seed: 7 });
    try {
      await trial.join(pay);
      expect((await trial.request(Charge, { amount: 5 })).tx).toBe("1");
      await trial.settled();
      expect(trial.sent(Paid).map((m) => m.payload.tx)).toEqual(["1"]);
    } finally {
      await trial.close();
    }
  });
});
