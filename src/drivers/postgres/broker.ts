import type { Broker, CancelResult, CancelTarget, SignalListener } from "../../broker/broker.ts";
import type { BrokerCapabilities } from "../../broker/capabilities.ts";
import type { ConsumeOptions, Consumer, Revocation } from "../../broker/consumer.ts";
import type { DriverContext } from "../../broker/driver.ts";
import type { SettleDesk } from "../../broker/held-delivery.ts";
import type { InboxSpec, InboxStatus, InspectOptions, Waiting } from "../../broker/inbox.ts";
import type { Publication, PublishResult } from "../../broker/publication.ts";
import type { CancelledEnd, Settlement, SettleResult } from "../../broker/settlement.ts";
import { AgentwireError } from "../../errors.ts";
import { type Ask, beginConsumer } from "./begin.ts";
import { compared } from "./body.ts";
import type { Session } from "./connection.ts";
import { PostgresConsumer } from "./consumer.ts";
import { forwardedIn } from "./forwarded.ts";
import type { PostgresDelivery } from "./holding.ts";
import { Inspector } from "./inspect.ts";
import { Publisher } from "./publish.ts";
import type { Server } from "./session.ts";
import { Settler } from "./settle.ts";
import { Signals } from "./signals.ts";
import type { Topics } from "./topics.ts";
import { wasSettled } from "./uncertain.ts";

/** A statement removes at most so many copies with their inbox. */
const DELETE_BATCH = 5_000;

const DECLARE = "SELECT declare_inbox($1, $2, $3, $4, $5, $6, $7) AS id";

/** Messages in a PostgreSQL database. */
export class PostgresBroker implements Broker, SettleDesk<PostgresDelivery> {
  readonly #context: DriverContext;
  readonly #server: Server;
  readonly #publisher: Publisher;
  readonly #settler: Settler;
  readonly #signals: Signals;
  readonly #inspector: Inspector;
  readonly #consumers = new Map<number, PostgresConsumer>();
  /** Inboxes of this process alone, which go when it is gone for a while. */
  readonly #own = new Map<string, InboxSpec>();
  readonly #stops: (() => void)[] = [];
  #isOpen = false;
  #token = 0;

  constructor(context: DriverContext, server: Server, topics: Topics) {
    this.#context = context;
    this.#server = server;
    const onHungry = (inboxes: readonly number[]): void => this.#look(inboxes);
    const onTime = (at: number): void => server.noteTime(at);
    this.#publisher = new Publisher({ server, context, onHungry, onTime });
    const onRecords = (records: readonly unknown[]): void => this.#signals.records(records);
    this.#settler = new Settler({ server, context, onHungry, onRecords, onTime });
    this.#inspector = new Inspector(server, context);
    const onError = (error: unknown): void =>
      context.report({
        type: "driver.fault",
        driver: "postgres",
        message: `A listener of signals threw: ${(error as Error).message}`,
      });
    this.#signals = new Signals(server, topics, { scope: context.scope, onError });
  }

