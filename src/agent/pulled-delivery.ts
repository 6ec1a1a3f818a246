import type { Delivery as BrokerDelivery } from "../broker/consumer.ts";
import type { Settlement, SettleResult } from "../broker/settlement.ts";
import { BoundSender } from "../bus/bound-sender.ts";
import { plainReply } from "../bus/checking.ts";
import { ERROR_REPLY } from "../bus/requests.ts";
import type { Sender } from "../bus/sending.ts";
import type { ResolvedRetryPolicy } from "../delivery/retry-policy.ts";
import { AgentwireError } from "../errors.ts";
import { type Duration, parseDuration } from "../message/duration.ts";
import type { InputOf, Message, MessageType, None, ReplyInputOf, ReplyOf } from "../message/index.ts";
import { sendReply } from "./handler-context.ts";
import type { AgentHost } from "./host.ts";
import { replyTypeOf } from "./reply-type.ts";
import { type Ending, ending, tellEnding } from "./settling.ts";
import { tellRefusal } from "./unsettled.ts";

/** A message taken by pull: settle it with `ack`, `retry` or `reject`; leaving its scope unsettled gives it back. */
export type Delivery<T, S = never> = T extends MessageType
  ? Sender<S> & {
      readonly message: Message<T>;
      /** 1 for the first hand-off. */
      readonly attempt: number;
      /** An earlier hand-off ended without being settled, or may have. */
      readonly redelivered: boolean;
      /** Aborted when the message was superseded or withdrawn, or its lease was lost. */
      readonly signal: AbortSignal;
      /** Done; with the reply, where the type declares one. A second ack does nothing. @throws LEASE_LOST, VALIDATION_FAILED */
      ack(...reply: ReplyOf<T> extends None ? [] : [reply: ReplyInputOf<T>]): Promise<void>;
      /** Gives it back for another attempt, after `delay` (default: the agent's backoff); after the last one it is a dead letter. @throws LEASE_LOST */
      retry(options?: { readonly delay?: Duration }): Promise<void>;
      /** Gives it up: it goes to the dead letters with this reason. @throws LEASE_LOST */
      reject(reason: string): Promise<void>;
      /** Answers a request whose type declares no reply, or answers early. */
      reply<R extends MessageType>(type: R, payload: InputOf<R>): Promise<void>;
      /** Keeps the delivery for so long from now. @throws LEASE_LOST */
      extend(lease: Duration): Promise<void>;
    } & AsyncDisposable
  : never;

/** How pulled deliveries of one agent behave. */
export interface PullOptions {
  readonly types: ReadonlyMap<string, MessageType>;
  readonly retry: ResolvedRetryPolicy;
  readonly random: () => number;
}

/** A delivery in the hands of whoever pulled it. */
export class PulledDelivery extends BoundSender<MessageType> {
  readonly message: Message<MessageType>;
  readonly #host: AgentHost;
  readonly #options: PullOptions;
  readonly #delivery: BrokerDelivery;
  readonly #abort = new AbortController();
  #settled = false;

  constructor(host: AgentHost, options: PullOptions, delivery: BrokerDelivery, message: Message<MessageType>) {
    super(host.sending, host.originFor(delivery.message));
    this.message = message;
    this.#host = host;
    this.#options = options;
    this.#delivery = delivery;
  }

  get attempt(): number {
    return this.#delivery.attempt;
  }

  get redelivered(): boolean {
    return this.#delivery.redelivered;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  async ack(reply?: unknown): Promise<void> {
    if (this.#settled) return;
    const type = this.#options.types.get(this.message.type);
    const replyType = type === undefined ? undefined : replyTypeOf(type);
    if (type === undefined || replyType === undefined) return this.#end({ end: "acknowledged" });
    const plain = await plainReply(type, reply);
    const request = this.#delivery.message;
    if (request.replyInbox === undefined) return this.#end({ end: "acknowledged", reply: plain });
    const emit = this.#host.sending.dispatcher.reply(this.#host.origin, request, replyType, plain, undefined);
    return this.#end({ end: "acknowledged", emit });
  }

  async retry(options: { readonly delay?: Duration } = {}): Promise<void> {
    const { retry, random } = this.#options;
    if (this.#settled) return;
    const reason = "Given back by its reader";
    if (this.attempt >= retry.attempts) return this.#giveUp("HANDLER_FAILED", `${reason} ${this.attempt} times`);
    const delay =
      options.delay === undefined
        ? retry.backoff(this.attempt, random())
        : parseDuration(options.delay, { name: "delay", min: 0 });
    const failure = {
      attempt: this.attempt,
      at: this.#host.clock.now(),
      instance: this.#host.instance,
      code: "HANDLER_FAILED",
      message: reason,
    };
    await this.#settle({ outcome: "retry", delay, failure });
  }

  async reject(reason: string): Promise<void> {
    await this.#giveUp("HANDLER_REJECTED", String(reason).slice(0, 2_048));
  }

  async reply(type: MessageType, payload: unknown): Promise<void> {
    await sendReply(this.#host, this.origin, this.#delivery.message, type, payload);
  }

  async extend(lease: Duration): Promise<void> {
    const kept = !this.#settled && (await this.#delivery.extend(parseDuration(lease, { name: "lease", min: 1 })));
    if (!kept) throw this.#lost();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#settled) await this.#settle({ outcome: "release" }).catch(() => {});
  }

  /** Tells the reader that the message is no longer its own. @internal */
  revoke(code: "SUPERSEDED" | "WITHDRAWN" | "DROPPED" | "LEASE_LOST"): void {
    this.#abort.abort(new AgentwireError(code, `Message ${this.message.id} is no longer to be worked on`));
  }

  async #giveUp(code: string, reason: string): Promise<void> {
    if (this.#settled) return;
    const request = this.#delivery.message;
    if (request.replyInbox === undefined) return this.#end({ end: "dead-lettered", code, reason });
    const type = { name: ERROR_REPLY, version: 1 } as MessageType;
    const emit = this.#host.sending.dispatcher.reply(
      this.#host.origin,
      request,
      type,
      { code, message: reason },
      undefined,
    );
    return this.#end({ end: "dead-lettered", code, reason, emit });
  }

  async #end(how: Ending): Promise<void> {
    const held = { delivery: this.#delivery, attempt: this.attempt, failures: this.#delivery.failures };
    const result = await this.#settle(ending(this.#host, held, how));
    tellEnding(this.#host, held, how, result);
  }

  async #settle(settlement: Settlement): Promise<SettleResult> {
    if (this.#settled) return "already";
    this.#settled = true;
    let result: SettleResult;
    try {
      result = await this.#delivery.settle(settlement);
    } catch (error) {
      // Nothing has changed, so the reader may try again while the lease lasts.
      this.#settled = false;
      tellRefusal(this.#host, { delivery: this.#delivery, settlement, error });
      throw error;
    }
    if (result === "lost") throw this.#lost();
    return result;
  }

  #lost(): AgentwireError {
    return new AgentwireError("LEASE_LOST", `Message ${this.message.id} no longer belongs to ${this.#host.name}`);
  }
}
