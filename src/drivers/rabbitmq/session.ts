import { randomBytes } from "node:crypto";
import type { Channel } from "amqplib";
import type { DriverContext, DriverEvent } from "../../broker/driver.ts";
import { AgentwireError } from "../../errors.ts";
import { Deadlines } from "../../internal/deadlines.ts";
import { KeepAlive } from "../../internal/keep-alive.ts";
import type { DurabilityReport } from "../../store/durability.ts";
import { Supervisor } from "../supervisor.ts";
import { loadClientLibrary } from "./client-library.ts";
import { Connection } from "./connection.ts";
import { faultError } from "./faults.ts";
import { Names } from "./names.ts";
import type { RabbitmqOptions } from "./options.ts";
import { readDurability } from "./settings.ts";

/** Told of what hangs on the connection. */
export interface SessionListener {
  /** There is a new connection, the first one too; nobody else has used it yet. */
  connected?(connection: Connection): Promise<void>;
  /** There is a connection again, for all to use. */
  restored?(): void;
  /** The connection is gone, and with it what was taken over it and not acknowledged. */
  lost?(): void;
}

/** How a call is made. */
export interface Call {
  /** What fails if it fails, for people. */
  readonly what: string;
  /** It changes nothing. Default false. */
  readonly isRead?: boolean;
}

/** A call under way; without an answer in this time the connection counts as lost. */
const MOST_TO_ANSWER = 10_000;

interface Pending {
  deadline: number;
  readonly connection: Connection;
  fail(cause: unknown): void;
}

/** One process's use of the server: its connection, kept, and what is told of it. */
export class Session {
  /** This process among the others. */
  readonly peer = randomBytes(9).toString("base64url");
  readonly names: Names;
  readonly context: DriverContext;
  readonly #url: RabbitmqOptions;
  readonly #supervisor: Supervisor<Connection>;
  readonly #listeners = new Set<SessionListener>();
  readonly #underWay = new Set<Pending>();
  readonly #deadlines: Deadlines<Pending>;
  readonly #keepAlive = new KeepAlive();
  #blocked: string | undefined;

  constructor(url: RabbitmqOptions, context: DriverContext) {
    this.#url = url;
    this.context = context;
    this.names = new Names(context.scope);
    this.#deadlines = new Deadlines(context.clock, ({ connection, fail }) => {
      const cause = new Error(`no answer within ${MOST_TO_ANSWER} ms`);
      this.lose(connection, cause);
      fail(cause);
    });
    this.#supervisor = new Supervisor({
      clock: context.clock,
      driver: "rabbitmq",
      server: url.server,
      connect: (lost) => this.#connect(lost),
      disconnect: (connection) => this.#disconnect(connection),
      report: (event) => {
        context.report(event);
        if (event.type === "driver.restored") for (const { restored } of [...this.#listeners]) restored?.();
      },
    });
  }

  /** The connection, if there is one now. */
  get connection(): Connection | undefined {
    return this.#supervisor.current;
  }

  /** Why the server takes nothing to store for now; undefined while it does. */
  get blocked(): string | undefined {
    return this.#blocked;
  }

  /** Tells a listener from now on; returns the way to stop. */
  attach(listener: SessionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @throws DRIVER_MISSING, ENGINE_STATE, VERSION_UNSUPPORTED */
  async open(): Promise<DurabilityReport> {
    try {
      await this.awaited(this.#supervisor.open());
      const durability = readDurability((await this.#supervisor.connection()).version);
      this.report({
        type: "driver.opened",
        message: `${this.#url.server} is connected`,
        details: { durability: durability.class },
      });
      return durability;
    } catch (error) {
      await this.#supervisor.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const connection = this.#supervisor.current;
    // A goodbye that is not answered must not hold anyone up.
    if (connection) await this.within(connection, connection.close()).catch(() => {});
    await this.#supervisor.close();
    this.#deadlines.clear();
    this.#keepAlive.close();
    this.report({ type: "driver.closed", message: `${this.#url.server} is no longer connected` });
  }

  /** Does something over the connection; while there is none, waits for it. @throws INDETERMINATE, ENGINE_STATE, REJECTED, CLOSED */
  async call<T>(work: (connection: Connection) => Promise<T>, { what, isRead = false }: Call): Promise<T> {
    try {
      const connection = this.#supervisor.current ?? (await this.#supervisor.connection());
      return await this.within(connection, work(connection));
    } catch (error) {
      throw faultError(error, { what, isRead });
    }
  }

  /** Does something on a channel of its own, which a refusal ends. @throws as {@link Session.call} */
  aside<T>(work: (channel: Channel) => Promise<T>, call: Call): Promise<T> {
    return this.call((connection) => connection.aside(work), call);
  }

  /** Waits for what is under way on a connection; fails when that is lost, and gives it up if nothing comes. */
  async within<T>(connection: Connection, work: Promise<T>): Promise<T> {
    let fail = (_cause: unknown): void => {};
    const lost = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const pending: Pending = { deadline: 0, connection, fail };
    this.#underWay.add(pending);
    this.#deadlines.add(pending, MOST_TO_ANSWER);
    try {
      return await this.awaited(Promise.race([work, lost]));
    } finally {
      this.#underWay.delete(pending);
      this.#deadlines.delete(pending, MOST_TO_ANSWER);
    }
  }

  /** Keeps the process alive for something that is under way; the connection alone does not. */
  async awaited<T>(work: Promise<T>): Promise<T> {
    this.#keepAlive.hold();
    try {
      return await work;
    } finally {
      this.#keepAlive.release();
    }
  }

  /** Gives a connection up that does not answer as it should. */
  lose(connection: Connection, cause: unknown): void {
    this.#supervisor.lose(connection, cause);
  }

  report(event: Omit<DriverEvent, "driver">): void {
    this.context.report({ ...event, driver: "rabbitmq" });
  }

  async #connect(lost: (cause: unknown) => void): Promise<Connection> {
    return Connection.open(await loadClientLibrary(), this.#url, {
      clock: this.context.clock,
      prepare: async (connection) => {
        for (const { connected } of [...this.#listeners]) await connected?.(connection);
      },
      lost,
      blocked: (reason) => this.#setBlocked(reason),
    });
  }

  #disconnect(connection: Connection): void {
    connection.destroy();
    this.#blocked = undefined;
    // The library forgets some of those who wait.
    for (const one of this.#underWay) if (one.connection === connection) one.fail(new Error("the connection was lost"));
    for (const { lost } of [...this.#listeners]) lost?.();
  }

  #setBlocked(reason: string | undefined): void {
    if (this.#blocked === reason) return;
    this.#blocked = reason;
    this.report({
      type: reason === undefined ? "driver.restored" : "driver.fault",
      message:
        reason === undefined
          ? `${this.#url.server} takes messages again`
          : `${this.#url.server} takes no messages for now: ${reason}`,
    });
  }
}

/** The error for what a server that is short of memory or disk does not take. */
export function blockedError(reason: string): AgentwireError {
  return new AgentwireError("BACKPRESSURE", `RabbitMQ takes no messages for now: ${reason}`, {
    hint: "Free memory or disk on the server; sending works again by itself.",
  });
}
