import { expect, it } from "vitest";
import type { Delivery } from "../../../src/broker/consumer.ts";
import type { DriverContext } from "../../../src/broker/driver.ts";
import { LedgerBroker } from "../../../src/drivers/ledger/broker.ts";
import { MemoryEngine } from "../../../src/drivers/memory/index.ts";
import { jsonCodec } from "../../../src/message/codec-json.ts";
import type { Store } from "../../../src/store/store.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";
import { acknowledge, message, taking, until } from "../../support/deliveries.ts";
import { QueueServer } from "./queues.ts";

// The way to the store is so slow that the engine takes the holder for silent, and gives the copy to another.
it("hands a copy to one of two that were given it, though each looked before the other had written", async () => {
  const clock = new FakeClock();
  const engine = new MemoryEngine(clock);
  const server = new QueueServer(clock, { isOpen: true });
  const queues = [server.connect(), server.connect()] as const;
  let isHeld = false;
  let isWaiting = false;
  let goOn = (): void => {};
  const opened = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const slowed = (store: Store): Store =>
    new Proxy(store, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        if (name !== "put") return member.bind(target) as unknown;
        return async (...given: unknown[]) => {
          isWaiting = isHeld;
          if (isHeld) await opened;
          return member.apply(target, given) as unknown;
        };
      },
    });
  const brokerOf = async (at: 0 | 1): Promise<LedgerBroker> => {
    const scope = "test/default";
    const context: DriverContext = { clock, codec: jsonCodec, scope, instance: `p${at}`, report: () => {} };
    const { store } = engine.driver(context);
    if (!store) throw new Error("memory has a store");
    const unsure = Object.assign(queues[at], { isSure: () => false });
    const broker = new LedgerBroker(unsure, at === 0 ? slowed(store) : store, context);
    await store.open();
    await broker.open();
    return broker;
  };
  const [slow, quick] = [await brokerOf(0), await brokerOf(1)];
  await quick.declareInbox({ name: "inbox" });
  const one = await taking(slow, "inbox", { credit: 1 });
  isHeld = true;
  await quick.publish([{ message: message(), to: ["inbox"] }]);
  await until(() => isWaiting);
  const other = await taking(quick, "inbox");
  const [copy] = server.of("inbox");
  queues[1].free?.("inbox", [{ level: copy?.level ?? 0, mark: copy?.mark ?? "" }]);
  await until(() => other.given.length === 1);
  isHeld = false;
  goOn();
  const given = (): Delivery[] => [...one.given, ...other.given];
  await one.consumer.tried();
  await other.consumer.tried();
  expect(given().length).toBe(1);
  expect(await acknowledge(given()[0] as Delivery)).toBe("settled");
  await one.consumer.tried();
  await other.consumer.tried();
  expect(given().length).toBe(1);
  expect(await quick.inspect(["inbox"])).toMatchObject([{ waiting: 0, held: 0, ended: { acknowledged: 1 } }]);
  await slow.close();
  await quick.close();
});

it("leaves nothing on its sheet of what it could not look at again, and hands it out later", async () => {
  const clock = new FakeClock();
  const server = new QueueServer(clock, { isOpen: true });
  const context: DriverContext = { clock, codec: jsonCodec, scope: "test/default", instance: "p", report: () => {} };
  const { store } = new MemoryEngine(clock).driver(context);
  if (!store) throw new Error("memory has a store");
  let looks = 0;
  const failing = new Proxy(store, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...given: unknown[]) => {
        // Before the claim, and after it.
        if (name === "list" && given[0] === "ledger/sheets/inbox/" && ++looks === 3) throw new Error("no answer");
        return member.apply(target, given) as unknown;
      };
    },
  });
  const queues = Object.assign(server.connect(), { isSure: ({ mark }: { readonly mark: string }) => mark !== "1" });
  const broker = new LedgerBroker(queues, failing, context);
  await store.open();
  await broker.open();
  await broker.declareInbox({ name: "inbox" });
  await broker.publish([1, 2].map(() => ({ message: message(), to: ["inbox"] })));
  const { given, consumer } = await taking(broker, "inbox");
  await until(async () => {
    await clock.advance(500);
    return given.length === 2;
  });
  expect(looks).toBeGreaterThan(3);
  for (const delivery of given) expect(await acknowledge(delivery)).toBe("settled");
  await consumer.tried();
  expect(given.length).toBe(2);
  expect(await broker.inspect(["inbox"])).toMatchObject([{ waiting: 0, held: 0, ended: { acknowledged: 2 } }]);
  await broker.close();
});

