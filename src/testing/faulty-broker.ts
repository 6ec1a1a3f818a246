import type { Broker, CancelResult, CancelTarget, SignalListener } from "../broker/broker.ts";
import type { BrokerCapabilities } from "../broker/capabilities.ts";
import type { ConsumeOptions, Consumer, Delivery } from "../broker/consumer.ts";
import type { InboxSpec, InboxStatus, InspectOptions, Waiting } from "../broker/inbox.ts";
import type { Publication, PublishResult } from "../broker/publication.ts";
import type { CancelledEnd, Settlement, SettleResult } from "../broker/settlement.ts";
import { AgentwireError } from "../errors.ts";
import type { Clock } from "../internal/clock.ts";
import type { Envelope } from "../message/envelope.ts";

/** How often each fault happens: chances from 0 to 1, default 0. What happens when is decided by the seed. */
export interface Faults {
  /** A send is refused with REJECTED; nothing is stored. */
  readonly reject?: number;
  /** A send is stored, but its confirmation is lost: INDETERMINATE. */
  readonly loseConfirm?: number;
  /** An acknowledgment is lost: the message is handed out again, marked `redelivered`. */
  readonly dropAck?: number;
  /** The end of a delivery is refused with REJECTED: an acknowledgment or a dead letter that cannot be stored. Nothing changes. */
  readonly refuseSettle?: number;
  /** The process dies before the handler runs: the message is handed out again, marked `redelivered`. */
  readonly crash?: number;
  /** A hand-off comes late, by up to `longestDelay`. */
  readonly delay?: number;
  /** Deliveries that come together are handed over in another order. */
  readonly reorder?: number;
  /** A signal is lost: wake-ups, presence, stream chunks. */
  readonly dropSignal?: number;
  /** Milliseconds; default 1,000. */
  readonly longestDelay?: number;
  /** Milliseconds that the engine's wall clock is ahead of the program's; default 0. */
  readonly clockSkew?: number;
}

/** What a {@link FaultyBroker} is built from. */
export interface FaultyBrokerOptions {
  readonly faults: Faults;
  readonly random: () => number;
  readonly clock: Clock;
  /** Told of each message that the engine has stored, replies of settles excepted. */
  readonly onAccepted?: (message: Envelope) => void;
}

/** A broker that fails as often as a test wants, in an order that a seed repeats exactly. */
export class FaultyBroker implements Broker {
  /** While true, nothing reaches the engine: sends fail with BACKPRESSURE, nothing is handed out. */
  partitioned = false;
  readonly #broker: Broker;
  readonly #options: FaultyBrokerOptions;
  /** The deliveries under which holders know those of the engine. */
  readonly #handed = new WeakMap<Delivery, FaultyDelivery>();
  readonly #heldBack: (() => void)[] = [];

  constructor(broker: Broker, options: FaultyBrokerOptions) {
    this.#broker = broker;
    this.#options = options;
  }

  get capabilities(): BrokerCapabilities {
    return this.#broker.capabilities;
  }

  open(): Promise<void> {
    return this.#broker.open();
  }

  close(): Promise<void> {
    return this.#broker.close();
  }

  declareInbox(spec: InboxSpec): Promise<void> {
    return this.#broker.declareInbox(spec);
  }

  deleteInbox(name: string): Promise<number> {
    return this.#broker.deleteInbox(name);
  }

  async publish(batch: readonly Publication[]): Promise<PublishResult[]> {
    if (this.partitioned) return batch.map(() => failed("BACKPRESSURE", "The engine cannot be reached"));
    const refused = batch.map(() => this.#happens("reject"));
    const results = await this.#broker.publish(batch.filter((_, at) => !refused[at]));
    let next = 0;
    const stored = batch.filter((_, at) => !refused[at]);
    results.forEach((result, at) => {
      if (result.status === "accepted" && !result.duplicate)
        this.#options.onAccepted?.((stored[at] as Publication).message);
    });
    return refused.map((isRefused) => {
      if (isRefused) return failed("REJECTED", "The engine refused the message");
      const result = results[next++] as PublishResult;
      return result.status === "accepted" && this.#happens("loseConfirm")
        ? failed("INDETERMINATE", "The engine's confirmation was lost")
        : result;
    });
  }

  consume(inbox: string, options: ConsumeOptions): Promise<Consumer> {
    return this.#broker.consume(inbox, {
      ...options,
      onDeliveries: (deliveries) => this.#hand(deliveries, options),
      onRevoked: (delivery, why) => options.onRevoked?.(this.#handed.get(delivery) ?? delivery, why),
    });
  }

