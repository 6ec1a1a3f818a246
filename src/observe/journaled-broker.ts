import type { Broker, CancelResult, CancelTarget, SignalListener } from "../broker/broker.ts";
import type { BrokerCapabilities } from "../broker/capabilities.ts";
import type { ConsumeOptions, Consumer, Delivery } from "../broker/consumer.ts";
import type { InboxSpec, InboxStatus, InspectOptions, Waiting } from "../broker/inbox.ts";
import type { Publication, PublishResult } from "../broker/publication.ts";
import type { CancelledEnd } from "../broker/settlement.ts";
import type { Journal } from "./journal.ts";
import { JournaledDelivery } from "./journaled-delivery.ts";

/** A broker that resolves a publish only when the journal has the messages too, the replies of handlers included. */
export class JournaledBroker implements Broker {
  readonly #broker: Broker;
  readonly #journal: Journal;

  constructor(broker: Broker, journal: Journal) {
    this.#broker = broker;
    this.#journal = journal;
  }

  get capabilities(): BrokerCapabilities {
    return this.#broker.capabilities;
  }

  async publish(batch: readonly Publication[]): Promise<PublishResult[]> {
    const results = await this.#broker.publish(batch);
    // If it fails, the messages are stored all the same: the journal tells of its fault and goes on trying.
    await this.#journal.accepted(batch, results).catch(() => {});
    return results;
  }

  async consume(inbox: string, options: ConsumeOptions): Promise<Consumer> {
    const outer = new WeakMap<Delivery, Delivery>();
    const { onRevoked } = options;
    return this.#broker.consume(inbox, {
      ...options,
      onDeliveries: (deliveries) =>
        options.onDeliveries(
          deliveries.map((delivery) => {
            const journaled = new JournaledDelivery(delivery, this.#journal);
            outer.set(delivery, journaled);
            return journaled;
          }),
        ),
      ...(onRevoked ? { onRevoked: (delivery, why) => onRevoked(outer.get(delivery) ?? delivery, why) } : {}),
    });
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
    this.#broker.signal(topic, data);
  }

  onSignal(topic: string, listener: SignalListener): () => void {
    return this.#broker.onSignal(topic, listener);
  }
}
