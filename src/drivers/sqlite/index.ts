import type { Driver, DriverContext } from "../../broker/driver.ts";
import type { DurabilityReport } from "../../store/durability.ts";
import { SqliteBroker } from "./broker.ts";
import { loadClientLibrary } from "./client-library.ts";
import type { ClientLibrary } from "./connection.ts";
import { parseOptions, type SqliteOptions } from "./options.ts";
import { Session } from "./session.ts";
import { SqliteStore } from "./store.ts";

/**
 * Messages and state in one SQLite file that several processes share. The file is opened by the first `open` of
 * the broker or the store, and closed by the last `close` of the two. `load` finds the client library when it opens.
 * @throws URL_INVALID
 */
export function sqliteDriver(
  url: string,
  context: DriverContext,
  load: () => ClientLibrary = loadClientLibrary,
): Driver {
  const options = parseOptions(url);
  const durability = durabilityOf(options);
  const broker = new SqliteBroker(context, durability);
  const session = new Session({ url: options, context, desk: broker, load });
  return { broker: broker.use(session), store: new SqliteStore(context, session, durability) };
}

function durabilityOf({ synchronous }: SqliteOptions): DurabilityReport {
  return synchronous === "full"
    ? { class: "power", reason: "journal_mode=WAL and synchronous=FULL, set and read back on each connection" }
    : { class: "process", reason: "synchronous=NORMAL: the last commits are synced only with the next checkpoint" };
}
