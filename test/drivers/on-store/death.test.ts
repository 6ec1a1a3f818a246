import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Delivery } from "../../../src/broker/consumer.ts";
import type { DriverContext } from "../../../src/broker/driver.ts";
import type { Publication } from "../../../src/broker/publication.ts";
import { MemoryEngine } from "../../../src/drivers/memory/index.ts";
import { jsonCodec } from "../../../src/message/codec-json.ts";
import type { Envelope } from "../../../src/message/envelope.ts";
import type { Store } from "../../../src/store/store.ts";
import { recordOf } from "../../../src/testing/conformance/broker/taker.ts";
import { BrokerTrial } from "../../../src/testing/conformance/broker/trial.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";
import { OnStoreBroker } from "./broker.ts";
import { keyOf } from "./row.ts";

const context = (clock: FakeClock, instance: string): DriverContext => ({
  clock,
  codec: jsonCodec,
  scope: "test/default",
  instance,
  report: () => {},
});

/** A process that dies in the middle: at its first write to a key with this beginning, which is not done any more. */
async function mortal(
  engine: MemoryEngine,
  clock: FakeClock,
): Promise<{ broker: OnStoreBroker; dieAt(key: string): void }> {
  const { store } = engine.driver(context(clock, "mortal"));
  if (!store) throw new Error("memory has a store");
  let fatal: string | undefined;
  const own: Store = new Proxy(store, {
    get(_, member) {
      const value = Reflect.get(store, member) as (...given: unknown[]) => unknown;
      if (typeof value !== "function") return value;
      return (...given: unknown[]): unknown => {
        const isWrite = member === "put" || member === "append";
        if (isWrite && fatal !== undefined && (given[0] as string).startsWith(fatal)) broker.abandon();
        return isWrite && broker.isGone ? new Promise(() => {}) : value.apply(store, given);
      };
    },
  });
  const broker = new OnStoreBroker(context(clock, "mortal"), own);
  await store.open();
  await broker.open();
  return { broker, dieAt: (key) => void (fatal = key) };
}

