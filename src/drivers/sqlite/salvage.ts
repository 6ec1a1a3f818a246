import type { Salvaged } from "../../broker/driver.ts";
import type { Codec } from "../../message/codec.ts";
import { bodyIn, bodyOf } from "./body.ts";
import { loadClientLibrary } from "./client-library.ts";
import type { Connection, Row } from "./connection.ts";
import { faultError } from "./faults.ts";
import { parseOptions } from "./options.ts";

/** Larger than any place, and so often damage is looked for the end of. */
const BEYOND = 2n ** 63n - 1n;
const MOST_PROBES = 4_096;

/** One table, read row by row. Places are texts, since they can be larger than a number is exact. */
export interface RowSource {
  /** The row that comes first after a place. */
  after(place: bigint): Row | undefined;
  /** The row that comes last before a place. */
  before(place: bigint): Row | undefined;
}

/**
 * Reads the messages that wait in a file, damaged or not. Nothing is changed; what lies on a damaged page is passed over.
 * @throws STORE_CORRUPT, REJECTED when the file cannot be opened at all; DRIVER_MISSING
 */
export function* salvageFile(url: string, codecs: readonly Codec[]): Generator<Salvaged> {
  const { path } = parseOptions(url);
  const library = loadClientLibrary();
  let connection: Connection | undefined;
  try {
    connection = library.open(path, { readonly: true });
    const ready = source(connection, "ready", "rowid >> 45");
    const delayed = source(connection, "delayed", "inbox");
    const inboxes = connection.prepare("SELECT scope, name FROM inbox WHERE id = ?");
    for (const table of [ready, delayed]) {
      for (const row of rowsOf(table)) {
        const message = read(row, codecs);
        if (message === undefined) continue;
        const inbox = attempt(() => inboxes.get(row["inbox"] ?? 0) as { scope: string; name: string } | undefined);
        yield inbox === undefined || inbox === "damaged"
          ? { message }
          : { message, inbox: inbox.name, bus: inbox.scope };
      }
    }
  } catch (error) {
    throw faultError(error, "Reading what is left", path);
  } finally {
    connection?.close();
  }
}

/** Every row that can be read; those behind damage come in no order. */
export function* rowsOf(rows: RowSource): Generator<Row> {
  const gaps: { low: bigint; high: bigint }[] = [{ low: -1n, high: BEYOND }];
  for (let probes = 0; probes < MOST_PROBES; probes++) {
    const gap = gaps.shift();
    if (gap === undefined) return;
    let { low, high } = gap;
    for (let row = attempt(() => rows.after(low)); row !== "damaged"; row = attempt(() => rows.after(low))) {
      low = row === undefined ? high : placeOf(row);
      if (row === undefined || low >= high) break;
      yield row;
    }
    if (low >= high) continue;
    for (let row = attempt(() => rows.before(high)); row !== "damaged"; row = attempt(() => rows.before(high))) {
      high = row === undefined ? low : placeOf(row);
      if (row === undefined || high <= low) break;
      yield row;
    }
    if (high - low < 2n) continue;
    // Damaged at both ends: there may be something between.
    const middle = (low + high) / 2n;
    gaps.push({ low, high: middle + 1n }, { low: middle, high });
  }
}

function source(connection: Connection, table: "ready" | "delayed", inbox: string): RowSource {
  const select = `SELECT CAST(rowid AS TEXT) AS place, ${inbox} AS inbox, ${bodyOf(table)} FROM ${table} WHERE rowid`;
  const after = connection.prepare(`${select} > CAST(? AS INTEGER) ORDER BY rowid LIMIT 1`);
  const before = connection.prepare(`${select} < CAST(? AS INTEGER) ORDER BY rowid DESC LIMIT 1`);
  return {
    after: (place) => after.get(String(place)) as Row | undefined,
    before: (place) => before.get(String(place)) as Row | undefined,
  };
}

function placeOf(row: Row): bigint {
  return BigInt(row["place"] as string);
}

function read(row: Row, codecs: readonly Codec[]): Salvaged["message"] | undefined {
  const body = bodyIn(row["body"]);
  if (typeof body !== "string" && !(body instanceof Uint8Array)) return undefined;
  for (const codec of codecs) {
    const message = attempt(() => codec.decode(body));
    if (message !== "damaged") return message;
  }
  return undefined;
}

function attempt<T>(look: () => T): T | "damaged" {
  try {
    return look();
  } catch {
    return "damaged";
  }
}
