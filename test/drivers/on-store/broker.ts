import { randomBytes } from "node:crypto";
import type { Broker, CancelResult, CancelTarget, SignalListener } from "../../../src/broker/broker.ts";
import type { BrokerCapabilities } from "../../../src/broker/capabilities.ts";
import type { ConsumeOptions, Consumer } from "../../../src/broker/consumer.ts";
import type { DriverContext } from "../../../src/broker/driver.ts";
import type { InboxSpec, InboxStatus, InspectOptions, Waiting } from "../../../src/broker/inbox.ts";
import type { Publication, PublishResult } from "../../../src/broker/publication.ts";
import type { CancelledEnd, Settlement, SettleResult } from "../../../src/broker/settlement.ts";
import { AgentwireError } from "../../../src/errors.ts";
import type { Timer } from "../../../src/internal/clock.ts";
import { Coalesced } from "../../../src/internal/coalesced.ts";
import type { End } from "../../../src/message/receipt-record.ts";
import type { Change, Store } from "../../../src/store/store.ts";
import { Copies, targeted } from "./copies.ts";
import { type Desk, HeldDelivery, OwnConsumer } from "./holding.ts";
import { find, statusOf } from "./inspect.ts";
import { type Intent, Publisher } from "./publisher.ts";
import { BUCKET, changeValue, type InboxRow, keyOf, listOf, type Row, returned } from "./row.ts";

/** A process that has not been heard of for so long counts as dead. */
const PRESENCE = 3_000;
const SIGNAL_LIFE = 5_000;

/** Options of an {@link OnStoreBroker}. */
export interface OnStoreOptions {
  /** What is released goes to its old place, or, as where engines requeue, ahead of all that waits; default true. */
  readonly keepsPlaces?: boolean;
}

/** Messages without an engine of their own: all of it stands in the store of the context, and no step changes two keys. */
export class OnStoreBroker implements Broker, Desk {
  readonly #context: DriverContext;
  readonly #store: Store;
  readonly #process: string;
  readonly #keepsPlaces: boolean;
  readonly #copies: Copies;
  readonly #publisher: Publisher;
  readonly #looks = new Map<string, Coalesced>();
  readonly #consumers = new Set<OwnConsumer>();
  readonly #held = new Set<HeldDelivery>();
  readonly #told = new WeakSet<HeldDelivery>();
  readonly #listeners = new Map<string, Set<SignalListener>>();
  readonly #timers = new Map<string, Timer>();
  #stopWatching = (): void => {};
  #count = 0;
  #state: "new" | "open" | "leaving" | "closed" = "new";