describe("a messages-only driver whose process dies between two steps", () => {
  let clock: FakeClock;
  let engine: MemoryEngine;
  let trial: BrokerTrial;
  let close: () => Promise<void>;
  beforeEach(async () => {
    clock = new FakeClock();
    engine = new MemoryEngine(clock);
    const connect = async () => {
      const { store } = engine.driver(context(clock, "survivor"));
      if (!store) throw new Error("memory has a store");
      const broker = new OnStoreBroker(context(clock, "survivor"), store);
      await store.open();
      await broker.open();
      return { broker, store };
    };
    ({ trial, close } = await BrokerTrial.start({ clock, connect, dispose: async () => {} }));
  });
  afterEach(() => close());

  /** Sends a message, and lets a process settle it that dies at a key; the reply is what it was to emit. */
  async function settleAndDie(at: (message: Envelope) => string): Promise<{ message: Envelope; reply: Envelope }> {
    await trial.declare("inbox");
    await trial.declare("reply");
    const message = await trial.send("inbox");
    const { broker, dieAt } = await mortal(engine, clock);
    const delivery: Delivery = await (await trial.take("inbox", { broker })).next();
    dieAt(at(message));
    const reply = trial.message({ inReplyTo: message.id });
    void delivery.settle({ outcome: "end", record: recordOf(delivery), emit: [{ message: reply, to: ["reply"] }] });
    await trial.until("it has died", () => broker.isGone);
    return { message, reply };
  }

  it.each([
    ["before the record is in its log", () => "receipts/"],
    ["before what it emits is stored", () => keyOf("copies", "reply")],
    ["before the copy is removed", ({ id }: Envelope) => keyOf("ended", "inbox", id)],
  ])("has its settle finished by another: %s", async (_, at) => {
    const { message, reply } = await settleAndDie(at);
    const taker = await trial.take("reply");
    expect((await taker.next()).message).toEqual(reply);
    await trial.until(
      "the copy is removed",
      async () => (await trial.store.get(keyOf("copies", "inbox", message.id))) === undefined,
    );
    expect((await trial.ends(message.id))[0]).toMatchObject({ end: "acknowledged", instance: "taker" });
    await (await trial.take("inbox")).nothing();
    await taker.nothing();
    expect(await trial.status("reply")).toMatchObject({ accepted: 1, waiting: 1 });
    expect(await trial.status("inbox")).toMatchObject({ accepted: 1, waiting: 0, ended: { acknowledged: 1 } });
  });

  it("does not send again what was handled before the settle was finished", async () => {
    const { message } = await settleAndDie(({ id }) => keyOf("ended", "inbox", id));
    const taker = await trial.take("reply");
    const reply = await taker.next();
    await reply.settle({ outcome: "end", record: recordOf(reply) });
    await trial.until(
      "the copy is removed",
      async () => (await trial.store.get(keyOf("copies", "inbox", message.id))) === undefined,
    );
    await taker.nothing();
    expect(await trial.status("reply")).toMatchObject({ accepted: 1, waiting: 0 });
  });

  it("goes on with a settle that failed halfway, when its holder tries again", async () => {
    await trial.declare("inbox");
    await trial.declare("reply");
    const message = await trial.send("inbox");
    const { store } = engine.driver(context(clock, "unlucky"));
    if (!store) throw new Error("memory has a store");
    let failures = 0;
    const append: Store["append"] = async (log, values) => {
      if (failures++ === 0) throw new Error("no space");
      await store.append(log, values);
    };
    const own = new Proxy(store, {
      get(_, member) {
        if (member === "append") return append;
        const value = Reflect.get(store, member) as unknown;
        return typeof value === "function" ? (value as (...given: unknown[]) => unknown).bind(store) : value;
      },
    });
    const broker = new OnStoreBroker(context(clock, "unlucky"), own);
    await store.open();
    await broker.open();
    const delivery = await (await trial.take("inbox", { broker })).next();
    const emit = [{ message: trial.message(), to: ["reply"] }];
    const settle = async () => delivery.settle({ outcome: "end", record: recordOf(delivery), emit });
    await expect(settle()).rejects.toThrow("no space");
    expect(await settle()).toBe("settled");
    expect(await settle()).toBe("already");
    expect(await trial.ended(message)).toMatchObject({ end: "acknowledged" });
    expect((await trial.status("reply")).accepted).toBe(1);
    await broker.close();
  });

  it("leaves a key without a result, under which the next sender stores the message once", async () => {
    await trial.declare("inbox");
    const { broker, dieAt } = await mortal(engine, clock);
    dieAt(keyOf("copies", "inbox"));
    const dedupe = { key: "k", fingerprint: "f", window: 600_000 };
    const first: Publication = { message: trial.message(), to: ["inbox"], dedupe };
    void broker.publish([first]);
    await trial.until("it has died", () => broker.isGone);
    expect((await trial.status("inbox")).accepted).toBe(0);
    for (let round = 0; round < 2; round++) {
      const again = await trial.accept({
        message: trial.message({ payload: first.message.payload }),
        to: ["inbox"],
        dedupe,
      });
      expect(again).toEqual({
        status: "accepted",
        id: first.message.id,
        copies: [{ inbox: "inbox", state: "accepted" }],
        duplicate: true,
      });
    }
    const other = { message: trial.message(), to: ["inbox"], dedupe: { ...dedupe, fingerprint: "g" } };
    await trial.refuse(other, "ID_CONFLICT");
    expect((await trial.status("inbox")).accepted).toBe(1);
  });

  it("has its fan-out completed by another", async () => {
    await trial.declare("a");
    await trial.declare("b");
    const { broker, dieAt } = await mortal(engine, clock);
    dieAt(keyOf("copies", "b"));
    const message = trial.message();
    void broker.publish([{ message, to: ["a", "b"], fanOut: true }]);
    await trial.until("it has died", () => broker.isGone);
    for (const inbox of ["a", "b"]) expect((await (await trial.take(inbox)).next()).message).toEqual(message);
    expect([(await trial.status("a")).accepted, (await trial.status("b")).accepted]).toEqual([1, 1]);
  });
});
