import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Driver, DriverContext } from "../../../src/broker/driver.ts";
import { MemoryEngine } from "../../../src/drivers/memory/index.ts";
import { sqliteDriver } from "../../../src/drivers/sqlite/index.ts";
import { systemClock } from "../../../src/internal/clock.ts";
import { jsonCodec } from "../../../src/message/codec-json.ts";
import type { ConformanceEngine } from "../../../src/testing/conformance/suite.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";
import type { GuaranteeId } from "../../../src/testing/guarantees.ts";
import { OnStoreBroker, type OnStoreOptions } from "./broker.ts";
import { onStoreDriver } from "./index.ts";

/** What the driver does not keep. */
export const gaps: readonly GuaranteeId[] = [
  "settle.atomic",
  "route.stale",
  "aging.shared",
  "inbox.limit",
  "order.key",
];

/** Makes messages-only drivers over stores, opened in the order in which `connect` does it. */
async function connectOver(
  stores: (context: DriverContext) => Driver,
  context: DriverContext,
  options?: OnStoreOptions,
): Promise<Driver> {
  const { store } = stores(context);
  if (!store) throw new Error("the second engine keeps state");
  const { broker } = onStoreDriver({ ...context, store }, options);
  await store.open();
  await broker.open();
  return { broker, store };
}

function contextOf(clock: DriverContext["clock"], instance: string): DriverContext {
  return { clock, codec: jsonCodec, scope: "test/default", instance, report: () => {} };
}

/** On memory stores, under a fake clock. */
export async function openOnMemory(options?: OnStoreOptions): Promise<ConformanceEngine> {
  const clock = new FakeClock();
  const engine = new MemoryEngine(clock);
  let instances = 0;
  return {
    clock,
    connect: (given) =>
      connectOver((context) => engine.driver(context), { ...contextOf(clock, `p${++instances}`), ...given }, options),
    async dispose() {},
  };
}

/** On SQLite files, in real time. */
export async function openOnSqlite(): Promise<ConformanceEngine> {
  const folder = await mkdtemp(join(tmpdir(), "agentwire-on-store-"));
  const url = `sqlite:${join(folder, "bus.db")}?synchronous=normal`;
  let instances = 0;
  return {
    connect: (options) =>
      connectOver((context) => sqliteDriver(url, context), {
        ...contextOf(systemClock, `p${++instances}`),
        ...options,
      }),
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Ends a driver as the death of its process would. */
export function kill({ broker }: Driver): void {
  if (!(broker instanceof OnStoreBroker)) throw new Error("only on-store drivers can be killed here");
  broker.abandon();
}
