import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, defineAgent, defineMessage, type MigrationProgress, migrate } from "agentwire";
import { FakeClock } from "agentwire/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Driver } from "../../src/broker/driver.ts";
import { MemoryEngine } from "../../src/drivers/memory/index.ts";
import { jsonCodec } from "../../src/message/codec-json.ts";
import { type CarryOptions, carry } from "../../src/migration/carry.ts";
import type { Store } from "../../src/store/store.ts";
import { failure } from "../support/buses.ts";
import { envelope } from "../support/envelope.ts";

/** A broker or store that says it could do less. */
function claiming<T extends { readonly capabilities: object }>(target: T, less: Partial<T["capabilities"]>): T {
  return new Proxy(target, {
    get(_, name) {
      if (name === "capabilities") return { ...target.capabilities, ...less };
      return (Reflect.get(target, name) as (...values: unknown[]) => unknown).bind(target);
    },
  });
}

type Opened = Driver & { readonly store: Store };

describe("carry", () => {
  const clock = new FakeClock();
  let from: Opened;
  let to: Opened;

  async function open(): Promise<Opened> {
    const context = { clock, codec: jsonCodec, scope: "test/default", instance: "carrier", report: () => {} };
    const { broker, store } = new MemoryEngine(clock).driver(context);
    await store?.open();
    await broker.open();
    return { broker, store: store as Store };
  }

  beforeEach(async () => {
    [from, to] = [await open(), await open()];
  });
  afterEach(async () => {
    for (const { broker, store } of [from, to]) {
      await broker.close();
      await store.close();
    }
  });

  const run = (options: Partial<CarryOptions> = {}, journey = { from, to }) =>
    carry(journey, { clock, run: "run-1", force: false, onProgress: () => {}, ...options });

  it("keeps order, priority, attempts and due times, and the inbox as it was declared", async () => {
    await from.broker.declareInbox({ name: "work", capacity: 50, overflow: "drop-oldest", paused: true });
    const now = clock.now();
    await from.broker.publish([
      { message: envelope("tried"), to: ["work"], attempt: 2 },
      { message: envelope("later"), to: ["work"], attempt: 1, dueAt: now + 5_000 },
      { message: envelope("second", { expiresAt: now + 60_000 }), to: ["work"] },
      { message: envelope("first", { priority: "critical" }), to: ["work"] },
    ]);
    expect(await run()).toMatchObject({ messages: 4, messagesThereBefore: 0, attempts: true });
    const [status] = await to.broker.inspect(["work"], { peek: 10 });
    expect(status).toMatchObject({ capacity: 50, overflow: "drop-oldest", paused: true, waiting: 4, delayed: 1 });
    expect(status?.messages).toEqual((await from.broker.inspect(["work"], { peek: 10 }))[0]?.messages);
    expect(status?.messages?.map(({ message, attempt, dueAt }) => [message.id, attempt, dueAt])).toEqual([
      ["first", 0, undefined],
      ["tried", 2, undefined],
      ["second", 0, undefined],
      ["later", 1, now + 5_000],
    ]);
  });

  it("gives each recipient of a message its copy", async () => {
    for (const name of ["a", "b"]) await from.broker.declareInbox({ name });
    await from.broker.publish([{ message: envelope("both"), to: ["a", "b"] }]);
    expect((await run()).messages).toBe(2);
    expect((await to.broker.find("both")).map(({ inbox }) => inbox).sort()).toEqual(["a", "b"]);
  });

  it("carries values with what is left of their time, and writes over nothing", async () => {
    await from.store.put("registry/a", { from: true });
    await from.store.put("registry/b", 1, { ttl: 10_000 });
    await from.store.put("lease/housekeeping", "me");
    await to.store.put("registry/a", { from: false });
    await clock.advance(4_000);
    await run();
    expect(await to.store.get("registry/a")).toMatchObject({ value: { from: false } });
    expect(await to.store.get("registry/b")).toMatchObject({ value: 1, expiresAt: clock.now() + 6_000 });
    expect(await to.store.get("lease/housekeeping")).toBeUndefined();
  });

  it("stops anywhere, and goes on without loss or double", async () => {
    const keys = Array.from({ length: 1_200 }, (_, at) => `state/k${String(at).padStart(4, "0")}`);
    for (const key of keys) await from.store.put(key, key);
    for (const log of ["journal/entries", "receipts/x"]) await from.store.append(log, keys);
    await from.broker.declareInbox({ name: "work" });
    await from.broker.publish(keys.map((key) => ({ message: envelope(key), to: ["work"] })));
    const stops = new Set<string>();
    const onProgress = ({ step, name, done }: MigrationProgress): void => {
      const stop = `${step} ${name} ${done}`;
      if (stops.has(stop)) return;
      stops.add(stop);
      throw new Error(stop);
    };
    for (let stopped = true, count = 1; stopped; count++) {
      stopped = await run({ onProgress, run: `run-${count}` }).then(
        () => false,
        (error: Error) => stops.has(error.message),
      );
    }
    expect(new Set([...stops].map((stop) => stop.split(" ")[0]))).toEqual(new Set(["state", "history", "messages"]));
    const read = async (store: Store, log: string) =>
      (await store.read(log, { limit: 10_000 })).map(({ value }) => value);
    for (const log of ["journal/entries", "receipts/x"]) expect(await read(to.store, log)).toEqual(keys);
    expect((await to.store.list("state/")).map(({ key }) => key)).toEqual(keys);
    const [work] = await to.broker.inspect(["work"], { peek: 2_000 });
    expect(work?.messages?.map(({ message }) => message.id)).toEqual(keys);
    expect(work?.accepted).toBe(keys.length);
  });

  it("is done once; by force it carries what has come since", async () => {
    await from.broker.declareInbox({ name: "work" });
    await from.store.append("journal/entries", [1]);
    await from.broker.publish([{ message: envelope("one"), to: ["work"] }]);
    await run();
    expect(await failure(run())).toMatchObject({
      code: "ENGINE_STATE",
      message: expect.stringContaining("2026-01-01"),
    });
    await from.store.append("journal/entries", [2]);
    await from.broker.publish([{ message: envelope("two"), to: ["work"] }]);
    expect(await run({ force: true, run: "run-2" })).toMatchObject({ messages: 2, messagesThereBefore: 1, entries: 1 });
    expect((await to.store.read("journal/entries")).map(({ value }) => value)).toEqual([1, 2]);
    expect((await to.broker.inspect(["work"]))[0]?.waiting).toBe(2);
  });

  it("does not go on with what the target has forgotten", async () => {
    await from.store.put("state/a", 1);
    const onProgress = () => {
      throw new Error("stopped");
    };
    await failure(run({ onProgress }));
    await clock.advance(8 * 24 * 60 * 60_000);
    expect(await failure(run())).toMatchObject({ code: "ENGINE_STATE", message: expect.stringContaining("too old") });
  });

  it("refuses while others are there, a target without transactions, a source that cannot be read, and itself", async () => {
    await from.store.put("presence/host-1", {});
    expect(await failure(run())).toMatchObject({ code: "ENGINE_STATE", details: { instances: ["host-1"] } });
    await from.store.delete("presence/host-1");
    await from.broker.declareInbox({ name: "work" });
    const consumer = await from.broker.consume("work", {
      instance: "c",
      lease: 1_000,
      renew: false,
      onDeliveries: () => {},
    });
    expect(await failure(run())).toMatchObject({ code: "ENGINE_STATE", details: { inboxes: ["work"] } });
    await run({ force: true });
    await consumer.close();
    await from.store.delete("migration/departure");

    expect(await failure(run({}, { from, to: from }))).toMatchObject({ code: "ARGUMENT_INVALID" });
    const blind = claiming(from.broker, { peek: false });
    expect(await failure(run({}, { from: { ...from, broker: blind }, to }))).toMatchObject({ code: "UNSUPPORTED" });
    const simple = claiming(to.store, { transaction: false });
    expect(await failure(run({}, { from, to: { ...to, store: simple } }))).toMatchObject({ code: "UNSUPPORTED" });
  });
});

