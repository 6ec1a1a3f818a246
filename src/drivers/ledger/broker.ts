import { randomBytes } from "node:crypto";
import type { Broker, CancelResult, CancelTarget, SignalListener } from "../../broker/broker.ts";
import type { BrokerCapabilities } from "../../broker/capabilities.ts";
import type { ConsumeOptions, Consumer } from "../../broker/consumer.ts";
import type { DriverContext, DriverEvent } from "../../broker/driver.ts";
import type { InboxSpec, InboxStatus, InspectOptions, Waiting } from "../../broker/inbox.ts";
import type { Publication, PublishResult } from "../../broker/publication.ts";
import type { CancelledEnd } from "../../broker/settlement.ts";
import { AgentwireError } from "../../errors.ts";
import { KeepAlive } from "../../internal/keep-alive.ts";
import type { Store } from "../../store/store.ts";
import { Canceller } from "./canceller.ts";
import { Caretaker } from "./caretaker.ts";
import { LedgerConsumer } from "./consumer.ts";
import { Delays } from "./delays.ts";
import { Desk } from "./desk.ts";
import type { Arrival, QueueEngine } from "./engine.ts";
import { Expiries } from "./expiries.ts";
import { Finisher } from "./finisher.ts";
import { Inboxes } from "./inboxes.ts";
import { Looking } from "./inspect.ts";
import { changeSheet, sheetIn } from "./packed-sheet.ts";
import { Picker } from "./picker.ts";
import { Presence } from "./presence.ts";
import { Publisher, unknown } from "./publisher.ts";
import { Rooms } from "./rooms.ts";
import { keyOf, type SheetRow, textOfBody } from "./rows.ts";
import { Signals } from "./signals.ts";
import { Takeover } from "./takeover.ts";

/** Topic on which processes tell each other of changed sheets and of consumers that have left. */
const NEWS = "$ledger";

interface News {
  /** A sheet that others have changed. */
  readonly sheet?: string;
  /** An inbox whose exclusive consumers may go on. */
  readonly free?: string;
}

interface ActiveRow {
  readonly process: string;
  readonly consumer: string;
}

/**
 * Messages in an engine that keeps no state, and all the rest in a store: what is held, decided, delayed and cancelled.
 * Everything is one write at a time; whoever finds something half done goes on with it.
 */
export class LedgerBroker implements Broker {
  readonly #context: DriverContext;
  readonly #store: Store;
  readonly #engine: QueueEngine;
  readonly #process: string;
  readonly #inboxes: Inboxes;
  readonly #presence: Presence;
  readonly #finisher: Finisher;
  readonly #publisher: Publisher;
  readonly #delays: Delays;
  readonly #expiries: Expiries;
  readonly #desk: Desk;
  readonly #picker: Picker;
  readonly #takeover: Takeover;
  readonly #canceller: Canceller;
  readonly #caretaker: Caretaker;
  readonly #looking: Looking;
  readonly #signals: Signals;
  readonly #consumers = new Set<LedgerConsumer>();
  /** Some of what is awaited waits for time to pass. */
  readonly #keepAlive = new KeepAlive();
  #count = 0;
  #state: "new" | "open" | "closing" | "closed" = "new";

