import { createHash } from "node:crypto";
import type { DriverContext } from "../../broker/driver.ts";
import { AgentwireError } from "../../errors.ts";
import { type Deadlined, Deadlines } from "../../internal/deadlines.ts";
import { KeepAlive } from "../../internal/keep-alive.ts";
import type { DurabilityReport } from "../../store/durability.ts";
import { isCertainlyDead, markOfThisProcess, type ProcessMark } from "../machine.ts";
import { Supervisor } from "../supervisor.ts";
import type { ClientLibrary } from "./client-library.ts";
import { openSession, type Row, type Session, type Statement } from "./connection.ts";
import { readDurability } from "./durability.ts";
import { connectError, faultError, faultKind } from "./faults.ts";
import type { PostgresOptions } from "./options.ts";
import { refuseSharedSessions } from "./pooler.ts";
import { migrate } from "./schema.ts";
import { Timetable } from "./timetable.ts";
import type { Topics } from "./topics.ts";

/** What a {@link Server} is made of. */
export interface ServerOptions {
  readonly url: PostgresOptions;
  readonly context: DriverContext;
  readonly load: () => Promise<ClientLibrary>;
}

/** How the server is asked. */
export interface CallOptions {
  /** How long to wait for a connection while there is none, in milliseconds; default 10 s. */
  readonly patience?: number;
}

/** Another process, and its mark. */
export type Other = readonly [peer: number, mark: ProcessMark];

interface Call extends Deadlined {
  readonly session: Session;
}

/** A statement that is not answered by then is given up with its connection; the server gives up before. */
const ANSWER_WITHIN = 10_000;
const MOST_TRIES = 5;
/** Milliseconds at least between a death and the next hand-off of what died with it. */
const CRASH_PAUSE = 100;

/**
 * This process on the server: one connection, shared by broker and store, on which statements follow each other
 * without waiting. It is one of the peers for as long as the connection lives.
 */
export class Server {
  readonly #options: ServerOptions;
  readonly #here: ProcessMark = markOfThisProcess();
  readonly #users = new Set<string>();
  readonly #restorers = new Set<(session: Session) => Promise<void>>();
  readonly #sweeps = new Set<() => void>();
  readonly #tellers = new Set<(data: string) => void>();
  readonly #hungers = new Set<(inboxes: readonly number[]) => void>();
  readonly #timetable: Timetable;
  readonly #listeners = new Map<string, (data: string, isOwn: boolean) => void>();
  readonly #deadlines: Deadlines<Call>;
  #topics: Topics | undefined;
  #supervisor: Supervisor<Session> | undefined;
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #durability: DurabilityReport | undefined;
  #peer = 0;
  #tables = 0;
  // What waits for an answer is a reason for the process to stay; the connection is none.
  readonly #keepAlive = new KeepAlive();

  constructor(options: ServerOptions) {
    this.#options = options;
    const { clock, scope } = options.context;
    const onHungry = (inboxes: readonly number[]): void => {
      for (const hunger of this.#hungers) hunger(inboxes);
    };
    const swept = (): void => {
      for (const sweep of this.#sweeps) sweep();
    };
    this.#timetable = new Timetable({
      clock,
      ask: (what, statement) => this.row(what, statement),
      who: () => [scope, this.#peer],
      onHungry,
      swept,
    });
    this.#deadlines = new Deadlines(options.context.clock, ({ session }) =>
      this.#supervisor?.lose(session, new Error(`no answer within ${ANSWER_WITHIN} ms`)),
    );
  }

  /** This process's id among the peers. */
  get peer(): number {
    return this.#peer;
  }

  /** The channel on which this process alone is told. */
  get channel(): string {
    return `agentwire_${this.#tables}_${this.#peer}`;
  }

  /** The channel of those who listen to a topic. */
  channelOf(topic: string): string {
    return `agentwire_${this.#tables}_${createHash("md5").update(topic).digest("hex")}`;
  }

  /** The class in force; known once it is open. */
  get durability(): DurabilityReport {
    return this.#durability ?? { class: "none", reason: "not connected yet, so that nothing has been read" };
  }

  /** Whether the server can be asked now. */
  get isConnected(): boolean {
    return this.#supervisor?.current !== undefined;
  }

