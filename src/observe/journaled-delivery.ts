import type { Delivery } from "../broker/consumer.ts";
import type { Publication, PublishResult } from "../broker/publication.ts";
import type { Settlement, SettleResult } from "../broker/settlement.ts";
import type { Envelope } from "../message/envelope.ts";
import type { FailedAttempt } from "../message/receipt-record.ts";
import type { Journal } from "./journal.ts";

/** A delivery whose settling resolves only when the journal has the messages that it emitted. */
export class JournaledDelivery implements Delivery {
  readonly #delivery: Delivery;
  readonly #journal: Journal;

  constructor(delivery: Delivery, journal: Journal) {
    this.#delivery = delivery;
    this.#journal = journal;
  }

  get message(): Envelope {
    return this.#delivery.message;
  }

  get inbox(): string {
    return this.#delivery.inbox;
  }

  get attempt(): number {
    return this.#delivery.attempt;
  }

  get redelivered(): boolean {
    return this.#delivery.redelivered;
  }

  get failures(): readonly FailedAttempt[] {
    return this.#delivery.failures;
  }

  get offeredAt(): number {
    return this.#delivery.offeredAt;
  }

  settle(settlement: Settlement): Promise<SettleResult> | SettleResult {
    const emitted = settlement.outcome === "end" ? (settlement.emit ?? []) : [];
    const result = this.#delivery.settle(settlement);
    return emitted.length === 0 ? result : this.#journaled(result, emitted);
  }

  extend(lease: number): Promise<boolean> {
    return this.#delivery.extend(lease);
  }

  async #journaled(
    settling: Promise<SettleResult> | SettleResult,
    emitted: readonly Publication[],
  ): Promise<SettleResult> {
    const result = await settling;
    if (result === "settled") await this.#journal.accepted(emitted, emitted.map(asAccepted)).catch(() => {});
    return result;
  }
}

/** What a settle emits is stored with it, for the inboxes it names. */
function asAccepted({ message, to }: Publication): PublishResult {
  const copies = "pick" in to ? [] : to.map((inbox) => ({ inbox, state: "accepted" as const }));
  return { status: "accepted", id: message.id, copies, duplicate: false };
}
