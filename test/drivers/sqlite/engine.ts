import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClientLibrary } from "../../../src/drivers/sqlite/connection.ts";
import { sqliteDriver } from "../../../src/drivers/sqlite/index.ts";
import { systemClock } from "../../../src/internal/clock.ts";
import { jsonCodec } from "../../../src/message/codec-json.ts";
import type { ConformanceEngine } from "../../../src/testing/conformance/suite.ts";

/** A new SQLite file in real time, for one conformance case; `load`: the client library that it is used with. */
export async function openSqlite(load?: () => ClientLibrary): Promise<ConformanceEngine> {
  const folder = await mkdtemp(join(tmpdir(), "agentwire-conformance-"));
  let instances = 0;
  return {
    connect: async (options) => {
      const context = {
        clock: systemClock,
        codec: jsonCodec,
        scope: "test/default",
        instance: `instance-${++instances}`,
        report: () => {},
        ...options,
      };
      const driver = sqliteDriver(`sqlite:${join(folder, "bus.db")}`, context, load);
      await driver.broker.open();
      await driver.store?.open();
      return driver;
    },
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}
