import type { Consumer } from "../../broker/consumer.ts";
import type { LocalConsumer } from "./holding.ts";
import type { Session } from "./session.ts";
import { giveBack } from "./settle.ts";

/** A consumer as its owner sees it. */
export class SqliteConsumer implements Consumer {
  readonly #consumer: LocalConsumer;
  readonly #session: Session;
  readonly #onClose: () => void;

  constructor(consumer: LocalConsumer, session: Session, onClose: () => void) {
    this.#consumer = consumer;
    this.#session = session;
    this.#onClose = onClose;
    session.join(consumer);
  }

  credit(deliveries: number): void {
    const consumer = this.#consumer;
    if (consumer.closing) return;
    consumer.credit = deliveries;
    if (deliveries > 0) this.#session.serve(this.#session.outlet(consumer.inbox));
  }

  async tried(): Promise<void> {
    const consumer = this.#consumer;
    do {
      await this.#session.run(`Looking into the inbox "${consumer.inbox}"`, (tx) => {
        if (!consumer.closing) tx.supplied.add(this.#session.outlet(consumer.inbox));
      });
    } while (consumer.credit > 0 && !consumer.closing && this.#session.isServing(consumer.inbox));
  }

  async close({ release = false }: { readonly release?: boolean } = {}): Promise<void> {
    const consumer = this.#consumer;
    if (consumer.closing && !release) return;
    consumer.closing = true;
    consumer.credit = 0;
    await this.#session.run(`Closing a consumer of the inbox "${consumer.inbox}"`, (tx) => {
      const inbox = tx.tables.inboxes.find(consumer.inbox);
      if (release && inbox) for (const delivery of [...consumer.held.values()]) giveBack(tx, inbox, delivery);
      tx.touch(consumer);
      tx.rows++;
      // One that stood by, or waits for a key, may go on in another process.
      if (inbox) tx.wakeOthers(inbox);
      const outlet = inbox && tx.outletOf(inbox);
      if (outlet) tx.supplied.add(outlet);
    });
    if (consumer.held.size > 0) return;
    this.#session.leave(consumer);
    this.#onClose();
  }
}
