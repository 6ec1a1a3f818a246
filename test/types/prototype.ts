import { z } from "zod"; import { defineMessage, defineAgent, connect, jsonSchema, type Handler, type Context } from "agentwire";
const Charge = defineMessage("charge", z.object({ amount: z.number(), at: z.coerce.date() }), { reply: z.object({ tx: z.string() }) });
const Note = defineMessage("note", z.object({ text: z.string() })); const Other = defineMessage("other", z.object({ k: z.boolean() }));
const Js = defineMessage("js", { type: "object", properties: { a: { type: "string" }, b: { type: "integer" } }, required: ["a"] });
const Js2 = defineMessage("js2", jsonSchema<{ q: number }>({ type: "object" }));
const Ask = defineMessage("ask", z.object({ q: z.string() }), { reply: z.object({ answer: z.string() }), chunk: z.object({ token: z.string() }) });
const pay = defineAgent({ name: "pay", sends: [Note] })
  .on(Charge, async (m, ctx) => { m.payload.at.getTime(); await ctx.send(Note, { text: "" }); return { tx: "1" }; })
  .on(Ask, async function* (m) { yield { token: m.payload.q }; return { answer: "x" }; })
  .on(Js, (m) => { m.payload.a.trim(); m.payload.b?.toFixed(); });
// @ts-expect-error wrong chunk
defineAgent({ name: "x" }).on(Ask, async function* () { yield { tok: 1 }; return { answer: "x" }; });
// @ts-expect-error reply forgotten
defineAgent({ name: "x" }).on(Charge, async () => { });
// @ts-expect-error returns something for a type without reply
defineAgent({ name: "x" }).on(Note, async () => ({ tx: 1 }));
// @ts-expect-error undeclared
defineAgent({ name: "x", sends: [Note] }).on(Charge, async (m, ctx) => { await ctx.send(Other, { k: true }); return { tx: "" }; });
const bus = await connect();
const r = await bus.request(Charge, { amount: 1, at: "2020-01-01" }, { to: pay, timeout: "5s" }); const tx: string = r.tx; void tx;
const any1 = await bus.request(Ask, { q: "" }); const s1: string = any1.answer; void s1;
const e = await bus.request(Note, { text: "" }, { expect: Other }); const k: boolean = e.k; void k;
const u: unknown = await bus.request(Note, { text: "" }); void u;
// @ts-expect-error pay does not take Other
await bus.send(Other, { k: true }, { to: pay });
// @ts-expect-error payload
await bus.send(Js, { a: 1 }, { to: "x" });
// @ts-expect-error payload
await bus.send(Js2, { q: "1" }, { to: "x" });
const s = bus.stream(Ask, { q: "hi" }, { to: "llm" }); for await (const c of s) c.token.trim(); (await s.reply).answer.trim();
const w = await bus.join(defineAgent({ name: "w", receives: [Charge, Note], sends: [Other] }));
for await (const d of w.deliveries({ types: [Charge] })) { await d.send(Other, { k: true }); await d.ack({ tx: "1" }); }
for (const d of await w.receive()) { if (Note.is(d.message)) d.message.payload.text.trim(); if (d.message.type === "charge") d.message.payload.amount.toFixed(); }
// @ts-expect-error the reply is required
for (const d of await w.receive({ types: [Charge] })) await d.ack();
// handler in its own file, no circularity, wider agent accepts narrower handler
const onCharge: Handler<typeof Charge, typeof Note> = async (m, ctx) => { await ctx.send(Note, { text: String(m.payload.amount) }); return { tx: "" }; };
defineAgent({ name: "y", sends: [Note, Other] }).on(Charge, onCharge);
// @ts-expect-error agent that does not declare Note cannot use that handler
defineAgent({ name: "y", sends: [Other] }).on(Charge, onCharge);
async function helper(ctx: Context<typeof Note>) { await ctx.send(Note, { text: "" }); } void helper;
defineAgent({ name: "y", sends: [Note, Other] }).on(Note, async (m, ctx) => { await helper(ctx); });
