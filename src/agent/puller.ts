import type { Delivery as BrokerDelivery, Consumer, Revocation } from "../broker/consumer.ts";
import type { Settlement } from "../broker/settlement.ts";
import { readPayload } from "../bus/checking.ts";
import { AgentwireError } from "../errors.ts";
import type { KeepAlive } from "../internal/keep-alive.ts";
import type { Message, MessageType } from "../message/index.ts";
import type { AgentHost } from "./host.ts";
import { PulledDelivery, type PullOptions } from "./pulled-delivery.ts";
import { ending } from "./settling.ts";
import { tellRefusal } from "./unsettled.ts";

/** How one kind of pull is made. */
export interface PullerOptions extends PullOptions {
  /** Only these types; undefined: all that are not handled. */
  readonly only: readonly string[] | undefined;
  readonly except: readonly string[] | undefined;
  readonly lease: number;
  readonly keepAlive: KeepAlive;
}

interface Taker {
  want: number;
  readonly got: PulledDelivery[];
  done(): void;
}

/** Takes deliveries on demand: each `take` asks for so many and waits its time. */
export class Puller {
  readonly #host: AgentHost;
  readonly #options: PullerOptions;
  readonly #takers: Taker[] = [];
  readonly #held = new WeakMap<BrokerDelivery, PulledDelivery>();
  #consumer: Promise<Consumer> | undefined;
  #closed = false;

  constructor(host: AgentHost, options: PullerOptions) {
    this.#host = host;
    this.#options = options;
  }

  /** Up to `limit` deliveries: at once if any wait, otherwise as soon as one comes within `wait` milliseconds. */
  async take(limit: number, wait: number, signal: AbortSignal | undefined): Promise<PulledDelivery[]> {
    if (this.#closed) throw new AgentwireError("CLOSED", `Agent "${this.#host.name}" has left`);
    if (signal?.aborted) return [];
    const consumer = await (this.#consumer ??= this.#open());
    const taker: Taker = { want: limit, got: [], done: () => {} };
    const arrived = new Promise<void>((resolve) => (taker.done = resolve));
    this.#takers.push(taker);
    this.#ask(consumer);
    this.#options.keepAlive.hold();
    try {
      await consumer.tried();
      const waiting = wait > 0 && taker.got.length === 0 && !this.#closed && !signal?.aborted;
      if (waiting) {
        const timer = this.#host.clock.after(wait, taker.done);
        signal?.addEventListener("abort", taker.done, { once: true });
        await arrived;
        timer.cancel();
        signal?.removeEventListener("abort", taker.done);
      }
    } finally {
      this.#options.keepAlive.release();
    }
    const at = this.#takers.indexOf(taker);
    if (at >= 0) this.#takers.splice(at, 1);
    this.#ask(consumer);
    return taker.got;
  }

  /** Ends every wait; what is held stays with its readers until it is settled, or comes back when its lease lapses. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const taker of this.#takers) taker.done();
    if (this.#consumer) await (await this.#consumer).close({ release: true });
  }

  #open(): Promise<Consumer> {
    const { only, except, lease } = this.#options;
    return this.#host.broker.consume(this.#host.name, {
      instance: this.#host.instance,
      lease,
      renew: false,
      ...(only === undefined ? {} : { types: only }),
      ...(except === undefined ? {} : { exceptTypes: except }),
      onDeliveries: (deliveries) => this.#arrived(deliveries),
      onRevoked: (delivery, why) => this.#revoked(delivery, why),
    });
  }

  #ask(consumer: Consumer): void {
    let wanted = 0;
    for (const taker of this.#takers) wanted += taker.want;
    consumer.credit(wanted);
  }

  #arrived(deliveries: readonly BrokerDelivery[]): void {
    for (const delivery of deliveries) {
      const taker = this.#takers.find((one) => one.want > 0);
      if (!taker) {
        this.#settle(delivery, { outcome: "release" });
        continue;
      }
      this.#hand(delivery, taker);
    }
  }

  #hand(delivery: BrokerDelivery, taker: Taker): void {
    const { message } = delivery;
    if (message.expiresAt !== undefined && message.expiresAt <= this.#host.clock.now())
      return this.#end(delivery, { end: "expired" });
    if (delivery.attempt > this.#options.retry.attempts) {
      const reason = `The process that held the message died ${delivery.attempt - 1} times`;
      return this.#end(delivery, { end: "dead-lettered", code: "ATTEMPTS_EXHAUSTED", reason });
    }
    const type = this.#options.types.get(message.type);
    if (!type)
      return this.#end(delivery, {
        end: "dead-lettered",
        code: "NO_HANDLER",
        reason: `Agent "${this.#host.name}" takes no ${message.type}`,
      });
    taker.want--;
    const give = (payload: unknown): void => {
      const read = (payload === message.payload
        ? message
        : Object.freeze({ ...message, payload })) as unknown as Message<MessageType>;
      const pulled = new PulledDelivery(this.#host, this.#options, delivery, read);
      this.#held.set(delivery, pulled);
      taker.got.push(pulled);
      taker.done();
    };
    const refuse = (error: unknown): void => {
      taker.want++;
      const code = AgentwireError.is(error) ? error.code : "VALIDATION_FAILED";
      this.#end(delivery, {
        end: "dead-lettered",
        code,
        reason: error instanceof Error ? error.message : "The payload cannot be read",
      });
    };
    try {
      const payload = readPayload(type, message);
      if (payload instanceof Promise) payload.then(give, refuse);
      else give(payload);
    } catch (error) {
      refuse(error);
    }
  }

  #end(delivery: BrokerDelivery, how: Parameters<typeof ending>[2]): void {
    const held = { delivery, attempt: delivery.attempt, failures: delivery.failures };
    this.#settle(delivery, ending(this.#host, held, how));
  }

  /** What cannot be settled comes again when its lease lapses. */
  #settle(delivery: BrokerDelivery, settlement: Settlement): void {
    Promise.resolve(delivery.settle(settlement)).catch((error: unknown) =>
      tellRefusal(this.#host, { delivery, settlement, error }),
    );
  }

  #revoked(delivery: BrokerDelivery, why: Revocation): void {
    const code = why === "lease-lost" ? "LEASE_LOST" : (why.toUpperCase() as "SUPERSEDED" | "WITHDRAWN" | "DROPPED");
    this.#held.get(delivery)?.revoke(code);
    this.#held.delete(delivery);
  }
}