  /** Opens the connection for the first user. @throws DRIVER_MISSING, ENGINE_STATE, VERSION_UNSUPPORTED */
  async open(user: string): Promise<void> {
    await this.#closing;
    this.#users.add(user);
    this.#opening ??= this.#connect();
    // The connection alone keeps no process alive.
    this.#keepAlive.hold();
    try {
      await this.#opening;
    } catch (error) {
      this.#users.delete(user);
      this.#opening = undefined;
      throw error;
    } finally {
      this.#keepAlive.release();
    }
  }

  /** Closes the connection with the last user. */
  async close(user: string): Promise<void> {
    if (!this.#users.delete(user) || this.#users.size > 0) return this.#closing;
    this.#closing = this.#disconnect();
    await this.#closing;
    this.#closing = undefined;
  }

  /**
   * Asks the server. What it rolled back because two got into each other's way is asked again.
   * @throws INDETERMINATE when no answer came, ENGINE_STATE when it is out of reach, and what the server refuses with
   */
  async call(what: string, statement: Statement, { patience }: CallOptions = {}): Promise<readonly Row[]> {
    const supervisor = this.#supervisor;
    if (!supervisor) throw new AgentwireError("CLOSED", `${what} failed: the connection is closed`);
    this.#keepAlive.hold();
    try {
      for (let tries = 1; ; tries++) {
        const session = supervisor.current ?? (await supervisor.connection(patience));
        try {
          return await this.#ask(session, statement);
        } catch (error) {
          if (faultKind(error) !== "conflict" || tries === MOST_TRIES)
            throw faultError(error, what, this.#options.url.server);
        }
      }
    } finally {
      this.#keepAlive.release();
    }
  }

  /** The one row of the answer. */
  async row(what: string, statement: Statement, options?: CallOptions): Promise<Row> {
    return (await this.call(what, statement, options))[0] as Row;
  }

  /**
   * Takes from other processes what they hold, where they ran on this machine and are certainly dead. Of those elsewhere
   * nobody knows: their leases decide, as they do where this fails.
   */
  async succeed(others: readonly Other[]): Promise<void> {
    const dead = others.filter(([, mark]) => mark.boot === this.#here.boot && isCertainlyDead(mark, this.#here));
    if (dead.length === 0) return;
    const { clock, scope } = this.#options.context;
    // What kills every process that it comes to must not do so in a hot loop.
    await new Promise<void>((resolve) => clock.after(CRASH_PAUSE, resolve));
    const values = [scope, this.#peer, dead.map(([peer]) => peer)];
    await this.call("Following the dead", { text: "SELECT succeed($1, $2, $3)", values }).catch(() => {});
  }

  /** Listens to a channel of notifications, also on later connections; returns the way to stop. */
  async listen(channel: string, listener: (data: string, isOwn: boolean) => void): Promise<void> {
    this.#listeners.set(channel, listener);
    await this.call("Listening", { text: `LISTEN "${channel}"` });
  }

  async unlisten(channel: string): Promise<void> {
    this.#listeners.delete(channel);
    await this.call("Listening", { text: `UNLISTEN "${channel}"` });
  }

  /** Topics that are told of again on each later connection; each process listens to the changes of its values. */
  use(topics: Topics): void {
    this.#topics = topics;
  }

  /** Runs on each later connection before anyone else uses it; returns the way to stop. */
  onRestore(restore: (session: Session) => Promise<void>): () => void {
    return added(this.#restorers, restore);
  }

  /** Called about every 30 s, and after a connection was made again: something may have been missed. */
  onSweep(sweep: () => void): () => void {
    return added(this.#sweeps, sweep);
  }

  /** Called with what concerns this process alone. */
  onTold(told: (data: string) => void): () => void {
    return added(this.#tellers, told);
  }

  /** Called with inboxes that have something new because of the time, and had a consumer waiting. */
  onHungry(hungry: (inboxes: readonly number[]) => void): () => void {
    return added(this.#hungers, hungry);
  }

  /** Something becomes due or expires, in wall milliseconds. */
  noteTime(at: number): void {
    this.#timetable.note(at);
  }

  /** Others have left something behind whose time may come soon. */
  lookAtTime(): void {
    this.#timetable.lookThoroughly();
  }

  async #connect(): Promise<void> {
    const { url, context, load } = this.#options;
    const library = await load();
    this.#supervisor = new Supervisor<Session>({
      clock: context.clock,
      driver: "postgres",
      server: url.server,
      connect: (lost) =>
        openSession(library, url, {
          lost,
          notified: (channel, data, isOwn) => this.#listeners.get(channel)?.(data, isOwn),
        }),
      disconnect: (session) => (this.#users.size === 0 ? session.end() : session.destroy()),
      restore: (session) => this.#restore(session),
      report: (event) => context.report(event),
    });
    try {
      await this.#supervisor.open();
      const session = await this.#supervisor.connection();
      const open = (): Promise<Session> => openSession(library, url, { lost: () => {}, notified: () => {} });
      await refuseSharedSessions(session, { clock: context.clock, server: url.server, open });
      this.#durability = await readDurability(session, url.server);
      await migrate(session, url.schema);
      await this.#enrol(session);
      this.#listeners.set(this.channel, (data) => {
        for (const told of this.#tellers) told(data);
      });
      await session.query({ text: `LISTEN "${this.channel}"` });
      await new Promise<void>((resolve) => this.#topics?.hear(`${context.scope}:/`, () => {}, resolve));
    } catch (error) {
      const supervisor = this.#supervisor;
      this.#supervisor = undefined;
      await supervisor?.close();
      throw connectError(error, url.server);
    }
    this.#timetable.start();
    context.report({ type: "driver.opened", driver: "postgres", message: `Connected to ${url.server}` });
  }

  async #disconnect(): Promise<void> {
    this.#keepAlive.hold();
    await this.#timetable.stop();
    const supervisor = this.#supervisor;
    this.#supervisor = undefined;
    this.#opening = undefined;
    this.#deadlines.clear();
    const { context, url } = this.#options;
    const leave = { text: "SELECT leave($1)", values: [this.#peer] };
    // Where it cannot be reached, others find out.
    await supervisor?.current?.query(leave).catch(() => {});
    await supervisor?.close();
    this.#keepAlive.release();
    this.#keepAlive.close();
    this.#listeners.clear();
    this.#topics?.clear();
    context.report({ type: "driver.closed", driver: "postgres", message: `Disconnected from ${url.server}` });
  }

  /** Becomes one of the peers. The lock says that this process lives. */
  async #enrol(session: Session): Promise<void> {
    const { scope, instance, journal = false } = this.#options.context;
    const again = this.#peer;
    const { rows } = await session.query({
      text:
        again === 0
          ? "INSERT INTO peer (scope, instance, journal, mark) VALUES ($1, $2, $3, $4) RETURNING id"
          : `INSERT INTO peer (id, scope, instance, journal, mark) OVERRIDING SYSTEM VALUE VALUES (${again}, $1, $2, $3, $4) ON CONFLICT (id) DO UPDATE SET instance = excluded.instance RETURNING id`,
      values: [scope, instance, journal, JSON.stringify(this.#here)],
    });
    this.#peer = rows[0]?.["id"] as number;
    const locked = await session.query({
      text: "SELECT 'peer'::regclass::oid::bigint AS tables, pg_advisory_lock_shared('peer'::regclass::oid::integer, $1)",
      values: [this.#peer],
    });
    this.#tables = locked.rows[0]?.["tables"] as number;
  }

  async #restore(session: Session): Promise<void> {
    await this.#enrol(session);
    for (const channel of this.#listeners.keys()) await session.query({ text: `LISTEN "${channel}"` });
    await this.#topics?.restore(session);
    for (const restore of this.#restorers) await restore(session);
    this.#timetable.lookThoroughly();
  }

  async #ask(session: Session, statement: Statement): Promise<readonly Row[]> {
    const call: Call = { session, deadline: 0 };
    this.#deadlines.add(call, ANSWER_WITHIN);
    try {
      return (await session.query(statement)).rows;
    } finally {
      this.#deadlines.delete(call, ANSWER_WITHIN);
    }
  }
}

function added<Item>(set: Set<Item>, item: Item): () => void {
  set.add(item);
  return () => set.delete(item);
}
