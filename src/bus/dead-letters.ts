import type { Publication } from "../broker/publication.ts";
import { DEAD_LETTER_PREFIX, deadLetterKey } from "../broker/receipt-log.ts";
import { AgentwireError } from "../errors.ts";
import type { Clock } from "../internal/clock.ts";
import type { Codec } from "../message/codec.ts";
import type { Envelope } from "../message/envelope.ts";
import type { IdGenerator } from "../message/id.ts";
import { copyPlain } from "../message/plain.ts";
import type { DeadLetter } from "../message/receipt-record.ts";
import type { Store } from "../store/store.ts";
import type { PublishQueue } from "./publish-queue.ts";
import { type Receipt, SentReceipt } from "./receipt.ts";
import type { Receipts } from "./receipts.ts";

/** A dead letter as it is listed. */
export type StoredDeadLetter = DeadLetter<Envelope>;

/** Which dead letters are meant: an AND of what is given. */
export interface DeadLetterFilter {
  /** The agent that gave it up. */
  readonly agent?: string;
  /** Name of the message type. */
  readonly type?: string;
  readonly code?: string;
  /** Given up at or after, in wall milliseconds. */
  readonly since?: number;
  /** Given up before, in wall milliseconds. */
  readonly until?: number;
  /** At most so many, oldest first; default 1,000. */
  readonly limit?: number;
}

/** What {@link DeadLetters} is built from. */
export interface DeadLettersOptions {
  readonly store: Store;
  readonly queue: PublishQueue;
  readonly receipts: Receipts;
  readonly clock: Clock;
  readonly codec: Codec;
  readonly ids: IdGenerator;
}

const PAGE = 500;

/** Messages given up on: kept with their errors, to be looked at, sent again or thrown away. */
export class DeadLetters {
  readonly #options: DeadLettersOptions;

  constructor(options: DeadLettersOptions) {
    this.#options = options;
  }

  async list(filter: DeadLetterFilter = {}): Promise<StoredDeadLetter[]> {
    const prefix = filter.agent === undefined ? DEAD_LETTER_PREFIX : deadLetterKey(filter.agent, "");
    const limit = filter.limit ?? 1_000;
    const found: StoredDeadLetter[] = [];
    for (let after: string | undefined; found.length < limit; ) {
      const page = await this.#options.store.list(prefix, { limit: PAGE, ...(after === undefined ? {} : { after }) });
      for (const { value } of page) {
        const letter = value as StoredDeadLetter;
        if (matches(letter, filter) && found.length < limit) found.push(letter);
      }
      if (page.length < PAGE) break;
      after = page.at(-1)?.key;
    }
    return found;
  }

  /** One dead letter; a fan-out can have several of one id, so name the agent too where that matters. */
  async get(id: string, agent?: string): Promise<StoredDeadLetter | undefined> {
    if (agent !== undefined)
      return (await this.#options.store.get(deadLetterKey(agent, id)))?.value as StoredDeadLetter | undefined;
    const all = await this.list({ limit: Number.POSITIVE_INFINITY });
    return all.find((letter) => letter.message.id === id);
  }

  /**
   * Sends a dead letter again, as a new message with a new id and `replayOf`, to the inbox that gave it up; its own headers
   * and conversation stay. The dead letter is removed once the new message is durable. One that could not be read is read again.
   * @throws UNKNOWN_DELIVERY when there is no such dead letter; VERSION_UNSUPPORTED, DECODE_FAILED, ENVELOPE_INVALID when it still cannot be read
   */
  async replay(id: string, options: { readonly agent?: string; readonly payload?: unknown } = {}): Promise<Receipt> {
    const letter = await this.get(id, options.agent);
    if (!letter) throw new AgentwireError("UNKNOWN_DELIVERY", `There is no dead letter of message ${id}`);
    const { queue, store, receipts, clock, ids } = this.#options;
    const { expiresAt: _expired, replyInbox: _asker, path: _path, depth: _depth, ...kept } = this.#read(letter);
    const message: Envelope = Object.freeze({
      ...kept,
      ...(options.payload === undefined ? {} : { payload: copyPlain(options.payload, "the payload") }),
      id: ids.next(),
      createdAt: clock.now(),
      replayOf: letter.message.id,
    });
    // The key makes a second replay, after a crash between the two steps, find the first.
    const dedupe = { key: `$replay/${letter.recipient}/${id}`, fingerprint: id, window: 600_000 };
    const publication: Publication = { message, to: [letter.recipient], dedupe };
    const result = await queue.publish(publication);
    if (result.status === "failed") throw result.error;
    if (result.status === "stale") throw new AgentwireError("REJECTED", `Dead letter ${id} was not sent again`);
    await store.delete(deadLetterKey(letter.recipient, id));
    return new SentReceipt(result.id, result.copies, result.duplicate, receipts);
  }

  /** Throws a dead letter away; false when there was none. */
  async discard(id: string, agent?: string): Promise<boolean> {
    const letter = await this.get(id, agent);
    return letter !== undefined && this.#options.store.delete(deadLetterKey(letter.recipient, id));
  }

  #read({ message, raw }: StoredDeadLetter): Envelope {
    if (raw === undefined) return message;
    return this.#options.codec.decode("text" in raw ? raw.text : Buffer.from(raw.base64, "base64"));
  }
}

function matches(letter: StoredDeadLetter, filter: DeadLetterFilter): boolean {
  return (
    (filter.type === undefined || letter.message.type === filter.type) &&
    (filter.code === undefined || letter.code === filter.code) &&
    (filter.since === undefined || letter.at >= filter.since) &&
    (filter.until === undefined || letter.at < filter.until)
  );
}
