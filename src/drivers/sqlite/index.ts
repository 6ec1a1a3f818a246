import type { Driver, DriverContext } from "../../broker/driver.ts";
import { SqliteBroker } from "./broker.ts";
import { parseOptions } from "./options.ts";
import { Session } from "./session.ts";
import { SqliteStore } from "./store.ts";

/**
 * Messages and state in one SQLite file that several processes share. The file is opened by the first `open` of
 * the broker or the store, and closed by the last `close` of the two.
 * @throws URL_INVALID
 */
export function sqliteDriver(url: string, context: DriverContext): Driver {
  const options = parseOptions(url);
  const broker = new SqliteBroker(context, options);
  const session = new Session({ url: options, context, desk: broker });
  return { broker: broker.use(session), store: new SqliteStore(context, session) };
}
