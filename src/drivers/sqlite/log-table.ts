import { JOURNAL_LOG } from "../../broker/journal-log.ts";
import type { Connection, Row, Statement } from "./connection.ts";

/** A log that is being written to. */
interface OpenLog {
  readonly id: number;
  /** The last position given to an entry. */
  position: number;
}

/** Some entries of one log by the keys of their rows. */
export interface RowKeys {
  readonly first: bigint;
  readonly last: bigint;
}

// A log's id stands above its positions in the key, so that one log's entries lie together without an index.
const KEY = "(? << 37) | ?";
const PLACES = 2 ** 37;
const MOST_OPEN = 100;
// The journal grows by every message. It stands behind all other logs, because SQLite appends to the end of a table
// without moving what is there: history costs a tenth less.
const LAST = `:${JOURNAL_LOG}`;
const FIRST_LAST_ID = 2 ** 25;

/** Append-only logs. Names are prefixed by the caller. Where they end is kept in memory for as long as no other process has written. */
export class LogTable {
  readonly #find: Statement;
  readonly #create: Statement;
  readonly #advance: Statement;
  readonly #append: Statement;
  readonly #read: Statement;
  readonly #names: Statement;
  readonly #trim: Statement;
  readonly #keepPosition: Statement;
  readonly #drop: Statement;
  readonly #open = new Map<string, OpenLog>();
  readonly #dirty = new Set<OpenLog>();

  constructor(connection: Connection) {
    this.#find = connection.prepare("SELECT id, position FROM log WHERE name = ?");
    this.#create = connection.prepare(
      `INSERT INTO log (id, name, position)
         SELECT (SELECT coalesce(max(id), ?) + 1 FROM log WHERE id BETWEEN ? AND ?), ?, value
         FROM counter WHERE name = 'position' RETURNING id, position`,
    );
    this.#advance = connection.prepare("UPDATE log SET position = ? WHERE id = ?");
    this.#append = connection.prepare(`INSERT INTO log_entry (k, value) VALUES (${KEY}, ?)`);
    this.#read = connection.prepare(
      `SELECT k & 137438953471 AS position, value FROM log_entry WHERE k BETWEEN (${KEY}) AND (((? + 1) << 37) - 1) ORDER BY k LIMIT ?`,
    );
    this.#names = connection.prepare("SELECT name FROM log WHERE name >= ? AND name < ? ORDER BY name");
    this.#trim = connection.prepare(
      "DELETE FROM log_entry WHERE k IN (SELECT k FROM log_entry WHERE k BETWEEN (? | 0) AND (? | 0) ORDER BY k LIMIT ?)",
    );
    this.#keepPosition = connection.prepare(
      "UPDATE counter SET value = max(value, (SELECT position FROM log WHERE id = ?)) WHERE name = 'position'",
    );
    this.#drop = connection.prepare("DELETE FROM log WHERE id = ?");
  }

  /** Appends an entry; returns the key of its row. */
  append(name: string, value: string): bigint {
    const log = this.#open.get(name) ?? this.#opened(name);
    this.#append.run(log.id, ++log.position, value);
    this.#dirty.add(log);
    return keyOf(log.id, log.position);
  }

  /** Writes where the logs end now. */
  flush(): void {
    for (const { id, position } of this.#dirty) this.#advance.run(position, id);
    this.#dirty.clear();
  }

  /** What was known may no longer hold. */
  forget(): void {
    this.#open.clear();
    this.#dirty.clear();
  }

  read(
    name: string,
    { after, limit }: { after: number; limit: number },
  ): { readonly position: number; readonly value: string }[] {
    const id = this.#id(name);
    if (id === undefined) return [];
    const rows = this.#read.all(id, Math.min(after + 1, PLACES - 1), id, limit) as Row[];
    return rows.map((row) => ({ position: row["position"] as number, value: row["value"] as string }));
  }

  names(from: string, to: string): string[] {
    return (this.#names.all(from, to) as Row[]).map((row) => row["name"] as string);
  }

  /** The keys of a log's rows up to and including a position, at most and by default the last; undefined: there is no such log. */
  keys(name: string, upTo: number | undefined): RowKeys | undefined {
    this.flush();
    const row = this.#find.get(name) as Row | undefined;
    if (!row) return undefined;
    const id = row["id"] as number;
    const end = row["position"] as number;
    return { first: keyOf(id, 0), last: keyOf(id, Math.min(upTo ?? end, end)) };
  }

  /** Removes the first of some entries, at most `count`; false if there are no more. */
  trim({ first, last }: RowKeys, count: number): boolean {
    return Number(this.#trim.run(first, last, count).changes) === count;
  }

  /** Removes a log whose entries are gone, unless there are newer ones. */
  drop(name: string, { last }: RowKeys): void {
    const end = this.keys(name, undefined);
    if (end?.last !== last) return;
    // A later log of this name goes on above, so that a reader's place stays behind what is new.
    const id = Number(end.first >> 37n);
    this.#keepPosition.run(id);
    this.#drop.run(id);
    this.#open.delete(name);
  }

  #opened(name: string): OpenLog {
    if (this.#open.size >= MOST_OPEN) {
      this.flush();
      this.#open.clear();
    }
    const first = name.endsWith(LAST) ? FIRST_LAST_ID : 0;
    const row = (this.#find.get(name) ?? this.#create.get(first, first, first + FIRST_LAST_ID - 1, name)) as Row;
    const log = { id: row["id"] as number, position: row["position"] as number };
    this.#open.set(name, log);
    return log;
  }

  #id(name: string): number | undefined {
    return (this.#find.get(name) as Row | undefined)?.["id"] as number | undefined;
  }
}

// A row's key has more digits than a double.
function keyOf(log: number, position: number): bigint {
  return (BigInt(log) << 37n) | BigInt(position);
}
