import type { Duration } from "../message/duration.ts";
import type { Budget, Headers, Priority } from "../message/envelope.ts";
import type {
  ChunkOf,
  InputOf,
  Message,
  MessageDraft,
  MessageType,
  None,
  OutputOf,
  ReplyOf,
} from "../message/index.ts";
import type { Where } from "../registry/record.ts";
import type { Receipt } from "./receipt.ts";

/** Anything with a name that takes messages of type `T`: an agent definition or a running agent. */
export interface Accepts<T> {
  readonly name: string;
  readonly "~receives"?: (type: T) => void;
}

/** Who gets a message: an agent by name or definition, or one agent that matches a filter. */
export type Address<T> = string | Where | Accepts<T>;

/** What every way of sending takes. */
export interface MessageOptions {
  /** Default: the type's own, else `normal`. */
  readonly priority?: Priority;
  /** Time to live from now; absent: for ever, `0`: expired at once. Default: the type's own. */
  readonly ttl?: Duration;
  /** Held back for so long. */
  readonly delay?: Duration;
  /** Held back until then: a Date or wall milliseconds. Not together with `delay`. */
  readonly deliverAt?: Date | number;
  /** A second send with the same key and sender within 10 minutes makes no second copy. At most 256 bytes. */
  readonly idempotencyKey?: string;
  /** At most 16 KiB in all. */
  readonly headers?: Headers;
  /** Names the conversation; default: that of the cause, else the message's own id. */
  readonly conversation?: string;
  /** Until when the instruction itself is valid, apart from its time to live: a Date or wall milliseconds. */
  readonly validUntil?: Date | number;
  /** Names an order, so that a newer message can supersede it. */
  readonly key?: string;
  /** Ends this sender's earlier message to the same recipient: one by id, or all of one order. */
  readonly supersedes?: string | { readonly key: string };
  /** What the conversation that starts here may use. */
  readonly budget?: Budget;
  /** Gives up; what is already durable stays sent. */
  readonly signal?: AbortSignal;
}

/** Options of {@link Sender.send}. */
export interface SendOptions<T> extends MessageOptions {
  /** Absent: one agent that takes the type. */
  readonly to?: Address<T>;
  /** For a name nobody has registered: `fail` (default), or `hold` the message until it is. */
  readonly ifUnknown?: "fail" | "hold";
}

/** Options of {@link Sender.publish}. */
export interface PublishOptions extends MessageOptions {
  /** Default: the type's own channel. */
  readonly channel?: string;
  /** Fail with NO_RECIPIENTS if nobody is subscribed. Default false. */
  readonly requireRecipients?: boolean;
}

/** Options of {@link Sender.broadcast}. */
export interface BroadcastOptions extends MessageOptions {
  /** Which agents; default all. */
  readonly where?: Where;
  /** Fail with NO_RECIPIENTS if nobody matches. Default false. */
  readonly requireRecipients?: boolean;
}

/** Options of {@link Sender.request}. */
export interface RequestOptions<T, E = never> extends SendOptions<T> {
  /** How long to wait for the reply; default `"30s"`. */
  readonly timeout?: Duration;
  /** The reply's type, for a message type that declares no reply. */
  readonly expect?: E;
}

/** What a request resolves with. */
export type RequestResult<T, E> = [E] extends [never] ? (ReplyOf<T> extends None ? unknown : ReplyOf<T>) : OutputOf<E>;

/** A streaming reply: iterate once for its chunks in order, await `reply` for the reply itself. Leaving the loop early stops listening. */
export interface ReplyStream<C, R> extends AsyncIterable<C> {
  /** Resolves with the reply. @throws as `request` */
  readonly reply: Promise<R>;
}

/** A reply as a whole message. */
export type ReplyMessage<P> = Omit<Message<MessageType>, "payload"> & { readonly payload: P };

/**
 * Everything that can send: the bus, an agent, a handler's context, a delivery. `S` is what it declares to send.
 *
 * A send resolves when the message is durable for every recipient. It fails definitely (nothing stored), or
 * with INDETERMINATE: repeat with the same `idempotencyKey`.
 */
export interface Sender<in S = MessageType> {
  readonly "~sends"?: (type: S) => void;

  /**
   * Sends to one agent.
   * @throws AGENT_NOT_FOUND, NO_AGENT_FOUND, VALIDATION_FAILED, PAYLOAD_INVALID, INBOX_FULL, TYPE_NOT_DECLARED, ID_CONFLICT, REJECTED, INDETERMINATE
   */
  send<T extends S>(type: T, payload: InputOf<T>, options?: SendOptions<NoInfer<T>>): Promise<Receipt>;

  /** Publishes to a channel: one copy for every subscribed agent that takes the type, never to the sender. @throws as `send`, NO_RECIPIENTS */
  publish<T extends S>(type: T, payload: InputOf<T>, options?: PublishOptions): Promise<Receipt>;

  /** Sends one copy to every registered agent that matches and takes the type, never to the sender. @throws as `send`, NO_RECIPIENTS */
  broadcast<T extends S>(type: T, payload: InputOf<T>, options?: BroadcastOptions): Promise<Receipt>;

  /**
   * Sends and waits for the reply's payload.
   * @throws as `send`; REMOTE_FAILED when the handler failed, TIMEOUT, ABORTED, or the code with which the request itself ended
   */
  request<T extends S, E extends MessageType = never>(
    type: T,
    payload: InputOf<T>,
    options?: RequestOptions<NoInfer<T>, E>,
  ): Promise<RequestResult<T, E>>;

  /** As `request`, with the whole reply. */
  requestMessage<T extends S, E extends MessageType = never>(
    type: T,
    payload: InputOf<T>,
    options?: RequestOptions<NoInfer<T>, E>,
  ): Promise<ReplyMessage<RequestResult<T, E>>>;

  /** Sends a request whose handler yields chunks; iterate for them, await `reply` for the last word. */
  stream<T extends S>(
    type: T,
    payload: InputOf<T>,
    options?: RequestOptions<NoInfer<T>>,
  ): ReplyStream<ChunkOf<T>, ReplyOf<T>>;

  /** Sends many drafts made by `type.message(payload, options)` in one batch; one receipt or error each, in order. */
  sendMany(drafts: readonly MessageDraft<S & MessageType>[]): Promise<PromiseSettledResult<Receipt>[]>;
}
