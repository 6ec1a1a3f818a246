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

/** Headers by name. */
export type Headers = Readonly<Record<string, string>>;

/** What JetStream says of a message that it has stored. */
export interface StoredAt {
  readonly sequence: number;
  /** It was there already. */
  readonly isDouble: boolean;
}

const MOST_TO_CONNECT = 5_000;
/** A server that does not answer for so long is given up. */
const MOST_TO_ANSWER = 5_000;

interface Pending extends Deadlined {
  resolve(answer: Msg): void;
  reject(error: unknown): void;
}

/** What the library has, and its types do not tell. */
interface Inside {
  readonly protocol?: {
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
    void nats.closed().then((cause) => lost(cause ?? new Error("the server closed the connection")));
    return new Connection(library, nats, {
      clock,
      late: () => lost(new Error(`no answer within ${MOST_TO_ANSWER} ms`)),
    });
  }

  /** The most bytes that the server takes at once. */
  get mostBytes(): number {
    return this.#nats.info?.max_payload ?? 1_048_576;
  }

  /** Sends something that nobody answers. */
  publish(subject: string, payload: string | Uint8Array, reply?: string): void {
    if (!this.#nats.isClosed()) this.#nats.publish(subject, payload, reply === undefined ? {} : { reply });
  }

  subscribe(subject: string, heard: (message: Msg) => void): Subscription {
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
      const token = (++this.#asked).toString(36);
      const pending = { deadline: 0, resolve, reject };
      const reply = `${this.#inbox}.${token}`;
      // Where it cannot be sent, it fails at once.
      this.#nats.publish(subject, payload, headers ? { reply, headers: this.#headersOf(headers) } : { reply });
      this.#pending.set(token, pending);
      this.#deadlines.add(pending, MOST_TO_ANSWER);
      this.#keepAlive.hold();
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
    const answer = await this.ask(subject, payload, headers);
    const { seq = 0, duplicate = false } = answerIn<{ seq?: number; duplicate?: boolean }>(answer);
    return { sequence: seq, isDouble: duplicate };
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

interface Answer {
  readonly error?: { readonly code?: number; readonly err_code?: number; readonly description?: string };
}

function answerIn<T>(message: Msg): T {
  const answer = message.json<T & Answer>();
  const { error } = answer;
  if (error) throw new Refusal(error.err_code ?? error.code ?? 0, error.description ?? "refused");
  return answer;
}
