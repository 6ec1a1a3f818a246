import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Driver, DriverContext } from "../../../src/broker/driver.ts";
import { LedgerBroker } from "../../../src/drivers/ledger/broker.ts";
import { MemoryEngine } from "../../../src/drivers/memory/index.ts";
import { sqliteDriver } from "../../../src/drivers/sqlite/index.ts";
import { AgentwireError } from "../../../src/errors.ts";
import { systemClock } from "../../../src/internal/clock.ts";
import { jsonCodec } from "../../../src/message/codec-json.ts";
import type { Store } from "../../../src/store/store.ts";
import type { ConformanceEngine } from "../../../src/testing/conformance/suite.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";
import type { GuaranteeId } from "../../../src/testing/guarantees.ts";
import { QueueServer, type Queues, type QueueTraits } from "./queues.ts";

/** What the ledger does not keep, whatever the engine. */
export const gaps: readonly GuaranteeId[] = [
  "settle.atomic",
  "route.stale",
  "aging.shared",
  "inbox.limit",
  "order.key",
  "order.release",
  "take.selective",
];

/** What it does not keep besides where copies in the engine can neither be seen nor removed. */
export const closedGaps: readonly GuaranteeId[] = [
  ...gaps,
  "inbox.peek",
  "inbox.find",
  "cancel.waiting",
  "cancel.supersede",
  "time.unattended",
];

const queuesOf = new WeakMap<object, Queues>();

/** A driver that carries messages only: a ledger over queues of a test. @throws STORE_REQUIRED */
export function ledgerDriver(server: QueueServer, context: DriverContext): Driver & { readonly broker: LedgerBroker } {
  const { store } = context;
  if (!store) throw new AgentwireError("STORE_REQUIRED", "queues carry messages only");
  const queues = server.connect();
  const broker = new LedgerBroker(queues, store, context);
  queuesOf.set(broker, queues);
  return { broker };
}

/** The same with its store, both opened. */
export async function connectLedger(
  server: QueueServer,
  store: Store,
  context: DriverContext,
): Promise<Driver & { readonly broker: LedgerBroker; readonly store: Store }> {
  const { broker } = ledgerDriver(server, { ...context, store });
  await store.open();
  await broker.open();
  return { broker, store };
}

function contextOf(clock: DriverContext["clock"], instance: string): DriverContext {
  return { clock, codec: jsonCodec, scope: "test/default", instance, report: () => {} };
}

/** On memory stores, under a fake clock. */
export async function openOnMemory(traits: QueueTraits): Promise<ConformanceEngine> {
  const clock = new FakeClock();
  const engine = new MemoryEngine(clock);
  const server = new QueueServer(clock, traits);
  let instances = 0;
  return {
    clock,
    connect: (given) => {
      const context = { ...contextOf(clock, `p${++instances}`), ...given };
      const { store } = engine.driver(context);
      if (!store) throw new Error("memory has a store");
      return connectLedger(server, store, context);
    },
    async dispose() {},
  };
}

/** On SQLite files, in real time. */
export async function openOnSqlite(traits: QueueTraits): Promise<ConformanceEngine> {
  const folder = await mkdtemp(join(tmpdir(), "agentwire-ledger-"));
  const url = `sqlite:${join(folder, "bus.db")}?synchronous=normal`;
  const server = new QueueServer(systemClock, traits);
  let instances = 0;
  return {
    connect: (given) => {
      const context = { ...contextOf(systemClock, `p${++instances}`), ...given };
      const { store } = sqliteDriver(url, context);
      if (!store) throw new Error("sqlite has a store");
      return connectLedger(server, store, context);
    },
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Ends a driver as the death of its process would. */
export function kill({ broker }: Driver): void {
  if (!(broker instanceof LedgerBroker)) throw new Error("only ledgers can be killed here");
  broker.abandon();
  queuesOf.get(broker)?.die();
}
