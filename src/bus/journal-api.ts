import type { Broker } from "../broker/broker.ts";
import { AgentwireError } from "../errors.ts";
import type { Clock } from "../internal/clock.ts";
import type { Envelope } from "../message/envelope.ts";
import type { IdGenerator } from "../message/id.ts";
import type { Journal as JournalLog, JournalReadOptions } from "../observe/journal.ts";
import type { HistoryFilter, Journaled } from "../observe/journal-entry.ts";
import type { Trace } from "../observe/trace.ts";
import { traceConversation } from "../observe/trace-conversation.ts";
import type { Store } from "../store/store.ts";
import type { PublishQueue } from "./publish-queue.ts";

/** Options of {@link Journal.replay}. */
export interface ReplayOptions {
  /** How fast, as a multiple of the recorded speed; default: at once. */
  readonly speed?: number;
  /** Sends on another bus, to the agents of the same names there. Default: on this one. */
  readonly into?: { readonly journal: Journal };
  /** Ends the replay. */
  readonly signal?: AbortSignal;
}

/** One message that was sent again. */
export interface Replayed {
  readonly id: string;
  /** Absent where nobody could get it again: then nothing was sent. */
  readonly newId?: string;
  readonly type: string;
  /** Those that got it when it was recorded. */
  readonly recipients: readonly string[];
  /** Why some recipient could not get it again. */
  readonly error?: string;
}

/** What a {@link Journal} is built from. */
export interface JournalParts {
  readonly log: JournalLog;
  readonly store: Pick<Store, "read">;
  readonly broker: Pick<Broker, "find" | "inspect">;
  readonly queue: PublishQueue;
  readonly clock: Clock;
  readonly ids: IdGenerator;
}

/** What happened on the bus, where `history` is on for the processes that did it: every message, whole, and every event. */
export class Journal {
  readonly #parts: JournalParts;

  constructor(parts: JournalParts) {
    this.#parts = parts;
  }

  /** Every entry written before the call, once, in one stable order, while more are being written. @throws ARGUMENT_INVALID for a cursor that is none */
  read(options?: JournalReadOptions): AsyncGenerator<Journaled> {
    return this.#parts.log.read(options);
  }

  /** The execution tree of a conversation: who handled what, because of what, when, for how long, and how it ended. */
  trace(conversation: string): Promise<Trace> {
    const { log: journal, store, broker } = this.#parts;
    return traceConversation({ journal, store, broker }, conversation);
  }

  /**
   * Sends recorded messages again to those who got them, as new messages with `replayOf`, in a conversation of their own.
   * Messages that others caused are left out, replies among them: the handlers send them again. Requests go as plain messages.
   * @throws OUT_OF_RANGE
   */
  async *replay(filter: HistoryFilter, options: ReplayOptions = {}): AsyncGenerator<Replayed> {
    const { speed, signal, into } = options;
    const target = into?.journal ?? this;
    if (speed !== undefined && !(speed > 0)) throw new AgentwireError("OUT_OF_RANGE", "speed must be a number above 0");
    let before: number | undefined;
    const own = new Set<string>();
    for await (const { message, recipients } of this.#parts.log.messages(filter)) {
      // Where history is on, what this replay sends is recorded too; it must not be replayed in its turn.
      if (signal?.aborted || own.has(message.id)) return;
      if (message.causationId !== undefined) continue;
      if (speed !== undefined && before !== undefined) await this.#pause((message.createdAt - before) / speed);
      before = message.createdAt;
      const replayed = await target.#again(message, recipients);
      if (replayed.newId !== undefined) own.add(replayed.newId);
      yield replayed;
    }
  }

  async #again(message: Envelope, recipients: readonly string[]): Promise<Replayed> {
    const { broker, queue, clock, ids } = this.#parts;
    const { id, type } = message;
    const there = (await broker.inspect(recipients)).map(({ name }) => name);
    const missing = recipients.filter((name) => !there.includes(name));
    const error = missing.length === 0 ? {} : { error: `There is no inbox ${missing.join(", ")}` };
    // As a send to an unknown agent it leaves nothing, not even in the journal.
    if (missing.length > 0 && there.length === 0) return { id, type, recipients, ...error };
    const { expiresAt: _expiry, replyInbox: _asker, ...kept } = message;
    const newId = ids.next();
    const again: Envelope = Object.freeze({
      ...kept,
      id: newId,
      createdAt: clock.now(),
      conversationId: newId,
      replayOf: id,
    });
    const result = await queue.publish({ message: again, to: there, fanOut: true });
    if (result.status === "failed") return { id, type, recipients, error: result.error.message };
    return { id, newId, type, recipients, ...error };
  }

  async #pause(length: number): Promise<void> {
    if (length > 0) await new Promise<void>((resolve) => this.#parts.clock.after(length, resolve));
  }
}
