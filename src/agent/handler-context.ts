import type { Delivery } from "../broker/consumer.ts";
import { BoundSender } from "../bus/bound-sender.ts";
import { plainPayload } from "../bus/checking.ts";
import type { Origin } from "../bus/origin.ts";
import { AgentwireError } from "../errors.ts";
import { type Duration, parseDuration } from "../message/duration.ts";
import type { Envelope } from "../message/envelope.ts";
import type { InputOf, MessageType } from "../message/index.ts";
import type { Logger } from "../observe/logger.ts";
import type { Context } from "./handler.ts";
import type { AgentHost } from "./host.ts";

/** Thrown by `ctx.reject`; recognised by the worker. */
export class Rejection extends Error {
  readonly reason: string;

  constructor(reason: string) {
    super(`Rejected: ${reason}`);
    this.reason = reason;
  }
}

/** The worker's side of one running handler. */
export interface HandlerRun {
  readonly delivery: Delivery;
  readonly attempt: number;
  /** Moves the time limit to so long from now. */
  extend(length: number): Promise<void>;
}

/** A handler's context; what costs something is made when it is first asked for. */
export class HandlerContext extends BoundSender<MessageType> implements Context<MessageType> {
  readonly #host: AgentHost;
  readonly #run: HandlerRun;
  #abort: AbortController | undefined;
  #stopped: unknown;

  constructor(host: AgentHost, run: HandlerRun) {
    super(host.sending, host.originFor(run.delivery.message));
    this.#host = host;
    this.#run = run;
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController();
      if (this.#stopped !== undefined) this.#abort.abort(this.#stopped);
    }
    return this.#abort.signal;
  }

  get attempt(): number {
    return this.#run.attempt;
  }

  get redelivered(): boolean {
    return this.#run.delivery.redelivered;
  }

  get agent(): string {
    return this.#host.name;
  }

  get log(): Logger {
    return this.#host.logFor(this.#message);
  }

  get age(): number {
    return Math.max(0, this.#host.clock.now() - this.#message.createdAt);
  }

  newer(): Promise<number> {
    return this.#host.newer(this.#message);
  }

  reject(reason: string): never {
    throw new Rejection(reason);
  }

  async reply<T extends MessageType>(type: T, payload: InputOf<T>): Promise<void> {
    await sendReply(this.#host, this.origin, this.#message, type, payload);
  }

  async extend(duration: Duration): Promise<void> {
    await this.#run.extend(parseDuration(duration, { name: "duration", min: 1 }));
  }

  progress(fraction: number, note?: string): void {
    if (!(fraction >= 0 && fraction <= 1))
      throw new AgentwireError("OUT_OF_RANGE", `progress must be from 0 to 1, not ${fraction}`);
    this.#host.progress(this.#message, this.#run.attempt, fraction, note);
  }

  spend(amount: { readonly tokens?: number; readonly cost?: number }): Promise<void> {
    return this.#host.spend(this.#message, amount);
  }

  /** Tells the handler to stop. @internal */
  stop(why: unknown): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = why;
    this.#abort?.abort(why);
  }

  /** Why the handler was told to stop, if it was. @internal */
  get stopped(): unknown {
    return this.#stopped;
  }

  get #message(): Envelope {
    return this.#run.delivery.message;
  }
}

/** Sends an answer of a type of its own. @throws ARGUMENT_INVALID when the message is no request */
export async function sendReply(
  host: AgentHost,
  origin: Origin,
  request: Envelope,
  type: MessageType,
  payload: unknown,
): Promise<void> {
  if (request.replyInbox === undefined) {
    throw new AgentwireError(
      "ARGUMENT_INVALID",
      `Message ${request.id} is not a request, so nobody waits for a reply; use send`,
    );
  }
  const plain = await plainPayload(type, payload);
  await host.sending.dispatcher.sendReply(host.sending.dispatcher.reply(origin, request, type, plain, undefined));
}
