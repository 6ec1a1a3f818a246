import type { Driver, DriverContext } from "../../broker/driver.ts";
import { RedisBroker } from "./broker.ts";
import { parseOptions } from "./options.ts";
import { Session } from "./session.ts";
import { RedisStore } from "./store.ts";

/**
 * Messages and state in a Redis or Valkey server. It is connected by the first `open` of the broker or the store, and
 * left by the last `close` of the two.
 * @throws URL_INVALID
 */
export function redisDriver(url: string, context: DriverContext): Driver {
  const session = new Session(parseOptions(url), context);
  return { broker: new RedisBroker(session), store: new RedisStore(session) };
}