  cancel(inbox: string, target: CancelTarget, end: CancelledEnd): Promise<CancelResult> {
    return this.#broker.cancel(inbox, target, end);
  }

  inspect(inboxes?: readonly string[], options?: InspectOptions): Promise<InboxStatus[]> {
    return this.#broker.inspect(inboxes, options);
  }

  find(id: string): Promise<Waiting[]> {
    return this.#broker.find(id);
  }

  signal(topic: string, data: unknown): void {
    if (!this.partitioned && !this.#happens("dropSignal")) this.#broker.signal(topic, data);
  }

  onSignal(topic: string, listener: SignalListener, begun?: () => void): () => void {
    return this.#broker.onSignal(topic, listener, begun);
  }

  /** Ends a partition; what was held back meanwhile comes now. */
  heal(): void {
    this.partitioned = false;
    for (const hand of this.#heldBack.splice(0)) hand();
  }

  #hand(deliveries: readonly Delivery[], options: ConsumeOptions): void {
    if (this.partitioned) {
      this.#heldBack.push(() => this.#hand(deliveries, options));
      return;
    }
    const order = this.#happens("reorder") ? [...deliveries].reverse() : deliveries;
    for (const delivery of order) {
      const faulty = new FaultyDelivery(delivery, (fault) => this.#happens(fault));
      this.#handed.set(delivery, faulty);
      if (this.#happens("crash")) void delivery.settle({ outcome: "retry", delay: 0 });
      else if (this.#happens("delay")) {
        const wait = this.#options.random() * (this.#options.faults.longestDelay ?? 1_000);
        this.#options.clock.after(wait, () => options.onDeliveries([faulty]));
      } else options.onDeliveries([faulty]);
    }
  }

  #happens(fault: Exclude<keyof Faults, "longestDelay" | "clockSkew">): boolean {
    const chance = this.#options.faults[fault];
    return chance !== undefined && this.#options.random() < chance;
  }
}

/** A delivery whose settle may be lost or refused. */
class FaultyDelivery implements Delivery {
  readonly #delivery: Delivery;
  readonly #happens: (fault: "dropAck" | "refuseSettle") => boolean;

  constructor(delivery: Delivery, happens: (fault: "dropAck" | "refuseSettle") => boolean) {
    this.#delivery = delivery;
    this.#happens = happens;
  }

  get message(): Delivery["message"] {
    return this.#delivery.message;
  }

  get inbox(): string {
    return this.#delivery.inbox;
  }

  get attempt(): number {
    return this.#delivery.attempt;
  }

  get redelivered(): boolean {
    return this.#delivery.redelivered || this.#delivery.attempt > 1;
  }

  get failures(): Delivery["failures"] {
    return this.#delivery.failures;
  }

  get offeredAt(): number {
    return this.#delivery.offeredAt;
  }

  get leaseEnds(): number | undefined {
    return this.#delivery.leaseEnds;
  }

  settle(settlement: Settlement): Promise<SettleResult> | SettleResult {
    if (settlement.outcome !== "end") return this.#delivery.settle(settlement);
    if (this.#happens("refuseSettle"))
      return Promise.reject(new AgentwireError("REJECTED", "The engine refused to settle the message"));
    if (!this.#happens("dropAck")) return this.#delivery.settle(settlement);
    return Promise.resolve(this.#delivery.settle({ outcome: "retry", delay: 0 })).then(() => "lost");
  }

  extend(lease: number): Promise<boolean> {
    return this.#delivery.extend(lease);
  }
}

function failed(code: "REJECTED" | "INDETERMINATE" | "BACKPRESSURE", message: string): PublishResult {
  return { status: "failed", error: new AgentwireError(code, message) };
}
