import { AgingGuard, EMPTY_LEVEL } from "../../../src/broker/aging.ts";
import type { ConsumeOptions, Consumer, Delivery } from "../../../src/broker/consumer.ts";
import type { Settlement, SettleResult } from "../../../src/broker/settlement.ts";
import { PRIORITIES } from "../../../src/message/envelope.ts";
import { levelOf, type Row } from "./row.ts";

/** What deliveries and consumers need of the broker around them. */
export interface Desk {
  settle(delivery: HeldDelivery, settlement: Settlement): Promise<SettleResult>;
  extend(delivery: HeldDelivery, lease: number): Promise<boolean>;
  /** Looks at an inbox once more, from now on. */
  look(inbox: string): Promise<void>;
  /** The same, while nobody waits for it. */
  wake(inbox: string): void;
  leave(consumer: OwnConsumer, options: { readonly release: boolean }): Promise<void>;
}

/** A copy that a consumer of this process holds, as far as it knows. */
export class HeldDelivery implements Delivery {
  readonly row: Row;
  readonly consumer: OwnConsumer;
  readonly message: Delivery["message"];
  readonly offeredAt: number;
  leaseEnds: number | undefined;
  #outcome: Promise<SettleResult> | undefined;

  constructor(row: Row, consumer: OwnConsumer) {
    this.row = row;
    this.consumer = consumer;
    this.message = Object.freeze(row.message);
    this.offeredAt = row.offered?.offeredAt ?? 0;
    this.leaseEnds = row.holder?.until;
  }

  get inbox(): string {
    return this.row.inbox;
  }

  get attempt(): number {
    return this.row.attempt;
  }

  get redelivered(): boolean {
    return this.row.redelivered;
  }

  get failures(): Delivery["failures"] {
    return this.row.failures;
  }

  /** Whether its holder has given it up, or is about to. */
  get isLeft(): boolean {
    return this.#outcome !== undefined;
  }

  async settle(settlement: Settlement): Promise<SettleResult> {
    if (this.#outcome) return (await this.#outcome) === "settled" ? "already" : "lost";
    this.#outcome = this.consumer.desk.settle(this, settlement);
    try {
      return await this.#outcome;
    } catch (error) {
      // It may be tried again.
      this.#outcome = undefined;
      throw error;
    }
  }

  async extend(lease: number): Promise<boolean> {
    return !this.#outcome && this.consumer.desk.extend(this, lease);
  }
}

/** A consumer of this process. */
export class OwnConsumer implements Consumer {
  readonly id: string;
  readonly inbox: string;
  readonly options: ConsumeOptions;
  readonly desk: Desk;
  left = 0;
  isClosed = false;
  readonly #aging = new AgingGuard();

  constructor(id: string, inbox: string, about: { readonly options: ConsumeOptions; readonly desk: Desk }) {
    this.id = id;
    this.inbox = inbox;
    this.options = about.options;
    this.desk = about.desk;
  }

  credit(deliveries: number): void {
    if (this.isClosed) return;
    this.left = deliveries;
    if (deliveries > 0) this.desk.wake(this.inbox);
  }

  tried(): Promise<void> {
    return this.desk.look(this.inbox);
  }

  async close(options: { readonly release?: boolean } = {}): Promise<void> {
    this.isClosed = true;
    this.left = 0;
    await this.desk.leave(this, { release: options.release ?? false });
  }

  /** Takes the next copy for this consumer out of those that are ready. */
  next(ready: Set<Row>): Row | undefined {
    const { types, exceptTypes } = this.options;
    const heads = new Array<number>(PRIORITIES.length).fill(EMPTY_LEVEL);
    const rows: Row[] = [];
    for (const row of ready) {
      const { type } = row.message;
      if (types?.includes(type) === false || exceptTypes?.includes(type)) continue;
      const level = levelOf(row);
      if (row.place >= (heads[level] as number)) continue;
      heads[level] = row.place;
      rows[level] = row;
    }
    const row = rows[this.#aging.choose(heads)];
    if (row) ready.delete(row);
    return row;
  }
}