  get capabilities(): BrokerCapabilities {
    return {
      driver: "postgres",
      durability: this.#server.durability,
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

  async open(): Promise<void> {
    await this.#server.open("broker");
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#stops.push(
      this.#server.onTold((data) => this.#told(data)),
      this.#server.onHungry((inboxes) => this.#look(inboxes)),
      this.#server.onRestore((session) => this.#restore(session)),
      this.#server.onSweep(() => {
        for (const consumer of this.#consumers.values()) consumer.look();
      }),
    );
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#settler.flush();
    const consumers = [...this.#consumers.values()];
    // Where the server is out of reach, what is held comes back when its lease has run out.
    if (this.#server.isConnected)
      await Promise.allSettled(consumers.map((consumer) => consumer.close({ release: true })));
    else for (const consumer of consumers) consumer.abandon();
    for (const stop of this.#stops.splice(0)) stop();
    this.#signals.clear();
    if (this.#own.size > 0 && this.#server.isConnected) {
      const statement = { text: "SELECT leave_inboxes($1, $2)", values: [this.#context.scope, this.#server.peer] };
      await this.#server.call("Leaving", statement).catch(() => {});
    }
    await this.#server.close("broker");
  }

  async declareInbox(spec: InboxSpec): Promise<void> {
    if (spec.expiresAfter !== undefined) this.#own.set(spec.name, spec);
    await this.#server.call(`Declaring the inbox "${spec.name}"`, { text: DECLARE, values: this.#declaration(spec) });
    for (const consumer of this.#consumers.values()) if (consumer.inbox === spec.name) consumer.look();
  }

  async deleteInbox(name: string): Promise<number> {
    this.#own.delete(name);
    for (let total = 0; ; ) {
      const { ended, more } = await this.#server.row(`Deleting the inbox "${name}"`, {
        text: "SELECT ended, more FROM delete_inbox($1, $2, $3)",
        values: [this.#context.scope, name, DELETE_BATCH],
      });
      total += (ended as number | null) ?? 0;
      if (more !== true) return total;
    }
  }

  publish(batch: readonly Publication[]): Promise<PublishResult[]> {
    return Promise.all(batch.map((publication) => this.#publisher.publish(publication)));
  }

  async consume(inbox: string, options: ConsumeOptions): Promise<Consumer> {
    const ask: Ask = async (statement) => ({
      rows: await this.#server.call(`Consuming the inbox "${inbox}"`, statement),
    });
    const at = await beginConsumer(ask, { scope: this.#context.scope, peer: this.#server.peer, inbox, options });
    if (!at)
      throw new AgentwireError("AGENT_NOT_FOUND", `There is no inbox "${inbox}"`, {
        details: { agent: inbox, suggestions: [] },
      });
    // Before it takes anything: what the dead held comes first.
    await this.#server.succeed(at.others);
    const consumer = new PostgresConsumer(inbox, options, {
      at,
      around: {
        server: this.#server,
        context: this.#context,
        settler: this.#settler,
        desk: this,
        nextToken: () => ++this.#token,
        onClose: (closed) => {
          this.#consumers.delete(closed.id);
          // One that stood by may go on.
          this.#look([closed.inboxId]);
        },
      },
    });
    this.#consumers.set(consumer.id, consumer);
    return consumer;
  }

  async cancel(inbox: string, target: CancelTarget, end: CancelledEnd): Promise<CancelResult> {
    const id = "id" in target ? target.id : null;
    const [sender, order] = "key" in target ? [target.sender, compared(target.key)] : [null, null];
    const { ended, kept } = await this.#server.row(`Cancelling in the inbox "${inbox}"`, {
      text: "SELECT ended, kept FROM cancel($1, $2, $3, $4, $5, $6)",
      values: [this.#context.scope, inbox, id, sender, order, end],
    });
    return { ended: ended as number, held: kept as number };
  }

  inspect(inboxes?: readonly string[], { peek = 0 }: InspectOptions = {}): Promise<InboxStatus[]> {
    return this.#inspector.inspect(inboxes, peek);
  }

  find(id: string): Promise<Waiting[]> {
    return this.#inspector.find(id);
  }

  signal(topic: string, data: unknown): void {
    if (this.#isOpen) this.#signals.send(topic, data);
  }

  onSignal(topic: string, listener: SignalListener, begun?: () => void): () => void {
    return this.#signals.listen(topic, listener, begun);
  }

  async settle(delivery: PostgresDelivery, settlement: Settlement): Promise<SettleResult> {
    let result: SettleResult;
    try {
      result = await this.#settle(delivery, settlement);
    } catch (error) {
      if (AgentwireError.is(error, "INDETERMINATE")) delivery.isUncertain = true;
      throw error;
    }
    // It may have been this holder's own settle that ended it, whose answer was lost.
    if (result === "lost" && delivery.isUncertain && (await wasSettled(this.#server, delivery, settlement)))
      result = "settled";
    this.#consumers.get(delivery.claim.consumer)?.settled(delivery);
    return result;
  }

  async extend(delivery: PostgresDelivery, lease: number): Promise<boolean> {
    const consumer = this.#consumers.get(delivery.claim.consumer);
    if (!consumer) return false;
    const mine = await consumer.extend([delivery], lease);
    consumer.leaseChanged(delivery);
    return mine.has(delivery);
  }

  #settle(delivery: PostgresDelivery, settlement: Settlement): Promise<SettleResult> {
    if (settlement.outcome !== "end") return this.#settler.back(delivery, settlement);
    const { record, deadLetter, emit, lazy = false } = settlement;
    const { claim, message, inbox } = delivery;
    // It is nobody's but this process's: at worst it is answered a second time.
    const isPrivate = delivery.isForwarded && this.#own.has(inbox);
    return this.#settler.end(
      {
        claim,
        record,
        isSynced: !isPrivate || deadLetter !== undefined || emit !== undefined,
        ...(deadLetter ? { letter: JSON.stringify(deadLetter) } : {}),
        ...(emit ? { emitted: emit.map((publication) => this.#publisher.encode(publication)) } : {}),
        ...(this.#context.journal ? { handOff: { message, handOff: record } } : {}),
      },
      { lazy },
    );
  }

  /** Has the consumers of these inboxes look for more. */
  #look(inboxes: readonly number[]): void {
    if (inboxes.length === 0) return;
    for (const consumer of this.#consumers.values()) if (inboxes.includes(consumer.inboxId)) consumer.look();
  }

  /** What other processes tell this one: `w` there is something in an inbox, `f` here it is, `r` a delivery was revoked, `t` look at the time. */
  #told(data: string): void {
    const rest = data.slice(1);
    if (data.startsWith("w")) return this.#look([Number(rest)]);
    if (data.startsWith("f")) {
      const forwarded = forwardedIn(data);
      return this.#consumers.get(forwarded.consumer)?.forwarded(forwarded);
    }
    if (data.startsWith("t")) return this.#server.lookAtTime();
    const [consumer, token, level, place, why] = JSON.parse(rest) as [number, number, number, number, Revocation];
    this.#consumers.get(consumer)?.revoke({ level, place, token }, why);
  }

  async #restore(session: Session): Promise<void> {
    for (const spec of this.#own.values()) await session.query({ text: DECLARE, values: this.#declaration(spec) });
    for (const consumer of this.#consumers.values()) await consumer.restore((statement) => session.query(statement));
  }

  #declaration({ name, capacity, overflow, paused, expiresAfter }: InboxSpec): unknown[] {
    const given = [capacity, overflow, paused, expiresAfter].map((value) => value ?? null);
    return [this.#context.scope, this.#server.peer, name, ...given];
  }
}
