import type { Connection, Row, Statement } from "./connection.ts";

/** A stored value as its row. */
export interface ValueRow {
  readonly key: string;
  /** JSON. */
  readonly value: string;
  readonly revision: number;
  readonly expiresAt: number | undefined;
}

function valueOf(row: Row): ValueRow {
  return {
    key: row["key"] as string,
    value: row["value"] as string,
    revision: row["revision"] as number,
    expiresAt: (row["expires_at"] as number | null) ?? undefined,
  };
}

/** Numbers that only grow: the store's revision, and how often a claim was taken from its consumer. */
export type CounterName = "revision" | "takeovers";

/** The counters of the file. */
export class CounterTable {
  readonly #get: Statement;
  readonly #add: Statement;

  constructor(connection: Connection) {
    this.#get = connection.prepare("SELECT value FROM counter WHERE name = ?");
    this.#add = connection.prepare("UPDATE counter SET value = value + 1 WHERE name = ? RETURNING value");
  }

  get(name: CounterName): number {
    return (this.#get.get(name) as Row)["value"] as number;
  }

  /** Adds one; returns the new value. */
  add(name: CounterName): number {
    return (this.#add.get(name) as Row)["value"] as number;
  }
}

/** Keys and values with their revisions. Keys are prefixed by the caller. */
export class ValueTable {
  readonly #counters: CounterTable;
  readonly #get: Statement;
  readonly #put: Statement;
  readonly #remove: Statement;
  readonly #up: Statement;
  readonly #down: Statement;
  readonly #expired: Statement;
  readonly #nextExpiry: Statement;
  readonly #touchBucket: Statement;
  readonly #bucket: Statement;

  constructor(connection: Connection, counters: CounterTable) {
    this.#counters = counters;
    const columns = "key, value, revision, expires_at";
    const live = "key >= ? AND key < ? AND (expires_at IS NULL OR expires_at > ?)";
    this.#get = connection.prepare(`SELECT ${columns} FROM kv WHERE key = ?`);
    this.#put = connection.prepare(
      `INSERT INTO kv (${columns}) VALUES (?, ?, ?, ?)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = excluded.revision, expires_at = excluded.expires_at`,
    );
    this.#remove = connection.prepare("DELETE FROM kv WHERE key = ?");
    this.#up = connection.prepare(`SELECT ${columns} FROM kv WHERE ${live} AND key > ? ORDER BY key LIMIT ?`);
    this.#down = connection.prepare(`SELECT ${columns} FROM kv WHERE ${live} AND key < ? ORDER BY key DESC LIMIT ?`);
    this.#expired = connection.prepare(
      `SELECT ${columns} FROM kv WHERE expires_at IS NOT NULL AND expires_at <= ? LIMIT ?`,
    );
    this.#nextExpiry = connection.prepare("SELECT min(expires_at) AS at FROM kv WHERE expires_at IS NOT NULL");
    this.#touchBucket = connection.prepare(
      "INSERT INTO bucket (name, revision) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET revision = excluded.revision",
    );
    this.#bucket = connection.prepare("SELECT revision FROM bucket WHERE name = ?");
  }

  /** The row, expired or not. */
  get(key: string): ValueRow | undefined {
    const row = this.#get.get(key) as Row | undefined;
    return row && valueOf(row);
  }

  /** Writes a value; returns its revision. */
  put(key: string, bucket: string, json: string, expiresAt: number | undefined): number {
    const revision = this.#counters.add("revision");
    this.#put.run(key, json, revision, expiresAt ?? null);
    this.#touchBucket.run(bucket, revision);
    return revision;
  }

  remove(key: string, bucket: string): void {
    this.#remove.run(key);
    this.#touchBucket.run(bucket, this.#counters.add("revision"));
  }

  /** Keys from `from` up to, not including, `to`, in order or in reverse; only those that follow `after` in that order. `limit` -1: all. */
  range(
    from: string,
    to: string,
    rest: { after: string | undefined; now: number; limit: number; reverse: boolean },
  ): ValueRow[] {
    const { reverse, now, limit } = rest;
    const rows = reverse
      ? this.#down.all(from, to, now, rest.after ?? to, limit)
      : this.#up.all(from, to, now, rest.after ?? "", limit);
    return (rows as Row[]).map(valueOf);
  }

  expired(now: number, limit: number): ValueRow[] {
    return (this.#expired.all(now, limit) as Row[]).map(valueOf);
  }

  /** When the next one vanishes. */
  nextExpiry(): number | undefined {
    return ((this.#nextExpiry.get() as Row)["at"] as number | null) ?? undefined;
  }

  bucketRevision(bucket: string): number {
    return ((this.#bucket.get(bucket) as Row | undefined)?.["revision"] as number | undefined) ?? 0;
  }
}
