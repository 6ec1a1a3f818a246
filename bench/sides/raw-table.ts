import { join } from "node:path";
import Database from "better-sqlite3";
import { envelope, LEVELS, levelOf } from "../harness/messages.ts";

const LEVEL = 2 ** 42;

/** One message as it lies in the table. */
export interface RawRow {
  readonly k: number;
  readonly body: string;
}

/**
 * The least that a durable queue with five levels needs of SQLite: one table, the level and the place packed into
 * the key (so one walk is the order of hand-off), deletion on acknowledgment, claims in memory, every commit synced.
 */
export class RawTable {
  readonly #db: Database.Database;
  readonly #insert: Database.Statement<[number, string]>;
  readonly #select: Database.Statement<[number, number, number], RawRow>;
  readonly #delete: Database.Statement<[number]>;
  readonly #claimed: number[] = LEVELS.map((_, level) => level * LEVEL);
  readonly #text: string;
  #place = 0;

  /** @throws Error unless the file takes synchronous=FULL and WAL */
  constructor(folder: string, text: string) {
    this.#text = text;
    this.#db = new Database(join(folder, "raw.db"));
    this.#db.pragma("page_size = 8192");
    this.#db.pragma("journal_mode = WAL");
    this.#db.pragma("synchronous = FULL");
    this.#db.pragma("wal_autocheckpoint = 10000");
    this.#db.pragma("cache_size = -32768");
    if (this.#db.pragma("synchronous", { simple: true }) !== 2) throw new Error("raw.db does not sync its commits");
    if (this.#db.pragma("journal_mode", { simple: true }) !== "wal") throw new Error("raw.db has no write-ahead log");
    this.#db.exec("CREATE TABLE message (k INTEGER PRIMARY KEY, body TEXT NOT NULL)");
    this.#insert = this.#db.prepare("INSERT INTO message VALUES (?, ?)");
    this.#select = this.#db.prepare("SELECT k, body FROM message WHERE k > ? AND k < ? ORDER BY k LIMIT ?");
    this.#delete = this.#db.prepare("DELETE FROM message WHERE k = ?");
  }

  /** Runs `work` in one transaction: one synced commit. */
  commit(work: () => void): void {
    this.#db.exec("BEGIN IMMEDIATE");
    work();
    this.#db.exec("COMMIT");
  }

  insert(sequence: number): void {
    this.#insert.run(levelOf(sequence) * LEVEL + ++this.#place, JSON.stringify(envelope(sequence, this.#text)));
  }

  /** Takes up to `limit` messages nobody has taken yet, highest level first. */
  claim(limit: number): RawRow[] {
    const rows: RawRow[] = [];
    for (let level = 0; level < LEVELS.length && rows.length < limit; level++) {
      const found = this.#select.all(this.#claimed[level] as number, (level + 1) * LEVEL, limit - rows.length);
      const last = found.at(-1);
      if (last === undefined) continue;
      this.#claimed[level] = last.k;
      rows.push(...found);
    }
    return rows;
  }

  delete(rows: readonly RawRow[]): void {
    for (const row of rows) this.#delete.run(row.k);
  }

  count(): number {
    return this.#db.prepare<[], { n: number }>("SELECT count(*) AS n FROM message").get()?.n ?? 0;
  }

  close(): void {
    this.#db.close();
  }
}

/** The number of a message, from its body: a consumer must read what it handles. */
export function sequenceOf(row: RawRow): number {
  return (JSON.parse(row.body) as { payload: { sequence: number } }).payload.sequence;
}
