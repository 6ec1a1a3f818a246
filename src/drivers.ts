import type { Driver, DriverContext, Salvaged } from "./broker/driver.ts";
import { AgentwireError } from "./errors.ts";
import type { Codec } from "./message/codec.ts";
import { jsonCodec } from "./message/codec-json.ts";

/** Loads a driver and makes it for one URL. */
type DriverLoader = (url: string, context: DriverContext) => Promise<Driver>;

const sqlite: DriverLoader = async (url, context) =>
  (await import("./drivers/sqlite/index.ts")).sqliteDriver(url, context);

const postgres: DriverLoader = async (url, context) =>
  (await import("./drivers/postgres/index.ts")).postgresDriver(url, context);
const nats: DriverLoader = async (url, context) => (await import("./drivers/nats/index.ts")).natsDriver(url, context);
const redis: DriverLoader = async (url, context) =>
  (await import("./drivers/redis/index.ts")).redisDriver(url, context);

const rabbitmq: DriverLoader = async (url, context) =>
  (await import("./drivers/rabbitmq/index.ts")).rabbitmqDriver(url, context);

/** Drivers by URL scheme; each is loaded when its scheme is first used. */
const LOADERS: Readonly<Record<string, DriverLoader>> = {
  memory: async (url, context) => (await import("./drivers/memory/index.ts")).memoryDriver(url, context),
  sqlite,
  file: sqlite,
  postgres,
  postgresql: postgres,
  redis,
  rediss: redis,
  valkey: redis,
  valkeys: redis,
  nats,
  tls: nats,
  "tls+nats": nats,
  amqp: rabbitmq,
  amqps: rabbitmq,
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

/**
 * Reads the messages that wait in an engine which need not be fit to be opened: for `sqlite:` all that can be read of a
 * damaged file. Changes nothing; no program should have it open.
 * @throws UNSUPPORTED for other engines; STORE_CORRUPT, REJECTED when nothing can be read; URL_INVALID, DRIVER_MISSING
 */
export async function* salvage(url: string): AsyncGenerator<Salvaged> {
  if (!/^(?:sqlite|file):/i.test(url))
    throw new AgentwireError("UNSUPPORTED", "Only what is in a file can be salvaged: sqlite:PATH");
  const { salvageFile } = await import("./drivers/sqlite/salvage.ts");
  yield* salvageFile(url, [jsonCodec, ...(await packed())]);
}

/** MessagePack, if its package is installed. */
async function packed(): Promise<Codec[]> {
  try {
    return [(await import("./message/codec-msgpack.ts")).msgpackCodec()];
  } catch {
    return [];
  }
}
