import { connect, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { startNats } from "../../scripts/servers/nats.ts";
import { measureQueue } from "../harness/measure-queue.ts";
import { type BenchEnvelope, envelope, filler, LEVELS, levelOf } from "../harness/messages.ts";
import type { Queue } from "../harness/queue.ts";
import { type Side, textSetting } from "../harness/task.ts";

const STREAM = "queue";
const ACK = "+ACK";
/** What one request asks for; there are two open for each level, so that the server never waits for the next. */
const BATCH = 256;
const OPEN = 2;
/** Nanoseconds; a run takes less. */
const EXPIRES = 600e9;

/** JetStream without anything around it: what is asked and answered, matched on one subject of the connection. */
export class RawJetStream {
  readonly connection: NatsConnection;
  readonly #answers = new Map<string, (answer: Msg) => void>();
  readonly #inbox: string;
  #asked = 0;

  private constructor(connection: NatsConnection) {
    this.connection = connection;
    this.#inbox = `_INBOX.raw-${process.pid}`;
    connection.subscribe(`${this.#inbox}.*`, {
      callback: (_error, message) => {
        this.#answers.get(message.subject)?.(message);
        this.#answers.delete(message.subject);
      },
    });
  }

  static async connect(url: string): Promise<RawJetStream> {
    const { host } = new URL(url);
    return new RawJetStream(await connect({ servers: host }));
  }

  /** Sends something, and waits for the answer. */
  ask(subject: string, payload: string): Promise<Msg> {
    return new Promise((resolve) => {
      const reply = `${this.#inbox}.${++this.#asked}`;
      this.#answers.set(reply, resolve);
      this.connection.publish(subject, payload, { reply });
    });
  }

  /** Asks JetStream. @throws Error when it refuses */
  async api<T>(subject: string, question: object = {}): Promise<T> {
    const answer = (await this.ask(`$JS.API.${subject}`, JSON.stringify(question))).json<
      T & { error?: { description: string } }
    >();
    if (answer.error) throw new Error(answer.error.description);
    return answer;
  }

  /** Stores a message; resolves when the server has confirmed it. @throws Error when it refuses */
  async store(subject: string, payload: string): Promise<void> {
    const { error } = (await this.ask(subject, payload)).json<{ error?: { description: string } }>();
    if (error) throw new Error(error.description);
  }

  /** A work queue on disk with a durable pull consumer for each of its subjects, explicit acknowledgments. */
  async declare(stream: string, subjects: readonly string[]): Promise<void> {
    const config = { name: stream, subjects, storage: "file", retention: "workqueue", discard: "new" };
    await this.api(`STREAM.CREATE.${stream}`, config);
    for (const [at, subject] of subjects.entries())
      await this.api(`CONSUMER.DURABLE.CREATE.${stream}.${at}`, {
        stream_name: stream,
        config: { durable_name: String(at), ack_policy: "explicit", filter_subject: subject, max_ack_pending: -1 },
      });
  }

  /** Takes what comes on a consumer, for good; acknowledges without waiting. */
  take(
    stream: string,
    consumer: string | number,
    { batch = BATCH }: { batch?: number },
    heard: (body: Msg) => void,
  ): void {
    const next = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`;
    const deliver = `${this.#inbox}-${stream}-${consumer}`;
    const request = JSON.stringify({ batch, expires: EXPIRES });
    const ask = (): void => this.connection.publish(next, request, { reply: deliver });
    let count = 0;
    this.connection.subscribe(deliver, {
      callback: (_error, message) => {
        // Others than messages have no place to acknowledge.
        if (!message.reply) return;
        heard(message);
        this.connection.publish(message.reply, ACK);
        if (++count % batch === 0) ask();
      },
    });
    for (let open = 0; open < OPEN; open++) ask();
  }
}

/**
 * Five subjects of one work queue, a pull consumer for each: sends confirmed one by one, on one connection; two requests
 * of 256 messages open for each level; acknowledgments sent without waiting, on another connection.
 */
class RawNats implements Queue {
  readonly #sending: RawJetStream;
  readonly #taking: RawJetStream;
  readonly #text: string;

  constructor(clients: { readonly sending: RawJetStream; readonly taking: RawJetStream }, text: string) {
    this.#sending = clients.sending;
    this.#taking = clients.taking;
    this.#text = text;
  }

  send(sequence: number): Promise<unknown> {
    return this.#sending.store(`${STREAM}.${levelOf(sequence)}`, JSON.stringify(envelope(sequence, this.#text)));
  }

  sendMany(sequences: readonly number[]): Promise<unknown> {
    return Promise.all(sequences.map((sequence) => this.send(sequence)));
  }

  start(handle: (sequence: number) => void): void {
    for (const level of LEVELS.keys())
      this.#taking.take(STREAM, level, {}, (message) => handle(message.json<BenchEnvelope>().payload.sequence));
  }

  async settled(): Promise<void> {
    while ((await this.remaining()) > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  async remaining(): Promise<number> {
    const { state } = await this.#taking.api<{ state: { messages: number } }>(`STREAM.INFO.${STREAM}`);
    return state.messages;
  }

  async close(): Promise<void> {
    for (const { connection } of [this.#sending, this.#taking]) await connection.close();
  }
}

/** Raw JetStream on disk, a subject a level. Settings: `phase`, `manner`. */
export const rawNats: Side = async (task) => {
  textSetting(task, "phase");
  const server = await startNats({ folder: task.folder });
  const [sending, taking] = [await RawJetStream.connect(server.url), await RawJetStream.connect(server.url)];
  await sending.declare(
    STREAM,
    [...LEVELS.keys()].map((level) => `${STREAM}.${level}`),
  );
  const figures = await measureQueue(task, new RawNats({ sending, taking }, filler(task.size)));
  await server.stop();
  return figures;
};
