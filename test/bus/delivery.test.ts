import { AgentFailure, defineAgent, defineMessage } from "agentwire";
import { expect, it } from "vitest";
import { z } from "zod";
import { failure, gate, onEachDriver } from "../support/buses.ts";

const Note = defineMessage("note", z.object({ text: z.string() }));
const Other = defineMessage("other", z.object({ on: z.boolean() }));

onEachDriver("delivery", (buses) => {
  it("retries a thrown error with growing attempts and then keeps a dead letter with its history [handle.retry]", async () => {
    const bus = await buses.open();
    const attempts: number[] = [];
    await bus.join(
      defineAgent({ name: "clumsy", retry: { attempts: 3, backoff: "immediate" } }).on(Note, (_message, ctx) => {
        attempts.push(ctx.attempt);
        throw new Error(`dropped it ${ctx.attempt}`);
      }),
    );
    const receipt = await bus.send(Note, { text: "x" }, { to: "clumsy" });
    expect((await receipt.settled()).ends).toEqual({ clumsy: "dead-lettered" });
    expect(attempts).toEqual([1, 2, 3]);
    const [letter] = await bus.deadLetters.list();
    expect(letter).toMatchObject({ recipient: "clumsy", code: "HANDLER_FAILED", reason: "dropped it 3" });
    expect(letter?.attempts.map((one) => one.message)).toEqual(["dropped it 1", "dropped it 2", "dropped it 3"]);
  });

  it("gives up at once on reject and on AgentFailure [handle.reject]", async () => {
    const bus = await buses.open();
    await bus.join(
      defineAgent({ name: "strict" }).on(Note, ({ payload }, ctx) => {
        if (payload.text === "reject") ctx.reject("not for me");
        throw new AgentFailure("NO_PAPER", "out of paper");
      }),
    );
    await (await bus.send(Note, { text: "reject" }, { to: "strict" })).settled();
    await (await bus.send(Note, { text: "fail" }, { to: "strict" })).settled();
    const letters = await bus.deadLetters.list();
    expect(letters.map((letter) => [letter.code, letter.reason])).toEqual([
      ["HANDLER_REJECTED", "not for me"],
      ["NO_PAPER", "out of paper"],
    ]);
  });

  it("replays a dead letter as a new message [dead.replay]", async () => {
    const bus = await buses.open();
    let broken = true;
    const seen: string[] = [];
    await bus.join(
      defineAgent({ name: "mended", retry: { attempts: 1 } }).on(Note, (message) => {
        if (broken) throw new Error("broken");
        seen.push(`${message.payload.text} ${message.id}`);
      }),
    );
    const first = await bus.send(Note, { text: "x" }, { to: "mended" });
    await first.settled();
    broken = false;
    const again = await bus.deadLetters.replay(first.id);
    expect((await again.settled()).ends).toEqual({ mended: "acknowledged" });
    expect(again.id).not.toBe(first.id);
    expect(seen).toEqual([`x ${again.id}`]);
    expect(await bus.deadLetters.list()).toEqual([]);
  });

  it("dead-letters a direct message of a type that the agent does not take [send.undeclared]", async () => {
    const bus = await buses.open();
    await bus.join(defineAgent({ name: "noter" }).on(Note, () => {}));
    const receipt = await bus.send(Other, { on: true }, { to: "noter" });
    const state = await receipt.settled();
    expect(state.steps.at(-1)).toMatchObject({ step: "dead-lettered", reason: "NO_HANDLER" });
  });

  it("ends a handler that never returns by its time limit, with its signal aborted [handle.timeout]", async () => {
    const bus = await buses.open();
    const aborted = gate<unknown>();
    await bus.join(
      defineAgent({ name: "stuck", handlerTimeout: 20, retry: { attempts: 1 } }).on(Note, (_message, ctx) => {
        ctx.signal.addEventListener("abort", () => aborted.open(ctx.signal.reason));
        return new Promise(() => {});
      }),
    );
    const receipt = await bus.send(Note, { text: "x" }, { to: "stuck" });
    expect(await aborted.promise).toMatchObject({ code: "HANDLER_TIMEOUT" });
    expect((await receipt.settled()).steps.at(-1)).toMatchObject({ step: "dead-lettered", reason: "HANDLER_TIMEOUT" });
  });

  it("delivers higher priorities first, and lets lower ones through now and then [order.urgent]", async () => {
    const bus = await buses.open();
    const order: string[] = [];
    const agent = await bus.join(
      defineAgent({ name: "reader", prefetch: 1 }).on(Note, ({ payload }) => void order.push(payload.text)),
    );
    await bus.inboxes.pause("reader");
    for (const priority of ["background", "low", "normal", "high", "critical"] as const) {
      await bus.send(Note, { text: priority }, { to: "reader", priority });
    }
    await bus.inboxes.resume("reader");
    await bus.settled();
    expect(order).toEqual(["critical", "high", "normal", "low", "background"]);
    await agent.leave();
  });

  it("keeps the order of one sender [order.sender]", async () => {
    const bus = await buses.open();
    const order: number[] = [];
    const Count = defineMessage("count", z.object({ n: z.number() }));
    await bus.join(defineAgent({ name: "counter" }).on(Count, ({ payload }) => void order.push(payload.n)));
    await Promise.all(Array.from({ length: 500 }, (_, n) => bus.send(Count, { n }, { to: "counter" })));
    await bus.settled();
    expect(order).toEqual(Array.from({ length: 500 }, (_, n) => n));
  });

  it("keeps the order of a key at any concurrency, retries included [order.lane]", async () => {
    const bus = await buses.open();
    const order: Record<string, number[]> = {};
    const Step = defineMessage("step", z.object({ key: z.string(), n: z.number() }));
    let failed = false;
    await bus.join(
      defineAgent({
        name: "keyed",
        concurrency: 8,
        retry: { backoff: () => 5 },
        orderKey: (message) => (message.payload as unknown as { key: string }).key,
      }).on(Step, async ({ payload }) => {
        if (payload.key === "b" && payload.n === 3 && !failed) {
          failed = true;
          throw new Error("once");
        }
        await new Promise((resolve) => setImmediate(resolve));
        (order[payload.key] ??= []).push(payload.n);
      }),
    );
    for (let n = 0; n < 10; n++) for (const key of ["a", "b", "c"]) await bus.send(Step, { key, n }, { to: "keyed" });
    await bus.settled();
    const ten = Array.from({ length: 10 }, (_, n) => n);
    expect(order).toEqual({ a: ten, b: ten, c: ten });
  });

  it("runs at most `concurrency` handlers at once [handle.concurrency]", async () => {
    const bus = await buses.open();
    let running = 0;
    let most = 0;
    await bus.join(
      defineAgent({ name: "four", concurrency: 4 }).on(Note, async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
      }),
    );
    await Promise.all(Array.from({ length: 40 }, () => bus.send(Note, { text: "" }, { to: "four" })));
    await bus.settled();
    expect(most).toBe(4);
  });

  it("lets running handlers finish when the agent leaves, and keeps the rest for its return [life.drain]", async () => {
    const bus = await buses.open();
    const started = gate();
    const finish = gate();
    const done: string[] = [];
    const definition = defineAgent({ name: "worker" }).on(Note, async ({ payload }) => {
      started.open();
      await finish.promise;
      done.push(payload.text);
    });
    const agent = await bus.join(definition);
    await bus.send(Note, { text: "1" }, { to: agent });
    await bus.send(Note, { text: "2" }, { to: agent });
    await started.promise;
    const left = agent.leave();
    finish.open();
    await left;
    expect(done).toEqual(["1"]);
    expect((await bus.inboxes.get("worker"))?.waiting).toBe(1);
    await bus.join(definition);
    await bus.settled();
    expect(done).toEqual(["1", "2"]);
  });

  it("never hands out an expired message, and tells the sender [time.ttl]", async () => {
    const bus = await buses.open();
    const seen: string[] = [];
    await bus.join(defineAgent({ name: "reader" }).on(Note, ({ payload }) => void seen.push(payload.text)));
    const receipt = await bus.send(Note, { text: "old" }, { to: "reader", ttl: 0 });
    expect((await receipt.settled()).ends).toEqual({ reader: "expired" });
    expect(seen).toEqual([]);
  });

  it("marks the second hand-off of what a leaving agent had begun, and not that of what it had not", async () => {
    const bus = await buses.open();
    const begun = gate();
    const first = await bus.join(
      defineAgent({ name: "worker", concurrency: 1 }).on(Note, async () => {
        begun.open();
        await new Promise(() => {});
      }),
    );
    const receipts = [];
    for (const text of ["begun", "waits"]) receipts.push(await bus.send(Note, { text }, { to: "worker" }));
    await begun.promise;
    await first.leave({ grace: 1 });
    const seen: [string, number][] = [];
    await bus.join(
      defineAgent({ name: "worker" }).on(Note, ({ payload }, { attempt }) => void seen.push([payload.text, attempt])),
    );
    for (const receipt of receipts) await receipt.settled();
    expect(seen.sort()).toEqual([
      ["begun", 2],
      ["waits", 1],
    ]);
  });

  it("holds a delayed message back until it is due [time.delay]", async () => {
    const bus = await buses.open();
    const seen = gate<number>();
    await bus.join(defineAgent({ name: "reader" }).on(Note, () => seen.open(Date.now())));
    const before = Date.now();
    await bus.send(Note, { text: "later" }, { to: "reader", delay: 60 });
    expect((await seen.promise) - before).toBeGreaterThanOrEqual(59);
  });

  it("brings an old payload up to the type's version [type.upcast]", async () => {
    const bus = await buses.open();
    const Old = defineMessage("person", z.object({ name: z.string() }));
    const New = defineMessage("person", z.object({ first: z.string(), last: z.string() }), {
      version: 2,
      upcast: { 1: (old: { name: string }) => ({ first: old.name.split(" ")[0], last: old.name.split(" ")[1] }) },
    });
    const seen = gate<unknown>();
    await bus.join(defineAgent({ name: "reader" }).on(New, ({ payload }) => seen.open(payload)));
    await bus.send(Old, { name: "Ada Lovelace" }, { to: "reader" });
    expect(await seen.promise).toEqual({ first: "Ada", last: "Lovelace" });
  });

  it("dead-letters what waited for a schema that it no longer fits [send.validate]", async () => {
    const bus = await buses.open();
    const Old = defineMessage("person", z.object({ name: z.string() }));
    const New = defineMessage("person", z.object({ first: z.string() }), { version: 2 });
    const old = await bus.send(Old, { name: "Ada" }, { to: "reader", ifUnknown: "hold" });
    const seen: unknown[] = [];
    await bus.join(defineAgent({ name: "reader" }).on(New, ({ payload, version }) => void seen.push(payload, version)));
    await (await bus.send(New, { first: "Grace" }, { to: "reader" })).settled();
    expect((await old.settled()).ends).toEqual({ reader: "dead-lettered" });
    expect(seen).toEqual([{ first: "Grace" }, 2]);
    expect(await bus.deadLetters.list()).toMatchObject([
      { code: "VALIDATION_FAILED", message: { version: 1, payload: { name: "Ada" } } },
    ]);
  });

  it("gives the handler the schema's output, and sends its input [type.output]", async () => {
    const bus = await buses.open();
    const Dated = defineMessage("dated", z.object({ at: z.coerce.date() }));
    const seen = gate<unknown>();
    await bus.join(defineAgent({ name: "reader" }).on(Dated, ({ payload }) => seen.open(payload.at)));
    await bus.send(Dated, { at: "2020-01-01T00:00:00Z" }, { to: "reader" });
    expect(await seen.promise).toEqual(new Date("2020-01-01T00:00:00Z"));
  });

  it("refuses what does not fit when it is sent, naming each path [send.validate]", async () => {
    const bus = await buses.open();
    await bus.join(defineAgent({ name: "reader" }).on(Note, () => {}));
    const error = await failure(bus.send(Note, { text: 7 as unknown as string }, { to: "reader" }));
    expect(error).toMatchObject({ code: "VALIDATION_FAILED", details: { type: "note", issues: [{ path: ["text"] }] } });
    expect((await bus.inboxes.get("reader"))?.accepted).toBe(0);
  });
});
