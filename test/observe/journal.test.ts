import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Consumer, Delivery } from "../../src/broker/consumer.ts";
import type { Driver } from "../../src/broker/driver.ts";
import { JOURNAL_LOG } from "../../src/broker/journal-log.ts";
import { MemoryEngine } from "../../src/drivers/memory/index.ts";
import { jsonCodec } from "../../src/message/codec-json.ts";
import type { Envelope } from "../../src/message/envelope.ts";
import { IdGenerator } from "../../src/message/id.ts";
import { EventHub } from "../../src/observe/event-hub.ts";
import { Journal, type JournalOptions } from "../../src/observe/journal.ts";
import type { Journaled } from "../../src/observe/journal-entry.ts";
import type { Store } from "../../src/store/store.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";
import { changed, settled } from "../registry/registries.ts";

let clock: FakeClock;
let engine: MemoryEngine;
let ids: IdGenerator;
const closing: (() => Promise<void>)[] = [];

beforeEach(() => {
  clock = new FakeClock();
  engine = new MemoryEngine(clock, { retention: 1_000_000 });
  ids = new IdGenerator({ clock });
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function driver(): Promise<Driver & { store: Store }> {
  const made = engine.driver({ clock, codec: jsonCodec, scope: "s", instance: "i", journal: true, report: () => {} });
  await made.broker.open();
  await made.store?.open();
  return made as Driver & { store: Store };
}

async function open(options: Partial<JournalOptions> = {}) {
  const { broker, store } = await driver();
  const events = new EventHub();
  const journal = new Journal({ store, clock, ...options });
  await journal.open(events);
  closing.push(() => journal.close().catch(() => {}));
  return { journal, events, store, broker };
}

function envelope(given: Partial<Envelope> = {}): Envelope {
  const id = ids.next();
  return {
    v: 1,
    id,
    type: "greet",
    version: 1,
    from: "bob",
    payload: { n: 1 },
    priority: "normal",
    createdAt: clock.now(),
    conversationId: id,
    headers: {},
    ...given,
  };
}

async function all(entries: AsyncIterable<Journaled>): Promise<Journaled[]> {
  const found: Journaled[] = [];
  for await (const entry of entries) found.push(entry);
  return found;
}

const idsOf = (entries: readonly Journaled[]) =>
  entries.flatMap((entry) => (entry.kind === "message" ? [entry.message.id] : []));

describe("the journal", () => {
  it("has a message, whole, when its publish resolves; duplicates and failures never", async () => {
    const { broker, store } = await open();
    await broker.declareInbox({ name: "ada" });
    const message = envelope();
    const dedupe = { key: "k", fingerprint: "f", window: 60_000 };
    const results = await broker.publish([
      { message, to: ["ada"], dedupe },
      { message: envelope(), to: ["nobody"] },
    ]);
    expect(results.map((result) => result.status)).toEqual(["accepted", "failed"]);
    await broker.publish([{ message: envelope(), to: ["ada"], dedupe }]);
    const reader = new Journal({ store, clock });
    expect(await all(reader.read())).toEqual([
      { kind: "message", at: clock.now(), message, recipients: ["ada"], cursor: expect.any(String) },
    ]);
  });

  it("has the replies that a settle emits", async () => {
    const { broker, journal } = await open();
    for (const name of ["ada", "bob"]) await broker.declareInbox({ name });
    const request = envelope();
    await broker.publish([{ message: request, to: ["ada"] }]);
    const delivery = await new Promise<Delivery>((resolve) => {
      void broker
        .consume("ada", {
          instance: "i",
          lease: 1_000,
          renew: false,
          onDeliveries: ([first]) => resolve(first as Delivery),
        })
        .then((consumer: Consumer) => consumer.credit(1));
    });
    const { message, attempt, inbox, redelivered, failures, offeredAt } = delivery;
    expect({ message, attempt, inbox, redelivered, failures, offeredAt }).toEqual({
      message: request,
      attempt: 1,
      inbox: "ada",
      redelivered: false,
      failures: [],
      offeredAt: clock.now(),
    });
    const reply = envelope({ inReplyTo: request.id });
    const record = { id: request.id, recipient: "ada", end: "acknowledged", at: clock.now(), attempt: 1 } as const;
    expect(await delivery.settle({ outcome: "end", record, emit: [{ message: reply, to: ["bob"] }] })).toBe("settled");
    expect(idsOf(await all(journal.read()))).toEqual([request.id, reply.id]);
    await delivery.settle({ outcome: "end", record, emit: [{ message: reply, to: ["bob"] }] });
    expect(idsOf(await all(journal.read()))).toHaveLength(2);
  });

  it("tells the holder of a revoked delivery about the one it was given", async () => {
    const { broker } = await open();
    await broker.declareInbox({ name: "ada" });
    const message = envelope();
    await broker.publish([{ message, to: ["ada"] }]);
    const given: Delivery[] = [];
    const revoked: Delivery[] = [];
    const consumer = await broker.consume("ada", {
      instance: "i",
      lease: 1_000,
      renew: false,
      onDeliveries: (deliveries) => given.push(...deliveries),
      onRevoked: (delivery) => revoked.push(delivery),
    });
    consumer.credit(1);
    await settled();
    await broker.cancel("ada", { id: message.id }, "withdrawn");
    await settled();
    expect(revoked).toHaveLength(1);
    expect(revoked[0]).toBe(given[0]);
  });

  it("returns all that was accepted before a reading, once and in one order, while more comes (G13)", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 8 }), { minLength: 1, maxLength: 3 }),
        async (senders) => {
          engine = new MemoryEngine(clock, { retention: 1_000_000 });
          const buses = await Promise.all(senders.map(() => open()));
          await buses[0]?.broker.declareInbox({ name: "ada" });
          const accepted: string[] = [];
          const send = async (at: number, size: number): Promise<void> => {
            const batch = Array.from({ length: size }, () => ({ message: envelope(), to: ["ada"] }));
            for (const result of (await buses[at]?.broker.publish(batch)) ?? [])
              if (result.status === "accepted") accepted.push(result.id);
          };
          const sending = Promise.all(
            senders.map(async (sizes, at) => {
              for (const size of sizes) await send(at, size);
            }),
          );
          const reader = buses[0]?.journal as Journal;
          const before = [...accepted];
          const first = idsOf(await all(reader.read()));
          await sending;
          const whole = idsOf(await all(reader.read()));
          expect(new Set(whole).size).toBe(whole.length);
          expect([...whole].sort()).toEqual([...accepted].sort());
          expect(whole.slice(0, first.length)).toEqual(first);
          for (const id of before) expect(first).toContain(id);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("goes on after any cursor", async () => {
    const { broker, journal } = await open();
    await broker.declareInbox({ name: "ada" });
    await broker.publish(Array.from({ length: 450 }, () => ({ message: envelope(), to: ["ada"] })));
    await broker.publish([{ message: envelope(), to: ["ada"] }]);
    const entries = await all(journal.read());
    expect(entries).toHaveLength(451);
    for (const at of [0, 199, 200, 448, 449, 450]) {
      expect(await all(journal.read({ after: entries[at]?.cursor ?? "" }))).toEqual(entries.slice(at + 1));
    }
    await expect(all(journal.read({ after: "yesterday" }))).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
  });

  it("keeps events, but none that the driver keeps", async () => {
    const { events, journal } = await open();
    const about = { at: clock.now(), id: "m", message: "greet", from: "bob", conversation: "c" };
    events.emit({ type: "message.accepted", ...about, recipients: ["ada"] });
    events.emit({ type: "message.offered", ...about, recipient: "ada", attempt: 1 });
    events.emit({ type: "message.late", ...about });
    events.emit({ type: "agent.joined", at: clock.now(), agent: "ada", instance: "i" });
    await clock.advance(50);
    expect((await all(journal.read())).map((entry) => entry.kind === "event" && entry.event.type)).toEqual([
      "message.late",
      "agent.joined",
    ]);
  });

  it("answers by conversation, agent, channel, type and time, in pages", async () => {
    const { broker, events, journal } = await open();
    for (const name of ["ada", "cid"]) await broker.declareInbox({ name });
    const messages: Envelope[] = [];
    for (let hour = 0; hour < 48; hour++) {
      const message = envelope({
        conversationId: `c${hour % 2}`,
        type: hour % 3 ? "greet" : "part",
        ...(hour % 4 ? {} : { channel: "news" }),
      });
      messages.push(message);
      await broker.publish([{ message, to: [hour % 2 ? "ada" : "cid"], fanOut: true }]);
      events.emit({
        type: "message.progress",
        fraction: 0.5,
        at: clock.now(),
        id: message.id,
        message: message.type,
        from: "bob",
        conversation: message.conversationId,
        recipient: "ada",
        attempt: 1,
      });
      await clock.advance(3_600_000);
    }
    const start = messages[0]?.createdAt ?? 0;
    const found = async (query: Parameters<typeof journal.history>[0]) => idsOf(await journal.history(query));
    const by = (chosen: (message: Envelope, at: number) => boolean) =>
      messages.filter(chosen).map((message) => message.id);
    expect(await found({ conversation: "c1" })).toEqual(by((_, at) => at % 2 === 1));
    expect(await found({ agent: "cid" })).toEqual(by((_, at) => at % 2 === 0));
    expect(await found({ channel: "news", type: "part" })).toEqual(by((_, at) => at % 12 === 0));
    expect(await found({ from: start + 10 * 3_600_000, to: start + 13 * 3_600_000 })).toEqual(
      by((_, at) => at >= 10 && at < 13),
    );
    expect(await found({ agent: "nobody" })).toEqual([]);
    expect(await journal.history({ agent: "ada" })).toHaveLength(24 + 48);
    const replayed = [];
    for await (const { message } of journal.messages({ type: "part" })) replayed.push(message.id);
    expect(replayed).toEqual(by((_, at) => at % 3 === 0));
    const first = await journal.history({ conversation: "c1", limit: 5 });
    const second = await journal.history({ conversation: "c1", limit: 10_000, after: first.at(-1)?.cursor ?? "" });
    expect([...first, ...second]).toEqual(await journal.history({ conversation: "c1" }));
    await expect(journal.history({ limit: 0 })).rejects.toMatchObject({ code: "OUT_OF_RANGE" });
  });

  it("reads little to find a time in a long journal", async () => {
    const { broker, store } = await open();
    await broker.declareInbox({ name: "ada" });
    for (let at = 0; at < 3_000; at++) {
      await store.append(JOURNAL_LOG, [
        [{ kind: "message", at: clock.now(), message: envelope(), recipients: ["ada"] }],
      ]);
      clock.jump(60_000);
    }
    let read = 0;
    const counting = changed(store, {
      read: async (...given) => {
        const page = await store.read(...given);
        read += page.length;
        return page;
      },
    });
    const late = new Journal({ store: counting, clock });
    expect(idsOf(await late.history({ from: clock.now() - 600_000 }))).toHaveLength(10);
    expect(read).toBeLessThan(100);
  });

  it("removes what is older than the retention, by itself", async () => {
    const { broker, journal } = await open({ retention: 3_000_000 });
    await broker.declareInbox({ name: "ada" });
    await broker.publish([{ message: envelope(), to: ["ada"] }]);
    await clock.advance(1_800_000);
    const kept = envelope();
    await broker.publish([{ message: kept, to: ["ada"] }]);
    await clock.advance(1_800_001);
    expect(idsOf(await all(journal.read()))).toEqual([kept.id]);
    await clock.advance(7_200_000);
    expect(await all(journal.read())).toEqual([]);
  });

  it("leaves aside what another program wrote", async () => {
    const { store, journal } = await open();
    await store.append(JOURNAL_LOG, ["text", [null, { kind: "message", at: 1 }], { kind: "event" }]);
    await store.append(JOURNAL_LOG, [[{ kind: "message", at: clock.now(), message: envelope(), recipients: [] }]]);
    expect(await all(journal.read())).toHaveLength(1);
  });

  it("loses nothing while the store refuses to write, and tells of the fault", async () => {
    const { store: real } = await driver();
    let isAway = true;
    const faults: unknown[] = [];
    const store = changed(real, {
      append: (...given) => (isAway ? Promise.reject(new Error("away")) : real.append(...given)),
    });
    const journal = new Journal({ store, clock, onFault: (error) => faults.push(error) });
    const events = new EventHub();
    await journal.open(events);
    closing.push(() => journal.close());
    for (const agent of ["ada", "bob"]) {
      events.emit({ type: "agent.joined", at: clock.now(), agent, instance: "i" });
      await clock.advance(50);
    }
    expect(faults).toHaveLength(2);
    isAway = false;
    await clock.advance(50);
    const kept = await all(journal.read());
    expect(kept.map((entry) => entry.kind === "event" && "agent" in entry.event && entry.event.agent)).toEqual([
      "ada",
      "bob",
    ]);
  });
});
