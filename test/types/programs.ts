// Programs that must compile, and programs that must not. Checked by the compiler, never run.
import { type Context, connect, defineAgent, defineMessage, type Handler, jsonSchema } from "agentwire";
import { z } from "zod";

const Charge = defineMessage("charge", z.object({ amount: z.number(), at: z.coerce.date() }), {
  reply: z.object({ tx: z.string() }),
});
const Note = defineMessage("note", z.object({ text: z.string() }));
const Other = defineMessage("other", z.object({ done: z.boolean() }));
const Plain = defineMessage("plain", {
  type: "object",
  properties: { a: { type: "string" }, b: { type: "integer" } },
  required: ["a"],
});
const Told = defineMessage("told", jsonSchema<{ q: number }>({ type: "object" }));
const Ask = defineMessage("ask", z.object({ q: z.string() }), {
  reply: z.object({ answer: z.string() }),
  chunk: z.object({ token: z.string() }),
});

// A handler gets the schema's output, replies and streams; the definition widens with every handler.
const pay = defineAgent({ name: "pay", sends: [Note] })
  .on(Charge, async ({ payload }, ctx) => {
    await ctx.send(Note, { text: payload.at.toISOString() });
    return { tx: "1" };
  })
  .on(Ask, async function* ({ payload }) {
    yield { token: payload.q };
    return { answer: "x" };
  })
  .on(Plain, ({ payload }) => {
    payload.a.trim();
    payload.b?.toFixed();
  });

defineAgent({ name: "x" })
  // @ts-expect-error the chunk has another field
  .on(Ask, async function* () {
    yield { tok: 1 };
    return { answer: "x" };
  });

const bus = await connect();

// A request is typed by the reply that its type declares, else by `expect`, else unknown. Input is what travels.
const charged = await bus.request(Charge, { amount: 1, at: "2020-01-01" }, { to: pay, timeout: "5s" });
export const tx: string = charged.tx;
const answered = await bus.request(Ask, { q: "" });
export const answer: string = answered.answer;
const expected = await bus.request(Note, { text: "" }, { expect: Other });
export const done: boolean = expected.done;
export const untyped: unknown = await bus.request(Note, { text: "" });

// @ts-expect-error a JSON Schema types its payload too
await bus.send(Plain, { a: 1 }, { to: "x" });
// @ts-expect-error and so does a type given beside it
await bus.send(Told, { q: "1" }, { to: "x" });

const stream = bus.stream(Ask, { q: "hi" }, { to: "llm" });
for await (const { token } of stream) token.trim();
(await stream.reply).answer.trim();

// Pulled deliveries are senders with a cause, and narrow by their type.
const worker = await bus.join(defineAgent({ name: "worker", receives: [Charge, Note], sends: [Other] }));
for await (const delivery of worker.deliveries({ types: [Charge] })) {
  await delivery.send(Other, { done: true });
  await delivery.ack({ tx: "1" });
}
for (const { message } of await worker.receive()) {
  if (Note.is(message)) message.payload.text.trim();
  if (message.type === "charge") message.payload.amount.toFixed();
}

// A handler in its own file serves every agent that declares at least what it sends.
const onCharge: Handler<typeof Charge, typeof Note> = async ({ payload }, ctx) => {
  await ctx.send(Note, { text: String(payload.amount) });
  return { tx: "" };
};
defineAgent({ name: "y", sends: [Note, Other] }).on(Charge, onCharge);

async function notify(ctx: Context<typeof Note>): Promise<void> {
  await ctx.send(Note, { text: "" });
}
defineAgent({ name: "y", sends: [Note, Other] }).on(Note, async (_, ctx) => {
  await notify(ctx);
});

// Several kinds of agents are joined in one loop.
async function joinAll(): Promise<void> {
  const note = defineAgent({ name: "one" }).on(Note, () => {});
  const other = defineAgent({ name: "two", sends: [Note] }).on(Other, () => {});
  for (const agent of [note, other]) await (await connect()).join(agent);
}
void joinAll;
