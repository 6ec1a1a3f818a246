import { type Bus, defineAgent, defineMessage, linear } from "agentwire";
import { FakeClock, testBus } from "agentwire/testing";
import { afterEach, expect, it } from "vitest";
import { z } from "zod";
import type { Driver, DriverContext } from "../../src/broker/driver.ts";
import { assemble } from "../../src/connect.ts";
import { MemoryEngine } from "../../src/drivers/memory/index.ts";
import { kill, ledgerDriver } from "../drivers/ledger/engine.ts";
import { QueueServer } from "../drivers/ledger/queues.ts";
import { gate } from "../support/buses.ts";

const Step = defineMessage("step", z.object({ key: z.string(), n: z.number() }));

const buses: Bus[] = [];
afterEach(async () => {
  for (const bus of buses.splice(0)) await bus.close({ grace: 0 });
});

it("skips what is withdrawn while its order key waits between two attempts [cancel.waiting]", async () => {
  const bus = await testBus();
  const { clock } = bus;
  buses.push(bus);
  const seen: number[] = [];
  const failing = defineAgent({
    name: "worker",
    orderKey: () => "one",
    retry: { attempts: 3, backoff: linear(1_000) },
  }).on(Step, ({ payload: { n } }) => {
    seen.push(n);
    if (n === 1) throw new Error("not now");
  });
  await bus.join(failing);
  const receipt = await bus.send(Step, { key: "one", n: 1 }, { to: "worker" });
  await bus.send(Step, { key: "one", n: 2 }, { to: "worker" });
  await clock.advance(10);
  expect(await bus.withdraw(receipt.id)).toEqual({ ended: 0, held: 1 });
  await clock.advance(1_000);
  expect((await receipt.settled()).ends).toEqual({ worker: "withdrawn" });
  expect(seen).toEqual([1, 2]);
});

it("pauses before what an order key's dead holder had, with its successors behind it and other keys going on [order.lane]", async () => {
  const clock = new FakeClock();
  const engine = new MemoryEngine(clock);
  const server = new QueueServer(clock, { isOpen: true });
  const open = async (): Promise<{ readonly bus: Bus; readonly driver: Driver }> => {
    let driver: Driver | undefined;
    const loadDriver = async (_url: string, context: DriverContext): Promise<Driver> => {
      const { store } = engine.driver(context);
      if (!store) throw new Error("memory has a store");
      driver = { ...ledgerDriver(server, { ...context, store }), store };
      return driver;
    };
    const bus = await assemble("queues:", { logger: false }, { clock, random: () => 0, loadDriver });
    buses.push(bus);
    return { bus, driver: driver as Driver };
  };
  const agent = { name: "worker", concurrency: 4, orderKey: ({ payload }: { payload: unknown }) => keyOf(payload) };
  const keyOf = (payload: unknown): string => (payload as { key: string }).key;
  const send = async (bus: Bus, key: string, n: number): Promise<unknown> =>
    bus.send(Step, { key, n }, { to: "worker" });

  const first = await open();
  const held = gate();
  await first.bus.join(
    defineAgent(agent).on(Step, () => {
      held.open();
      return new Promise<void>(() => {});
    }),
  );
  for (const n of [1, 2]) await send(first.bus, "poison", n);
  await held.promise;
  const second = await open();
  const seen: { readonly key: string; readonly n: number; readonly at: number }[] = [];
  await second.bus.join(
    defineAgent(agent).on(Step, ({ payload }) => void seen.push({ ...payload, at: clock.monotonic() })),
  );
  kill(first.driver);
  await send(second.bus, "poison", 3);
  await send(second.bus, "other", 4);
  while (seen.length < 4) await clock.advance(10);

  expect(seen.map(({ n }) => n)).toEqual([4, 1, 2, 3]);
  const [other, ...poison] = seen.map(({ at }) => at);
  expect(poison.map((at) => at - (other ?? 0))).toEqual([100, 100, 100]);
});