  constructor(context: DriverContext, store: Store, options: OnStoreOptions = {}) {
    this.#context = context;
    this.#keepsPlaces = options.keepsPlaces ?? true;
    this.#store = store;
    this.#process = `${context.instance}-${randomBytes(6).toString("hex")}`;
    const parts = { store, context, process: this.#process };
    this.#copies = new Copies({
      ...parts,
      signal: (topic, data) => this.signal(topic, data),
      emit: async (publications) => {
        for (const publication of publications) await this.#publisher.publish(publication, "emitted");
      },
    });
    this.#publisher = new Publisher({ ...parts, copies: this.#copies });
  }

  get capabilities(): BrokerCapabilities {
    return {
      driver: "on-store",
      durability: this.#store.capabilities.durability,
      atomicSettle: false,
      transactionalRouting: false,
      peek: true,
      selective: true,
      cancelWaiting: true,
      sharedAging: false,
      keyLocks: false,
      releasesInPlace: this.#keepsPlaces,
      limits: false,
      leaseLoss: PRESENCE,
    };
  }

  async open(): Promise<void> {
    this.#state = "open";
    await this.#renew();
    this.#stopWatching = this.#store.watch(BUCKET, (changes) => {
      for (const change of changes) this.#changed(change);
    });
    await this.#lookAtAll();
  }

  async close(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "leaving";
    await Promise.all([...this.#consumers].map((consumer) => consumer.close({ release: true })));
    await this.#release([...this.#held]);
    this.abandon();
    await Promise.all([...this.#looks.values()].map((look) => look.idle()));
    await this.#store.delete(keyOf("processes", this.#process));
  }

  get isGone(): boolean {
    return this.#state === "closed";
  }

  /** Ends as a killed process would: nothing more is done, and nobody is told. */
  abandon(): void {
    this.#state = "closed";
    this.#stopWatching();
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#listeners.clear();
  }

  async declareInbox({ name, capacity, overflow, paused, expiresAfter }: InboxSpec): Promise<void> {
    this.#check();
    const fresh: InboxRow = { name, capacity: 1_000_000, overflow: "reject", paused: false, place: 0, front: 0 };
    await changeValue<InboxRow>(this.#store, keyOf("inboxes", name), (now = fresh) => ({
      ...now,
      capacity: capacity ?? now.capacity,
      overflow: overflow ?? now.overflow,
      paused: paused ?? now.paused,
      ...(expiresAfter === undefined ? {} : { expires: { after: expiresAfter, owner: this.#process } }),
    }));
  }

  async deleteInbox(name: string): Promise<number> {
    this.#check();
    if (!(await this.#store.delete(keyOf("inboxes", name)))) return 0;
    let ended = 0;
    for (const row of await this.#copies.of(name)) {
      if (await this.#copies.change(row, (now) => this.#copies.ended(now, "dropped"))) ended++;
    }
    for (const { id } of await listOf<{ id: string }>(this.#store, "ended", name))
      await this.#store.delete(keyOf("ended", name, id));
    return ended;
  }

  async publish(batch: readonly Publication[]): Promise<PublishResult[]> {
    this.#check();
    const results: PublishResult[] = [];
    for (const publication of batch) results.push(await this.#publisher.publish(publication, "sent"));
    return results;
  }

  async consume(inbox: string, options: ConsumeOptions): Promise<Consumer> {
    this.#check();
    if (!(await this.#store.get(keyOf("inboxes", inbox))))
      throw new AgentwireError("AGENT_NOT_FOUND", `There is no inbox "${inbox}"`, {
        details: { agent: inbox, suggestions: [] },
      });
    const consumer = new OwnConsumer(`${this.#process}-${++this.#count}`, inbox, { options, desk: this });
    await this.#store.put(keyOf("consumers", inbox, consumer.id), { process: this.#process });
    this.#consumers.add(consumer);
    return consumer;
  }

  async cancel(inbox: string, target: CancelTarget, end: CancelledEnd): Promise<CancelResult> {
    this.#check();
    return this.#copies.cancel(targeted(await this.#copies.of(inbox), target), end);
  }

  async inspect(inboxes?: readonly string[], { peek = 0 }: InspectOptions = {}): Promise<InboxStatus[]> {
    this.#check();
    const rows = await listOf<InboxRow>(this.#store, "inboxes");
    const wanted = inboxes ? rows.filter(({ name }) => inboxes.includes(name)) : rows;
    return Promise.all(wanted.map((row) => statusOf(this.#store, row, peek)));
  }

  find(id: string): Promise<Waiting[]> {
    this.#check();
    return find(this.#store, id);
  }

  signal(topic: string, data: unknown): void {
    if (this.#state !== "open") return;
    const key = keyOf("signals", topic, `${this.#process}-${++this.#count}`);
    this.#background(this.#store.put(key, { data }, { ttl: SIGNAL_LIFE }));
  }

  onSignal(topic: string, listener: SignalListener): () => void {
    const own: SignalListener = (data) => listener(data);
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners.add(own));
    return () => void listeners.delete(own);
  }

  async settle(delivery: HeldDelivery, settlement: Settlement): Promise<SettleResult> {
    const { row } = delivery;
    const { clock } = this.#context;
    const isBehind = settlement.outcome === "retry" && settlement.delay <= 0;
    const isAhead = settlement.outcome === "release" && !this.#keepsPlaces;
    let place: number | undefined;
    if (isBehind) place = await this.#copies.nextPlace(row.inbox);
    else if (isAhead) place = await this.#copies.frontPlace(row.inbox);
    const settled = await this.#copies.change(row, (now) => {
      if (now.state !== "held" || now.claim !== row.claim) return undefined;
      if (settlement.outcome === "end") {
        const { record, deadLetter, emit = [] } = settlement;
        const ending = { process: this.#process, record, emit, ...(deadLetter ? { deadLetter } : {}) };
        return { ...now, state: "ended", ending };
      }
      if (now.cancelled) return this.#copies.ended(now, now.cancelled);
      const back = { ...returned(now, { counts: false }), place: place ?? now.place };
      if (settlement.outcome === "release") return back;
      const failures = settlement.failure ? [...now.failures, settlement.failure] : now.failures;
      const next: Row = { ...back, attempt: now.attempt, failures };
      return isBehind ? next : { ...next, state: "delayed", dueAt: clock.now() + settlement.delay };
    });
    this.#held.delete(delivery);
    if (!settled) return this.#settledBefore(row);
    if (settlement.outcome === "end") await this.#copies.journal(row, settlement.record);
    if (settlement.outcome === "retry") await this.#journal(row);
    return "settled";
  }

  /** A settle that failed halfway is gone on with. */
  async #settledBefore(row: Row): Promise<SettleResult> {
    const now = await this.#copies.get(row.inbox, row.message.id);
    if (now?.ending?.process !== this.#process || now.claim !== row.claim) return "lost";
    await this.#copies.finish(now, now.ending);
    return "settled";
  }

  async extend(delivery: HeldDelivery, lease: number): Promise<boolean> {
    const { row } = delivery;
    const until = this.#context.clock.monotonic() + lease;
    const extended = await this.#copies.change(row, (now) =>
      now.state === "held" && now.claim === row.claim && now.holder
        ? { ...now, holder: now.holder.until === undefined ? now.holder : { ...now.holder, until } }
        : undefined,
    );
    delivery.leaseEnds = extended?.holder?.until;
    return extended !== undefined;
  }

  async leave(consumer: OwnConsumer, { release }: { readonly release: boolean }): Promise<void> {
    // What was claimed for it meanwhile is given back.
    await this.look(consumer.inbox);
    this.#consumers.delete(consumer);
    if (release) await this.#release([...this.#held].filter((delivery) => delivery.consumer === consumer));
    await this.#store.delete(keyOf("consumers", consumer.inbox, consumer.id));
    const active = keyOf("active", consumer.inbox);
    const entry = await this.#store.get(active);
    if (entry && (entry.value as { consumer: string }).consumer === consumer.id) await this.#store.delete(active);
  }

  look(inbox: string): Promise<void> {
    let look = this.#looks.get(inbox);
    if (!look) this.#looks.set(inbox, (look = new Coalesced(() => this.#look(inbox))));
    return look.run();
  }

  wake(inbox: string): void {
    this.#background(this.look(inbox));
  }

  /** Brings an inbox up to date, tells the holders in this process, and hands out what it can. */
  async #look(inbox: string): Promise<void> {
    if (this.#state === "closed") return;
    const alive = await this.#alive();
    for (const row of await this.#copies.of(inbox)) await this.#update(row, alive);
    const rows = await this.#copies.of(inbox);
    for (const row of rows.filter((one) => this.#isDue(one)).sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0)))
      await this.#ripen(row);
    await this.#tellHolders(inbox, rows);
    await this.#handOut(inbox, alive);
    this.#wakeFor(inbox, await this.#copies.of(inbox));
  }

  async #update(row: Row, alive: ReadonlySet<string>): Promise<void> {
    const { clock } = this.#context;
    const { ending, holder } = row;
    if (ending) return alive.has(ending.process) ? undefined : this.#copies.adopt(row);
    if (holder) {
      if (alive.has(holder.process) && (holder.until ?? Number.POSITIVE_INFINITY) > clock.monotonic()) return;
      const back = await this.#copies.change(row, (now) => {
        if (now.state !== "held" || now.claim !== row.claim || now.holder?.until !== holder.until) return undefined;
        return now.cancelled ? this.#copies.ended(now, now.cancelled) : returned(now, { counts: true });
      });
      if (back) await this.#journal(row);
    } else if ((row.message.expiresAt ?? Number.POSITIVE_INFINITY) <= clock.now()) {
      await this.#copies.endWaiting(row, "expired");
    }
  }

  #isDue(row: Row): boolean {
    return row.state === "delayed" && (row.dueAt ?? 0) <= this.#context.clock.now();
  }

  async #ripen(row: Row): Promise<void> {
    const place = await this.#copies.nextPlace(row.inbox);
    if (place === undefined) return;
    await this.#copies.change(row, ({ dueAt: _, ...now }) =>
      now.state === "delayed" ? { ...now, state: "ready", place } : undefined,
    );
  }

  async #tellHolders(inbox: string, rows: readonly Row[]): Promise<void> {
    const byId = new Map(rows.map((row) => [row.message.id, row]));
    for (const delivery of [...this.#held]) {
      if (delivery.inbox !== inbox || delivery.isLeft) continue;
      const row = byId.get(delivery.message.id);
      const { onRevoked } = delivery.consumer.options;
      if (row?.state === "held" && row.claim === delivery.row.claim) {
        if (!row.cancelled || this.#told.has(delivery)) continue;
        this.#told.add(delivery);
        onRevoked?.(delivery, row.cancelled);
      } else {
        this.#held.delete(delivery);
        // Of a copy that has ended a mark is left; without one its inbox is gone.
        const mark = (await this.#store.get(keyOf("ended", inbox, delivery.message.id)))?.value as
          | { end: End }
          | undefined;
        const end = row ? row.ending?.record.end : (mark?.end ?? "dropped");
        onRevoked?.(delivery, end === "dropped" ? "dropped" : "lease-lost");
      }
    }
  }

  async #handOut(inbox: string, alive: ReadonlySet<string>): Promise<void> {
    const entry = await this.#store.get(keyOf("inboxes", inbox));
    if (!entry || (entry.value as InboxRow).paused) return;
    const ready = new Set((await this.#copies.of(inbox)).filter((row) => row.state === "ready"));
    let hungry = [...this.#consumers].filter((consumer) => consumer.inbox === inbox);
    while (hungry.length > 0) {
      const fed: OwnConsumer[] = [];
      for (const consumer of hungry) if (await this.#feed(consumer, ready, alive)) fed.push(consumer);
      hungry = fed;
    }
  }

  /** Claims one copy for a consumer and hands it over, unless it was paused or closed meanwhile. */
  async #feed(consumer: OwnConsumer, ready: Set<Row>, alive: ReadonlySet<string>): Promise<boolean> {
    const { clock } = this.#context;
    const { options } = consumer;
    if (consumer.left <= 0 || (options.exclusive && !(await this.#isActive(consumer, alive)))) return false;
    const row = consumer.next(ready);
    if (!row) return false;
    const claimed = await this.#copies.change(row, (now) => {
      if (now.state !== "ready" || (now.message.expiresAt ?? Number.POSITIVE_INFINITY) <= clock.now()) return undefined;
      const until = options.renew ? {} : { until: clock.monotonic() + options.lease };
      return {
        ...now,
        state: "held",
        attempt: now.attempt + 1,
        claim: now.claim + 1,
        holder: { process: this.#process, instance: options.instance, ...until },
        offered: { offeredAt: clock.now(), instance: options.instance },
      };
    });
    if (!claimed) return true;
    const delivery = new HeldDelivery(claimed, consumer);
    if (consumer.left <= 0) {
      await this.settle(delivery, { outcome: "release" });
      return false;
    }
    consumer.left--;
    this.#held.add(delivery);
    options.onDeliveries([delivery]);
    return true;
  }

  async #isActive(consumer: OwnConsumer, alive: ReadonlySet<string>): Promise<boolean> {
    const own = { process: this.#process, consumer: consumer.id };
    const active = await changeValue<typeof own>(this.#store, keyOf("active", consumer.inbox), (now) =>
      now && alive.has(now.process) ? undefined : own,
    );
    if (active) return true;
    const entry = await this.#store.get(keyOf("active", consumer.inbox));
    return (entry?.value as typeof own | undefined)?.consumer === consumer.id;
  }

  /** Gives deliveries back, so that they come in their old order again wherever they are put. */
  async #release(deliveries: readonly HeldDelivery[]): Promise<void> {
    for (const delivery of [...deliveries].sort((a, b) => b.row.place - a.row.place)) {
      this.#held.delete(delivery);
      if (!delivery.isLeft) await this.settle(delivery, { outcome: "release" });
    }
  }

  async #journal(row: Row): Promise<void> {
    const { offered, attempt, inbox: recipient, message } = row;
    await this.#copies.journal(row, {
      id: message.id,
      recipient,
      at: this.#context.clock.now(),
      attempt,
      ...offered,
    });
  }

  /** Looks again when time alone changes something. */
  #wakeFor(inbox: string, rows: readonly Row[]): void {
    const { clock } = this.#context;
    const never = Number.POSITIVE_INFINITY;
    const waits = rows.map(({ dueAt = never, message, holder, state }) =>
      state === "held"
        ? (holder?.until ?? never) - clock.monotonic()
        : Math.min(dueAt, message.expiresAt ?? never) - clock.now(),
    );
    const wait = Math.min(...waits);
    if (wait < never) this.#after(`look ${inbox}`, Math.max(1, wait), () => this.wake(inbox));
  }

  #changed({ key, value }: Change): void {
    const [kind, name = ""] = key.slice(BUCKET.length).split("/").map(decodeURIComponent);
    if (kind === "signals" && value !== undefined) {
      for (const listener of [...(this.#listeners.get(name) ?? [])]) this.#tell(listener, value as { data: unknown });
    } else if (kind === "processes" && value === undefined && name !== this.#process)
      this.#background(this.#lookAtAll());
    else if (kind === "copies" || kind === "inboxes" || kind === "active") this.wake(name);
  }

  #tell(listener: SignalListener, { data }: { readonly data: unknown }): void {
    try {
      listener(data);
    } catch {
      this.#context.report({ type: "driver.fault", driver: "on-store", message: "A listener threw an error." });
    }
  }

  /** A process is gone, or this one is new: sees to what others have left. */
  async #lookAtAll(): Promise<void> {
    const alive = await this.#alive();
    for (const intent of await listOf<Intent>(this.#store, "intents"))
      if (!alive.has(intent.process)) await this.#publisher.adopt(intent);
    for (const { name, expires } of await listOf<InboxRow>(this.#store, "inboxes")) {
      await this.look(name);
      if (expires && !alive.has(expires.owner)) this.#expireLater(name, expires);
    }
  }

  #expireLater(name: string, { after, owner }: { readonly after: number; readonly owner: string }): void {
    this.#after(`expire ${name}`, after, () =>
      this.#background(
        (async () => {
          const row = (await this.#store.get(keyOf("inboxes", name)))?.value as InboxRow | undefined;
          if (row?.expires?.owner === owner && !(await this.#alive()).has(owner)) await this.deleteInbox(name);
        })(),
      ),
    );
  }

  async #alive(): Promise<ReadonlySet<string>> {
    return new Set((await listOf<{ process: string }>(this.#store, "processes")).map(({ process }) => process));
  }

  async #renew(): Promise<void> {
    if (this.#state === "closed") return;
    this.#after("renew", PRESENCE / 3, () => this.#background(this.#renew()));
    const own = { process: this.#process };
    await this.#store.put(keyOf("processes", this.#process), own, { ttl: PRESENCE });
  }

  #after(name: string, delay: number, then: () => void): void {
    this.#timers.get(name)?.cancel();
    if (this.#state !== "closed") this.#timers.set(name, this.#context.clock.after(delay, then));
  }

  #background(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (this.#state === "open")
        this.#context.report({ type: "driver.fault", driver: "on-store", message: String(error) });
    });
  }

  #check(): void {
    if (this.#state === "new" || this.#state === "closed")
      throw new AgentwireError("CLOSED", "The on-store driver is not open");
  }
}
