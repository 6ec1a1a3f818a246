import type { Driver, DriverContext } from "../../broker/driver.ts";
import { PostgresBroker } from "./broker.ts";
import { type ClientLibrary, loadClientLibrary } from "./client-library.ts";
import { parseOptions } from "./options.ts";
import { Server } from "./session.ts";
import { PostgresStore } from "./store.ts";
import { Topics } from "./topics.ts";

/**
 * Messages and state in one PostgreSQL database. The connection is made by the first `open` of the broker or the store,
 * and ends with the last `close` of the two. `load` finds the client library when it opens.
 * @throws URL_INVALID
 */
export function postgresDriver(
  url: string,
  context: DriverContext,
  load: () => Promise<ClientLibrary> = loadClientLibrary,
): Driver {
  const server = new Server({ url: parseOptions(url), context, load });
  const topics = new Topics(server);
  server.use(topics);
  return { broker: new PostgresBroker(context, server, topics), store: new PostgresStore(context, server, topics) };
}