  constructor(engine: QueueEngine, store: Store, context: DriverContext) {
    this.#context = context;
    this.#store = store;
    this.#engine = engine;
    this.#process = `${context.instance}-${randomBytes(9).toString("base64url")}`;
    const fault = (error: unknown): void => this.#fault(error);
    const told = (key: string): void => this.#tell({ sheet: key });
    const process = this.#process;
    this.#inboxes = new Inboxes(store, (name) => this.#inboxChanged(name));
    this.#presence = new Presence({ store, context, process, left: () => this.#caretaker.left() });
    this.#signals = new Signals(engine, fault);
    const { about } = this.#presence;
    this.#finisher = new Finisher({
      store,
      context,
      engine,
      emit: (publications) => this.#publisher.emit(publications),
      delay: (inbox, { entry, arrival }) => {
        const { i: id, l: level, again, dueAt = 0 } = entry;
        const { from, key, expiresAt, createdAt } = context.codec.decode(arrival.body);
        const order = key === undefined ? {} : { key };
        const about = { inbox, id, level, dueAt, from, createdAt, ...order, ...textOfBody(arrival.body) };
        const rest = { ...(expiresAt === undefined ? {} : { expiresAt }), ...(again ? { past: again } : {}) };
        return this.#delays.add([{ ...about, ...rest }]);
      },
      signal: (topic, data) => this.#signals.send(topic, data),
    });
    this.#desk = new Desk({ store, context, finisher: this.#finisher, process, about });
    this.#delays = new Delays({
      store,
      context,
      engine,
      end: (inbox, record) => this.#desk.end(inbox, { record }),
      fault,
    });
    const adopt = (key: string): void => void this.#caretaker.adopt(key).catch(fault);
    this.#takeover = new Takeover({ store, context, engine, presence: this.#presence, process, told, adopt });
    this.#picker = new Picker({ context, engine, takeover: this.#takeover, desk: this.#desk });
    this.#canceller = new Canceller({
      store,
      context,
      engine,
      delays: this.#delays,
      desk: this.#desk,
      picker: this.#picker,
      told,
    });
    this.#expiries = new Expiries({
      store,
      context,
      process,
      end: (one) => this.#canceller.expire(one.inbox, one),
      fault,
    });
    this.#looking = new Looking({
      store,
      context,
      engine,
      inboxes: this.#inboxes,
      delays: this.#delays,
      presence: this.#presence,
    });
    const waiting = (names: readonly string[]): Promise<number[]> => this.#looking.waiting(names);
    this.#publisher = new Publisher({
      store,
      context,
      engine,
      inboxes: this.#inboxes,
      rooms: new Rooms({ clock: context.clock, count: waiting }),
      process,
      delay: (rows) => this.#delays.add(rows),
      end: (inbox, record, letter) => this.#desk.end(inbox, { record, letter }),
      supersede: (inbox, publication) => this.#supersede(inbox, publication),
      dropOldest: (inbox) => this.#dropOldest(inbox),
      expire: ({ inbox, mark, message }) => {
        if (engine.remove && message.expiresAt !== undefined)
          this.#expiries.add({ inbox, mark, id: message.id, at: message.expiresAt });
      },
      waiting,
    });
    this.#caretaker = new Caretaker({
      store,
      context,
      engine,
      presence: this.#presence,
      delays: this.#delays,
      finisher: this.#finisher,
      process,
      adoptIntent: (intent) => this.#publisher.adopt(intent),
      expireDue: () => this.#expiries.sweep(),
      deleteInbox: (name) => this.#deleteInbox(name),
      freed: () => this.#wakeStandbys(),
      fault,
    });
  }

  get capabilities(): BrokerCapabilities {
    const { driver, durability, look, remove } = this.#engine;
    return {
      driver,
      durability,
      atomicSettle: false,
      transactionalRouting: false,
      peek: look !== undefined,
      selective: false,
      cancelWaiting: look !== undefined && remove !== undefined,
      sharedAging: false,
      keyLocks: false,
      releasesInPlace: false,
      limits: false,
    };
  }

  open(): Promise<void> {
    return this.#during(this.#open());
  }

  async #open(): Promise<void> {
    await this.#engine.open({
      lost: (arrivals) => this.#lost(arrivals),
      signalled: (topic, data) => this.#signalled(topic, data),
      restored: () => this.#restored(),
      unclaimed: (inbox) =>
        [...this.#consumers].reduce((sum, one) => sum + (one.inbox === inbox ? one.unclaimed : 0), 0),
    });
    try {
      await this.#engine.hear(NEWS);
      await this.#inboxes.start();
      await this.#presence.start();
      this.#state = "open";
      await this.#caretaker.start();
    } catch (error) {
      this.abandon();
      await this.#engine.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#state !== "open") return;
    await this.#during(this.#close());
    this.#keepAlive.close();
  }

  async #close(): Promise<void> {
    if (!this.#engine.isConnected) {
      // What is held is given to others when its lease has lapsed.
      this.abandon();
      return this.#engine.close();
    }
    this.#state = "closing";
    this.#signals.clear();
    this.#caretaker.stop();
    this.#delays.stop();
    this.#expiries.stop();
    await Promise.allSettled([...this.#consumers].map((consumer) => consumer.close({ release: true })));
    await this.#publisher.drain();
    await this.#desk.close();
    await this.#presence.stop().catch(() => {});
    this.#inboxes.stop();
    this.#state = "closed";
    await this.#engine.close();
  }

  /** Ends as a killed process would: nothing more is done, and nobody is told. */
  abandon(): void {
    this.#state = "closed";
    this.#signals.clear();
    this.#caretaker.stop();
    this.#delays.stop();
    this.#expiries.stop();
    this.#presence.abandon();
    this.#inboxes.stop();
    this.#desk.abandon();
    for (const consumer of this.#consumers) consumer.abandon();
  }

  async declareInbox(spec: InboxSpec): Promise<void> {
    this.#check();
    await this.#inboxes.declare(spec, this.#process);
  }

  deleteInbox(name: string): Promise<number> {
    this.#check();
    return this.#deleteInbox(name);
  }

  publish(batch: readonly Publication[]): Promise<PublishResult[]> {
    this.#check();
    return this.#publisher.publish(batch);
  }

  async consume(inbox: string, options: ConsumeOptions): Promise<Consumer> {
    this.#check();
    return this.#during(this.#consume(inbox, options));
  }

  async #consume(inbox: string, options: ConsumeOptions): Promise<Consumer> {
    if (!(await this.#inboxes.find(inbox))) throw unknown(inbox);
    await this.#succeed(inbox);
    const consumer = new LedgerConsumer(inbox, options, {
      store: this.#store,
      context: this.#context,
      engine: this.#engine,
      inboxes: this.#inboxes,
      finisher: this.#finisher,
      takeover: this.#takeover,
      process: this.#process,
      about: this.#presence.about,
      id: `${this.#process}-${++this.#count}`,
      activate: (one) => this.#activate(one),
      passOn: (one) => this.#passOn(one),
      left: (one) => void this.#consumers.delete(one),
      quarantined: (name, { message: { id }, code }) =>
        this.#report({
          type: "driver.quarantined",
          message: `Message ${id} in the inbox of "${name}" cannot be read (${code}); it is among the dead letters`,
          details: { inbox: name, id, code },
        }),
      fault: (error) => this.#fault(error),
    });
    this.#consumers.add(consumer);
    try {
      await consumer.enter();
    } catch (error) {
      this.#consumers.delete(consumer);
      throw error;
    }
    return consumer;
  }

  async cancel(inbox: string, target: CancelTarget, end: CancelledEnd): Promise<CancelResult> {
    this.#check();
    if (!(await this.#inboxes.find(inbox))) return { ended: 0, held: 0 };
    return this.#canceller.cancel(inbox, target, end);
  }

  inspect(inboxes?: readonly string[], options: InspectOptions = {}): Promise<InboxStatus[]> {
    this.#check();
    return this.#looking.inspect(inboxes, options);
  }

  find(id: string): Promise<Waiting[]> {
    this.#check();
    return this.#looking.find(id);
  }

  signal(topic: string, data: unknown): void {
    if (this.#state === "open") this.#signals.send(topic, data);
  }

  onSignal(topic: string, listener: SignalListener, begun?: () => void): () => void {
    return this.#signals.listen(topic, listener, begun);
  }

  /** Takes over what dead processes hold of an inbox, before anyone takes from it. */
  async #succeed(inbox: string): Promise<void> {
    const alive = await this.#presence.alive();
    for (const entry of await this.#store.list(keyOf("sheets", inbox, "")))
      if (this.#presence.isOrphan(sheetIn(entry), alive)) await this.#caretaker.adopt(entry.key);
  }

  async #activate({ id, inbox }: LedgerConsumer): Promise<number | undefined> {
    const key = keyOf("active", inbox);
    const entry = await this.#store.get(key);
    const now = entry?.value as ActiveRow | undefined;
    if (now?.consumer === id) return undefined;
    if (now) {
      const sheetKey = keyOf("sheets", inbox, now.consumer);
      const sheet = await this.#store.get(sheetKey);
      const row = sheet && sheetIn(sheet);
      const isGone = !row || this.#presence.isGone(row, await this.#presence.alive());
      const left = isGone ? 0 : this.#presence.leaseLeft(sheetKey, row);
      if (left > 0) return left + 1;
      // What that one held comes first.
      const held = (row?.held ?? []).map(([, { l, m }]) => ({ level: l, mark: m }));
      if (held.length > 0) this.#engine.free?.(inbox, held);
    }
    const own: ActiveRow = { process: this.#process, consumer: id };
    const taken = await this.#store.put(key, own, { ifRevision: entry?.revision ?? 0 });
    return taken === undefined ? 1 : undefined;
  }

  async #passOn(consumer: LedgerConsumer): Promise<void> {
    if (!consumer.options.exclusive) return;
    const key = keyOf("active", consumer.inbox);
    const entry = await this.#store.get(key);
    if ((entry?.value as ActiveRow | undefined)?.consumer !== consumer.id) return;
    await this.#store.delete(key);
    this.#tell({ free: consumer.inbox });
  }

  async #deleteInbox(name: string): Promise<number> {
    if (!(await this.#inboxes.remove(name))) return 0;
    const at = this.#context.clock.now();
    const dropped = (id: string, rest: object = {}) =>
      this.#desk.end(name, {
        record: { id, recipient: name, end: "dropped", at, attempt: 0, ...rest },
      });
    let ended = 0;
    // Those who hold something of it find their sheets gone.
    for (const { key } of await this.#store.list(keyOf("sheets", name, ""))) {
      let row: SheetRow | undefined;
      await changeSheet(this.#store, key, (now) => {
        row = now;
        return now && { ...now, held: [] };
      });
      const held = row?.held ?? [];
      ended += held.length;
      await Promise.all(
        held.map(([, { i, a, o }]) => dropped(i, { attempt: a, offeredAt: o, instance: row?.instance })),
      );
      this.#tell({ sheet: key });
    }
    for (const { id } of await this.#delays.list(name))
      if (await this.#delays.end(name, id, { end: "dropped", at })) ended++;
    for (let more = 1; more > 0; ended += more) more = await this.#picker.endSome(name, "dropped");
    await this.#engine.clear(name);
    this.#desk.forget(name);
    for (const kind of ["sheets", "tombs", "pasts", "delayed"])
      for (const { key } of await this.#store.list(keyOf(kind, name, ""))) await this.#store.delete(key);
    for (const kind of ["counts", "active"]) await this.#store.delete(keyOf(kind, name));
    return ended;
  }

  async #supersede(inbox: string, { message, supersedes }: Publication): Promise<void> {
    if (!supersedes) return;
    const { from, id } = message;
    if ("key" in supersedes) {
      const target = { sender: from, key: supersedes.key, before: id };
      await this.#canceller.cancelSelected(inbox, target, "superseded");
      return;
    }
    const [found] = (await this.#looking.find(supersedes.id)).filter((one) => one.inbox === inbox);
    if (found?.message.from === from) await this.#canceller.cancelSelected(inbox, { id: supersedes.id }, "superseded");
  }

  async #dropOldest(inbox: string): Promise<boolean> {
    if (await this.#picker.endOldest(inbox, "dropped")) return true;
    const at = this.#context.clock.now();
    for (const { id } of await this.#delays.list(inbox))
      if (await this.#delays.end(inbox, id, { end: "dropped", at })) return true;
    return false;
  }

  async #during<T>(work: Promise<T>): Promise<T> {
    this.#keepAlive.hold();
    try {
      return await work;
    } finally {
      this.#keepAlive.release();
    }
  }

  #lost(arrivals: readonly Arrival[]): void {
    const lost = new Set(arrivals);
    for (const consumer of this.#consumers) consumer.drop(lost);
  }

  #restored(): void {
    this.#signals.begun();
    for (const consumer of this.#consumers) {
      consumer.sheet.refresh().catch((error: unknown) => this.#fault(error));
      consumer.wake();
    }
    this.#caretaker.left();
  }

  #inboxChanged(name: string): void {
    for (const consumer of this.#consumers) if (consumer.inbox === name) consumer.wake();
  }

  #wakeStandbys(inbox?: string): void {
    for (const consumer of this.#consumers) if (inbox === undefined || consumer.inbox === inbox) consumer.wake();
  }

  #tell(news: News): void {
    this.#engine.signal(NEWS, JSON.stringify(news));
  }

  #signalled(topic: string, data: string): void {
    if (topic !== NEWS) return this.#signals.arrived(topic, data);
    if (this.#state !== "open") return;
    const { sheet, free } = JSON.parse(data) as News;
    if (sheet !== undefined) {
      this.#desk.told(sheet);
      for (const consumer of this.#consumers)
        if (consumer.sheet.key === sheet) consumer.sheet.refresh().catch((error: unknown) => this.#fault(error));
    }
    if (free !== undefined) this.#wakeStandbys(free);
  }

  #fault(error: unknown): void {
    if (this.#state !== "open" || AgentwireError.is(error, "CLOSED")) return;
    this.#report({ type: "driver.fault", message: (error as Error).message });
  }

  #report(event: Omit<DriverEvent, "driver">): void {
    this.#context.report({ ...event, driver: this.#engine.driver });
  }

  #check(): void {
    if (this.#state !== "open") throw new AgentwireError("CLOSED", `The ${this.#engine.driver} driver is not open`);
  }
}
