import type { Driver, DriverContext } from "./broker/driver.ts";
import { AgentwireError } from "./errors.ts";

/** Loads a driver and makes it for one URL. */
type DriverLoader = (url: string, context: DriverContext) => Promise<Driver>;

const sqlite: DriverLoader = async (url, context) =>
  (await import("./drivers/sqlite/index.ts")).sqliteDriver(url, context);

/** Drivers by URL scheme; each is loaded when its scheme is first used. */
const LOADERS: Readonly<Record<string, DriverLoader>> = {
  memory: async (url, context) => (await import("./drivers/memory/index.ts")).memoryDriver(url, context),
  sqlite,
  file: sqlite,
};

/** Makes the driver that a URL names. @throws URL_INVALID, DRIVER_MISSING */
export function loadDriver(url: string, context: DriverContext): Promise<Driver> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  const loader = scheme === undefined ? undefined : Object.hasOwn(LOADERS, scheme) ? LOADERS[scheme] : undefined;
  if (!loader) {
    const known = Object.keys(LOADERS).join(", ");
    throw new AgentwireError(
      "URL_INVALID",
      `No driver is known for ${scheme === undefined ? "a URL without a scheme" : `"${scheme}:"`}; there are ${known}`,
    );
  }
  return loader(url, context);
}
