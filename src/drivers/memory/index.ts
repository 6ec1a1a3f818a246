import type { Driver, DriverContext } from "../../broker/driver.ts";
import { AgentwireError } from "../../errors.ts";
import { MemoryEngine } from "./engine.ts";

export { MemoryEngine, type MemoryEngineOptions } from "./engine.ts";

/**
 * The driver for `memory:`, an engine of its own that ends with this process.
 * `memory:?retention=N` keeps N entries of each log, 1 to 1e7, default 10,000.
 * @throws URL_INVALID
 */
export function memoryDriver(url: string, context: DriverContext): Driver {
  const found = /^memory:(?:\/\/)?(?:\?retention=([1-9]\d{0,6}|10000000))?$/.exec(url);
  if (!found) {
    throw new AgentwireError("URL_INVALID", "A memory URL has no path and no option but retention", {
      hint: "Use memory: or memory:?retention=10000.",
    });
  }
  const retention = found[1] === undefined ? {} : { retention: Number(found[1]) };
  return new MemoryEngine(context.clock, retention).driver(context);
}
