import { randomBytes } from "node:crypto";
import type { Driver, DriverContext, DriverEvent } from "../../../src/broker/driver.ts";
import { natsDriver } from "../../../src/drivers/nats/index.ts";
import { systemClock } from "../../../src/internal/clock.ts";
import { jsonCodec } from "../../../src/message/codec-json.ts";
import type { Store } from "../../../src/store/store.ts";
import type { ConformanceEngine } from "../../../src/testing/conformance/suite.ts";
import { FaultProxy } from "../../../src/testing/fault-proxy.ts";

/** A driver of this engine, which always has a store. */
export type NatsDriver = Driver & { readonly store: Store };

/** A scope that nothing else on a server uses. */
export const freshScope = (): string => `test/${randomBytes(6).toString("hex")}`;

/** Makes a driver and opens both halves; its events go into `events`. */
export async function openDriver(
  url: string,
  context: Partial<DriverContext> = {},
  events: DriverEvent[] = [],
): Promise<NatsDriver> {
  const report = (event: DriverEvent): void => void events.push(event);
  const driver = natsDriver(url, {
    clock: systemClock,
    codec: jsonCodec,
    scope: freshScope(),
    instance: "one",
    report,
    ...context,
  }) as NatsDriver;
  await driver.store.open();
  await driver.broker.open();
  return driver;
}

const proxies = new WeakMap<Driver, FaultProxy>();

/** A namespace of its own on a server, in real time, for one conformance case. */
export async function openNats(url: string): Promise<ConformanceEngine> {
  const scope = freshScope();
  const opened: FaultProxy[] = [];
  return {
    connect: async (options) => {
      // Each has a line of its own, for death by a cut that never heals.
      const proxy = await FaultProxy.open(url);
      opened.push(proxy);
      const driver = await openDriver(proxy.url, { scope, instance: `instance-${opened.length}`, ...options });
      proxies.set(driver, proxy);
      return driver;
    },
    dispose: async () => {
      for (const proxy of opened) await proxy.close();
    },
  };
}

/** Ends a driver as the death of its process would: the server hears nothing of it any more. */
export function kill(driver: Driver): void {
  const proxy = proxies.get(driver);
  proxy?.set({ refuse: true });
  proxy?.cut();
}
