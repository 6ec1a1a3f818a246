import { randomBytes } from "node:crypto";
import type { DriverContext, DriverEvent } from "../../broker/driver.ts";
import { Deadlines } from "../../internal/deadlines.ts";
import type { DurabilityReport } from "../../store/durability.ts";
import { isCertainlyDead, markOfThisProcess, type ProcessMark } from "../machine.ts";
import { Supervisor } from "../supervisor.ts";
import { loadClientLibrary } from "./client-library.ts";
import { Connection } from "./connection.ts";
import { faultError, replyWord } from "./faults.ts";
import { SCRIPTS, type Script } from "./lua/scripts.ts";
import type { RedisOptions } from "./options.ts";
import { readDurability } from "./settings.ts";
import { Timetable } from "./timetable.ts";

/** Which half of the driver uses the session. */
export type SessionUser = "broker" | "store";

/** An argument of a script. */
export type Argument = string | Buffer;

/** What one call of a script is about. */
export interface Call {
  /** What fails if it fails, for people. */
  readonly what: string;
  /** Texts of the answer come as buffers. */
  readonly bytes?: boolean;
  /** Fails at once where there is no connection, rather than wait for one. */
  readonly now?: boolean;
}

/** Runs a script over one connection. */
export type CallScript = (script: Script, args: readonly Argument[], call: Call) => Promise<unknown>;

/** Told of what hangs on the connection. */
export interface SessionListener {
  /** A message came on the channel of this process. */
  told?(message: string): void;
  /** Keys whose values have changed. */
  changed?(keys: readonly string[]): void;
  /** A signal came, by topic. */
  signalled?(topic: string, data: string): void;
  /** Another program has left something for an inbox. */
  left?(inbox: string): void;
  /** Something may have been missed, so that all is looked at again. */
  missed?(): void;
  /** There is a new connection in place of a lost one; `call` uses it before anyone else does. */
  restored?(call: CallScript): Promise<void>;
}

/** A call under way; without an answer in this time the connection counts as lost. */
const MOST_TO_ANSWER = 10_000;
/** Milliseconds at least between a death and the next hand-off of what died with it. */
const CRASH_PAUSE = 100;

interface Pending {
  deadline: number;
  readonly connection: Connection;
}

/** One process's use of the server: its connection, the scripts that it runs there, and what it is told. */
export class Session {
  /** This process among the others. */
  readonly peer = randomBytes(9).toString("base64url");
  /** What all keys of the bus begin with; the braces keep them on one node of a cluster. */
  readonly prefix: string;
  readonly context: DriverContext;
  /** The latest revision of any value that this process has heard of. */
  seen = 0;
  readonly #here: ProcessMark = markOfThisProcess();
  readonly #url: RedisOptions;
  readonly #supervisor: Supervisor<Connection>;
  readonly #deadlines: Deadlines<Pending>;
  readonly #listeners = new Set<SessionListener>();
  readonly #topics = new Map<string, number>();
  #changingTopics: Promise<void> = Promise.resolve();
  /** A new connection that has not taken the place of the lost one yet. */
  #fresh: Connection | undefined;
  readonly #timetable: Timetable;
  readonly #users = new Set<SessionUser>();
  /** By how much the monotonic clock of this process is ahead of the server's, at least. */
  #ahead = Number.NEGATIVE_INFINITY;
  #opening: Promise<DurabilityReport> | undefined;
  #closing: Promise<void> | undefined;

