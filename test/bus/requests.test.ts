import { AgentFailure, AgentwireError, defineAgent, defineMessage } from "agentwire";
import { expect, it, vi } from "vitest";
import { z } from "zod";
import { failure, gate, onEachDriver } from "../support/buses.ts";

const Greet = defineMessage("greet", z.object({ name: z.string() }), { reply: z.object({ text: z.string() }) });
const Note = defineMessage("note", z.object({ text: z.string() }));
const Ask = defineMessage("ask", z.object({ count: z.number() }), {
  reply: z.object({ sum: z.number() }),
  chunk: z.number(),
});

onEachDriver("requests", (buses) => {
  it("resolves with the handler's reply, without naming the agent [request.reply]", async () => {
    const bus = await buses.open();
    await bus.join(defineAgent({ name: "greeter" }).on(Greet, ({ payload }) => ({ text: `Hello ${payload.name}` })));
    expect(await bus.request(Greet, { name: "Ada" })).toEqual({ text: "Hello Ada" });
  });

  it("reaches the caller as REMOTE_FAILED with the handler's code and data, never a stack [request.reply]", async () => {
    const bus = await buses.open();
    const agent = defineAgent({ name: "payer" }).on(Greet, () => {
      throw new AgentFailure("CARD_DECLINED", "the card was declined", { card: "4242" });
    });
    await bus.join(agent);
    const error = await failure(bus.request(Greet, { name: "x" }, { to: agent }));
    expect(AgentwireError.is(error, "REMOTE_FAILED") && error.details).toMatchObject({
      from: "payer",
      code: "CARD_DECLINED",
      data: { card: "4242" },
    });
    expect(JSON.stringify(error)).not.toContain(".ts:");
  });

  it("answers a thrown error at once, without another attempt [request.retry]", async () => {
    const bus = await buses.open();
    let attempts = 0;
    await bus.join(
      defineAgent({ name: "broken" }).on(Greet, () => {
        attempts++;
        throw new Error("out of paper");
      }),
    );
    const error = await failure(bus.request(Greet, { name: "x" }));
    expect(error).toMatchObject({
      code: "REMOTE_FAILED",
      details: { code: "HANDLER_FAILED", message: "out of paper" },
    });
    expect(attempts).toBe(1);
  });

  it("tries again within the timeout when the error calls itself retryable [request.retry]", async () => {
    const bus = await buses.open();
    await bus.join(
      defineAgent({ name: "flaky", retry: { backoff: "immediate" } }).on(Greet, (_message, ctx) => {
        if (ctx.attempt < 3) throw Object.assign(new Error("busy"), { retryable: true });
        return { text: `attempt ${ctx.attempt}` };
      }),
    );
    expect(await bus.request(Greet, { name: "x" })).toEqual({ text: "attempt 3" });
  });

  it("waits for nothing once an option was refused", async () => {
    const bus = await buses.open();
    await bus.join(defineAgent({ name: "greeter" }).on(Greet, () => ({ text: "" })));
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    try {
      const request = bus.request(Greet, { name: "x" }, { to: "greeter", delay: -1 });
      expect(await failure(request)).toMatchObject({ code: "OUT_OF_RANGE" });
      // Ends every wait: one that nobody knows of would fail unseen.
      await bus.close();
      await new Promise(setImmediate);
      expect(unhandled).not.toHaveBeenCalled();
    } finally {
      process.off("unhandledRejection", unhandled);
    }
  });

  it("ends with TIMEOUT naming id and recipient [request.reply]", async () => {
    const bus = await buses.open();
    const never = gate();
    await bus.join(defineAgent({ name: "slow" }).on(Greet, async () => (await never.promise, { text: "late" })));
    const error = await failure(bus.request(Greet, { name: "x" }, { to: "slow", timeout: 30 }));
    expect(error).toMatchObject({ code: "TIMEOUT", details: { recipient: "slow", timeout: 30 } });
    const late = gate();
    bus.events.on("message.late", () => late.open());
    never.open();
    await late.promise;
  });

  it("ends with the caller's signal [request.reply]", async () => {
    const bus = await buses.open();
    const never = gate();
    const started = gate();
    await bus.join(
      defineAgent({ name: "slow" }).on(Greet, async () => (started.open(), await never.promise, { text: "late" })),
    );
    const abort = new AbortController();
    const request = failure(bus.request(Greet, { name: "x" }, { signal: abort.signal }));
    await started.promise;
    abort.abort();
    expect(await request).toMatchObject({ code: "ABORTED" });
    never.open();
  });

  it("answers a type the agent does not take with NO_HANDLER [send.undeclared]", async () => {
    const bus = await buses.open();
    await bus.join(defineAgent({ name: "greeter" }).on(Greet, () => ({ text: "" })));
    const error = await failure(bus.request(Note, { text: "x" }, { to: "greeter" }));
    expect(error).toMatchObject({ code: "REMOTE_FAILED", details: { code: "NO_HANDLER" } });
  });

  it("lets a handler answer a type without a declared reply [request.expect]", async () => {
    const bus = await buses.open();
    await bus.join(
      defineAgent({ name: "writer" }).on(Note, ({ payload }, ctx) =>
        ctx.reply(Note, { text: payload.text.toUpperCase() }),
      ),
    );
    expect(await bus.request(Note, { text: "hi" }, { to: "writer", expect: Note })).toEqual({ text: "HI" });
  });

  it("keeps a reply nobody awaits in the receipt [receipt.settled]", async () => {
    const bus = await buses.open();
    await bus.join(defineAgent({ name: "greeter" }).on(Greet, ({ payload }) => ({ text: payload.name })));
    const receipt = await bus.send(Greet, { name: "Ada" }, { to: "greeter" });
    const state = await receipt.settled();
    expect(state.ends).toEqual({ greeter: "acknowledged" });
    expect(state.steps.at(-1)).toMatchObject({ step: "acknowledged", reply: { text: "Ada" } });
  });

  it("streams chunks in order and then the reply [request.stream]", async () => {
    const bus = await buses.open();
    await bus.join(
      defineAgent({ name: "counter" }).on(Ask, async function* ({ payload }) {
        for (let n = 0; n < payload.count; n++) yield n;
        return { sum: payload.count };
      }),
    );
    const stream = bus.stream(Ask, { count: 50 }, { to: "counter" });
    const chunks: number[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks).toEqual(Array.from({ length: 50 }, (_, n) => n));
    expect(await stream.reply).toEqual({ sum: 50 });
  });

  it("ends the loop of a stream with the handler's failure [request.stream]", async () => {
    const bus = await buses.open();
    await bus.join(
      defineAgent({ name: "counter" }).on(Ask, async function* () {
        yield 1;
        throw new AgentFailure("OUT_OF_INK", "no ink");
      }),
    );
    const stream = bus.stream(Ask, { count: 2 });
    const error = await failure(
      (async () => {
        for await (const _chunk of stream);
      })(),
    );
    expect(error).toMatchObject({ code: "REMOTE_FAILED", details: { code: "OUT_OF_INK" } });
  });
});
