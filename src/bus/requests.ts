import type { Broker } from "../broker/broker.ts";
import type { Consumer, Delivery } from "../broker/consumer.ts";
import { AgentwireError } from "../errors.ts";
import type { Clock } from "../internal/clock.ts";
import { type Deadlined, Deadlines } from "../internal/deadlines.ts";
import type { KeepAlive } from "../internal/keep-alive.ts";
import type { Envelope } from "../message/envelope.ts";

/** Type name of a reply that carries a handler's failure. */
export const ERROR_REPLY = "$error";

/** What an error reply's payload holds. */
export interface RemoteFailure {
  readonly code: string;
  readonly message: string;
  readonly data?: unknown;
}

/** How many replies are taken from the broker at once. */
const REPLY_CREDIT = 1_024;
/** How long the reply inbox outlives a process that died. */
const REPLY_INBOX_LIFE = 60_000;

/** A request under way. */
export interface Waiter extends Deadlined {
  readonly id: string;
  readonly timeout: number;
  /** Who may answer; undefined until the recipient has been picked. */
  recipient: string | undefined;
  readonly resolve: (reply: Envelope) => void;
  readonly reject: (error: unknown) => void;
}

/** What {@link Requests} is built from. */
export interface RequestsOptions {
  readonly broker: Pick<Broker, "declareInbox" | "deleteInbox" | "consume">;
  readonly clock: Clock;
  readonly instance: string;
  readonly keepAlive: KeepAlive;
  /** A reply nobody waits for any more, or one from somebody who was not asked. */
  readonly onLate: (reply: Envelope) => void;
}

/** The asking side of requests: one reply inbox for the process, and those who wait. */
export class Requests {
  /** Name of this process's reply inbox. */
  readonly inbox: string;
  readonly #options: RequestsOptions;
  readonly #waiters = new Map<string, Waiter>();
  readonly #deadlines: Deadlines<Waiter>;
  #consumer: Promise<Consumer> | undefined;
  #open = false;
  #credit = 0;

  constructor(options: RequestsOptions) {
    this.#options = options;
    this.inbox = `$reply.${options.instance}`;
    this.#deadlines = new Deadlines(options.clock, (waiter) => this.#timedOut(waiter));
  }

  /** Requests under way. */
  get size(): number {
    return this.#waiters.size;
  }

  /** Resolves when replies can arrive; undefined when they already can. */
  ready(): Promise<unknown> | undefined {
    if (this.#open) return undefined;
    this.#consumer ??= this.#listen();
    return this.#consumer;
  }

  /** Waits for the reply to `id`; registered before the request is sent, so that no reply can come too early. */
  wait(
    id: string,
    timeout: number,
    recipient: string | undefined,
  ): { readonly waiter: Waiter; readonly reply: Promise<Envelope> } {
    let waiter: Waiter | undefined;
    const reply = new Promise<Envelope>((resolve, reject) => {
      waiter = { id, timeout, recipient, resolve, reject, deadline: 0 };
    });
    const registered = waiter as unknown as Waiter;
    this.#waiters.set(id, registered);
    if (this.#waiters.size === 1) this.#options.keepAlive.hold();
    this.#deadlines.add(registered, timeout);
    return { waiter: registered, reply };
  }

  /** Ends a wait with an error; does nothing when it has ended. */
  fail(waiter: Waiter, error: unknown): void {
    if (this.#forget(waiter)) waiter.reject(error);
  }

  /** Ends every wait with CLOSED and removes the reply inbox. */
  async close(): Promise<void> {
    for (const waiter of [...this.#waiters.values()]) {
      this.fail(waiter, new AgentwireError("CLOSED", `The bus was closed before request ${waiter.id} was answered`));
    }
    this.#deadlines.clear();
    if (!this.#consumer) return;
    const consumer = await this.#consumer;
    await consumer.close({ release: true });
    await this.#options.broker.deleteInbox(this.inbox);
  }

  async #listen(): Promise<Consumer> {
    const { broker, instance } = this.#options;
    await broker.declareInbox({ name: this.inbox, expiresAfter: REPLY_INBOX_LIFE });
    const consumer = await broker.consume(this.inbox, {
      instance,
      lease: 30_000,
      renew: true,
      exclusive: true,
      onDeliveries: (deliveries) => this.#take(consumer, deliveries),
    });
    this.#credit = REPLY_CREDIT;
    consumer.credit(REPLY_CREDIT);
    this.#open = true;
    return consumer;
  }

  #take(consumer: Consumer, deliveries: readonly Delivery[]): void {
    const now = this.#options.clock.now();
    for (const delivery of deliveries) this.#answer(delivery, now);
    this.#credit -= deliveries.length;
    if (this.#credit < REPLY_CREDIT / 2) consumer.credit((this.#credit = REPLY_CREDIT));
  }

  #answer(delivery: Delivery, now: number): void {
    const reply = delivery.message;
    const { id } = reply;
    const settled = delivery.settle({
      outcome: "end",
      lazy: true,
      record: {
        id,
        recipient: delivery.inbox,
        end: "acknowledged",
        at: now,
        offeredAt: delivery.offeredAt,
        instance: this.#options.instance,
        attempt: delivery.attempt,
      },
    });
    // A reply whose acknowledgment fails stays held until this process leaves; its inbox goes then too.
    if (settled instanceof Promise) settled.catch(() => {});
    const waiter = reply.inReplyTo === undefined ? undefined : this.#waiters.get(reply.inReplyTo);
    if (!waiter || (waiter.recipient !== undefined && waiter.recipient !== reply.from))
      return this.#options.onLate(reply);
    this.#forget(waiter);
    if (reply.type === ERROR_REPLY) waiter.reject(remoteError(waiter.id, reply));
    else waiter.resolve(reply);
  }

  #timedOut(waiter: Waiter): void {
    this.#forget(waiter);
    const from = waiter.recipient === undefined ? "" : ` from ${waiter.recipient}`;
    waiter.reject(
      new AgentwireError("TIMEOUT", `No reply to request ${waiter.id} came${from} within ${waiter.timeout} ms`, {
        details: {
          id: waiter.id,
          timeout: waiter.timeout,
          ...(waiter.recipient === undefined ? {} : { recipient: waiter.recipient }),
        },
      }),
    );
  }

  #forget(waiter: Waiter): boolean {
    this.#deadlines.delete(waiter, waiter.timeout);
    const known = this.#waiters.delete(waiter.id);
    if (known && this.#waiters.size === 0) this.#options.keepAlive.release();
    return known;
  }
}

function remoteError(id: string, reply: Envelope): AgentwireError {
  const failure = reply.payload as RemoteFailure;
  return new AgentwireError("REMOTE_FAILED", `${reply.from} could not answer request ${id}: ${failure.message}`, {
    details: {
      id,
      from: reply.from,
      code: failure.code,
      message: failure.message,
      ...(failure.data === undefined ? {} : { data: failure.data }),
    },
  });
}
