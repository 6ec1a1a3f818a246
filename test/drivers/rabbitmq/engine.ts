import { randomBytes } from "node:crypto";
import type { Driver, DriverContext, DriverEvent } from "../../../src/broker/driver.ts";
import type { LedgerBroker } from "../../../src/drivers/ledger/broker.ts";
import { MemoryEngine } from "../../../src/drivers/memory/index.ts";
import { rabbitmqDriver } from "../../../src/drivers/rabbitmq/index.ts";
import { systemClock } from "../../../src/internal/clock.ts";
import { jsonCodec } from "../../../src/message/codec-json.ts";
import type { Store } from "../../../src/store/store.ts";
import type { ConformanceEngine } from "../../../src/testing/conformance/suite.ts";
import { FaultProxy } from "../../../src/testing/fault-proxy.ts";

/** A driver of this engine, and the store that it is over. */
export type RabbitmqDriver = Driver & { readonly store: Store };

/** A scope that nothing else on a server uses. */
export const freshScope = (): string => `test/${randomBytes(6).toString("hex")}`;

/** Makes a driver over one store of an engine in memory, and opens both; its events go into `events`. */
export async function openDriver(
  url: string,
  state: MemoryEngine,
  { context = {}, events = [] }: { readonly context?: Partial<DriverContext>; readonly events?: DriverEvent[] } = {},
): Promise<RabbitmqDriver> {
  const report = (event: DriverEvent): void => void events.push(event);
  const full = { clock: systemClock, codec: jsonCodec, scope: freshScope(), instance: "one", report, ...context };
  const { store } = state.driver(full);
  if (!store) throw new Error("memory has a store");
  const { broker } = rabbitmqDriver(url, { ...full, store });
  await store.open();
  try {
    await broker.open();
  } catch (error) {
    await store.close();
    throw error;
  }
  return { broker, store };
}

const proxies = new WeakMap<Driver, { readonly proxy: FaultProxy; readonly instance: string }>();

/** A namespace of its own on a server, in real time, for one conformance case. */
export async function openRabbitmq(url: string): Promise<ConformanceEngine> {
  const scope = freshScope();
  const state = new MemoryEngine(systemClock);
  const opened: FaultProxy[] = [];
  return {
    connect: async (options) => {
      // Each has a line of its own, for death by a cut that never heals.
      const proxy = await FaultProxy.open(url);
      opened.push(proxy);
      const instance = `instance-${opened.length}`;
      const driver = await openDriver(proxy.url, state, { context: { scope, instance, ...options } });
      proxies.set(driver, { proxy, instance });
      return driver;
    },
    dispose: async () => {
      for (const proxy of opened) await proxy.close();
    },
  };
}

/** Ends a driver as the death of its process would: the server hears nothing of it any more, and its presence has lapsed. */
export async function kill(driver: Driver): Promise<void> {
  const { proxy, instance } = proxies.get(driver) ?? {};
  (driver.broker as LedgerBroker).abandon();
  proxy?.set({ refuse: true });
  proxy?.cut();
  for (const { key } of (await driver.store?.list(`ledger/processes/${instance}-`)) ?? [])
    await driver.store?.delete(key);
}
