import type { DriverContext } from "../../broker/driver.ts";
import { JOURNAL_LOG } from "../../broker/journal-log.ts";
import { AgentwireError } from "../../errors.ts";
import type { DurabilityReport } from "../../store/durability.ts";
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
import type { Session } from "./session.ts";
import type { ValueRow } from "./store-tables.ts";
import { bucketOf, scoped, type Transaction } from "./transaction.ts";
import { beginTrim, type Trim, trimStep } from "./trimming.ts";
import { Watch } from "./watch.ts";

const LONGEST_KEY = 512;
// Above every character of a key, so that it ends a range of keys with one prefix.
const LAST = "\u{10FFFF}";

/** State and logs in an SQLite file. */
export class SqliteStore implements Store {
  readonly capabilities: StoreCapabilities;
  readonly #context: DriverContext;
  readonly #file: Session;

  constructor(context: DriverContext, session: Session, durability: DurabilityReport) {
    this.capabilities = { driver: "sqlite", durability, transaction: true };
    this.#context = context;
    this.#file = session;
  }

  open(): Promise<void> {
    return this.#file.open("store");
  }

  close(): Promise<void> {
    return this.#file.close("store");
  }

  async get(key: string): Promise<Entry | undefined> {
    const row = await this.#file.read(`Reading the key "${key}"`, ({ values }) => values.get(this.#key(key)));
    return row && isLive(row, this.#context.clock.now()) ? this.#entry(row) : undefined;
  }

  put(key: string, value: unknown, { ifRevision, ttl, relaxed }: PutOptions = {}): Promise<number | undefined> {
    const json = toJson(value);
    return this.#file.run(
      `Writing the key "${key}"`,
      (tx) => (this.#holds(tx, key, ifRevision) ? this.#put(tx, key, { json, ttl }) : undefined),
      { synced: relaxed !== true },
    );
  }

  delete(key: string, { ifRevision }: { readonly ifRevision?: number } = {}): Promise<boolean> {
    return this.#file.run(
      `Deleting the key "${key}"`,
      (tx) => this.#holds(tx, key, ifRevision) && this.#delete(tx, key),
    );
  }

  async list(prefix: string, { limit = -1, after, reverse = false }: ListOptions = {}): Promise<Entry[]> {
    const from = this.#key(prefix);
    const now = this.#context.clock.now();
    const rest = { after: after === undefined ? undefined : this.#key(after), now, limit, reverse };
    const rows = await this.#file.read(`Listing the keys "${prefix}"`, ({ values }) =>
      values.range(from, from + LAST, rest),
    );
    return rows.map((row) => this.#entry(row));
  }

  watch(prefix: string, listener: (changes: readonly Change[]) => void): () => void {
    const watch = new Watch({
      session: this.#file,
      clock: this.#context.clock,
      prefix: this.#key(prefix),
      strip: this.#key("").length,
      bucket: () => this.#file.tables.values.bucketRevision(this.#key(bucketOf(prefix))),
      listener,
    });
    return () => watch.stop();
  }

  revision(bucket: string): Promise<number> {
    return this.#file.read(`Reading the revision of "${bucket}"`, ({ values }) =>
      values.bucketRevision(this.#key(bucket)),
    );
  }

  async append(log: string, values: readonly unknown[]): Promise<void> {
    const json = values.map(toJson);
    if (json.length > 0) await this.#file.run(`Appending to the log "${log}"`, (tx) => this.#append(tx, log, json));
  }

  async read(log: string, { after = 0, limit = 1000 }: ReadOptions = {}): Promise<LogEntry[]> {
    const rows = await this.#file.read(`Reading the log "${log}"`, ({ logs }) =>
      logs.read(this.#key(log), { after, limit }),
    );
    return rows.map(({ position, value }) => ({ position, value: JSON.parse(value) as unknown }));
  }

  async logs(prefix: string): Promise<string[]> {
    const from = this.#key(prefix);
    const names = await this.#file.read(`Listing the logs "${prefix}"`, ({ logs }) => logs.names(from, from + LAST));
    return names.map((name) => this.#bare(name));
  }

  async trim(log: string, { upTo }: { readonly upTo?: number } = {}): Promise<void> {
    const what = `Trimming the log "${log}"`;
    const options = { log: this.#key(log), upTo, hasBodies: log === JOURNAL_LOG };
    let trim = await this.#file.run(what, (tx) => {
      const begun = beginTrim(tx, options);
      return begun && trimStep(tx, begun);
    });
    while (trim) {
      const from: Trim = trim;
      trim = await this.#file.run(what, (tx) => trimStep(tx, from));
    }
  }

  transaction(operations: readonly StoreOperation[]): Promise<boolean> {
    // Values become JSON before anything is written: a fault then spoils nothing.
    const prepared = operations.map((operation) => ({
      operation,
      json: "put" in operation ? [toJson(operation.value)] : "append" in operation ? operation.values.map(toJson) : [],
    }));
    return this.#file.run("A transaction", (tx) => {
      for (const operation of operations) {
        const key = "put" in operation ? operation.put : "delete" in operation ? operation.delete : undefined;
        const ifRevision = "append" in operation ? undefined : operation.ifRevision;
        if (key !== undefined && !this.#holds(tx, key, ifRevision)) return false;
      }
      for (const { operation, json } of prepared) {
        if ("put" in operation) this.#put(tx, operation.put, { json: json[0] as string, ttl: operation.ttl });
        else if ("delete" in operation) this.#delete(tx, operation.delete);
        else this.#append(tx, operation.append, json);
      }
      return true;
    });
  }