it("leaves a copy to whoever has decided on it while another was about to take it over", async () => {
  const clock = new FakeClock();
  const engine = new MemoryEngine(clock);
  const server = new QueueServer(clock, { isOpen: false });
  let before = (): Promise<unknown> => Promise.resolve();
  const brokerOf = async (instance: string, watch: (store: Store) => Store): Promise<LedgerBroker> => {
    const context: DriverContext = { clock, codec: jsonCodec, scope: "test/default", instance, report: () => {} };
    const { store } = engine.driver(context);
    if (!store) throw new Error("memory has a store");
    const broker = new LedgerBroker(server.connect(), watch(store), context);
    await store.open();
    await broker.open();
    return broker;
  };
  const late = (store: Store): Store =>
    new Proxy(store, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        if (name !== "get") return member.bind(target) as unknown;
        return async (...given: unknown[]) => {
          if (String(given[0]).startsWith("ledger/sheets/inbox/")) await before();
          return member.apply(target, given) as unknown;
        };
      },
    });
  const [holder, other] = [await brokerOf("holder", (store) => store), await brokerOf("other", late)];
  await holder.declareInbox({ name: "inbox" });
  const one = await taking(holder, "inbox", { credit: 1 });
  await holder.publish([{ message: message(), to: ["inbox"] }]);
  await until(() => one.given.length === 1);
  let settled: unknown;
  before = async () => {
    settled ??= await acknowledge(one.given[0] as Delivery);
  };
  const two = await taking(other, "inbox");
  // The engine has lost its line to the holder, which does not know that yet.
  server.release(server.of("inbox"));
  await until(async () => {
    await clock.advance(500);
    await two.consumer.tried();
    return settled !== undefined && server.of("inbox").length === 0;
  });
  expect(settled).toBe("settled");
  expect(two.given).toEqual([]);
  expect(await other.inspect(["inbox"])).toMatchObject([{ waiting: 0, held: 0, ended: { acknowledged: 1 } }]);
  await holder.close();
  await other.close();
});

it("knows of a copy that a dead one had, though its claim could not be written at first", async () => {
  const clock = new FakeClock();
  const server = new QueueServer(clock, { isOpen: true });
  const engine = new MemoryEngine(clock);
  let isFailing = false;
  const open = async (instance: string) => {
    const context: DriverContext = { clock, codec: jsonCodec, scope: "test/default", instance, report: () => {} };
    const { store } = engine.driver(context);
    if (!store) throw new Error("memory has a store");
    const failing = new Proxy(store, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        return (...given: unknown[]) => {
          const [key, row] = given as [string, { readonly held?: readonly unknown[] }];
          if (name === "put" && isFailing && key.startsWith("ledger/sheets/inbox/survivor") && row.held?.length === 1) {
            isFailing = false;
            throw new Error("no answer");
          }
          return member.apply(target, given) as unknown;
        };
      },
    });
    const queues = Object.assign(server.connect(), { isSure: () => true });
    const broker = new LedgerBroker(queues, failing, context);
    await store.open();
    await broker.open();
    return { broker, queues };
  };
  const mortal = await open("mortal");
  await mortal.broker.declareInbox({ name: "inbox" });
  await mortal.broker.publish([{ message: message(), to: ["inbox"] }]);
  const before = await taking(mortal.broker, "inbox");
  await until(() => before.given.length === 1);
  mortal.broker.abandon();
  mortal.queues.die();
  const { broker } = await open("survivor");
  const { given } = await taking(broker, "inbox");
  isFailing = true;
  await until(async () => {
    await clock.advance(1_000);
    return given.length === 1;
  });
  expect(isFailing).toBe(false);
  expect(given[0]).toMatchObject({ attempt: 2, redelivered: true });
  await broker.close();
});
