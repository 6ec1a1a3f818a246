import { loadClientLibrary } from "../../src/drivers/sqlite/client-library.ts";
import type { Connection } from "../../src/drivers/sqlite/connection.ts";

/** Opens a file behind the driver's back, with the client library that runs here; others' locks are waited for. */
export function openDatabase(path: string): Connection {
  const connection = loadClientLibrary().open(path, { readonly: false });
  connection.exec("PRAGMA busy_timeout = 10000");
  return connection;
}
