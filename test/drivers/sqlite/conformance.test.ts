import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "vitest";
import type { DriverContext } from "../../../src/broker/driver.ts";
import { sqliteDriver } from "../../../src/drivers/sqlite/index.ts";
import { systemClock } from "../../../src/internal/clock.ts";
import { jsonCodec } from "../../../src/message/codec-json.ts";
import { brokerConformance } from "../../../src/testing/conformance/broker/index.ts";
import { storeConformance } from "../../../src/testing/conformance/store/index.ts";

const open = async () => {
  const folder = await mkdtemp(join(tmpdir(), "agentwire-conformance-"));
  let instances = 0;
  return {
    connect: async (options: Pick<DriverContext, "journal"> = {}) => {
      const driver = sqliteDriver(`sqlite:${join(folder, "bus.db")}`, {
        clock: systemClock,
        codec: jsonCodec,
        scope: "test/default",
        instance: `instance-${++instances}`,
        report: () => {},
        ...options,
      });
      await driver.broker.open();
      await driver.store?.open();
      return driver;
    },
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
};

brokerConformance({ describe, it, open });
storeConformance({ describe, it, open });
