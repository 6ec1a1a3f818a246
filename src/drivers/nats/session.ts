import { randomBytes } from "node:crypto";
import type { DriverContext, DriverEvent } from "../../broker/driver.ts";
import { AgentwireError } from "../../errors.ts";
import type { DurabilityReport } from "../../store/durability.ts";
import { Supervisor } from "../supervisor.ts";
import { loadClientLibrary } from "./client-library.ts";
import { Connection } from "./connection.ts";
import { faultError, NUMBERS, Refusal } from "./faults.ts";
import { Names } from "./names.ts";
import type { NatsOptions } from "./options.ts";

/** What is told to those who use a session. */
export interface SessionListener {
  /** There is a new connection; nobody else uses it before this has resolved. */
  restored(connection: Connection): Promise<void>;
}

/** What a call is for, as people read it. */
export interface Call {
  readonly what: string;
  /** It changes nothing. */
  readonly isRead?: boolean;
  /** Fails where there is no connection now. */
  readonly now?: boolean;
}

interface StreamInfo {
  readonly config: { readonly num_replicas?: number };
  readonly state: { readonly messages: number; readonly last_seq: number };
}

/** Until the server has been asked. */
export const UNREAD: DurabilityReport = { class: "none", reason: "The server has not been asked yet." };

const OLDEST = [2, 9];
const DOUBLES_KNOWN = 120_000_000_000;
/** The server's present run, as the first process noted it that met it. */
const RUN = "$run/server";

interface RunRow {
  readonly run: string;
  /** The last message of the run before. */
  readonly upTo: number;
}

