import type { Channel, ConsumeMessage } from "amqplib";
import type { Arrival } from "../ledger/engine.ts";
import { faultError } from "./faults.ts";
import { unpack } from "./parcel.ts";
import type { Session } from "./session.ts";

/** What an {@link Intake} is for. */
export interface IntakeOptions {
  readonly session: Session;
  readonly inbox: string;
  /** Called with all that came together. */
  arrived(arrivals: readonly QueuedArrival[]): void;
  /** The server has ended the queue of a level. */
  ended(level: number): void;
  /** The server has ended the channel, and gives to others what was taken. */
  failed(lost: readonly QueuedArrival[]): void;
  /** All that was taken is acknowledged or given back. */
  emptied?(): void;
  /** The server may soon give more, in place of what is acknowledged or given back; to be waited for before. */
  beforeRoom?(): Promise<void> | undefined;
}

/** One consumer on a queue. */
interface Tap {
  readonly tag: string;
  /** How many it may have given that were neither acknowledged nor given back. */
  readonly prefetch: number;
  open: number;
}

/** Places of what comes for the first time lie behind those of what comes again. */
const FIRST_TIME = 2 ** 52;

/** A copy that the server has given to this process. */
export class QueuedArrival implements Arrival {
  readonly inbox: string;
  readonly level: number;
  readonly body: Arrival["body"];
  readonly head: string | undefined;
  readonly mark: string;
  readonly order: number;
  readonly doubt: Arrival["doubt"];
  /** When it was put into its queue, in units that grow; 0 if that is not known. */
  readonly sent: number;
  /** Where it came in. */
  readonly intake: Intake;
  readonly channel: Channel;
  /** What the server calls it, on that channel. */
  readonly deliveryTag: number;

  constructor(message: ConsumeMessage, of: { inbox: string; level: number; intake: Intake; channel: Channel }) {
    const { body, head, mark, sent } = unpack(message);
    const { redelivered, deliveryTag } = message.fields;
    this.inbox = of.inbox;
    this.level = of.level;
    this.body = body;
    this.head = head;
    this.mark = mark;
    this.sent = sent;
    this.order = redelivered ? sent : FIRST_TIME + deliveryTag;
    // Acknowledgments are not confirmed: what comes again may have been handled.
    this.doubt = redelivered ? "ended" : "none";
    this.intake = of.intake;
    this.channel = of.channel;
    this.deliveryTag = deliveryTag;
  }
}

