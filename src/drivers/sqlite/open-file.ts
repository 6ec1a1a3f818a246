import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { AgentwireError } from "../../errors.ts";
import { isCertainlyDead, type ProcessMark } from "../machine.ts";
import { isSafeSqlite } from "./client-library.ts";
import { type ClientLibrary, type Connection, pragma, type Row } from "./connection.ts";
import { faultError, faultKind } from "./faults.ts";
import { checkFile, refuseNetworkFileSystem, statOf } from "./file-checks.ts";
import type { SqliteOptions } from "./options.ts";
import { APPLICATION_ID, checkForm, migrate } from "./schema.ts";

const PATIENCE = 15_000;
const PAUSE = 10;
// So small a file is looked through at every first opening; it takes a few milliseconds.
const ALWAYS_CHECKED = 16 * 1024 * 1024;

/** Does something that other processes' locks can hinder, again until they let it. @throws REJECTED after 15 s */
async function patiently<T>(what: string, path: string, attempt: () => T): Promise<T> {
  const start = performance.now();
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      if (AgentwireError.is(error)) throw error;
      if (faultKind(error) !== "busy") throw faultError(error, what, path);
      if (performance.now() - start > PATIENCE) {
        throw new AgentwireError(
          "REJECTED",
          `${what} failed: another process has kept ${path} locked for ${PATIENCE / 1000} s`,
          { cause: error },
        );
      }
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

/** Opens a connection for a while; closes it also when `use` fails. */
function using<T>(connection: Connection, use: (connection: Connection) => T): T {
  try {
    return use(connection);
  } finally {
    connection.close();
  }
}

/** Whether the file was left without being closed, and whether anyone else has it open now. */
function lastUse(connection: Connection, here: ProcessMark): { crashed: boolean; shared: boolean } {
  const known = connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'peer'").get();
  if (known === undefined) return { crashed: false, shared: false };
  const peers = connection.prepare("SELECT pid, namespace, boot, started FROM peer").all() as (ProcessMark & Row)[];
  const dead = peers.filter((peer) => isCertainlyDead(peer, here)).length;
  return { crashed: dead > 0, shared: dead < peers.length };
}

/** Reads through the whole file, on a connection that cannot change it, where damage is likely or looking is cheap. */
function checkContent(library: ClientLibrary, path: string, here: ProcessMark): void {
  using(library.open(path, { readonly: true }), (connection) => {
    // The header of the file itself was looked at before; this is the one that the write-ahead log makes of it.
    if (pragma(connection, "application_id") !== APPLICATION_ID) {
      throw new AgentwireError("STORE_CORRUPT", `${path} has a write-ahead log of another file; it was not changed`, {
        details: { path },
      });
    }
    const { crashed, shared } = lastUse(connection, here);
    const small = (statOf(path)?.size ?? 0) + (statOf(`${path}-wal`)?.size ?? 0) <= ALWAYS_CHECKED;
    if (shared || !(crashed || small)) return;
    const found = pragma(connection, "quick_check(1)");
    if (found === "ok") return;
    throw new AgentwireError("STORE_CORRUPT", `${path} is damaged: ${String(found)}`, {
      details: { path, found: String(found) },
    });
  });
}

/** Makes an empty database of ours; the mark and the page size come before anything else is written. */
function create(connection: Connection): void {
  connection.exec(`PRAGMA page_size=8192; PRAGMA auto_vacuum=NONE; PRAGMA application_id=${APPLICATION_ID}`);
}

/** Sets what this connection needs and reads it back: a client library may reopen a file with weaker settings. */
function configure(connection: Connection, options: SqliteOptions): void {
  connection.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=${options.synchronous}; PRAGMA busy_timeout=0`);
  connection.exec("PRAGMA journal_size_limit=134217728; PRAGMA cache_size=-32768; PRAGMA temp_store=MEMORY");
  const mode = pragma(connection, "journal_mode");
  const synchronous = pragma(connection, "synchronous");
  if (mode !== "wal" || synchronous !== (options.synchronous === "full" ? 2 : 1)) {
    throw new AgentwireError(
      "ENGINE_STATE",
      `${options.path} does not take the settings it needs: journal_mode=${mode}, synchronous=${synchronous}`,
      {
        details: { path: options.path, journalMode: mode, synchronous },
      },
    );
  }
}

/** Opens the connection anew after a fault; the file must still be the one that was opened before. */
export function reopenFile(library: ClientLibrary, options: SqliteOptions): Connection {
  if (!checkFile(options.path))
    throw new AgentwireError("STORE_CORRUPT", `${options.path} was deleted while it was in use`, {
      details: { path: options.path },
    });
  const connection = library.open(options.path, { readonly: false });
  try {
    checkForm(Number(pragma(connection, "user_version")), options.path);
    configure(connection, options);
  } catch (error) {
    connection.close();
    throw error;
  }
  return connection;
}

/**
 * Writes all that the log has into the file, and begins it anew. After a sync that failed the log in the system's memory is whole
 * and the one on the disk may have a hole, whatever later syncs say: what was committed behind that would be lost with
 * the power. @throws SQLite's errors; that of a busy file while another process reads the log
 */
export function beginNewLog(connection: Connection): void {
  if (pragma(connection, "wal_checkpoint(TRUNCATE)") === 0) return;
  throw Object.assign(new Error("the log is in use by another process"), { code: "SQLITE_BUSY" });
}

/**
 * Opens the database file, creating it and its folder if there is none.
 * @throws ENGINE_STATE, STORE_CORRUPT, STORE_READ_ONLY, STORAGE_FULL, VERSION_UNSUPPORTED, DRIVER_MISSING
 */
export async function openFile(library: ClientLibrary, options: SqliteOptions, here: ProcessMark): Promise<Connection> {
  const { path } = options;
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (cause) {
    throw new AgentwireError("STORE_READ_ONLY", `The folder of ${path} cannot be made: ${(cause as Error).message}`, {
      details: { path },
      cause,
    });
  }
  refuseNetworkFileSystem(path);
  const what = "Opening the database";
  if (checkFile(path)) await patiently(what, path, () => checkContent(library, path, here));
  const connection = await patiently(what, path, () => library.open(path, { readonly: false }));
  try {
    // Even this reads the schema, which a process that is just making the file keeps locked.
    const version = await patiently(what, path, () =>
      String((connection.prepare("SELECT sqlite_version() AS version").get() as Row)["version"]),
    );
    if (!isSafeSqlite(version)) {
      throw new AgentwireError(
        "DRIVER_MISSING",
        `${library.name} has SQLite ${version}, which can damage a file shared by several processes; 3.51.3 or later is needed`,
      );
    }
    await patiently(what, path, () => {
      if (!checkFile(path)) create(connection);
    });
    await patiently(what, path, () => configure(connection, options));
    await patiently(what, path, () => {
      connection.exec("BEGIN IMMEDIATE");
      try {
        migrate(connection, path);
        connection.exec("COMMIT");
      } catch (error) {
        connection.exec("ROLLBACK");
        throw error;
      }
    });
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}
