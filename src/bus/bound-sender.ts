import type { Envelope } from "../message/envelope.ts";
import type { ChunkOf, InputOf, MessageDraft, MessageType, ReplyOf } from "../message/index.ts";
import { checkReply } from "./checking.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Origin } from "./origin.ts";
import type { Receipt } from "./receipt.ts";
import { startStream } from "./reply-stream.ts";
import type {
  BroadcastOptions,
  PublishOptions,
  ReplyMessage,
  ReplyStream,
  RequestOptions,
  RequestResult,
  Sender,
  SendOptions,
} from "./sending.ts";
import type { StreamChunks } from "./stream-chunks.ts";

const NO_OPTIONS = Object.freeze({});

/** What every sender shares with the others of its bus. */
export interface SendingParts {
  readonly dispatcher: Dispatcher;
  readonly chunks: StreamChunks;
  /** Sends as the bus itself: whoever is no agent. */
  readonly outside: Sender<MessageType>;
}

/** A sender bound to its origin: the bus, an agent, a handler's context and a delivery are made from it. */
export class BoundSender<S = MessageType> implements Sender<S> {
  declare readonly "~sends"?: (type: S) => void;
  /** @internal */
  protected readonly parts: SendingParts;
  /** @internal */
  protected readonly origin: Origin;

  constructor(parts: SendingParts, origin: Origin) {
    this.parts = parts;
    this.origin = origin;
  }

  send<T extends S>(type: T, payload: InputOf<T>, options: SendOptions<NoInfer<T>> = NO_OPTIONS): Promise<Receipt> {
    return this.parts.dispatcher.send(this.origin, type as MessageType, payload, options as SendOptions<never>);
  }

  publish<T extends S>(type: T, payload: InputOf<T>, options: PublishOptions = NO_OPTIONS): Promise<Receipt> {
    return this.parts.dispatcher.publish(this.origin, type as MessageType, payload, options);
  }

  broadcast<T extends S>(type: T, payload: InputOf<T>, options: BroadcastOptions = NO_OPTIONS): Promise<Receipt> {
    return this.parts.dispatcher.broadcast(this.origin, type as MessageType, payload, options);
  }

  request<T extends S, E extends MessageType = never>(
    type: T,
    payload: InputOf<T>,
    options: RequestOptions<NoInfer<T>, E> = NO_OPTIONS,
  ): Promise<RequestResult<T, E>> {
    return this.#ask(type, payload, options).then(
      (reply) => checkReply(type as MessageType, options.expect, reply) as RequestResult<T, E>,
    );
  }

  async requestMessage<T extends S, E extends MessageType = never>(
    type: T,
    payload: InputOf<T>,
    options: RequestOptions<NoInfer<T>, E> = NO_OPTIONS,
  ): Promise<ReplyMessage<RequestResult<T, E>>> {
    const reply = await this.#ask(type, payload, options);
    const value = await checkReply(type as MessageType, options.expect, reply);
    const message = value === reply.payload ? reply : Object.freeze({ ...reply, payload: value });
    return message as ReplyMessage<RequestResult<T, E>>;
  }

  stream<T extends S>(
    type: T,
    payload: InputOf<T>,
    options: RequestOptions<NoInfer<T>> = NO_OPTIONS,
  ): ReplyStream<ChunkOf<T>, ReplyOf<T>> {
    const { dispatcher, chunks } = this.parts;
    return startStream(
      dispatcher,
      chunks,
      this.origin,
      type as MessageType,
      payload,
      options as RequestOptions<never, MessageType>,
    ) as ReplyStream<ChunkOf<T>, ReplyOf<T>>;
  }

  sendMany(drafts: readonly MessageDraft<S & MessageType>[]): Promise<PromiseSettledResult<Receipt>[]> {
    return this.parts.dispatcher.sendMany(this.origin, drafts as readonly MessageDraft<MessageType>[]);
  }

  #ask(type: S, payload: unknown, options: object): Promise<Envelope> {
    return this.parts.dispatcher.ask(
      this.origin,
      type as MessageType,
      payload,
      options as RequestOptions<never, MessageType>,
    );
  }
}
