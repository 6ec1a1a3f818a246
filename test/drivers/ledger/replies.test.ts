import { afterEach, beforeEach, expect, it } from "vitest";
import { LedgerBroker } from "../../../src/drivers/ledger/broker.ts";
import type { QueueEngine } from "../../../src/drivers/ledger/engine.ts";
import { MemoryEngine } from "../../../src/drivers/memory/index.ts";
import { jsonCodec } from "../../../src/message/codec-json.ts";
import { recordOf } from "../../../src/testing/conformance/broker/taker.ts";
import { BrokerTrial } from "../../../src/testing/conformance/broker/trial.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";
import { QueueServer } from "./queues.ts";

/** A call that waits until it is let go. */
class Gate {
  #isShut = false;
  #waiting: (() => void)[] = [];
  passed = 0;

  shut(): void {
    this.#isShut = true;
  }

  async pass(): Promise<void> {
    if (this.#isShut) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.passed++;
  }

  open(): void {
    this.#isShut = false;
    for (const go of this.#waiting.splice(0)) go();
  }
}

let clock: FakeClock;
let trial: BrokerTrial;
let close: () => Promise<void>;
/** Writes of sheets, appends to logs of receipts, and copies that go into the engine. */
let sheets: Gate;
let receipts: Gate;
let puts: Gate;

function gateOf(member: string, name: string): Gate | undefined {
  if (member === "put" && name.startsWith("ledger/sheets/")) return sheets;
  return member === "append" && name.startsWith("receipts/") ? receipts : undefined;
}

beforeEach(async () => {
  clock = new FakeClock();
  [sheets, receipts, puts] = [new Gate(), new Gate(), new Gate()];
  const context = { clock, codec: jsonCodec, scope: "test/default", instance: "one", report: () => {} };
  const { store } = new MemoryEngine(clock).driver(context);
  if (!store) throw new Error("memory has a store");
  const gated = new Proxy(store, {
    get(_, member) {
      const value = Reflect.get(store, member) as unknown;
      if (typeof value !== "function") return value;
      return (...given: unknown[]): unknown => {
        const call = () => (value as (...values: unknown[]) => unknown).apply(store, given);
        const gate = gateOf(String(member), String(given[0]));
        return gate ? gate.pass().then(call) : call();
      };
    },
  });
  const connect = async () => {
    const queues = new QueueServer(clock, { isOpen: false }).connect();
    const put = queues.put.bind(queues);
    const engine = Object.assign(queues, {
      put: async (copies: Parameters<QueueEngine["put"]>[0]) => {
        await puts.pass();
        return put(copies);
      },
    });
    const broker = new LedgerBroker(engine, gated, context);
    await store.open();
    await broker.open();
    return { broker, store: gated };
  };
  ({ trial, close } = await BrokerTrial.start({ clock, connect, dispose: async () => {} }));
});
afterEach(async () => {
  for (const gate of [sheets, receipts, puts]) gate.open();
  await close();
});

it("hands over what came into an inbox that goes with its process before its claim is written; other copies after", async () => {
  await trial.declare("own", { expiresAfter: 60_000 });
  await trial.declare("shared");
  const [own, shared] = [await trial.take("own"), await trial.take("shared")];
  sheets.shut();
  await trial.send("shared");
  await trial.send("own");
  const delivery = await own.next();
  expect(shared.given).toEqual([]);
  const settled = delivery.settle({ outcome: "end", record: recordOf(delivery) });
  sheets.open();
  expect(await settled).toBe("settled");
  await shared.next();
  expect(await trial.status("own")).toMatchObject({ accepted: 1, waiting: 0, held: 0, ended: { acknowledged: 1 } });
});

it("writes lazy ends together after 50 ms, or with the next that is not", async () => {
  await trial.declare("inbox");
  const taker = await trial.take("inbox");
  for (let number = 0; number < 5; number++) await trial.send("inbox");
  await trial.until("all have come", () => taker.given.length === 5);
  const settle = (at: number, lazy: boolean) => {
    const delivery = taker.given[at];
    if (!delivery) throw new Error("it has come");
    return delivery.settle({ outcome: "end", record: recordOf(delivery), lazy });
  };
  const first = [settle(0, true), settle(1, true)];
  await clock.advance(49);
  expect(receipts.passed).toBe(0);
  await clock.advance(1);
  await Promise.all(first);
  expect(receipts.passed).toBe(1);
  await Promise.all([settle(2, true), settle(3, true), settle(4, false)]);
  expect(receipts.passed).toBe(2);
});

it("writes the lazy ends of a consumer that is closed at once", async () => {
  await trial.declare("inbox");
  const taker = await trial.take("inbox");
  const message = await trial.send("inbox");
  const delivery = await taker.next();
  const settled = delivery.settle({ outcome: "end", record: recordOf(delivery), lazy: true });
  await clock.advance(1);
  await taker.consumer.close();
  expect(await settled).toBe("settled");
  expect(await trial.ended(message)).toMatchObject({ end: "acknowledged" });
});

it("stores what a settle emits before its record: somebody waits for that", async () => {
  await trial.declare("inbox");
  await trial.declare("reply");
  const taker = await trial.take("inbox");
  await trial.send("inbox");
  const delivery = await taker.next();
  puts.shut();
  const emit = [{ message: trial.message(), to: ["reply"] }];
  const settled = delivery.settle({ outcome: "end", record: recordOf(delivery), emit });
  await clock.advance(10);
  expect(receipts.passed).toBe(0);
  puts.open();
  expect(await settled).toBe("settled");
  expect(receipts.passed).toBe(1);
});
