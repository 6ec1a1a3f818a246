import pg from "pg";
import type { Driver, DriverContext } from "../../../src/broker/driver.ts";
import type { ClientLibrary } from "../../../src/drivers/postgres/client-library.ts";
import { postgresDriver } from "../../../src/drivers/postgres/index.ts";
import { systemClock } from "../../../src/internal/clock.ts";
import { jsonCodec } from "../../../src/message/codec-json.ts";
import type { ConformanceEngine } from "../../../src/testing/conformance/suite.ts";

let scopes = 0;
const killers = new WeakMap<Driver, () => void>();

/** A scope that no other case uses. */
export function newScope(): string {
  return `test-${process.pid}-${++scopes}/default`;
}

/** Makes a driver and opens it, by default in a scope of its own. */
export async function connectPostgres(url: string, given: Partial<DriverContext> = {}): Promise<Driver> {
  const context: DriverContext = {
    clock: systemClock,
    codec: jsonCodec,
    scope: newScope(),
    instance: "instance",
    report: () => {},
    ...given,
  };
  const { library, die } = mortal();
  const driver = postgresDriver(url, context, async () => library);
  killers.set(driver, die);
  await driver.store?.open();
  await driver.broker.open();
  return driver;
}

/** Ends a driver as the death of its process would. */
export function kill(driver: Driver): void {
  killers.get(driver)?.();
}

/** A scope of its own on a server, in real time, for one conformance case. */
export async function openPostgres(url: string): Promise<ConformanceEngine> {
  const scope = newScope();
  let instances = 0;
  return {
    connect: (options) => connectPostgres(url, { scope, instance: `instance-${++instances}`, ...options }),
    async dispose() {},
  };
}

/** The client library of a process that can die: its connections end at once, and no others can be made. */
function mortal(): { readonly library: ClientLibrary; die(): void } {
  const clients = new Set<pg.Client>();
  let dead = false;
  class Client extends pg.Client {
    constructor(options: pg.ClientConfig) {
      if (dead) throw new Error("this process is dead");
      super(options);
      clients.add(this);
    }
  }
  return {
    library: { Client },
    die() {
      dead = true;
      for (const client of clients)
        (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    },
  };
}