  constructor(url: RedisOptions, context: DriverContext) {
    this.#url = url;
    this.context = context;
    this.prefix = `agentwire:{${context.scope}}:`;
    this.#deadlines = new Deadlines(context.clock, ({ connection }) =>
      this.#supervisor.lose(connection, new Error(`no answer within ${MOST_TO_ANSWER} ms`)),
    );
    this.#supervisor = new Supervisor({
      clock: context.clock,
      driver: "redis",
      server: url.server,
      connect: (lost) => this.#connect(lost),
      disconnect: (connection) => connection.close(),
      restore: (connection) => this.#restore(connection),
      report: (event) => context.report(event),
    });
    this.#timetable = new Timetable({
      clock: context.clock,
      peer: this.peer,
      sweep: (life) => this.#sweep(life),
      missed: () => {
        for (const { missed } of this.#listeners) missed?.();
      },
    });
  }

  get isConnected(): boolean {
    return this.#supervisor.current !== undefined;
  }

  /** Connects, for the first of its users. */
  async open(user: SessionUser): Promise<DurabilityReport> {
    this.#users.add(user);
    this.#opening ??= this.#open();
    try {
      return await this.#opening;
    } catch (error) {
      this.#users.delete(user);
      throw error;
    }
  }

  /** Disconnects, with the last of its users. */
  async close(user: SessionUser): Promise<void> {
    if (this.#users.delete(user) && this.#users.size === 0) this.#closing = this.#close();
    if (this.#users.size === 0) await this.#closing;
  }

  /** Tells a listener from now on; returns the way to stop. */
  attach(listener: SessionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Runs a script; while there is no connection, waits for it. @throws INDETERMINATE, ENGINE_STATE, STORAGE_FULL, REJECTED, CLOSED */
  async run(script: Script, args: readonly Argument[], call: Call): Promise<unknown> {
    const connection = this.#supervisor.current ?? (await this.#supervisor.connection(call.now ? 0 : undefined));
    return this.#run(connection, script, args, call);
  }

  /** Sends a command that changes nothing. @throws ENGINE_STATE, CLOSED */
  async ask(command: readonly string[], what: string): Promise<unknown> {
    const connection = this.#supervisor.current ?? (await this.#supervisor.connection());
    try {
      return await this.#send(connection, command, false);
    } catch (error) {
      throw faultError(error, { what, isRead: true });
    }
  }

  /** Resolves when all that the server has told this process so far has reached its listeners. @throws ENGINE_STATE, CLOSED */
  async heard(what: string): Promise<void> {
    const connection = this.#supervisor.current ?? (await this.#supervisor.connection());
    try {
      await connection.heard();
    } catch (error) {
      throw faultError(error, { what, isRead: true });
    }
  }

  /** A moment of the server's clock in monotonic milliseconds of this process; rather too early than too late. */
  momentOf(at: number): number {
    return Math.min(this.context.clock.monotonic(), at + this.#ahead);
  }

  /** Tells all other processes that listen to a topic; lost where there is no connection. */
  signal(topic: string, data: string): void {
    const said = `${this.peer} ${data}`;
    this.#supervisor.current?.send(["PUBLISH", `${this.prefix}s:${topic}`, said]).catch(() => {});
  }

  /** Hears a topic; resolves when it does. Called as often as {@link Session.unhear}. */
  hear(topic: string): Promise<void> {
    this.#topics.set(topic, (this.#topics.get(topic) ?? 0) + 1);
    return this.#changeTopic(topic);
  }

  unhear(topic: string): void {
    const count = (this.#topics.get(topic) ?? 0) - 1;
    if (count > 0) return void this.#topics.set(topic, count);
    this.#topics.delete(topic);
    void this.#changeTopic(topic);
  }

  /** One after the other: a subscription that begins before the end of the one before is answered would end with that. */
  #changeTopic(topic: string): Promise<void> {
    const change = async (): Promise<void> => {
      const connection = this.#supervisor.current ?? this.#fresh;
      const channel = `${this.prefix}s:${topic}`;
      if (this.#topics.has(topic)) await connection?.listen([channel], this.#heard);
      else await connection?.unlisten(channel);
    };
    // Where the connection was lost, the next one begins with all topics.
    this.#changingTopics = this.#changingTopics.then(change).catch(() => {});
    return this.#changingTopics;
  }

  /**
   * Takes from other processes, given with their marks, what they hold, where they ran on this machine and are certainly
   * dead. Of those elsewhere nobody knows: their leases decide.
   */
  async succeed(pairs: readonly string[]): Promise<void> {
    const dead: string[] = [];
    for (let at = 0; at < pairs.length; at += 2) {
      const [peer, text] = pairs.slice(at, at + 2) as [string, string];
      if (text === "") continue;
      const mark = JSON.parse(text) as ProcessMark;
      if (mark.boot === this.#here.boot && isCertainlyDead(mark, this.#here)) dead.push(peer);
    }
    if (dead.length === 0) return;
    // What kills every process that it comes to must not do so in a hot loop.
    await new Promise<void>((resolve) => this.context.clock.after(CRASH_PAUSE, resolve));
    await this.#sweep(undefined, dead);
  }

  /** Leaves the others' books: consumers are released, inboxes that end with their process begin to. */
  async leave(): Promise<void> {
    this.#timetable.stop();
    if (!this.isConnected) return;
    try {
      await this.#sweep(0);
    } catch (error) {
      this.report({
        type: "driver.fault",
        message: `The connection was closed without taking leave: ${(error as Error).message}`,
      });
    }
  }

  report(event: Omit<DriverEvent, "driver">): void {
    this.context.report({ ...event, driver: "redis" });
  }

  async #open(): Promise<DurabilityReport> {
    await this.#supervisor.open();
    const connection = await this.#supervisor.connection();
    try {
      const durability = await readDurability((...command) => connection.send(command));
      await this.#timetable.start();
      this.report({
        type: "driver.opened",
        message: `${this.#url.server} is connected`,
        details: { durability: durability.class },
      });
      return durability;
    } catch (error) {
      await this.#supervisor.close();
      throw faultError(error, { what: `Connecting to ${this.#url.server}`, isRead: true });
    }
  }

  async #close(): Promise<void> {
    this.#timetable.stop();
    this.#deadlines.clear();
    await this.#supervisor.close();
    this.report({ type: "driver.closed", message: `${this.#url.server} is no longer connected` });
  }

  async #connect(lost: (cause: unknown) => void): Promise<Connection> {
    const connection = await Connection.open(await loadClientLibrary(), this.#url, lost);
    try {
      // In one go, and before anything else: a script that the server does not know would come out of its turn.
      await Promise.all(Object.values(SCRIPTS).map(({ text }) => connection.send(["SCRIPT", "LOAD", text])));
      const channels = [`${this.prefix}w`, `${this.prefix}v`, `${this.prefix}f`, `${this.prefix}p:${this.peer}`];
      this.#fresh = connection;
      const topics = [...this.#topics.keys()].map((topic) => `${this.prefix}s:${topic}`);
      await connection.listen([...channels, ...topics], this.#heard);
    } catch (error) {
      connection.close();
      throw faultError(error, { what: `Connecting to ${this.#url.server}`, isRead: true });
    }
    return connection;
  }

  async #restore(connection: Connection): Promise<void> {
    const call: CallScript = (script, args, about) => this.#run(connection, script, args, about);
    await this.#timetable.restart((args) => call(SCRIPTS.sweep, [...args, this.#mark], { what: "Coming back" }));
    for (const { restored } of [...this.#listeners]) await restored?.(call);
  }

  async #run(
    connection: Connection,
    script: Script,
    args: readonly Argument[],
    { what, bytes = false }: Call,
  ): Promise<unknown> {
    const rest = ["1", this.prefix, ...args];
    try {
      return await this.#send(connection, ["EVALSHA", script.sha, ...rest], bytes);
    } catch (error) {
      if (replyWord(error) !== "NOSCRIPT") throw faultError(error, { what, isRead: script.isRead });
    }
    try {
      return await this.#send(connection, ["EVAL", script.text, ...rest], bytes);
    } catch (error) {
      throw faultError(error, { what, isRead: script.isRead });
    }
  }

  async #send(connection: Connection, command: readonly Argument[], bytes: boolean): Promise<unknown> {
    const pending: Pending = { deadline: 0, connection };
    this.#deadlines.add(pending, MOST_TO_ANSWER);
    try {
      return await connection.send(command, bytes);
    } finally {
      this.#deadlines.delete(pending, MOST_TO_ANSWER);
    }
  }

  get #mark(): string {
    return JSON.stringify(this.#here);
  }

  async #sweep(life: number | undefined, dead: readonly string[] = []): Promise<[number, number, number, number]> {
    const journal = this.context.journal ? "1" : "";
    if (life !== undefined && life > 0) void this.#supervisor.current?.ping().catch(() => {});
    const args = [this.peer, journal, life === undefined ? "" : String(life), this.#mark, ...dead];
    const began = this.context.clock.monotonic();
    const answer = (await this.run(SCRIPTS.sweep, args, { what: "Looking for what is due" })) as [
      number,
      number,
      number,
      number,
    ];
    const isFirst = this.#ahead === Number.NEGATIVE_INFINITY;
    this.#ahead = began - answer[0];
    this.seen = Math.max(this.seen, answer[2]);
    if (answer[3] === 1 && !isFirst) this.#forgotten();
    return answer;
  }

  /** What the server knew of this process is gone: nothing that was there can be relied on. */
  #forgotten(): void {
    this.report({
      type: "driver.fault",
      message: `${this.#url.server} no longer knows this process: its data was removed (FLUSHALL), or it was taken for dead. Inboxes and messages may be gone`,
      details: { code: "ENGINE_STATE" },
    });
    for (const { restored } of [...this.#listeners])
      restored?.((...call) => this.run(...call))?.catch(() => {
        // A connection that is lost meanwhile begins anew with all of this.
      });
  }

  #heardChanges([revision, keys]: readonly [number, readonly string[]]): void {
    this.seen = Math.max(this.seen, revision);
    for (const { changed } of [...this.#listeners]) changed?.(keys);
  }

  readonly #heard = (message: string, channel: string): void => {
    const name = channel.slice(this.prefix.length);
    if (name === "w") return this.#timetable.told(message);
    if (name === "v") return this.#heardChanges(JSON.parse(message) as [number, string[]]);
    const end = message.indexOf(" ");
    for (const listener of [...this.#listeners]) {
      if (name === "f") listener.left?.(message);
      else if (name.startsWith("p:")) listener.told?.(message);
      // Its own listeners were told at once.
      else if (message.slice(0, end) !== this.peer) listener.signalled?.(name.slice(2), message.slice(end + 1));
    }
  };
}