  /** Whether a condition on a key's revision is met. */
  #holds(tx: Transaction, key: string, ifRevision: number | undefined): boolean {
    const scopedKey = this.#key(key);
    if (ifRevision === undefined) return true;
    const row = tx.tables.values.get(scopedKey);
    return (row && isLive(row, tx.now) ? row.revision : 0) === ifRevision;
  }

  #put(tx: Transaction, key: string, { json, ttl }: { json: string; ttl: number | undefined }): number {
    const expiresAt = ttl === undefined ? undefined : tx.now + ttl;
    if (expiresAt !== undefined) tx.nextExpiry = Math.min(tx.nextExpiry, expiresAt);
    return tx.put(this.#key(key), bucketOf(key), json, expiresAt);
  }

  #delete(tx: Transaction, key: string): boolean {
    const row = tx.tables.values.get(this.#key(key));
    if (!row) return false;
    tx.removeValue(this.#key(key), bucketOf(key));
    return isLive(row, tx.now);
  }

  #append(tx: Transaction, log: string, json: readonly string[]): void {
    tx.rows += json.length;
    for (const value of json) tx.tables.logs.append(this.#key(log), value);
  }

  #key(key: string): string {
    if (Buffer.byteLength(key) > LONGEST_KEY) {
      throw new AgentwireError(
        "OUT_OF_RANGE",
        `A key has ${Buffer.byteLength(key)} bytes; ${LONGEST_KEY} is the most`,
        { details: { limit: LONGEST_KEY } },
      );
    }
    return scoped(this.#context.scope, key);
  }

  #bare(key: string): string {
    return key.slice(this.#context.scope.length + 1);
  }

  #entry({ key, value, revision, expiresAt }: ValueRow): Entry {
    return {
      key: this.#bare(key),
      value: JSON.parse(value) as unknown,
      revision,
      ...(expiresAt === undefined ? {} : { expiresAt }),
    };
  }
}

function isLive({ expiresAt }: ValueRow, now: number): boolean {
  return expiresAt === undefined || expiresAt > now;
}

function toJson(value: unknown): string {
  const json = JSON.stringify(value) as string | undefined;
  if (json === undefined) throw new AgentwireError("PAYLOAD_INVALID", "A value is not plain JSON data");
  return json;
}
