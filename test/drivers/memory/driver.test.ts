import { describe, expect, it } from "vitest";
import type { Broker } from "../../../src/broker/broker.ts";
import type { Delivery } from "../../../src/broker/consumer.ts";
import type { Driver, DriverEvent } from "../../../src/broker/driver.ts";
import { MemoryEngine, memoryDriver } from "../../../src/drivers/memory/index.ts";
import type { Envelope } from "../../../src/message/envelope.ts";
import type { Store } from "../../../src/store/store.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";
import { memoryContext } from "./engine.ts";

const START = Date.UTC(2026, 0, 1);
let made = 0;

function message(fields: Partial<Envelope> = {}): Envelope {
  const time = START.toString(16).padStart(12, "0");
  const id = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${(++made).toString(16).padStart(12, "0")}`;
  return Object.freeze({
    v: 1,
    id,
    type: "t",
    version: 1,
    from: "s",
    priority: "normal",
    createdAt: START,
    conversationId: id,
    headers: {},
    payload: null,
    ...fields,
  });
}

async function open(driver: Driver): Promise<{ broker: Broker; store: Store }> {
  await driver.broker.open();
  await driver.store?.open();
  return driver as { broker: Broker; store: Store };
}

/** Takes and acknowledges everything, with so much credit at a time. */
async function acknowledgeAll(broker: Broker, inbox: string, credit = 64): Promise<{ done: number }> {
  const seen = { done: 0 };
  const consumer = await broker.consume(inbox, {
    instance: "i",
    lease: 30_000,
    renew: true,
    onDeliveries(deliveries: readonly Delivery[]) {
      for (const {
        message: { id },
        attempt,
        settle,
      } of deliveries.map((one) => ({ message: one.message, attempt: one.attempt, settle: one.settle.bind(one) }))) {
        void settle({ outcome: "end", record: { id, recipient: inbox, end: "acknowledged", at: START, attempt } });
        seen.done++;
      }
      consumer.credit(credit);
    },
  });
  consumer.credit(credit);
  return seen;
}

describe("memoryDriver", () => {
  it("takes a URL without a path, and only the option it knows", () => {
    const clock = new FakeClock();
    for (const url of ["memory:", "memory://", "memory:?retention=5"])
      expect(memoryDriver(url, memoryContext(clock)).store).toBeDefined();
    for (const url of [
      "memory:name",
      "memory:?retention=0",
      "memory:?retention=20000000",
      "memory:?other=1",
      "memory:?retention=1&retention=2",
    ]) {
      expect(() => memoryDriver(url, memoryContext(clock)), url).toThrow(
        expect.objectContaining({ code: "URL_INVALID" }),
      );
    }
  });

  it("is an engine of its own, and refuses to work before opening and after closing", async () => {
    const clock = new FakeClock();
    const events: DriverEvent["type"][] = [];
    const driver = memoryDriver(
      "memory:",
      memoryContext(clock, (event) => events.push(event.type)),
    );
    expect(() => driver.broker.publish([])).toThrow(expect.objectContaining({ code: "CLOSED" }));
    const { broker, store } = await open(driver);
    await broker.declareInbox({ name: "a" });
    const other = await open(memoryDriver("memory:", memoryContext(clock)));
    expect(await other.broker.inspect()).toEqual([]);
    await broker.close();
    await broker.close();
    await store.close();
    await expect(broker.inspect()).rejects.toMatchObject({ code: "CLOSED" });
    await expect(store.get("a/b")).rejects.toMatchObject({ code: "CLOSED" });
    expect(events).toEqual(["driver.opened", "driver.closed"]);
  });

  it("keeps two scopes of one engine apart", async () => {
    const clock = new FakeClock();
    const engine = new MemoryEngine(clock);
    const one = await open(engine.driver({ ...memoryContext(clock), scope: "one" }));
    const two = await open(engine.driver({ ...memoryContext(clock), scope: "two" }));
    await one.broker.declareInbox({ name: "a" });
    await one.store.put("k/a", 1);
    expect(await two.broker.inspect()).toEqual([]);
    expect(await two.store.get("k/a")).toBeUndefined();
  });

  it("hands the very object over that was published", async () => {
    const { broker } = await open(memoryDriver("memory:", memoryContext(new FakeClock())));
    await broker.declareInbox({ name: "a" });
    const sent = message();
    await broker.publish([{ message: sent, to: ["a"] }]);
    const got: Envelope[] = [];
    const consumer = await broker.consume("a", {
      instance: "i",
      lease: 1,
      renew: true,
      onDeliveries: (given) => void got.push(...given.map((one) => one.message)),
    });
    consumer.credit(1);
    await consumer.tried();
    expect(got[0]).toBe(sent);
  });

  it("keeps the last receipts and log entries only", async () => {
    const { broker, store } = await open(memoryDriver("memory:?retention=10", memoryContext(new FakeClock())));
    await broker.declareInbox({ name: "a" });
    const seen = await acknowledgeAll(broker, "a");
    const sent = Array.from({ length: 35 }, () => message());
    for (const one of sent) await broker.publish([{ message: one, to: ["a"] }]);
    while (seen.done < 35) await new Promise(setImmediate);
    const [log] = await store.logs("receipts/");
    const entries = await store.read(log ?? "");
    expect(entries.map((entry) => (entry.value as [{ id: string }])[0].id)).toEqual(
      sent.slice(-10).map((one) => one.id),
    );
    for (let n = 0; n < 100; n++) await store.append("log", [n]);
    const values = (await store.read("log")).map((entry) => entry.value);
    expect(values.length).toBeLessThanOrEqual(12);
    expect(values.at(-1)).toBe(99);
  });

  it("lets timers and sockets have their turn while much is handed out", async () => {
    const { broker } = await open(memoryDriver("memory:", memoryContext(new FakeClock())));
    await broker.declareInbox({ name: "a" });
    await broker.publish(Array.from({ length: 20_000 }, () => ({ message: message(), to: ["a"] })));
    let turns = 0;
    const seen = await acknowledgeAll(broker, "a");
    while (seen.done < 20_000) {
      await new Promise(setImmediate);
      turns++;
    }
    expect(turns).toBeGreaterThan(10);
  });

  it("makes a sender wait while its receivers rest, so that an awaited loop does not fill the inbox", async () => {
    const { broker } = await open(memoryDriver("memory:", memoryContext(new FakeClock())));
    await broker.declareInbox({ name: "a" });
    const seen = await acknowledgeAll(broker, "a");
    let most = 0;
    for (let n = 0; n < 10_000; n++) {
      await broker.publish([{ message: message(), to: ["a"] }]);
      most = Math.max(most, n + 1 - seen.done);
    }
    expect(most).toBeLessThan(1_000);
  });

  it("keeps no timer for messages that ended before they expired", async () => {
    const clock = new FakeClock();
    const { broker } = await open(memoryDriver("memory:", memoryContext(clock)));
    await broker.declareInbox({ name: "a" });
    const seen = await acknowledgeAll(broker, "a");
    await broker.publish(
      Array.from({ length: 500 }, () => ({ message: message({ expiresAt: clock.now() + 1_000 }), to: ["a"] })),
    );
    while (seen.done < 500) await new Promise(setImmediate);
    expect(clock.pending).toBe(1);
    await clock.advance(1_000);
    expect(clock.pending).toBe(0);
    const [status] = await broker.inspect(["a"]);
    expect(status?.ended).toMatchObject({ acknowledged: 500, expired: 0 });
  });

  it("notices a jump of the wall clock within 30 s", async () => {
    const clock = new FakeClock();
    const { broker } = await open(memoryDriver("memory:", memoryContext(clock)));
    await broker.declareInbox({ name: "a" });
    await broker.publish([{ message: message({ expiresAt: clock.now() + 3_600_000 }), to: ["a"] }]);
    clock.jump(3_600_000);
    await clock.advance(30_000);
    const [status] = await broker.inspect(["a"]);
    expect(status?.ended.expired).toBe(1);
  });

  it("neither hands out nor reads what has expired by a jump of the wall clock, before any timer fires", async () => {
    const clock = new FakeClock();
    const { broker, store } = await open(memoryDriver("memory:", memoryContext(clock)));
    await broker.declareInbox({ name: "a" });
    await broker.publish([{ message: message({ expiresAt: clock.now() + 1_000 }), to: ["a"] }]);
    await store.put("k/a", 1, { ttl: 1_000 });
    clock.jump(1_000);
    const seen = await acknowledgeAll(broker, "a");
    const [status] = await broker.inspect(["a"]);
    expect(seen.done).toBe(0);
    expect(await store.get("k/a")).toBeUndefined();
    expect(await store.list("k/")).toEqual([]);
    await new Promise(setImmediate);
    expect((await broker.inspect(["a"]))[0]?.ended).toMatchObject({ expired: 1, acknowledged: 0 });
    expect(status?.accepted).toBe(1);
  });

  it("does not let a jump of the wall clock end a lease", async () => {
    const clock = new FakeClock();
    const { broker } = await open(memoryDriver("memory:", memoryContext(clock)));
    await broker.declareInbox({ name: "a" });
    await broker.publish([{ message: message(), to: ["a"] }]);
    const held: Delivery[] = [];
    const consumer = await broker.consume("a", {
      instance: "i",
      lease: 10_000,
      renew: false,
      onDeliveries: (given) => void held.push(...given),
    });
    consumer.credit(1);
    await consumer.tried();
    clock.jump(3_600_000);
    await clock.advance(5_000);
    expect(await held[0]?.settle({ outcome: "release" })).toBe("settled");
  });

  it("leaves alone what a holder settles while other leases lapse", async () => {
    const clock = new FakeClock();
    const { broker } = await open(memoryDriver("memory:", memoryContext(clock)));
    await broker.declareInbox({ name: "a" });
    await broker.publish([message(), message()].map((one) => ({ message: one, to: ["a"] })));
    const held: Delivery[] = [];
    const consumer = await broker.consume("a", {
      instance: "i",
      lease: 1_000,
      renew: false,
      onDeliveries: (given) => void held.push(...given),
      onRevoked: () => void held[1]?.settle({ outcome: "retry", delay: 60_000 }),
    });
    consumer.credit(2);
    await clock.advance(1_000);
    const [status] = await broker.inspect(["a"]);
    expect(status).toMatchObject({ waiting: 2, held: 0, delayed: 1 });
  });

  it("reports a listener that throws, and stores nothing of a transaction with a value that is no JSON", async () => {
    const events: DriverEvent[] = [];
    const { broker, store } = await open(
      memoryDriver(
        "memory:",
        memoryContext(new FakeClock(), (event) => events.push(event)),
      ),
    );
    broker.onSignal("t", () => {
      throw new TypeError("secret");
    });
    broker.signal("t", 1);
    await new Promise(setImmediate);
    expect(events.at(-1)).toMatchObject({ type: "driver.fault", details: { topic: "t", error: "TypeError" } });
    store.watch("k/", () => {
      throw new Error("secret");
    });
    await store.put("k/w", 1);
    await new Promise(setImmediate);
    expect(events.at(-1)).toMatchObject({ type: "driver.fault", details: { prefix: "k/", error: "Error" } });
    expect(JSON.stringify(events)).not.toContain("secret");
    const steps = [
      { put: "k/a", value: 1 },
      { put: "k/b", value: undefined },
    ];
    await expect(store.transaction(steps)).rejects.toMatchObject({ code: "PAYLOAD_INVALID" });
    expect(await store.get("k/a")).toBeUndefined();
  });
});
