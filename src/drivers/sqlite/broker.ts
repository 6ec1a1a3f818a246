import type { Broker, CancelResult, CancelTarget, SignalListener } from "../../broker/broker.ts";
import type { BrokerCapabilities } from "../../broker/capabilities.ts";
import type { ConsumeOptions, Consumer } from "../../broker/consumer.ts";
import type { DriverContext } from "../../broker/driver.ts";
import type { SettleDesk } from "../../broker/held-delivery.ts";
import type { InboxSpec, InboxStatus, InspectOptions, Waiting } from "../../broker/inbox.ts";
import type { Publication, PublishResult } from "../../broker/publication.ts";
import type { CancelledEnd, Settlement, SettleResult } from "../../broker/settlement.ts";
import { AgentwireError } from "../../errors.ts";
import type { DurabilityReport } from "../../store/durability.ts";
import { cancelCopies, findCopies } from "./cancel.ts";
import { SqliteConsumer } from "./consumer.ts";
import { LocalConsumer, type SqliteDelivery } from "./holding.ts";
import { deleteInboxStep } from "./inbox-removal.ts";
import { Inspector } from "./inspect.ts";
import { type EncodedPublication, publish } from "./publish.ts";
import type { Session } from "./session.ts";
import { settle } from "./settle.ts";

/** A batch is stored in transactions of at most so many messages. */
const PUBLISH_BATCH = 128;
const NOTHING: readonly EncodedPublication[] = [];

/** Messages in an SQLite file. */
export class SqliteBroker implements Broker, SettleDesk<SqliteDelivery> {
  readonly capabilities: BrokerCapabilities;
  readonly #context: DriverContext;
  readonly #consumers = new Set<SqliteConsumer>();
  #session: Session | undefined;
  #isOpen = false;

  constructor(context: DriverContext, durability: DurabilityReport) {
    this.#context = context;
    this.capabilities = {
      driver: "sqlite",
      durability,
      atomicSettle: true,
      transactionalRouting: true,
      peek: true,
      selective: true,
      cancelWaiting: true,
      sharedAging: true,
      keyLocks: true,
      releasesInPlace: true,
      limits: true,
      attempts: true,
    };
  }

  /** Gives the broker the session that it shares with the store. */
  use(session: Session): this {
    this.#session = session;
    return this;
  }

  async open(): Promise<void> {
    await this.#file.open("broker");
    this.#isOpen = true;
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await Promise.all([...this.#consumers].map((consumer) => consumer.close({ release: true })));
    await this.#file.leaveMessages();
    await this.#file.close("broker");
  }

  async declareInbox(spec: InboxSpec): Promise<void> {
    await this.#file.run(`Declaring the inbox "${spec.name}"`, (tx) => {
      tx.tables.inboxes.declare(spec, tx.peer);
      const outlet = this.#file.outlets.get(spec.name);
      if (outlet) tx.supplied.add(outlet);
    });
    this.#file.wakeAll(spec.name);
  }

  async deleteInbox(name: string): Promise<number> {
    for (let total = 0; ; ) {
      const { ended, more } = await this.#file.run(`Deleting the inbox "${name}"`, (tx) => deleteInboxStep(tx, name));
      total += ended;
      if (!more) return total;
    }
  }

