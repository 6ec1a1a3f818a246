import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BusEvent, defineAgent, defineMessage, traceText } from "agentwire";
import { expect, it } from "vitest";
import { z } from "zod";
import { gate, onEachDriver } from "../support/buses.ts";

const Ask = defineMessage("ask", z.object({ q: z.string() }), { reply: z.object({ a: z.string() }) });
const Look = defineMessage("look", z.object({ q: z.string() }), { reply: z.object({ found: z.string() }) });
const Note = defineMessage("note", z.object({ text: z.string() }));

const asker = defineAgent({ name: "asker", sends: [Look] }).on(Ask, async ({ payload }, ctx) => ({
  a: (await ctx.request(Look, { q: payload.q }, { to: "looker" })).found,
}));
const looker = defineAgent({ name: "looker" }).on(Look, ({ payload }) => ({ found: payload.q.toUpperCase() }));

onEachDriver("observation", (buses) => {
  it("keeps the history of a conversation and draws its execution tree [history.tree]", async () => {
    const bus = await buses.open({ history: true });
    await bus.join(looker);
    await bus.join(asker);
    expect(await bus.request(Ask, { q: "x" }, { to: "asker", conversation: "talk" })).toEqual({ a: "X" });
    await bus.settled();
    const messages = (await bus.events.history({ conversation: "talk" })).flatMap((entry) =>
      entry.kind === "message" ? [entry.message.type] : [],
    );
    expect(messages.sort()).toEqual(["ask", "ask.reply", "look", "look.reply"]);
    const trace = await bus.journal.trace("talk");
    expect(traceText(trace)).toMatch(/ask[\s\S]*look/);
    expect(trace.roots).toHaveLength(1);
  });

  it("shows who is at work on a conversation, attempts before this one included [history.tree]", async () => {
    const bus = await buses.open({ history: true });
    let finish = (): void => {};
    const working = new Promise<void>((resolve) => {
      const slow = defineAgent({ name: "slow", retry: { backoff: "immediate" } }).on(Note, async (_message, ctx) => {
        if (ctx.attempt === 1) throw new Error("once");
        resolve();
        await new Promise<void>((done) => (finish = done));
      });
      void bus.join(slow).then(() => bus.send(Note, { text: "x" }, { to: "slow", conversation: "now" }));
    });
    await working;
    const deliveries = async () => (await bus.journal.trace("now")).roots[0]?.deliveries;
    expect(await deliveries()).toMatchObject([{ outcome: "running", attempts: 2, failures: [{ reason: "once" }] }]);
    finish();
    await bus.settled();
    expect(await deliveries()).toMatchObject([{ outcome: "acknowledged", attempts: 2 }]);
    const events = (await bus.events.history({ conversation: "now" })).flatMap((entry) =>
      entry.kind === "event" ? [`${entry.event.type} ${"attempt" in entry.event ? entry.event.attempt : ""}`] : [],
    );
    expect(events.sort()).toEqual([
      "message.acknowledged 2",
      "message.offered 1",
      "message.offered 2",
      "message.retried 1",
    ]);
  });

  it("sends recorded messages again as new ones that name the old [history.replay]", async () => {
    const bus = await buses.open({ history: true });
    const seen: string[] = [];
    await bus.join(defineAgent({ name: "reader" }).on(Note, ({ payload }) => void seen.push(payload.text)));
    for (const text of ["a", "b"]) await bus.send(Note, { text }, { to: "reader", conversation: text });
    await bus.settled();
    const again = [];
    for await (const one of bus.journal.replay({ conversation: "b" })) again.push(one);
    await bus.settled();
    expect(seen).toEqual(["a", "b", "b"]);
    expect(again).toMatchObject([{ type: "note", recipients: ["reader"] }]);
  });

  it("sends recorded messages on another bus, once to all who got them [history.replay]", async () => {
    const bus = await buses.open({ history: true });
    const trial = await buses.open({ history: true, namespace: "trial" });
    const got: string[] = [];
    for (const name of ["ann", "bob"]) {
      const reader = defineAgent({ name, subscribes: ["news"] });
      await bus.join(reader.on(Note, () => {}));
      if (name === "ann") await trial.join(reader.on(Note, ({ replayOf }) => void got.push(replayOf ?? "")));
    }
    const { id } = await bus.publish(Note, { text: "a" }, { channel: "news", conversation: "one" });
    await bus.settled();
    const again = [];
    for await (const one of bus.journal.replay({ conversation: "one" }, { into: trial })) again.push(one);
    await trial.settled();
    expect(again).toMatchObject([{ id, recipients: ["ann", "bob"], error: "There is no inbox bob" }]);
    expect(got).toEqual([id]);
    for await (const one of bus.journal.replay({ conversation: "one" })) again.push(one);
    await bus.settled();
    const conversation = again[1]?.newId ?? "";
    const kept = (await bus.events.history({ conversation })).filter((entry) => entry.kind === "message");
    expect(kept).toMatchObject([{ recipients: ["ann", "bob"], message: { replayOf: id } }]);
  });

  it("sends nothing again where none of the recipients is left [history.replay]", async () => {
    const bus = await buses.open({ history: true });
    await bus.join(defineAgent({ name: "reader" }).on(Note, () => {}));
    const { id } = await bus.send(Note, { text: "a" }, { to: "reader", conversation: "one" });
    await bus.settled();
    await bus.agents.remove("reader", { force: true });
    const again = [];
    for await (const one of bus.journal.replay({ conversation: "one" })) again.push(one);
    expect(again).toEqual([{ id, type: "note", recipients: ["reader"], error: "There is no inbox reader" }]);
    const kept = [];
    for await (const entry of bus.journal.read()) if (entry.kind === "message") kept.push(entry.message.id);
    expect(kept).toEqual([id]);
  });

  it("tells every step of a message as an event [observe.events]", async () => {
    const bus = await buses.open();
    const told: string[] = [];
    bus.events.on("*", (event: BusEvent) => told.push(event.type));
    const agent = await bus.join(
      defineAgent({ name: "reader", retry: { backoff: "immediate" } }).on(Note, (_message, ctx) => {
        if (ctx.attempt === 1) throw new Error("once");
      }),
    );
    await (await bus.send(Note, { text: "x" }, { to: "reader" })).settled();
    await agent.leave();
    const steps = told.filter((type) => type.startsWith("message."));
    // A hand-off in the same process may be told before the sender learns that the message is durable.
    expect(steps.filter((type) => type !== "message.accepted")).toEqual([
      "message.offered",
      "message.retried",
      "message.offered",
      "message.acknowledged",
    ]);
    expect(steps.filter((type) => type === "message.accepted")).toHaveLength(1);
    expect(told.filter((type) => type.startsWith("agent.") && type !== "agent.status")).toEqual([
      "agent.joined",
      "agent.left",
    ]);
  });

  it("tells when an agent says how it is doing [observe.events]", async () => {
    const bus = await buses.open();
    const away = gate<BusEvent>();
    bus.events.on("agent.status", (event) => event.status === "away" && away.open(event));
    const agent = await bus.join(defineAgent({ name: "reader" }).on(Note, () => {}));
    await agent.setStatus("away");
    expect(await away.promise).toMatchObject({ agent: "reader", status: "away" });
    expect(await bus.agents.get("reader")).toMatchObject({ status: "away" });
  });

  it("tells its health and counts what went through [observe.health]", async () => {
    const bus = await buses.open({ statistics: true });
    await bus.join(
      defineAgent({ name: "reader", retry: { attempts: 1 } }).on(Note, ({ payload }, ctx) => {
        if (payload.text === "bad") ctx.reject("bad");
      }),
    );
    for (const text of ["good", "bad"]) await (await bus.send(Note, { text }, { to: "reader" })).settled();
    expect(await bus.health()).toMatchObject({ live: true, ready: true, status: "ok" });
    const stats = await bus.stats();
    expect(stats.messages).toMatchObject({
      accepted: 2,
      waiting: 0,
      balanced: true,
      ended: { acknowledged: 1, "dead-lettered": 1 },
    });
    expect(stats.types?.["note"]).toMatchObject({ accepted: 2, ended: { acknowledged: 1, "dead-lettered": 1 } });
  });

  it("writes audit files for each day [observe.audit]", async () => {
    const directory = mkdtempSync(join(tmpdir(), "agentwire-audit-"));
    try {
      const bus = await buses.open({ audit: { directory } });
      await bus.join(defineAgent({ name: "reader" }).on(Note, () => {}));
      await (await bus.send(Note, { text: "secret words" }, { to: "reader" })).settled();
      await bus.close();
      const [day = ""] = readdirSync(directory);
      const lines = readFileSync(join(directory, day, `message_audit_${day}.jsonl`), "utf8")
        .trim()
        .split("\n");
      expect(lines.map((line) => JSON.parse(line).event).sort()).toEqual([
        "message.accepted",
        "message.acknowledged",
        "message.offered",
      ]);
      expect(lines.join()).not.toContain("secret words");
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
