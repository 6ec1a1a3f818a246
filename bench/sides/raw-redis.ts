import { createClient } from "@redis/client";
import { startRedis } from "../../scripts/servers/redis.ts";
import { measureQueue } from "../harness/measure-queue.ts";
import { type BenchEnvelope, envelope, filler, LEVELS, levelOf } from "../harness/messages.ts";
import type { Queue } from "../harness/queue.ts";
import { type Side, textSetting } from "../harness/task.ts";

// The type of one that is made so; the library's general one is not assignable to itself.
const connected = (url: string) => createClient({ url }).connect();
type Client = Awaited<ReturnType<typeof connected>>;

/** Of each level at once. */
const BATCH = 50;
/** Milliseconds without a message after which the reader looks whether it should end. */
const BLOCK = 50;
const GROUP = "group";
const STREAMS = LEVELS.map((_, level) => `queue:${level}`);

/** The client library without anything around it: a stream a level, one connection that sends, one that reads in blocks and acknowledges in pipelines. */
class RawRedis implements Queue {
  readonly #sending: Client;
  readonly #taking: Client;
  readonly #text: string;
  #ending = false;
  #consuming: Promise<void> | undefined;

  constructor(clients: { readonly sending: Client; readonly taking: Client }, text: string) {
    this.#sending = clients.sending;
    this.#taking = clients.taking;
    this.#text = text;
  }

  send(sequence: number): Promise<unknown> {
    const stream = STREAMS[levelOf(sequence)] as string;
    return this.#sending.xAdd(stream, "*", { body: JSON.stringify(envelope(sequence, this.#text)) });
  }

  sendMany(sequences: readonly number[]): Promise<unknown> {
    return Promise.all(sequences.map((sequence) => this.send(sequence)));
  }

  start(handle: (sequence: number) => void): void {
    this.#consuming = this.#consume(handle);
  }

  async settled(): Promise<void> {
    while ((await this.remaining()) > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  async remaining(): Promise<number> {
    const lengths = await Promise.all(STREAMS.map((stream) => this.#sending.xLen(stream)));
    return lengths.reduce((sum, length) => sum + length, 0);
  }

  async close(): Promise<void> {
    this.#ending = true;
    await this.#consuming;
    this.#sending.destroy();
    this.#taking.destroy();
  }

  async #consume(handle: (sequence: number) => void): Promise<void> {
    const streams = STREAMS.map((key) => ({ key, id: ">" }));
    while (!this.#ending) {
      const read = await this.#taking.xReadGroup(GROUP, "reader", streams, { COUNT: BATCH, BLOCK });
      for (const { name, messages } of (read ?? []) as readonly Read[]) {
        for (const { message } of messages) handle((JSON.parse(message.body) as BenchEnvelope).payload.sequence);
        const ids = messages.map(({ id }) => id);
        // Both are sent with the next read, and carried out before it.
        void this.#taking.xAck(name, GROUP, ids);
        void this.#taking.xDel(name, ids);
      }
    }
  }
}

interface Read {
  readonly name: string;
  readonly messages: readonly { readonly id: string; readonly message: { readonly body: string } }[];
}

/** Raw Redis streams, one a level. Settings: `phase`, `manner`, `appendfsync`. */
export const rawRedis: Side = async (task) => {
  const server = await startRedis({ folder: task.folder, settings: { appendfsync: textSetting(task, "appendfsync") } });
  const [sending, taking] = [await connected(server.url), await connected(server.url)];
  for (const stream of STREAMS) await sending.xGroupCreate(stream, GROUP, "$", { MKSTREAM: true });
  const figures = await measureQueue(task, new RawRedis({ sending, taking }, filler(task.size)));
  await server.stop();
  return figures;
};
