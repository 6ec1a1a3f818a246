import { PRIORITIES } from "../../message/envelope.ts";
import type { Store } from "../../store/store.ts";
import { isNotFound } from "./faults.ts";
import type { Session } from "./session.ts";

/** First segments of the keys that say which levels an inbox has. */
const BUCKET = "rabbitmq/levels/";

/**
 * More than any message is given back. With a limit, what is given back comes ahead of what waits; without one, behind it.
 */
const MOST_DELIVERIES = 1_000_000_000;

/**
 * The queues of all inboxes: one for each level that was ever used, declared at its first use. Others learn of it from the
 * store.
 */
export class Levels {
  readonly #session: Session;
  readonly #store: Store;
  readonly #known = new Map<string, Set<number>>();
  readonly #declared = new Set<string>();
  readonly #declaring = new Map<string, Promise<void>>();
  readonly #used: (inbox: string) => void;
  #stopWatching = (): void => {};

  /** `used` is told when an inbox has one level more. */
  constructor(session: Session, store: Store, used: (inbox: string) => void) {
    this.#session = session;
    this.#store = store;
    this.#used = used;
  }

  open(): void {
    this.#stopWatching = this.#store.watch(BUCKET, (changes) => {
      for (const { key, value } of changes) {
        const { inbox, level } = partsOf(key);
        if (value !== undefined) this.#note(inbox, level);
        else this.#forget(inbox, level);
      }
    });
  }

  close(): void {
    this.#stopWatching();
  }

  /** The levels that this process knows of, the highest first. */
  of(inbox: string): readonly number[] {
    return [...(this.#known.get(inbox) ?? [])].sort((a, b) => a - b);
  }

  /** Learns all that others have used by now. */
  async look(inbox: string): Promise<readonly number[]> {
    for (const { key } of await this.#store.list(`${BUCKET}${encodeURIComponent(inbox)}/`))
      this.#note(inbox, partsOf(key).level);
    return this.of(inbox);
  }

  /** Undefined where the queue is there, as far as this process knows; else resolves when it is. */
  ensure(inbox: string, level: number): Promise<void> | undefined {
    const queue = this.#session.names.queue(inbox, level);
    if (this.#declared.has(queue)) return undefined;
    let declaring = this.#declaring.get(queue);
    if (!declaring) {
      declaring = this.#declare(inbox, level, queue).finally(() => this.#declaring.delete(queue));
      this.#declaring.set(queue, declaring);
    }
    return declaring;
  }

  /** The server says that a queue is not there. */
  missing(inbox: string, level: number): void {
    this.#declared.delete(this.#session.names.queue(inbox, level));
  }

  /** A queue is not there any more: it has ended with its inbox, or another program has deleted it, which is told. */
  async ended(inbox: string, level: number): Promise<void> {
    const queue = this.#session.names.queue(inbox, level);
    const isNews = this.#declared.delete(queue);
    if ((await this.#store.get(keyOf(inbox, level))) === undefined) return this.#forget(inbox, level);
    if (!isNews) return;
    this.#session.report({
      type: "driver.fault",
      message: `The queue "${queue}" was deleted by another program, with all that waited in it; it is made again`,
      details: { code: "ENGINE_STATE", inbox, queue },
    });
  }

  /** Deletes the queues of an inbox with all that is in them. */
  async remove(inbox: string): Promise<void> {
    const levels = await this.look(inbox);
    const { names } = this.#session;
    // First, so that whoever is told that a queue has ended does not declare it again.
    for (const level of levels) {
      await this.#store.delete(keyOf(inbox, level));
      this.#forget(inbox, level);
    }
    await this.#session.aside(
      (channel) => Promise.all(levels.map((level) => channel.deleteQueue(names.queue(inbox, level)))),
      { what: `Deleting the queues of "${inbox}"` },
    );
  }

  /** How many messages each of some levels has given to nobody, and how many consumers they have together. */
  async count(
    inbox: string,
    levels: readonly number[],
  ): Promise<{ readonly ready: readonly number[]; readonly consumers: number }> {
    const { names } = this.#session;
    try {
      const counts = await this.#session.aside(
        (channel) => Promise.all(levels.map((level) => channel.checkQueue(names.queue(inbox, level)))),
        { what: "Counting messages", isRead: true },
      );
      return {
        ready: counts.map(({ messageCount }) => messageCount),
        consumers: counts.reduce((sum, { consumerCount }) => sum + consumerCount, 0),
      };
    } catch (error) {
      // It was removed meanwhile.
      if (isNotFound((error as Error).cause)) return { ready: levels.map(() => 0), consumers: 0 };
      throw error;
    }
  }

  async #declare(inbox: string, level: number, queue: string): Promise<void> {
    const options = { durable: true, arguments: { "x-queue-type": "quorum", "x-delivery-limit": MOST_DELIVERIES } };
    await this.#session.aside((channel) => channel.assertQueue(queue, options), {
      what: `Declaring the queue "${queue}"`,
    });
    // Once it is there, so that nobody takes from a queue that is not.
    await this.#store.put(keyOf(inbox, level), true, { ifRevision: 0 });
    this.#declared.add(queue);
    this.#note(inbox, level);
  }

  #note(inbox: string, level: number): void {
    const levels = this.#known.get(inbox) ?? new Set();
    if (levels.has(level)) return;
    this.#known.set(inbox, levels.add(level));
    this.#used(inbox);
  }

  #forget(inbox: string, level: number): void {
    this.missing(inbox, level);
    const levels = this.#known.get(inbox);
    levels?.delete(level);
    if (levels?.size === 0) this.#known.delete(inbox);
  }
}

function keyOf(inbox: string, level: number): string {
  return `${BUCKET}${encodeURIComponent(inbox)}/${PRIORITIES[level]}`;
}

function partsOf(key: string): { readonly inbox: string; readonly level: number } {
  const [inbox = "", priority = ""] = key.slice(BUCKET.length).split("/");
  return { inbox: decodeURIComponent(inbox), level: (PRIORITIES as readonly string[]).indexOf(priority) };
}
