import type { DriverContext } from "../../../src/broker/driver.ts";
import { MemoryEngine } from "../../../src/drivers/memory/index.ts";
import type { ConformanceEngine } from "../../../src/testing/conformance/suite.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";

/** A driver context whose codec must not be needed. */
export function memoryContext(clock: FakeClock, report: DriverContext["report"] = () => {}): DriverContext {
  const never = (): never => {
    throw new Error("the memory driver encodes nothing");
  };
  return { clock, codec: { name: "none", encode: never, decode: never }, scope: "test", instance: "process", report };
}

/** A memory engine under a fake clock, for one conformance case. */
export async function openMemory(): Promise<ConformanceEngine> {
  const clock = new FakeClock();
  const engine = new MemoryEngine(clock);
  return {
    clock,
    async connect(options) {
      const driver = engine.driver({ ...memoryContext(clock), ...options });
      await driver.broker.open();
      await driver.store?.open();
      return driver;
    },
    async dispose() {},
  };
}
