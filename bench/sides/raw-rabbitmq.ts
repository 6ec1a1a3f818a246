import { type Channel, type ChannelModel, type ConfirmChannel, type ConsumeMessage, connect } from "amqplib";
import { startRabbitmq } from "../../scripts/servers/rabbitmq.ts";
import { measureQueue } from "../harness/measure-queue.ts";
import { type BenchEnvelope, envelope, filler, LEVELS, levelOf } from "../harness/messages.ts";
import type { Queue } from "../harness/queue.ts";
import type { Side } from "../harness/task.ts";

/** Of each level, given and not acknowledged. */
const PREFETCH = 256;
/** Acknowledged together, at most. */
const GROUP = 50;
const QUEUES = LEVELS.map((_, level) => `queue-${level}`);
const QUORUM = { durable: true, arguments: { "x-queue-type": "quorum" } };

/** Connects as whoever wants answers soon does. */
export function connectRabbitmq(url: string): Promise<ChannelModel> {
  return connect(url, { noDelay: true });
}

/** Declares quorum queues. */
export async function declareQueues(channel: Channel, queues: readonly string[]): Promise<void> {
  for (const queue of queues) await channel.assertQueue(queue, QUORUM);
}

/** Stores a body; resolves when the server has confirmed it. */
export function store(channel: ConfirmChannel, queue: string, body: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error: unknown): void => (error ? reject(error) : resolve());
    channel.sendToQueue(queue, Buffer.from(JSON.stringify(body)), { persistent: true }, done);
  });
}

/**
 * The client library without anything around it: a quorum queue a level, one connection that sends with confirms, one with
 * a consumer a level that acknowledges in groups.
 */
class RawRabbitmq implements Queue {
  readonly #sending: ConfirmChannel;
  readonly #taking: Channel;
  readonly #text: string;
  #handled: ConsumeMessage | undefined;
  #unacknowledged = 0;

  constructor(channels: { readonly sending: ConfirmChannel; readonly taking: Channel }, text: string) {
    this.#sending = channels.sending;
    this.#taking = channels.taking;
    this.#text = text;
  }

  send(sequence: number): Promise<unknown> {
    return store(this.#sending, QUEUES[levelOf(sequence)] as string, envelope(sequence, this.#text));
  }

  sendMany(sequences: readonly number[]): Promise<unknown> {
    return Promise.all(sequences.map((sequence) => this.send(sequence)));
  }

  async start(handle: (sequence: number) => void): Promise<void> {
    await this.#taking.prefetch(PREFETCH);
    for (const queue of QUEUES)
      await this.#taking.consume(queue, (message) => {
        if (!message) return;
        handle((JSON.parse(message.content.toString()) as BenchEnvelope).payload.sequence);
        if (this.#unacknowledged === 0) setImmediate(() => this.#acknowledge());
        this.#handled = message;
        if (++this.#unacknowledged === GROUP) this.#acknowledge();
      });
  }

  async settled(): Promise<void> {
    this.#acknowledge();
    // Its answer comes after the server has seen all that was acknowledged before.
    await this.#taking.prefetch(PREFETCH);
  }

  async remaining(): Promise<number> {
    let left = this.#unacknowledged;
    for (const queue of QUEUES) left += (await this.#sending.checkQueue(queue)).messageCount;
    return left;
  }

  close(): void {
    // Whoever has made the connections closes them.
  }

  #acknowledge(): void {
    if (this.#unacknowledged === 0 || !this.#handled) return;
    this.#unacknowledged = 0;
    this.#taking.ack(this.#handled, true);
  }
}

/** Raw quorum queues, one a level. Settings: `phase`, `manner`. */
export const rawRabbitmq: Side = async (task) => {
  const server = await startRabbitmq({ folder: task.folder });
  const [out, back] = [await connectRabbitmq(server.url), await connectRabbitmq(server.url)];
  const [sending, taking] = [await out.createConfirmChannel(), await back.createChannel()];
  await declareQueues(sending, QUEUES);
  const figures = await measureQueue(task, new RawRabbitmq({ sending, taking }, filler(task.size)));
  for (const model of [out, back]) await model.close();
  await server.stop();
  return figures;
};
