import { randomBytes } from "node:crypto";
import { isIP, type Socket } from "node:net";
import type { Msg, MsgHdrs, NatsConnection, Subscription } from "@nats-io/transport-node";
import type { Clock } from "../../internal/clock.ts";
import { type Deadlined, Deadlines } from "../../internal/deadlines.ts";
import { KeepAlive } from "../../internal/keep-alive.ts";
import { readAuthorities } from "../certificates.ts";
import type { ClientLibrary } from "./client-library.ts";
import { connectError, NUMBERS, Refusal } from "./faults.ts";
import { SEQUENCE } from "./names.ts";
import type { NatsOptions } from "./options.ts";
import { type CommandTaker, Outlet } from "./outlet.ts";

/** Headers by name. */
export type Headers = Readonly<Record<string, string>>;

/** A message to be stored. */
export interface ToStore {
  readonly subject: string;
  readonly payload: string | Uint8Array;
  readonly headers: Headers | undefined;
}

/** What JetStream says of a message that it has stored. */
export interface StoredAt {
  readonly sequence: number;
  /** It was there already. */
  readonly isDouble: boolean;
}

const MOST_TO_CONNECT = 5_000;
/** Of larger payloads the library sees to it that the server takes them. */
const SMALL = 32 * 1024;
/** A server that does not answer for so long is given up. */
const MOST_TO_ANSWER = 5_000;

interface Pending extends Deadlined {
  resolve(answer: Msg): void;
  reject(error: unknown): void;
}

/** What the library has, and its types do not tell. */
interface Inside {
  readonly protocol?: Partial<CommandTaker> & {
    readonly heartbeats?: { cancel(): void };
    readonly transport?: { readonly socket?: Socket };
  };
}