/** Takes messages from the queues of one inbox: on one channel, with a consumer for each level. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #taps = new Map<number, Tap>();
  /** What is neither acknowledged nor given back, in the order in which the server gave it. */
  readonly #open = new Map<number, { readonly arrival: QueuedArrival; readonly tap: Tap | undefined }>();
  #acknowledged = new Set<number>();
  #fresh: QueuedArrival[] = [];
  #channel: Channel | undefined;
  #making: Promise<Channel> | undefined;
  #tapped = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** What is neither acknowledged nor given back. */
  get open(): readonly QueuedArrival[] {
    return [...this.#open.values()].map(({ arrival }) => arrival);
  }

  /** How many levels the server may give from. */
  get taps(): number {
    return this.#taps.size;
  }

  /** To be waited for before messages are acknowledged or given back. */
  beforeRoom(): Promise<void> | undefined {
    return this.#options.beforeRoom?.();
  }

  /** How many a level may still give; undefined if nothing is taken from it. */
  room(level: number): number | undefined {
    const tap = this.#taps.get(level);
    return tap && tap.prefetch - tap.open;
  }

  /** Takes from a level from now on, at most so many at once. What the level gave before does not count. */
  async tap(level: number, prefetch: number): Promise<void> {
    await this.untap(level);
    const channel = await this.#channelNow();
    const tap: Tap = { tag: `${level}-${++this.#tapped}`, prefetch, open: 0 };
    this.#taps.set(level, tap);
    const { session, inbox } = this.#options;
    const came = (message: ConsumeMessage | null): void =>
      message ? this.#came(message, level, tap, channel) : this.#gone(level, tap);
    try {
      await this.#within(() =>
        Promise.all([
          channel.prefetch(Math.min(prefetch, 65_535)),
          channel.consume(session.names.queue(inbox, level), came, { consumerTag: tap.tag }),
        ]),
      );
    } catch (error) {
      // Nothing comes from there, and it is to be tapped again.
      if (this.#taps.get(level) === tap) this.#taps.delete(level);
      throw error;
    }
  }

  /** Takes nothing more from a level; what it has given stays. */
  async untap(level: number): Promise<void> {
    const tap = this.#taps.get(level);
    const channel = this.#channel;
    if (!tap || !channel) return;
    this.#taps.delete(level);
    await this.#within(() => channel.cancel(tap.tag));
  }

  /** Takes one message that waits on a level, if there is one. */
  async get(level: number): Promise<QueuedArrival | undefined> {
    const channel = await this.#channelNow();
    const { session, inbox } = this.#options;
    const message = await this.#within(() => channel.get(session.names.queue(inbox, level)));
    if (!message) return undefined;
    return this.#opened(message as unknown as ConsumeMessage, level, undefined, channel);
  }

  /** Resolves when all has come that the server had given before. */
  async fence(): Promise<void> {
    const channel = this.#channel;
    if (channel) await this.#within(() => channel.prefetch(1));
    // What came with the answer is handed over in the same turn.
    await Promise.resolve();
  }

  /** Removes a message from its queue. What is acknowledged in one turn goes out together. */
  acknowledge({ deliveryTag, channel }: QueuedArrival): void {
    const open = this.#open.get(deliveryTag);
    if (channel !== this.#channel || !open || this.#acknowledged.has(deliveryTag)) return;
    if (open.tap) open.tap.open--;
    if (this.#acknowledged.size === 0) setImmediate(() => this.flush());
    this.#acknowledged.add(deliveryTag);
  }

  /** Gives a message back, to be given to anyone, ahead of those that were not given yet. */
  giveBack({ deliveryTag, channel }: QueuedArrival): void {
    const open = this.#open.get(deliveryTag);
    if (channel !== this.#channel || !open || this.#acknowledged.has(deliveryTag)) return;
    this.#open.delete(deliveryTag);
    if (open.tap) open.tap.open--;
    this.#say(() => channel.nack(messageOf(deliveryTag), false, true));
    if (this.#open.size === 0) this.#options.emptied?.();
  }

  /** Sends what was acknowledged. */
  flush(): void {
    const channel = this.#channel;
    const tags = this.#acknowledged;
    this.#acknowledged = new Set();
    if (!channel || tags.size === 0) return;
    // All up to one that is no longer open can go as one.
    let upTo = 0;
    for (const tag of this.#open.keys()) {
      if (!tags.delete(tag)) break;
      this.#open.delete(tag);
      upTo = tag;
    }
    this.#say(() => {
      if (upTo > 0) channel.ack(messageOf(upTo), true);
      for (const tag of tags) if (this.#open.delete(tag)) channel.ack(messageOf(tag), false);
    });
    if (this.#open.size === 0) this.#options.emptied?.();
  }

  /** Ends the channel: what is neither acknowledged nor given back goes to others. */
  async close(): Promise<void> {
    this.flush();
    const channel = this.#channel;
    this.forget();
    if (channel) await this.#within(() => channel.close()).catch(() => {});
  }

  /** The connection is gone, and with it all that was taken. */
  forget(): void {
    this.#channel = undefined;
    this.#making = undefined;
    this.#taps.clear();
    this.#open.clear();
    this.#acknowledged.clear();
    this.#fresh = [];
  }

  async #channelNow(): Promise<Channel> {
    const making = (this.#making ??= this.#makeChannel());
    try {
      const channel = await making;
      if (this.#making === making) this.#channel = channel;
      return channel;
    } catch (error) {
      if (this.#making === making) this.#making = undefined;
      throw error;
    }
  }

  async #makeChannel(): Promise<Channel> {
    let channel: Channel | undefined;
    const ended = (): void => {
      if (channel === undefined || channel !== this.#channel) return;
      const lost = this.open;
      this.forget();
      this.#options.failed(lost);
    };
    const { session, inbox } = this.#options;
    const what = { what: `Taking from "${inbox}"`, isRead: true };
    channel = await session.call((connection) => connection.channel(ended), what);
    return channel;
  }

  /** Asks, and waits for the answer for so long as a server may take for one. */
  async #within<T>(ask: () => Promise<T>): Promise<T> {
    const { session, inbox } = this.#options;
    const { connection } = session;
    try {
      if (!connection) throw new Error("the connection was lost");
      return await session.within(connection, ask());
    } catch (error) {
      throw faultError(error, { what: `Taking from "${inbox}"`, isRead: true });
    }
  }

  #came(message: ConsumeMessage, level: number, tap: Tap, channel: Channel): void {
    if (channel !== this.#channel) return;
    tap.open++;
    const arrival = this.#opened(message, level, tap, channel);
    if (this.#fresh.length === 0) queueMicrotask(() => this.#handOver());
    this.#fresh.push(arrival);
  }

  #opened(message: ConsumeMessage, level: number, tap: Tap | undefined, channel: Channel): QueuedArrival {
    const arrival = new QueuedArrival(message, { inbox: this.#options.inbox, level, intake: this, channel });
    this.#open.set(arrival.deliveryTag, { arrival, tap });
    return arrival;
  }

  #handOver(): void {
    const fresh = this.#fresh;
    this.#fresh = [];
    if (fresh.length > 0) this.#options.arrived(fresh);
  }

  /** The queue was deleted. */
  #gone(level: number, tap: Tap): void {
    if (this.#taps.get(level) !== tap) return;
    this.#taps.delete(level);
    this.#options.ended(level);
  }

  #say(words: () => void): void {
    try {
      words();
    } catch {
      // The connection has just been lost; the server gives to others what it did not hear of.
    }
  }
}

/** The library wants the message, and looks at its tag only. */
function messageOf(deliveryTag: number): ConsumeMessage {
  return { fields: { deliveryTag } } as ConsumeMessage;
}
