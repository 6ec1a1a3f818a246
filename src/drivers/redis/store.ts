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
import { UNREAD } from "./broker.ts";
import { SCRIPTS } from "./lua/scripts.ts";
import type { Session } from "./session.ts";
import { Watch } from "./watch.ts";

const PAGE = 1_000;
const MOST_READ = 10_000;

type Stored = readonly [revision: number, expires: string, text: string];

/** State and logs in Redis. */
export class RedisStore implements Store {
  capabilities: StoreCapabilities = { driver: "redis", durability: UNREAD, transaction: true };
  readonly #session: Session;
  readonly #watches = new Set<Watch>();
  #isOpen = false;

  constructor(session: Session) {
    this.#session = session;
  }

  async open(): Promise<void> {
    this.capabilities = { ...this.capabilities, durability: await this.#session.open("store") };
    this.#isOpen = true;
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const watch of this.#watches) watch.stop();
    this.#watches.clear();
    await this.#session.close("store");
  }

  async get(key: string): Promise<Entry | undefined> {
    return (await this.#readAll([key]))[0];
  }

  async put(key: string, value: unknown, options: PutOptions = {}): Promise<number | undefined> {
    return (await this.#write([{ put: key, value, ...options }]))?.[0];
  }

  async delete(key: string, options: { readonly ifRevision?: number } = {}): Promise<boolean> {
    return ((await this.#write([{ delete: key, ...options }]))?.[0] ?? 0) > 0;
  }

  async list(
    prefix: string,
    { limit = Number.POSITIVE_INFINITY, after = "", reverse = false }: ListOptions = {},
  ): Promise<Entry[]> {
    this.#check();
    const found: Entry[] = [];
    for (let from = after; ; ) {
      const most = Math.min(PAGE, limit - found.length);
      if (most <= 0) return found;
      const args = [prefix, from, String(most), reverse ? "reverse" : ""];
      const [last, ...rows] = (await this.#session.run(SCRIPTS.list, args, { what: `Listing "${prefix}"` })) as [
        string,
        ...(readonly [string, ...Stored])[],
      ];
      for (const [key, ...stored] of rows) found.push(entryOf(key, stored));
      if (last === "") return found;
      from = last;
    }
  }

  watch(prefix: string, listener: (changes: readonly Change[]) => void): () => void {
    this.#check();
    const watch = new Watch({
      session: this.#session,
      store: this,
      read: (keys) => this.#readAll(keys),
      prefix,
      listener,
    });
    this.#watches.add(watch);
    return () => {
      this.#watches.delete(watch);
      watch.stop();
    };
  }

  async revision(bucket: string): Promise<number> {
    this.#check();
    return Number((await this.#session.ask(["HGET", `${this.#session.prefix}vr`, bucket], "Reading a revision")) ?? 0);
  }

  async append(log: string, values: readonly unknown[]): Promise<void> {
    await this.#write([{ append: log, values }]);
  }

  async read(log: string, { after = 0, limit = PAGE }: ReadOptions = {}): Promise<LogEntry[]> {
    this.#check();
    const command = [
      "XRANGE",
      `${this.#session.prefix}g:${log}`,
      `(${after}-0`,
      "+",
      "COUNT",
      String(Math.min(limit, MOST_READ)),
    ];
    const rows = (await this.#session.ask(command, `Reading the log "${log}"`)) as [string, [string, string]][];
    return rows.map(([id, [, text]]) => ({ position: Number.parseInt(id, 10), value: JSON.parse(text) as unknown }));
  }

  async logs(prefix: string): Promise<string[]> {
    this.#check();
    const command = ["ZRANGEBYLEX", `${this.#session.prefix}gn`, `[${prefix}`, "+"];
    const names = (await this.#session.ask(command, "Listing logs")) as string[];
    const end = names.findIndex((name) => !name.startsWith(prefix));
    return end === -1 ? names : names.slice(0, end);
  }

  async trim(log: string, { upTo }: { readonly upTo?: number } = {}): Promise<void> {
    this.#check();
    await this.#session.run(SCRIPTS.trim, [log, upTo === undefined ? "" : String(upTo)], {
      what: `Trimming the log "${log}"`,
    });
  }

  async transaction(operations: readonly StoreOperation[]): Promise<boolean> {
    return (await this.#write(operations)) !== undefined;
  }

  /** Does all or nothing; returns the revision that each operation gave, undefined if one did not hold. */
  async #write(operations: readonly StoreOperation[]): Promise<readonly number[] | undefined> {
    this.#check();
    const args = [this.#session.peer, String(operations.length)];
    for (const operation of operations) {
      if ("append" in operation) {
        const values = operation.values.map(textOf);
        args.push("append", operation.append, "", String(values.length), ...values);
        continue;
      }
      const expected = operation.ifRevision === undefined ? "" : String(operation.ifRevision);
      if ("put" in operation) {
        const { put, value, ttl } = operation;
        args.push("put", put, expected, ttl === undefined ? "" : String(ttl), textOf(value));
      } else args.push("delete", operation.delete, expected, "");
    }
    const answer = await this.#session.run(SCRIPTS.write, args, { what: "Writing state" });
    return Array.isArray(answer) ? (answer as number[]) : undefined;
  }

  async #readAll(keys: readonly string[]): Promise<(Entry | undefined)[]> {
    this.#check();
    const found: (Entry | undefined)[] = [];
    for (let at = 0; at < keys.length; at += PAGE) {
      const part = keys.slice(at, at + PAGE);
      const rows = (await this.#session.run(SCRIPTS.read, part, { what: "Reading state" })) as (Stored | null)[];
      part.forEach((key, place) => {
        const stored = rows[place];
        found.push(stored ? entryOf(key, stored) : undefined);
      });
    }
    return found;
  }

  #check(): void {
    if (!this.#isOpen) throw new AgentwireError("CLOSED", "The redis driver is not open");
  }
}

function entryOf(key: string, [revision, expires, text]: Stored): Entry {
  const value = JSON.parse(text) as unknown;
  return { key, value, revision, ...(expires === "" ? {} : { expiresAt: Number(expires) }) };
}

function textOf(value: unknown): string {
  const text = JSON.stringify(value);
  if (text === undefined) throw new AgentwireError("PAYLOAD_INVALID", "A value to be stored is not JSON");
  return text;
}