/** One connection, on which questions and answers are matched without cost for each. */
export class Connection {
  /** `run` tells the server's present run from others. */
  readonly server: { readonly run: string; readonly version: string; readonly isClustered: boolean };
  readonly #nats: NatsConnection;
  readonly #library: ClientLibrary;
  readonly #outlet: Outlet | undefined;
  readonly #small: number;
  readonly #inbox = `_INBOX.${randomBytes(12).toString("hex")}`;
  readonly #pending = new Map<string, Pending>();
  readonly #deadlines: Deadlines<Pending>;
  readonly #keepAlive = new KeepAlive();
  #lose = (_cause: Error): void => {};
  readonly #lost = new Promise<never>((_, reject) => {
    this.#lose = reject;
  });
  #asked = 0;

  private constructor(library: ClientLibrary, nats: NatsConnection, about: { readonly clock: Clock; late(): void }) {
    this.#library = library;
    this.#nats = nats;
    // A character has three bytes at most.
    this.#small = Math.min(SMALL, this.mostBytes / 3);
    const { protocol } = nats as unknown as Inside;
    if (protocol?.sendCommand) this.#outlet = new Outlet(protocol as CommandTaker);
    const { server_id: run = "", version = "", cluster } = nats.info ?? {};
    this.server = { run, version, isClustered: cluster !== undefined };
    this.#deadlines = new Deadlines(about.clock, () => about.late());
    this.#lost.catch(() => {});
    this.subscribe(`${this.#inbox}.*`, (message) => this.#answered(message));
  }

  /** Connects, within 5 s. `lost` is told when it ends by itself, or does not answer. @throws ENGINE_STATE, URL_INVALID */
  static async open(
    library: ClientLibrary,
    { host, port, tls, ca, username, password, token, server }: NatsOptions,
    { clock, lost }: { readonly clock: Clock; lost(cause: unknown): void },
  ): Promise<Connection> {
    let nats: NatsConnection;
    // The library compares names with the certificate; of an address it has to be told.
    const address = isIP(host) ? { host } : {};
    const trusted = ca === undefined ? {} : { ca: await readAuthorities(ca) };
    try {
      nats = await library.connect({
        servers: `${host.includes(":") ? `[${host}]` : host}:${port}`,
        name: "agentwire",
        timeout: MOST_TO_CONNECT,
        reconnect: false,
        ignoreClusterUpdates: true,
        // What is under way has a limit of its own, and something is every ten seconds.
        pingInterval: 2 ** 31 - 1,
        ...(tls ? { tls: { ...address, ...trusted } } : {}),
        ...(username === undefined ? {} : { user: username, pass: password ?? "" }),
        ...(token === undefined ? {} : { token }),
      });
    } catch (error) {
      throw connectError(error, server);
    }
    // What waits for an answer keeps the process alive; a connection does not.
    const { protocol } = nats as unknown as Inside;
    protocol?.heartbeats?.cancel();
    protocol?.transport?.socket?.unref();
    const end = (cause: unknown): void => {
      // What waits for an answer fails now, though nobody may have the connection yet.
      connection.close();
      lost(cause);
    };
    const late = (): void => end(new Error(`no answer within ${MOST_TO_ANSWER} ms`));
    const connection = new Connection(library, nats, { clock, late });
    void nats.closed().then((cause) => end(cause ?? new Error("the server closed the connection")));
    return connection;
  }

  /** The most bytes that the server takes at once. */
  get mostBytes(): number {
    return this.#nats.info?.max_payload ?? 1_048_576;
  }

  /** Sends something that nobody answers. */
  publish(subject: string, payload: string | Uint8Array, reply?: string): void {
    if (!this.#nats.isClosed()) this.#send(subject, payload, { reply });
  }

  subscribe(subject: string, heard: (message: Msg) => void): Subscription {
    this.#outlet?.flush();
    return this.#nats.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) heard(message);
      },
    });
  }

  /** A subject of this connection alone. */
  ownSubject(): string {
    return `_INBOX.${randomBytes(12).toString("hex")}`;
  }

  /** Sends something, and waits for the answer. */
  ask(subject: string, payload: string | Uint8Array, headers?: Headers): Promise<Msg> {
    return new Promise((resolve, reject) => {
      // Where it cannot be sent, it fails at once.
      this.#ask({ subject, payload, headers }, { deadline: 0, resolve, reject });
    });
  }

  #ask({ subject, payload, headers }: ToStore, pending: Pending): void {
    const token = (++this.#asked).toString(36);
    this.#send(subject, payload, { reply: `${this.#inbox}.${token}`, headers });
    this.#pending.set(token, pending);
    this.#deadlines.add(pending, MOST_TO_ANSWER);
    this.#keepAlive.hold();
  }

  #send(
    subject: string,
    payload: string | Uint8Array,
    { reply, headers }: { readonly reply?: string | undefined; readonly headers?: Headers | undefined },
  ): void {
    if (this.#outlet && typeof payload === "string" && !headers && payload.length < this.#small) {
      if (this.#nats.isClosed()) throw new Error("the connection is closed");
      return this.#outlet.publish(subject, payload, reply);
    }
    this.#outlet?.flush();
    this.#nats.publish(subject, payload, {
      ...(reply === undefined ? {} : { reply }),
      ...(headers ? { headers: this.#headersOf(headers) } : {}),
    });
  }

  /** Keeps the process alive until something is over that no single answer ends; fails when the connection is lost. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.#keepAlive.hold();
    try {
      return await Promise.race([work, this.#lost]);
    } finally {
      this.#keepAlive.release();
    }
  }

  /** Asks JetStream. @throws Refusal */
  async api<T>(subject: string, question: unknown = ""): Promise<T> {
    const payload = question === "" ? "" : JSON.stringify(question);
    return answerIn<T>(await this.ask(`$JS.API.${subject}`, payload));
  }

  /** Stores a message. @throws Refusal */
  async store(subject: string, payload: string | Uint8Array, headers?: Headers): Promise<StoredAt> {
    return storedAt(await this.ask(subject, payload, headers));
  }

  /** Stores messages in their order; answers for each where it is, or why it is not. */
  storeAll(messages: readonly ToStore[]): Promise<readonly (StoredAt | Error)[]> {
    return new Promise((resolve) => {
      const answers: (StoredAt | Error)[] = [];
      let open = messages.length;
      messages.forEach((message, at) => {
        const answered = (answer: StoredAt | Error): void => {
          answers[at] = answer;
          if (--open === 0) resolve(answers);
        };
        const refused = (error: unknown): void => answered(error as Error);
        const stored = (answer: Msg): void => {
          let found: StoredAt | Error;
          try {
            found = storedAt(answer);
          } catch (error) {
            found = error as Error;
          }
          answered(found);
        };
        try {
          this.#ask(message, { deadline: 0, resolve: stored, reject: refused });
        } catch (error) {
          refused(error);
        }
      });
    });
  }

  /** Ends it; what is under way fails. */
  close(): void {
    this.#deadlines.clear();
    this.#keepAlive.close();
    const cause = new Error("the connection was lost");
    this.#lose(cause);
    for (const { reject } of this.#pending.values()) reject(cause);
    this.#pending.clear();
    const { protocol } = this.#nats as unknown as Inside;
    this.#nats.close().catch(() => {});
    protocol?.transport?.socket?.destroy();
  }

  #answered(message: Msg): void {
    const token = message.subject.slice(this.#inbox.length + 1);
    const pending = this.#pending.get(token);
    if (!pending) return;
    this.#pending.delete(token);
    this.#deadlines.delete(pending, MOST_TO_ANSWER);
    this.#keepAlive.release();
    const { data, headers } = message;
    if (data.length === 0 && headers?.code === NUMBERS.noResponders && !headers.has(SEQUENCE))
      pending.reject(new Refusal(NUMBERS.noResponders, "nobody answers"));
    else pending.resolve(message);
  }

  #headersOf(headers: Headers): MsgHdrs {
    const made = this.#library.headers();
    for (const [name, value] of Object.entries(headers)) made.set(name, value);
    return made;
  }
}

/** As the server has written it for years. */
const PLAIN = /^\{"stream":"[^"\\]*", ?"seq":(\d+)\}$/;

/** @throws Refusal */
function storedAt(answer: Msg): StoredAt {
  const { data } = answer;
  const plain = PLAIN.exec(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("latin1"));
  if (plain) return { sequence: Number(plain[1]), isDouble: false };
  const { seq = 0, duplicate = false } = answerIn<{ seq?: number; duplicate?: boolean }>(answer);
  return { sequence: seq, isDouble: duplicate };
}

interface Answer {
  readonly error?: { readonly code?: number; readonly err_code?: number; readonly description?: string };
}

function answerIn<T>(message: Msg): T {
  const answer = message.json<T & Answer>();
  const { error } = answer;
  if (error) throw new Refusal(error.err_code ?? error.code ?? 0, error.description ?? "refused");
  return answer;
}
