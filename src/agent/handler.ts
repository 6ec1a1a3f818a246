import type { Sender } from "../bus/sending.ts";
import type { Duration } from "../message/duration.ts";
import type { ChunkInputOf, InputOf, Message, MessageType, None, ReplyInputOf, ReplyOf } from "../message/index.ts";
import type { Logger } from "../observe/logger.ts";

/** What a handler knows of its delivery, and what it can do: send with this message as the cause, answer, give up. */
export interface Context<in S = never> extends Sender<S> {
  /** Aborted when the handler should stop: timed out, superseded, withdrawn, its lease lost, or the agent leaves. */
  readonly signal: AbortSignal;
  /** 1 for the first hand-off. */
  readonly attempt: number;
  /** An earlier hand-off ended without being settled, or may have. */
  readonly redelivered: boolean;
  /** Name of the agent that handles. */
  readonly agent: string;
  /** Log lines that carry agent, type, message and conversation. */
  readonly log: Logger;
  /** Milliseconds since the message was created. */
  readonly age: number;
  /** How many newer messages of the same sender wait in this inbox. @throws UNSUPPORTED where the engine cannot peek */
  newer(): Promise<number>;
  /** Gives the message up at once: it goes to the dead letters with this reason. */
  reject(reason: string): never;
  /** Answers a request whose type declares no reply, or answers early. @throws ARGUMENT_INVALID when the message is no request */
  reply<T extends MessageType>(type: T, payload: InputOf<T>): Promise<void>;
  /** Moves the handler's time limit to so long from now, and keeps the lease. */
  extend(duration: Duration): Promise<void>;
  /** Tells how far the work is: 0 to 1, with a note. */
  progress(fraction: number, note?: string): void;
  /** Debits tokens and cost from the conversation's budget. */
  spend(amount: { readonly tokens?: number; readonly cost?: number }): Promise<void>;
}

/** What a handler returns: the declared reply, or chunks and then the reply, or nothing where none is declared. */
export type HandlerResult<T> =
  ReplyOf<T> extends None
    ? void | Promise<void>
    : ReplyInputOf<T> | Promise<ReplyInputOf<T>> | AsyncGenerator<ChunkInputOf<T>, ReplyInputOf<T>, void>;

/** Handles messages of one type. Returning acknowledges; throwing tries again, or answers a request with the error. */
export type Handler<T, S = never> = (message: Message<T>, context: Context<S>) => HandlerResult<T>;

/** What an interceptor around handlers learns beside the message. */
export type DeliverContext = Context<MessageType>;

/** Runs around handlers: `(next) => async (message, context) => next(message, context)`. */
export type DeliverInterceptor = (
  next: (message: Message<MessageType>, context: DeliverContext) => Promise<unknown>,
) => (message: Message<MessageType>, context: DeliverContext) => Promise<unknown>;
