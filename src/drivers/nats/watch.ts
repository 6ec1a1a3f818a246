import type { Subscription } from "@nats-io/transport-node";
import type { Timer } from "../../internal/clock.ts";
import type { Change, Store } from "../../store/store.ts";
import type { Connection } from "./connection.ts";
import { placeOf, type StoredMessage, storedIn } from "./reading.ts";
import type { Session } from "./session.ts";

/** Whether a stored message says that its key was deleted. */
export function isMarker({ header }: StoredMessage): boolean {
  const operation = header("KV-Operation");
  return operation === "DEL" || operation === "PURGE";
}

/** When a stored value vanishes, in wall milliseconds. */
export function expiryOf({ header }: StoredMessage): number | undefined {
  const expires = header("Agentwire-Expires");
  return expires === undefined ? undefined : Number(expires);
}

/** What a watch is made of. */
export interface WatchOptions {
  readonly session: Session;
  readonly store: Pick<Store, "list" | "revision">;
  readonly prefix: string;
  listener(changes: readonly Change[]): void;
}

/** The server says so often that it is still there. */
const HEARTBEAT = 15_000;
const PAUSE_AFTER_FAULT = 1_000;

/** Tells a listener of changed values: the server delivers them in their order, and after a gap all are looked at. */
export class Watch {
  readonly #options: WatchOptions;
  readonly #known = new Map<string, number>();
  readonly #expiries = new Map<string, Timer>();
  readonly #detach: () => void;
  #subscription: Subscription | undefined;
  #silence: Timer | undefined;
  #retry: Timer | undefined;
  #seen = 0;
  #run = 0;
  #stopped = false;
  #changes: Change[] = [];
  /** The latest revision known when the watch began; what came before is no change. */
  readonly #baseline: number;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#baseline = options.session.seen;
    this.#detach = options.session.attach({
      restored: async (connection) => {
        // Not on the way of those who wait for the connection.
        setImmediate(() => void this.#begin(connection, { isFirst: false }));
      },
    });
    const { current } = options.session;
    if (current) void this.#begin(current, { isFirst: true });
  }

  stop(): void {
    this.#stopped = true;
    this.#detach();
    this.#end();
    this.#retry?.cancel();
    for (const timer of this.#expiries.values()) timer.cancel();
  }

  #end(): void {
    this.#silence?.cancel();
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
  }

  /** Has changes delivered from now on. What was there when the watch began is no change. */
  async #begin(connection: Connection, { isFirst }: { readonly isFirst: boolean }): Promise<void> {
    const { session, prefix } = this.#options;
    if (this.#stopped) return;
    this.#end();
    const run = ++this.#run;
    this.#seen = 0;
    const deliver = connection.ownSubject();
    const subscription = connection.subscribe(deliver, (message) => {
      if (run !== this.#run || this.#stopped) return;
      this.#listen(connection);
      if (message.headers?.code === 100) {
        if (message.reply) connection.publish(message.reply, "");
        const last = Number(message.headers.get("Nats-Last-Consumer") || this.#seen);
        if (last !== this.#seen) void this.#begin(connection, { isFirst: false });
        return;
      }
      const { nth } = placeOf(message.reply ?? "");
      if (nth !== this.#seen + 1) return void this.#begin(connection, { isFirst: false });
      this.#seen = nth;
      this.#note(storedIn(message));
    });
    this.#subscription = subscription;
    const config = {
      deliver_subject: deliver,
      ...(isFirst
        ? { deliver_policy: "by_start_sequence", opt_start_seq: this.#baseline + 1 }
        : { deliver_policy: "new" }),
      ack_policy: "none",
      filter_subject: session.names.keysUnder(prefix),
      mem_storage: true,
      num_replicas: 1,
      idle_heartbeat: HEARTBEAT * 1e6,
      inactive_threshold: 4 * HEARTBEAT * 1e6,
    };
    try {
      const stream = session.names.state;
      await connection.api(`CONSUMER.CREATE.${stream}`, { stream_name: stream, config });
      this.#listen(connection);
      await this.#lookAtAll({ isFirst });
    } catch {
      // Where the connection is lost, it begins anew with the next one.
      if (connection === session.current && run === this.#run) this.#again(connection);
    }
  }

  #again(connection: Connection): void {
    this.#retry?.cancel();
    this.#retry = this.#options.session.context.clock.after(PAUSE_AFTER_FAULT, () => {
      if (connection === this.#options.session.current) void this.#begin(connection, { isFirst: false });
    });
  }

  /** Begins anew when nothing is heard any more. */
  #listen(connection: Connection): void {
    this.#silence?.cancel();
    this.#silence = this.#options.session.context.clock.after(3 * HEARTBEAT, () => {
      if (connection === this.#options.session.current) void this.#begin(connection, { isFirst: false });
    });
  }

  async #lookAtAll({ isFirst }: { readonly isFirst: boolean }): Promise<void> {
    const { store, prefix } = this.#options;
    const gone = new Set(this.#known.keys());
    for (const { key, value, revision, expiresAt } of await store.list(prefix)) {
      gone.delete(key);
      const known = this.#known.get(key);
      // At first the server delivers itself what is newer.
      if ((known !== undefined && known >= revision) || (isFirst && revision > this.#baseline)) continue;
      this.#known.set(key, revision);
      if (expiresAt !== undefined) this.#expireAt(key, { revision, expiresAt });
      if (!isFirst) this.#change({ key, value, revision });
    }
    if (isFirst || gone.size === 0) return;
    const revision = await store.revision(prefix.split("/", 1)[0] as string);
    for (const key of gone) {
      this.#known.delete(key);
      this.#change({ key, revision });
    }
  }

  #note(message: StoredMessage): void {
    const { session, prefix } = this.#options;
    const key = session.names.keyIn(message.subject);
    if (!key.startsWith(prefix)) return;
    const { sequence: revision } = message;
    session.seen = Math.max(session.seen, revision);
    this.#expiries.get(key)?.cancel();
    if (isMarker(message)) {
      this.#known.delete(key);
      return this.#change({ key, revision });
    }
    this.#known.set(key, revision);
    const expiresAt = expiryOf(message);
    if (expiresAt !== undefined) this.#expireAt(key, { revision, expiresAt });
    this.#change({ key, value: JSON.parse(Buffer.from(message.data).toString()) as unknown, revision });
  }

  #expireAt(key: string, { revision, expiresAt }: { readonly revision: number; readonly expiresAt: number }): void {
    const { clock } = this.#options.session.context;
    const timer = clock.after(Math.max(0, expiresAt - clock.now()), () => {
      if (this.#known.get(key) !== revision) return;
      this.#known.delete(key);
      this.#change({ key, revision });
    });
    this.#expiries.get(key)?.cancel();
    this.#expiries.set(key, timer);
  }

  #change(change: Change): void {
    this.#changes.push(change);
    if (this.#changes.length === 1) queueMicrotask(() => this.#tell());
  }

  #tell(): void {
    const changes = this.#changes;
    this.#changes = [];
    if (this.#stopped) return;
    try {
      this.#options.listener(changes);
    } catch (error) {
      this.#options.session.report({
        type: "driver.fault",
        message: `A watcher threw: ${(error as Error).message}`,
        details: { prefix: this.#options.prefix },
      });
    }
  }
}
