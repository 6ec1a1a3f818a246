import type { DriverContext } from "../../broker/driver.ts";
import { AgentwireError } from "../../errors.ts";
import type {
  Change,
  Entry,
  ListOptions,
  LogEntry,
  PutOptions,
  ReadOptions,
  Store,
  StoreCapabilities,
  StoreOperation,
} from "../../store/store.ts";
import type { Row } from "./connection.ts";
import type { Server } from "./session.ts";
import type { Topics } from "./topics.ts";
import { type ValueRow, Watch } from "./watch.ts";

const LONGEST_KEY = 512;
/** A statement of a trim removes so many. */
const TRIM = 5_000;
// Above every character of a key, so that it ends a range of keys with one prefix.
const LAST = "\u{10FFFF}";
const LIVE = "(expires_at IS NULL OR expires_at > ms())";

/** State and logs in a PostgreSQL database. */
export class PostgresStore implements Store {
  readonly #context: DriverContext;
  readonly #server: Server;
  readonly #topics: Topics;
  readonly #watches = new Set<Watch>();
  #sweeps: (() => void) | undefined;

  constructor(context: DriverContext, server: Server, topics: Topics) {
    this.#context = context;
    this.#server = server;
    this.#topics = topics;
  }

  get capabilities(): StoreCapabilities {
    return { driver: "postgres", durability: this.#server.durability, transaction: true };
  }

  async open(): Promise<void> {
    await this.#server.open("store");
    this.#sweeps ??= this.#server.onSweep(() => {
      for (const watch of this.#watches) watch.lookAtAll();
    });
  }

  async close(): Promise<void> {
    this.#sweeps?.();
    this.#sweeps = undefined;
    await this.#server.close("store");
  }

