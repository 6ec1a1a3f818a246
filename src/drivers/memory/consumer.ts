import type { ConsumeOptions, Consumer, Delivery, Revocation } from "../../broker/consumer.ts";
import type { Copy, Holder } from "./copy.ts";
import { TypeFilter } from "./type-filter.ts";

/** The inbox of a consumer, as the consumer sees it. */
export interface ConsumedInbox {
  /** The consumer has credit now. */
  ready(consumer: MemoryConsumer): void;
  /** Hands out what it can, at once. */
  dispatch(): number;
  leave(consumer: MemoryConsumer, options: { readonly release: boolean }): void;
}

/** Takes deliveries of one inbox. */
export class MemoryConsumer implements Consumer, Holder {
  /** The connection it was made through. */
  readonly owner: object;
  readonly instance: string;
  /** Length of its leases in milliseconds; 0 where they renew themselves, as they do while this process lives. */
  readonly lease: number;
  readonly exclusive: boolean;
  readonly filter: TypeFilter | undefined;
  /** Deliveries it may still be given. */
  left = 0;
  readonly #inbox: ConsumedInbox;
  readonly #options: ConsumeOptions;
  #batch: Copy[] = [];
  #closed = false;

  constructor(inbox: ConsumedInbox, owner: object, options: ConsumeOptions) {
    this.owner = owner;
    this.#inbox = inbox;
    this.#options = options;
    this.instance = options.instance;
    this.lease = options.renew ? 0 : options.lease;
    this.exclusive = options.exclusive ?? false;
    this.filter = TypeFilter.of(options);
  }

  credit(deliveries: number): void {
    if (this.#closed) return;
    this.left = deliveries;
    if (deliveries > 0) this.#inbox.ready(this);
  }

  async tried(): Promise<void> {
    this.#inbox.dispatch();
  }

  async close(options: { readonly release?: boolean } = {}): Promise<void> {
    this.stop();
    this.#inbox.leave(this, { release: options.release ?? false });
  }

  /** Takes no more. */
  stop(): void {
    this.#closed = true;
    this.left = 0;
  }

  /** Takes a copy into the next {@link flush}. */
  give(copy: Copy): void {
    this.left--;
    this.#batch.push(copy);
  }

  /** Hands over what was given. */
  flush(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#options.onDeliveries(batch);
  }

  /** Tells the holder that a delivery is no longer its own. */
  revoke(delivery: Delivery, why: Revocation): void {
    this.#options.onRevoked?.(delivery, why);
  }
}