it("an agent goes on with its work, its dead letters and its history on the other engine", async () => {
  const folder = mkdtempSync(join(tmpdir(), "agentwire-migration-"));
  const [one, two] = ["one", "two"].map((name) => `sqlite:${join(folder, `${name}.db`)}`) as [string, string];
  const Note = defineMessage("note", { type: "object", properties: { n: { type: "number" } }, required: ["n"] });
  const seen: unknown[] = [];
  const worker = defineAgent({ name: "worker", capabilities: ["note"] }).on(Note, ({ payload }, ctx) => {
    if (payload.n === 0) return ctx.reject("no");
    seen.push([payload.n, ctx.attempt]);
  });
  try {
    const before = await connect(one, { logger: false, history: true });
    const agent = await before.join(worker);
    const given = await before.send(Note, { n: 0 }, { to: "worker" });
    await given.settled();
    await agent.leave();
    for (const n of [1, 2, 3]) await before.send(Note, { n }, { to: "worker" });
    await before.close();

    const report = await migrate(one, two);
    expect(report).toMatchObject({ messages: 3, inboxesLeft: [] });

    const after = await connect(two, { logger: false, history: true });
    expect((await after.agents.get("worker"))?.capabilities).toEqual([{ name: "note" }]);
    expect((await after.deadLetters.list()).map(({ message, reason }) => [message.id, reason])).toEqual([
      [given.id, "no"],
    ]);
    expect((await after.receipts.get(given.id))?.ends).toEqual({ worker: "dead-lettered" });
    const journal = [];
    for await (const entry of after.journal.read()) journal.push(entry.kind);
    expect(journal.filter((kind) => kind === "message")).toHaveLength(4);
    await after.join(worker);
    await after.settled();
    expect(seen).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
    await after.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