/** One connection of a process to a server, shared by its messages and its state. */
export class Session {
  readonly names: Names;
  readonly context: DriverContext;
  /** This process among the others. */
  readonly peer = randomBytes(9).toString("base64url");
  /** Messages up to here may come again although they were acknowledged: the server was started again since they were stored. */
  doubtfulUpTo = 0;
  /** The latest revision of the state that this process has heard of. */
  seen = 0;
  readonly #options: NatsOptions;
  readonly #supervisor: Supervisor<Connection>;
  readonly #users = new Set<object>();
  readonly #listeners = new Set<SessionListener>();
  #opening: Promise<DurabilityReport> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: NatsOptions, context: DriverContext) {
    this.#options = options;
    this.context = context;
    this.names = new Names(context.scope);
    this.#supervisor = new Supervisor({
      clock: context.clock,
      driver: "nats",
      server: options.server,
      connect: (lost) => this.#connect(lost),
      disconnect: (connection) => connection.close(),
      restore: (connection) => this.#restore(connection),
      report: (event) => context.report(event),
    });
  }

  get current(): Connection | undefined {
    return this.#supervisor.current;
  }

  /** Reads of a copy on another server of a cluster might be old: those that matter are asked of the leader. */
  get isReplicated(): boolean {
    return this.#options.replicas > 1;
  }

  /** Connects, for the first of its users. */
  async open(user: object): Promise<DurabilityReport> {
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
  async close(user: object): Promise<void> {
    if (this.#users.delete(user) && this.#users.size === 0) this.#closing = this.#close();
    if (this.#users.size === 0) await this.#closing;
  }

  /** Tells a listener of new connections; returns the way to stop. */
  attach(listener: SessionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Does something on the connection; while there is none, waits for it. @throws INDETERMINATE, ENGINE_STATE, STORAGE_FULL, REJECTED, CLOSED */
  async run<T>(work: (connection: Connection) => Promise<T>, { what, isRead = false, now = false }: Call): Promise<T> {
    const connection = this.#supervisor.current ?? (await this.#supervisor.connection(now ? 0 : undefined));
    try {
      return await work(connection);
    } catch (error) {
      if (error instanceof Refusal) throw error;
      throw faultError(error, { what, isRead });
    }
  }

  report(event: Omit<DriverEvent, "driver">): void {
    this.context.report({ ...event, driver: "nats" });
  }

  async #open(): Promise<DurabilityReport> {
    const what = { what: `Connecting to ${this.#options.server}`, isRead: true };
    await this.#supervisor.open();
    try {
      const connection = await this.#supervisor.connection();
      const durability = await this.#declare(connection);
      await this.#noteRun(connection);
      const { server: message } = this.#options;
      const details = { durability: durability.class };
      this.report({ type: "driver.opened", message: `${message} is connected`, details });
      return durability;
    } catch (error) {
      await this.#supervisor.close();
      throw faultError(error, what);
    }
  }

  async #close(): Promise<void> {
    await this.#supervisor.close();
    this.report({ type: "driver.closed", message: `${this.#options.server} is no longer connected` });
  }

  async #connect(lost: (cause: unknown) => void): Promise<Connection> {
    const connection = await Connection.open(await loadClientLibrary(), this.#options, {
      clock: this.context.clock,
      lost,
    });
    const { version } = connection.server;
    const [major = 0, minor = 0] = version.split(".").map(Number);
    if (major > (OLDEST[0] as number) || (major === OLDEST[0] && minor >= (OLDEST[1] as number))) return connection;
    connection.close();
    throw new AgentwireError(
      "ENGINE_STATE",
      `The server is version ${version}; ${OLDEST.join(".")} or later is needed`,
      {
        details: { version },
      },
    );
  }

  async #restore(connection: Connection): Promise<void> {
    await this.#noteRun(connection);
    for (const listener of [...this.#listeners]) await listener.restored(connection);
  }

  /** Creates what is missing. */
  async #declare(connection: Connection): Promise<DurabilityReport> {
    const { messages, state, logs, allMessages, allState, allLogs, allStored } = this.names;
    const common = {
      storage: "file",
      discard: "new",
      num_replicas: this.#options.replicas,
      allow_direct: !this.isReplicated,
      max_msgs: -1,
      max_bytes: -1,
      max_age: 0,
    };
    const streams = [
      {
        ...common,
        name: messages,
        subjects: [allMessages],
        retention: "workqueue",
        duplicate_window: DOUBLES_KNOWN,
        // Tells those who take of what there is to take, foreign messages too.
        republish: { src: allMessages, dest: allStored, headers_only: true },
      },
      {
        ...common,
        name: state,
        subjects: [allState],
        retention: "limits",
        max_msgs_per_subject: 1,
        allow_rollup_hdrs: true,
      },
      { ...common, name: logs, subjects: [allLogs], retention: "limits" },
    ];
    const found = await Promise.all(streams.map((stream) => declareStream(connection, stream)));
    this.seen = Math.max(this.seen, found[1]?.state.last_seq ?? 0);
    const replicas = Math.min(...found.map(({ config }) => config.num_replicas ?? 1));
    const { version } = connection.server;
    const kept = "storage=file: what is acknowledged is in the server's files when the server is killed";
    if (replicas >= 3)
      return {
        class: "process",
        reason: `${kept}, on ${replicas} servers; they sync later, so that the loss of power on most of them at once is not survived`,
      };
    return {
      class: "process",
      reason: `${kept}; NATS ${version} tells nobody when it syncs them, so that loss of power is not promised`,
    };
  }

  /**
   * A server that is killed forgets some of its last acknowledgments, or what they removed: such a message comes again, or
   * stays in the stream and never does. So whoever first meets a new run has all delivered anew, and what is older than
   * that run is looked at twice. In a cluster acknowledgments are agreed on by its servers.
   */
  async #noteRun(connection: Connection): Promise<void> {
    const { run, isClustered } = connection.server;
    if (isClustered) return;
    const { names } = this;
    const subject = names.key(RUN);
    const known = await lastOf(connection, names.state, subject);
    const before = known && (JSON.parse(known.text) as RunRow);
    if (before?.run === run) {
      this.doubtfulUpTo = Math.max(this.doubtfulUpTo, before.upTo);
      return;
    }
    const { state } = await connection.api<StreamInfo>(`STREAM.INFO.${names.messages}`);
    this.doubtfulUpTo = state.last_seq;
    const row: RunRow = { run, upTo: state.last_seq };
    try {
      await connection.store(subject, JSON.stringify(row), {
        "Nats-Expected-Last-Subject-Sequence": String(known?.sequence ?? 0),
      });
    } catch (error) {
      if (error instanceof Refusal && error.number === NUMBERS.wrongLastSequence) return;
      throw error;
    }
    if (before) await this.#deliverAnew(connection);
  }

  async #deliverAnew(connection: Connection): Promise<void> {
    const stream = this.names.messages;
    for (let offset = 0; ; ) {
      const page = await connection.api<{
        total: number;
        consumers?: readonly { name: string; config: object }[];
      }>(`CONSUMER.LIST.${stream}`, { offset });
      const { total, consumers = [] } = page;
      for (const { name, config } of consumers) {
        await connection.api(`CONSUMER.DELETE.${stream}.${name}`);
        await connection.api(`CONSUMER.DURABLE.CREATE.${stream}.${name}`, { stream_name: stream, config });
      }
      offset += consumers.length;
      if (consumers.length === 0 || offset >= total) return;
    }
  }
}

async function declareStream(connection: Connection, config: { readonly name: string }): Promise<StreamInfo> {
  try {
    return await connection.api<StreamInfo>(`STREAM.INFO.${config.name}`);
  } catch (error) {
    if (!(error instanceof Refusal) || error.number !== NUMBERS.streamNotFound) throw error;
  }
  try {
    return await connection.api<StreamInfo>(`STREAM.CREATE.${config.name}`, config);
  } catch (error) {
    // Another process was faster, with other settings.
    const found = await connection.api<StreamInfo>(`STREAM.INFO.${config.name}`).catch(() => undefined);
    if (found) return found;
    throw error;
  }
}

/** The last text on a subject of a stream, asked of its leader. */
async function lastOf(
  connection: Connection,
  stream: string,
  subject: string,
): Promise<{ readonly text: string; readonly sequence: number } | undefined> {
  try {
    const { message } = await connection.api<{ message: { data?: string; seq: number } }>(`STREAM.MSG.GET.${stream}`, {
      last_by_subj: subject,
    });
    return { text: Buffer.from(message.data ?? "", "base64").toString(), sequence: message.seq };
  } catch (error) {
    if (error instanceof Refusal && error.number === NUMBERS.noMessage) return undefined;
    throw error;
  }
}