  async get(key: string): Promise<Entry | undefined> {
    const rows = await this.#server.call(`Reading the key "${key}"`, {
      name: "get",
      text: `SELECT key, value, revision, expires_at FROM kv WHERE key = $1 AND ${LIVE}`,
      values: [this.#key(key)],
    });
    return rows[0] && this.#entry(rows[0]);
  }

  async put(key: string, value: unknown, { ifRevision, ttl }: PutOptions = {}): Promise<number | undefined> {
    const results = await this.#change(`Writing the key "${key}"`, [
      { put: key, value, ...(ifRevision === undefined ? {} : { ifRevision }), ...(ttl === undefined ? {} : { ttl }) },
    ]);
    return results?.[0];
  }

  async delete(key: string, { ifRevision }: { readonly ifRevision?: number } = {}): Promise<boolean> {
    const results = await this.#change(`Deleting the key "${key}"`, [
      { delete: key, ...(ifRevision === undefined ? {} : { ifRevision }) },
    ]);
    return results?.[0] === 1;
  }

  async list(prefix: string, { limit, after, reverse = false }: ListOptions = {}): Promise<Entry[]> {
    const from = this.#key(prefix);
    const [comes, order] = reverse ? ["<", "DESC"] : [">", "ASC"];
    const rows = await this.#server.call(`Listing the keys "${prefix}"`, {
      text: `SELECT key, value, revision, expires_at FROM kv
        WHERE key >= $1 AND key < $2 AND ($3::text IS NULL OR key ${comes} $3) AND ${LIVE} ORDER BY key ${order} LIMIT $4`,
      values: [
        from,
        from + LAST,
        after === undefined ? null : this.#key(after),
        limit === undefined || limit === Number.POSITIVE_INFINITY ? null : limit,
      ],
    });
    return rows.map((row) => this.#entry(row));
  }

  watch(prefix: string, listener: (changes: readonly Change[]) => void): () => void {
    const from = this.#key(prefix);
    const watch = new Watch({
      topics: this.#topics,
      topic: this.#key("/"),
      prefix: from,
      strip: this.#key("").length,
      read: (keys) => this.#read(from, keys),
      listener: (changes) => {
        try {
          listener(changes);
        } catch (error) {
          const message = `A watcher threw: ${(error as Error).message}`;
          this.#context.report({ type: "driver.fault", driver: "postgres", message });
        }
      },
    });
    this.#watches.add(watch);
    return () => {
      this.#watches.delete(watch);
      watch.stop();
    };
  }

  async revision(bucket: string): Promise<number> {
    const rows = await this.#server.call(`Reading the revision of "${bucket}"`, {
      name: "revision",
      text: "SELECT revision FROM bucket WHERE name = $1",
      values: [this.#key(bucket)],
    });
    return (rows[0]?.["revision"] as number | undefined) ?? 0;
  }

  async append(log: string, values: readonly unknown[]): Promise<void> {
    if (values.length === 0) return;
    await this.#server.call(`Appending to the log "${log}"`, {
      name: "append",
      text: "SELECT append_log($1, $2)",
      values: [this.#key(log), values.map(toJson)],
    });
  }

  async read(log: string, { after = 0, limit = 1_000 }: ReadOptions = {}): Promise<LogEntry[]> {
    const rows = await this.#server.call(`Reading the log "${log}"`, {
      name: "read",
      text: `SELECT position, value FROM log_entry
        WHERE log = (SELECT id FROM log WHERE name = $1) AND position > $2 ORDER BY position LIMIT $3`,
      values: [this.#key(log), after, limit],
    });
    return rows.map((row) => ({
      position: row["position"] as number,
      value: JSON.parse(row["value"] as string) as unknown,
    }));
  }

  async logs(prefix: string): Promise<string[]> {
    const from = this.#key(prefix);
    const rows = await this.#server.call(`Listing the logs "${prefix}"`, {
      text: "SELECT name FROM log WHERE name >= $1 AND name < $2 ORDER BY name",
      values: [from, from + LAST],
    });
    return rows.map((row) => this.#bare(row["name"] as string));
  }

  async trim(log: string, { upTo }: { readonly upTo?: number } = {}): Promise<void> {
    const statement = { text: "SELECT trim_log($1, $2, $3) AS more", values: [this.#key(log), upTo ?? null, TRIM] };
    while ((await this.#server.row(`Trimming the log "${log}"`, statement))["more"] === true);
  }

  async transaction(operations: readonly StoreOperation[]): Promise<boolean> {
    return (await this.#change("A transaction", operations)) !== undefined;
  }

  /** Does all or nothing; what each put or delete came to, undefined where a condition did not hold. */
  async #change(what: string, operations: readonly StoreOperation[]): Promise<readonly number[] | undefined> {
    const values: string[] = [];
    const steps = operations.map((operation) => {
      if ("append" in operation) {
        const from = values.push(...operation.values.map(toJson)) - operation.values.length + 1;
        return { o: "append", k: this.#key(operation.append), v: from, w: values.length };
      }
      const { ifRevision: r } = operation;
      if ("delete" in operation) return { o: "delete", k: this.#key(operation.delete), r };
      return { o: "put", k: this.#key(operation.put), r, t: operation.ttl, v: values.push(toJson(operation.value)) };
    });
    const { results } = await this.#server.row(what, {
      name: "change",
      text: "SELECT change($1, $2) AS results",
      values: [JSON.stringify(steps), values],
    });
    for (const operation of operations)
      if ("put" in operation && operation.ttl !== undefined)
        this.#server.noteTime(this.#context.clock.now() + operation.ttl);
    return (results as readonly number[] | null) ?? undefined;
  }

  async #read(
    prefix: string,
    keys: readonly string[] | undefined,
  ): Promise<{ readonly rows: readonly ValueRow[]; readonly revision: number }> {
    const which = keys ? "key = ANY ($1)" : "key >= $1 AND key < $2";
    const rows = await this.#server.call("Looking at watched values", {
      text: `SELECT key, value, revision FROM kv WHERE ${which} AND ${LIVE}
        UNION ALL SELECT NULL, NULL, coalesce(max(revision), 0) FROM bucket WHERE name >= $3 AND name < $4 AND $2::text IS NOT NULL`,
      values: [keys ?? prefix, prefix + LAST, this.#key(""), this.#key(LAST)],
    });
    const revision = rows.find((row) => row["key"] === null)?.["revision"] as number;
    return { rows: rows.filter((row) => row["key"] !== null) as unknown as ValueRow[], revision };
  }

  #key(key: string): string {
    const bytes = Buffer.byteLength(key);
    if (bytes > LONGEST_KEY) {
      throw new AgentwireError("OUT_OF_RANGE", `A key has ${bytes} bytes; ${LONGEST_KEY} is the most`, {
        details: { limit: LONGEST_KEY },
      });
    }
    return `${this.#context.scope}:${key}`;
  }

  #bare(key: string): string {
    return key.slice(this.#context.scope.length + 1);
  }

  #entry(row: Row): Entry {
    const { key, value, revision, expires_at: expiresAt } = row;
    return {
      key: this.#bare(key as string),
      value: JSON.parse(value as string) as unknown,
      revision: revision as number,
      ...(expiresAt === null ? {} : { expiresAt: expiresAt as number }),
    };
  }
}

function toJson(value: unknown): string {
  const json = JSON.stringify(value) as string | undefined;
  if (json === undefined) throw new AgentwireError("PAYLOAD_INVALID", "A value is not plain JSON data");
  return json;
}
