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
} from "../../store/store.ts";
import type { Connection, Headers } from "./connection.ts";
import { faultError, NUMBERS, Refusal } from "./faults.ts";
import { read, readAll, type StoredMessage } from "./reading.ts";
import { type Call, type Session, UNREAD } from "./session.ts";
import { expiryOf, isMarker, Watch } from "./watch.ts";

const EXPECTED = "Nats-Expected-Last-Subject-Sequence";
/** Positions of a message in a log have room for so many values. */
const VALUES = 65_536;
/** Part of what the server takes at once, for a message's headers. */
const SPARE = 4_096;
/** A marker of a deletion stays so long for those who watch. */
const MARKER_LIFE = 60_000;
/** Where a log begins that was trimmed in the middle of a message. */
const STARTS = "$starts/";

/** State in a key-value bucket of JetStream, and logs in a stream of it. */
export class NatsStore implements Store {
  capabilities: StoreCapabilities = { driver: "nats", durability: UNREAD, transaction: false };
  readonly #session: Session;
  readonly #watches = new Set<Watch>();
  readonly #timers = new Set<{ cancel(): void }>();
  #isOpen = false;

  constructor(session: Session) {
    this.#session = session;
  }

  async open(): Promise<void> {
    this.capabilities = { ...this.capabilities, durability: await this.#session.open(this) };
    this.#isOpen = true;
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const watch of this.#watches) watch.stop();
    this.#watches.clear();
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    await this.#session.close(this);
  }

  async get(key: string): Promise<Entry | undefined> {
    const found = await this.#last(this.#session.names.key(key), `Reading "${key}"`);
    return found && this.#entryOf(key, found);
  }

  async put(key: string, value: unknown, { ifRevision, ttl }: PutOptions = {}): Promise<number | undefined> {
    this.#check();
    const text = textOf(value);
    const expiresAt = ttl === undefined ? undefined : this.#session.context.clock.now() + ttl;
    const headers: Headers = {
      ...(expiresAt === undefined ? {} : { "Agentwire-Expires": String(expiresAt) }),
      ...(ifRevision === undefined ? {} : { [EXPECTED]: String(ifRevision) }),
    };
    const what = { what: `Writing "${key}"` };
    const subject = this.#session.names.key(key);
    let revision = await this.#store(subject, { payload: text, headers }, what);
    if (revision === undefined && ifRevision === 0) {
      // It may be that only a marker of its deletion is there, or what has expired.
      const last = await this.#last(subject, what.what);
      if (last && this.#entryOf(key, last)) return undefined;
      const expected = { ...headers, [EXPECTED]: String(last?.sequence ?? 0) };
      revision = await this.#store(subject, { payload: text, headers: expected }, what);
    }
    if (revision !== undefined && ttl !== undefined) this.#removeLater(key, { sequence: revision, after: ttl });
    return revision;
  }

  async delete(key: string, { ifRevision }: { readonly ifRevision?: number } = {}): Promise<boolean> {
    this.#check();
    const subject = this.#session.names.key(key);
    for (;;) {
      const last = await this.#last(subject, `Deleting "${key}"`);
      const entry = last && this.#entryOf(key, last);
      if (!entry || (ifRevision !== undefined && entry.revision !== ifRevision)) return false;
      if ((await this.#mark(key, entry.revision)) !== undefined) return true;
    }
  }

  async list(
    prefix: string,
    { limit = Number.POSITIVE_INFINITY, after, reverse = false }: ListOptions = {},
  ): Promise<Entry[]> {
    this.#check();
    const { names } = this.#session;
    const found = await this.#call(
      (connection) => readAll(connection, names.state, { filter: names.keysUnder(prefix) }),
      { what: `Listing "${prefix}"`, isRead: true },
    );
    // A key that was written meanwhile comes twice.
    const entries = new Map<string, Entry>();
    for (const message of found) {
      const key = names.keyIn(message.subject);
      if (!key.startsWith(prefix) || (key.startsWith("$") && !prefix.startsWith("$"))) continue;
      const entry = this.#entryOf(key, message);
      if (entry) entries.set(key, entry);
      else entries.delete(key);
    }
    const sorted = [...entries.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    if (reverse) sorted.reverse();
    const rest = after === undefined ? sorted : sorted.filter(({ key }) => (reverse ? key < after : key > after));
    return rest.slice(0, limit);
  }

  watch(prefix: string, listener: (changes: readonly Change[]) => void): () => void {
    this.#check();
    const watch = new Watch({ session: this.#session, store: this, prefix, listener });
    this.#watches.add(watch);
    return () => {
      this.#watches.delete(watch);
      watch.stop();
    };
  }

  async revision(bucket: string): Promise<number> {
    this.#check();
    const subject = this.#session.names.keysUnder(`${bucket}/`);
    return (await this.#last(subject, "Reading a revision"))?.sequence ?? 0;
  }

  async append(log: string, values: readonly unknown[]): Promise<void> {
    this.#check();
    if (values.length === 0) return;
    const { names, current } = this.#session;
    const most = (current?.mostBytes ?? 1_048_576) - SPARE;
    const payloads = packed(values.map(textOf), most);
    const what = { what: `Appending to "${log}"` };
    await Promise.all(
      payloads.map((payload) => this.#call((connection) => connection.store(names.log(log), payload), what)),
    );
  }

  async read(log: string, { after = 0, limit = 1_000 }: ReadOptions = {}): Promise<LogEntry[]> {
    this.#check();
    const { names } = this.#session;
    const what = { what: `Reading "${log}"`, isRead: true };
    const entries: LogEntry[] = [];
    const start = Math.max(after, ((await this.#startOf(log)) ?? 0) as number);
    // The message of that position may have more values.
    let from = Math.floor(start / VALUES);
    while (entries.length < limit) {
      const stretch = { filter: names.log(log), from, limit: limit - entries.length };
      const found = await this.#call((connection) => readAll(connection, names.logs, stretch), what);
      for (const { sequence, data } of found) {
        const values = JSON.parse(Buffer.from(data).toString()) as unknown[];
        values.forEach((value, at) => {
          const position = sequence * VALUES + at;
          if (position > start && entries.length < limit) entries.push({ position, value });
        });
        from = sequence + 1;
      }
      if (found.length < stretch.limit) break;
    }
    return entries;
  }

  async logs(prefix: string): Promise<string[]> {
    this.#check();
    const { names } = this.#session;
    const question = { subjects_filter: names.logsUnder(prefix) };
    const { state } = await this.#call(
      (connection) => connection.api<{ state: { subjects?: object } }>(`STREAM.INFO.${names.logs}`, question),
      { what: `Listing logs under "${prefix}"`, isRead: true },
    );
    const found = Object.keys(state.subjects ?? {}).map((subject) => names.logIn(subject));
    return found.filter((name) => name.startsWith(prefix)).sort();
  }

  async trim(log: string, { upTo }: { readonly upTo?: number } = {}): Promise<void> {
    this.#check();
    const { names } = this.#session;
    const filter = names.log(log);
    const what = { what: `Trimming "${log}"` };
    if (upTo === undefined) {
      await this.#call((connection) => connection.api(`STREAM.PURGE.${names.logs}`, { filter }), what);
      if (await this.#startOf(log)) await this.delete(`${STARTS}${log}`);
      return;
    }
    const sequence = Math.floor(upTo / VALUES);
    const last = await this.#call(
      (connection) => read(connection, names.logs, { which: { seq: sequence }, direct: this.#isDirect }),
      { ...what, isRead: true },
    );
    const count = last?.subject === filter ? (JSON.parse(Buffer.from(last.data).toString()) as unknown[]).length : 0;
    const isWhole = (upTo % VALUES) + 1 >= count;
    if (!isWhole) await this.put(`${STARTS}${log}`, upTo);
    const first = isWhole ? sequence + 1 : sequence;
    // The server takes 1 for all.
    if (first <= 1) return;
    await this.#call((connection) => connection.api(`STREAM.PURGE.${names.logs}`, { filter, seq: first }), what);
  }

  async transaction(): Promise<boolean> {
    throw new AgentwireError("UNSUPPORTED", "NATS has no transactions");
  }

  get #isDirect(): boolean {
    return !this.#session.isReplicated;
  }

  async #startOf(log: string): Promise<number | undefined> {
    return (await this.get(`${STARTS}${log}`))?.value as number | undefined;
  }

  async #last(subject: string, what: string): Promise<StoredMessage | undefined> {
    this.#check();
    const { names } = this.#session;
    return this.#call(
      (connection) => read(connection, names.state, { which: { last_by_subj: subject }, direct: this.#isDirect }),
      { what, isRead: true },
    );
  }

  /** The revision, or undefined if the expected one did not hold. */
  async #store(
    subject: string,
    { payload, headers }: { readonly payload: string; readonly headers: Headers },
    call: Call,
  ): Promise<number | undefined> {
    const given = Object.keys(headers).length === 0 ? undefined : headers;
    try {
      const stored = await this.#session.run((connection) => connection.store(subject, payload, given), call);
      this.#session.seen = Math.max(this.#session.seen, stored.sequence);
      return stored.sequence;
    } catch (error) {
      if (error instanceof Refusal && error.number === NUMBERS.wrongLastSequence) return undefined;
      throw faultError(error, { ...call, isRead: false });
    }
  }

  async #call<T>(work: (connection: Connection) => Promise<T>, call: Call): Promise<T> {
    try {
      return await this.#session.run(work, call);
    } catch (error) {
      throw faultError(error, { isRead: false, ...call });
    }
  }

  /** Marks a key as deleted; undefined if it was changed meanwhile. */
  async #mark(key: string, revision: number): Promise<number | undefined> {
    const headers = { "KV-Operation": "DEL", [EXPECTED]: String(revision) };
    const call = { what: `Deleting "${key}"` };
    const marked = await this.#store(this.#session.names.key(key), { payload: "", headers }, call);
    if (marked !== undefined && !key.startsWith("registry/")) this.#purgeLater(key, marked);
    return marked;
  }

  /** The marker is taken away when all who watch have seen it. */
  #purgeLater(key: string, marker: number): void {
    const { names } = this.#session;
    this.#later(MARKER_LIFE, () =>
      this.#call(
        (connection) => connection.api(`STREAM.PURGE.${names.state}`, { filter: names.key(key), seq: marker + 1 }),
        { what: "Clearing up" },
      ),
    );
  }

  #removeLater(key: string, { sequence, after }: { readonly sequence: number; readonly after: number }): void {
    this.#later(after + 1_000, () => this.#mark(key, sequence));
  }

  #later(delay: number, work: () => Promise<unknown>): void {
    const timer = this.#session.context.clock.after(delay, () => {
      this.#timers.delete(timer);
      // Whoever lists it leaves it out in any case.
      if (this.#isOpen) work().catch(() => {});
    });
    this.#timers.add(timer);
  }

  #entryOf(key: string, message: StoredMessage): Entry | undefined {
    if (isMarker(message)) return undefined;
    const expiresAt = expiryOf(message);
    if (expiresAt !== undefined && expiresAt <= this.#session.context.clock.now()) return undefined;
    const value = JSON.parse(Buffer.from(message.data).toString()) as unknown;
    return { key, value, revision: message.sequence, ...(expiresAt === undefined ? {} : { expiresAt }) };
  }

  #check(): void {
    if (!this.#isOpen) throw new AgentwireError("CLOSED", "The nats driver is not open");
  }
}

function textOf(value: unknown): string {
  const text = JSON.stringify(value);
  if (text === undefined) throw new AgentwireError("PAYLOAD_INVALID", "A value to be stored is not JSON");
  return text;
}

/** Lists of values, each small enough for one message: mostly one. */
function packed(texts: readonly string[], most: number): string[] {
  const lists: string[] = [];
  let list: string[] = [];
  let bytes = 2;
  for (const text of texts) {
    const size = Buffer.byteLength(text) + 1;
    if (list.length > 0 && (bytes + size > most || list.length >= VALUES)) {
      lists.push(`[${list.join(",")}]`);
      list = [];
      bytes = 2;
    }
    list.push(text);
    bytes += size;
  }
  lists.push(`[${list.join(",")}]`);
  return lists;
}