  async publish(batch: readonly Publication[]): Promise<PublishResult[]> {
    if (batch.length <= PUBLISH_BATCH) return this.#publish(batch);
    const parts: Promise<PublishResult[]>[] = [];
    for (let at = 0; at < batch.length; at += PUBLISH_BATCH)
      parts.push(this.#publish(batch.slice(at, at + PUBLISH_BATCH)));
    return (await Promise.all(parts)).flat();
  }

  async consume(inbox: string, options: ConsumeOptions): Promise<Consumer> {
    const { instance, lease, exclusive = false } = options;
    const claimId = await this.#file.run(`Consuming the inbox "${inbox}"`, (tx) => {
      const row = tx.tables.inboxes.find(inbox);
      if (!row)
        throw new AgentwireError("AGENT_NOT_FOUND", `There is no inbox "${inbox}"`, {
          details: { agent: inbox, suggestions: [] },
        });
      tx.rows++;
      // Consumers elsewhere have to know that there is one more whose leases can lapse.
      tx.wakeOthers(row);
      return tx.tables.claims.add({ inboxId: row.id, peer: tx.peer, instance, exclusive, lease });
    });
    const consumer = new SqliteConsumer(new LocalConsumer(inbox, options, claimId), this.#file, () =>
      this.#consumers.delete(consumer),
    );
    this.#consumers.add(consumer);
    return consumer;
  }

  async cancel(inbox: string, target: CancelTarget, end: CancelledEnd): Promise<CancelResult> {
    return this.#file.run(`Cancelling in the inbox "${inbox}"`, (tx) => {
      const row = tx.tables.inboxes.find(inbox);
      return row ? cancelCopies(tx, row, findCopies(tx, row, target), end) : { ended: 0, held: 0 };
    });
  }

  inspect(inboxes?: readonly string[], { peek = 0 }: InspectOptions = {}): Promise<InboxStatus[]> {
    return this.#file.run("Looking at inboxes", (tx) => {
      const { inboxes: table } = tx.tables;
      const rows = inboxes ? inboxes.map((name) => table.find(name)).filter((row) => row !== undefined) : table.all();
      const inspector = new Inspector(tx, this.#context.codec);
      return rows.map((row) => inspector.status(row, peek));
    });
  }

  find(id: string): Promise<Waiting[]> {
    return this.#file.run("Looking for a message", (tx) => new Inspector(tx, this.#context.codec).find(id));
  }

  signal(topic: string, data: unknown): void {
    if (this.#isOpen) this.#file.signals.send(topic, data);
  }

  onSignal(topic: string, listener: SignalListener, begun?: () => void): () => void {
    return this.#file.signals.listen(topic, listener, begun);
  }

  settle(delivery: SqliteDelivery, settlement: Settlement): Promise<SettleResult> {
    const isEnd = settlement.outcome === "end";
    const emitted =
      isEnd && settlement.emit ? settlement.emit.map((publication) => this.#encode(publication)) : NOTHING;
    return this.#file.run("Settling", (tx) => settle(tx, delivery, { settlement, emitted }), {
      lazy: isEnd && settlement.lazy === true,
      // Its inbox ends with this process, and what is in it then ends with it.
      synced: !(delivery.isForwarded && isEnd && settlement.emit === undefined),
    });
  }

  async extend(delivery: SqliteDelivery, lease: number): Promise<boolean> {
    const { consumer } = delivery;
    const isHeld = await this.#file.run("Extending a lease", (tx) => {
      if (consumer.held.get(delivery.slot) !== delivery || (!consumer.options.renew && delivery.until <= tx.monotonic))
        return false;
      delivery.until = tx.monotonic + lease;
      tx.touch(consumer);
      tx.rows++;
      return true;
    });
    this.#file.leasesChanged();
    return isHeld;
  }

  get #file(): Session {
    return this.#session as Session;
  }

  async #publish(batch: readonly Publication[]): Promise<PublishResult[]> {
    const results = new Array<PublishResult>(batch.length);
    const encoded: (EncodedPublication | undefined)[] = batch.map((publication, at) => {
      try {
        return this.#encode(publication);
      } catch (error) {
        results[at] = { status: "failed", error: asRejected(error) };
        return undefined;
      }
    });
    try {
      await this.#file.run("Publishing", (tx) => {
        encoded.forEach((one, at) => {
          if (one) results[at] = publish(tx, one);
        });
      });
    } catch (error) {
      const failure = asRejected(error);
      encoded.forEach((one, at) => {
        if (one) results[at] = { status: "failed", error: failure };
      });
    }
    return results;
  }

  #encode(publication: Publication): EncodedPublication {
    return { publication, body: this.#context.codec.encode(publication.message) };
  }
}

function asRejected(error: unknown): AgentwireError {
  if (AgentwireError.is(error)) return error;
  return new AgentwireError("REJECTED", `The message could not be stored: ${(error as Error).message}`, {
    cause: error,
  });
}
