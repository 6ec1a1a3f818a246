import assert from "node:assert/strict";
import type { Broker } from "../../../broker/broker.ts";
import type { ConsumeOptions, Consumer, Delivery, Revocation } from "../../../broker/consumer.ts";
import type { Settlement, SettleResult } from "../../../broker/settlement.ts";
import type { Envelope } from "../../../message/envelope.ts";
import type { ReceiptRecord } from "../../../message/receipt-record.ts";
import type { Waiting } from "../waiting.ts";

/** Options of a {@link Taker}. */
export interface TakerOptions extends Partial<Omit<ConsumeOptions, "onDeliveries" | "onRevoked">> {
  /** Default 1,000. */
  readonly credit?: number;
  readonly broker?: Broker;
}

/** A consumer that keeps what it is given until the case asks for it. */
export class Taker {
  /** Everything it was given, in order. */
  readonly given: Delivery[] = [];
  /** Sizes of the groups it was given them in. */
  readonly groups: number[] = [];
  readonly revoked: { readonly id: string; readonly why: Revocation }[] = [];
  readonly #waiting: Waiting;
  #consumer: Consumer | undefined;
  #asked = 0;

  private constructor(waiting: Waiting) {
    this.#waiting = waiting;
  }

  static async start(
    trial: Waiting & { readonly broker: Broker },
    inbox: string,
    options: TakerOptions,
  ): Promise<Taker> {
    const { credit = 1_000, broker = trial.broker, ...consume } = options;
    const taker = new Taker(trial);
    taker.#consumer = await broker.consume(inbox, {
      instance: "taker",
      lease: 30_000,
      renew: true,
      ...consume,
      onDeliveries: (deliveries) => {
        taker.groups.push(deliveries.length);
        taker.given.push(...deliveries);
      },
      onRevoked: (delivery, why) => taker.revoked.push({ id: delivery.message.id, why }),
    });
    if (credit > 0) taker.credit(credit);
    return taker;
  }

  get consumer(): Consumer {
    assert.ok(this.#consumer);
    return this.#consumer;
  }

  get ids(): string[] {
    return this.given.map((delivery) => delivery.message.id);
  }

  credit(deliveries: number): void {
    this.consumer.credit(deliveries);
  }

  /** The next delivery that the case has not asked for yet. */
  async next(): Promise<Delivery> {
    const at = this.#asked++;
    await this.#waiting.until(`delivery ${at + 1} is handed out`, () => this.given.length > at);
    return this.given[at] as Delivery;
  }

  async take(count: number): Promise<Delivery[]> {
    const deliveries: Delivery[] = [];
    while (deliveries.length < count) deliveries.push(await this.next());
    return deliveries;
  }

  /** Checks that nothing is left to be handed out. */
  async nothing(): Promise<void> {
    await this.consumer.tried();
    assert.equal(this.given.length - this.#asked, 0, "nothing more is handed out");
  }

  async close(options?: { readonly release?: boolean }): Promise<void> {
    await this.consumer.close(options);
  }
}

/** Ends a delivery as acknowledged, or as said. */
export async function end(delivery: Delivery, fields: Partial<ReceiptRecord> = {}): Promise<SettleResult> {
  return delivery.settle({ outcome: "end", record: recordOf(delivery, fields) });
}

/** Ends deliveries as acknowledged; each must be the holder's to end. */
export async function endAll(deliveries: readonly Delivery[]): Promise<void> {
  for (const delivery of deliveries) assert.equal(await end(delivery), "settled");
}

/** Dead-letters a delivery, as the library does when it gives a message up. */
export async function giveUp(delivery: Delivery, code: string, reason: string): Promise<SettleResult> {
  const { message, inbox, failures } = delivery;
  const record = recordOf(delivery, { end: "dead-lettered", reason: code });
  const deadLetter = { message, recipient: inbox, code, reason, at: record.at, attempts: failures };
  return delivery.settle({ outcome: "end", record, deadLetter } satisfies Settlement);
}

/** The record of a delivery's end. */
export function recordOf(delivery: Delivery, fields: Partial<ReceiptRecord> = {}): ReceiptRecord {
  const { message, inbox, attempt, offeredAt } = delivery;
  return {
    id: message.id,
    recipient: inbox,
    end: "acknowledged",
    at: offeredAt + 1,
    offeredAt,
    instance: "taker",
    attempt,
    ...fields,
  };
}

/** Ids of messages or deliveries. */
export function idsOf(items: readonly (Envelope | Delivery)[]): string[] {
  return items.map((item) => ("message" in item ? item.message.id : item.id));
}
