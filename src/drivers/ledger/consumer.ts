import type { ConsumeOptions, Consumer, Revocation } from "../../broker/consumer.ts";
import type { DriverContext } from "../../broker/driver.ts";
import type { CancelledEnd, Settlement, SettleResult } from "../../broker/settlement.ts";
import { AgentwireError } from "../../errors.ts";
import type { Timer } from "../../internal/clock.ts";
import type { Envelope } from "../../message/envelope.ts";
import type { DeadLetter } from "../../message/receipt-record.ts";
import type { Store } from "../../store/store.ts";
import { apart, asked, type Claim, type Claimed, claimAhead, claimOn, keepPasts, lostOf } from "./claims.ts";
import { decide } from "./decide.ts";
import { LedgerDelivery } from "./delivery.ts";
import type { Arrival, QueueEngine, Source } from "./engine.ts";
import type { Finisher } from "./finisher.ts";
import type { Inboxes } from "./inboxes.ts";
import { type HeldEntry, keyOf, lapsedPast, type OverEntry, pastOf, type Tomb } from "./rows.ts";
import { Sheet, type SheetNews, type SheetState } from "./sheet.ts";
import type { Takeover, Verdict } from "./takeover.ts";
import { unreadable } from "./unreadable.ts";

/** What a consumer needs around it. */
export interface ConsumerParts {
  readonly store: Store;
  readonly context: DriverContext;
  readonly engine: QueueEngine;
  readonly inboxes: Inboxes;
  readonly finisher: Finisher;
  readonly takeover: Takeover;
  readonly process: string;
  readonly about: string;
  readonly id: string;
  /** Makes it the active one of the exclusive consumers; otherwise in how many milliseconds that may be possible. */
  activate(consumer: LedgerConsumer): Promise<number | undefined>;
  /** A standby may become active. */
  passOn(consumer: LedgerConsumer): Promise<void>;
  left(consumer: LedgerConsumer): void;
  quarantined(inbox: string, letter: DeadLetter<Envelope>): void;
  fault(error: unknown): void;
}

/** Of a lease, the part after which it is renewed. */
const PART = 1 / 3;
const PAUSE_AFTER_FAULT = 200;

/** Takes deliveries of one inbox: claims on its sheet what the engine gives, and settles there. */
export class LedgerConsumer implements Consumer {
  readonly inbox: string;
  readonly options: ConsumeOptions;
  readonly sheet: Sheet;
  readonly #parts: ConsumerParts;
  readonly #deliveries = new Map<number, LedgerDelivery>();
  readonly #tombs: Tomb[] = [];
  #source: Source | undefined;
  #credit = 0;
  #arrived: Arrival[] = [];
  #claiming: Promise<void> | undefined;
  #inClaim = 0;
  #claims = 0;
  #isClosed = false;
  #hasLeft = false;
  #isActive: boolean;
  #renewal: Timer | undefined;
  #lapse: Timer | undefined;
  #standby: Timer | undefined;

  constructor(inbox: string, options: ConsumeOptions, parts: ConsumerParts) {
    this.inbox = inbox;
    this.options = options;
    this.#parts = parts;
    this.#isActive = options.exclusive !== true;
    const { store, context, process, about, id } = parts;
    this.sheet = new Sheet({
      store,
      clock: context.clock,
      inbox,
      id,
      process,
      about,
      instance: options.instance,
      consumes: true,
      lease: options.lease,
      changed: (news) => this.#changed(news),
    });
  }

  get id(): string {
    return this.#parts.id;
  }

  get until(): number {
    return this.sheet.until;
  }

  /** Enters it into the books of its inbox. */
  async enter(): Promise<void> {
    const { store, engine } = this.#parts;
    await this.sheet.commit(() => {});
    // After its sheet is there: what is cancelled from now on is written on that.
    const tombs = await store.list(keyOf("tombs", this.inbox, ""));
    this.#tombs.push(...tombs.map(({ value }) => value as Tomb));
    const { window } = this.options;
    this.#source = await engine.take(this.inbox, {
      ...(window === undefined ? {} : { window }),
      onArrivals: (arrivals) => this.#arrive(arrivals),
    });
  }

  credit(deliveries: number): void {
    if (this.#isClosed) return;
    this.#credit = deliveries;
    this.#want();
    if (deliveries > 0 && !this.#isActive) this.activate();
  }

  async tried(): Promise<void> {
    for (;;) {
      if (this.#isClosed) return;
      if (!this.#isActive) await this.#activate();
      const before = this.#claims;
      if (this.#isActive && this.#credit > 0) await this.#source?.tried();
      await this.#claimed();
      if (this.#claims === before || this.#credit <= 0) return;
    }
  }

  async close({ release = false }: { readonly release?: boolean } = {}): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#credit = 0;
      this.#source?.want(0);
      await this.#claimed();
      await this.#source?.close();
      await this.#claimed();
      this.sheet.close();
    }
    if (release) await this.#releaseAll();
    await this.#parts.finisher.hurry();
    if (this.#deliveries.size === 0) await this.#leave();
  }

  /** The engine has given these to others. */
  drop(arrivals: ReadonlySet<Arrival>): void {
    this.#arrived = this.#arrived.filter((arrival) => !arrivals.has(arrival));
    const lost = [...this.#deliveries.values()].filter(({ arrival }) => arrivals.has(arrival));
    if (lost.length === 0) return;
    for (const delivery of lost) this.#lose(delivery, "lease-lost");
    const { store, fault } = this.#parts;
    const pasts = lost.map(({ entry }) => {
      const past = { ...lapsedPast(entry, this.options.instance), i: entry.i };
      return store.put(keyOf("pasts", this.inbox, entry.i), past);
    });
    Promise.all(pasts)
      .then(() =>
        this.sheet.commit(({ held }) => {
          for (const { number } of lost) held.delete(number);
        }),
      )
      .catch(fault);
  }

  /** Its inbox has changed or is gone, or another consumer has left it. */
  wake(): void {
    this.#want();
    if (!this.#isActive && this.#credit > 0) this.activate();
  }

  /** Ends as its process would that is gone. */
  abandon(): void {
    this.#isClosed = true;
    this.#cancelTimers();
    this.sheet.abandon();
  }

  /** Becomes the active one of the exclusive consumers, if there is none. */
  activate(): void {
    this.#activate().catch(this.#parts.fault);
  }

  async settle(delivery: LedgerDelivery, settlement: Settlement): Promise<SettleResult> {
    const { engine, finisher, context } = this.#parts;
    const { number, arrival, message } = delivery;
    if (delivery.isLost || this.#hasLeft) return "lost";
    if (!engine.isConnected)
      throw new AgentwireError(
        "ENGINE_STATE",
        "Settling failed: the connection to the engine is lost; it is made again",
      );
    if (settlement.outcome === "release") await this.#keepPast(delivery);
    // Its record is written, and synced, before the copy goes.
    const isRelaxed = settlement.outcome === "end";
    const decision = { number, message, settlement, inbox: this.inbox, instance: this.options.instance };
    const decided = await this.sheet.commit((state) => decide(state, decision, context.clock.now()), { isRelaxed });
    if (decided === "lost") {
      this.#lose(delivery, undefined);
      engine.forget([arrival]);
      return "lost";
    }
    this.#deliveries.delete(number);
    if (decided === "back") {
      await engine.giveBack([arrival]);
    } else {
      const at = context.clock.now();
      const about = { recipient: this.inbox, at, attempt: delivery.attempt, offeredAt: delivery.offeredAt };
      const handOff = { id: message.id, ...about, instance: this.options.instance };
      await finisher.finish({
        inbox: this.inbox,
        sheet: this.sheet,
        number,
        entry: decided.over,
        arrival,
        message,
        isLazy: settlement.outcome === "end" && settlement.lazy === true,
        ...(decided.over.again ? { handOff } : {}),
      });
    }
    if (this.#isClosed && this.#deliveries.size === 0) await this.#leave();
    return "settled";
  }

  /** What has come for it and is not on its sheet yet. */
  get unclaimed(): number {
    return this.#arrived.length + this.#inClaim;
  }

  async extend(delivery: LedgerDelivery, lease: number): Promise<boolean> {
    if (delivery.isLost || !this.#deliveries.has(delivery.number)) return false;
    const until = this.#parts.context.clock.monotonic() + lease;
    const kept = await this.sheet.commit(({ held }) => {
      const entry = held.get(delivery.number);
      if (entry) held.set(delivery.number, { ...entry, u: until });
      return entry !== undefined;
    });
    if (!kept) return false;
    delivery.until = until;
    this.#planLapse();
    return true;
  }

  #want(): void {
    const isPaused = this.#parts.inboxes.get(this.inbox)?.paused === true;
    const free = this.#credit - this.#inClaim - this.#arrived.length;
    this.#source?.want(this.#isActive && !isPaused && !this.#isClosed ? Math.max(0, free) : 0);
  }

  #arrive(arrivals: readonly Arrival[]): void {
    this.#arrived.push(...arrivals);
    this.#claiming ??= this.#claimAll().finally(() => {
      this.#claiming = undefined;
    });
  }

  async #claimed(): Promise<void> {
    while (this.#claiming) await this.#claiming;
  }

  async #claimAll(): Promise<void> {
    while (this.#arrived.length > 0) {
      const arrivals = this.#arrived;
      this.#arrived = [];
      this.#inClaim = arrivals.length;
      try {
        await this.#claim(arrivals);
      } catch (error) {
        this.#parts.fault(error);
        const { engine, context } = this.#parts;
        await engine.giveBack(arrivals).catch(() => engine.forget(arrivals));
        await new Promise<void>((resolve) => context.clock.after(PAUSE_AFTER_FAULT, resolve));
      }
      this.#claims++;
      this.#inClaim = 0;
      this.#want();
    }
  }

  async #claim(arrivals: readonly Arrival[]): Promise<void> {
    const { context, engine, finisher, takeover } = this.#parts;
    const claims: Claim[] = [];
    const unread: Claim[] = [];
    for (const arrival of arrivals) {
      try {
        const message = context.codec.decode(arrival.body);
        claims.push({ arrival, message, past: pastOf(arrival.head), number: 0 });
      } catch (error) {
        const { message, letter } = unreadable(arrival, error, context);
        unread.push({ arrival, message, letter, past: undefined, number: 0 });
        this.#parts.quarantined(this.inbox, letter);
      }
    }
    const doubted = new Set(
      claims.filter(
        ({ arrival, past }) => arrival.doubt !== "none" || past?.g === true || engine.isSure?.(arrival) === false,
      ),
    );
    let clear: readonly Claim[] = claims;
    const taken = new Map<Claim, Claim>();
    if (doubted.size > 0) {
      const { doubtful, doubles, same } = apart(claims, doubted);
      const gone = engine.isSure ? doubles : [...doubles, ...same];
      if (gone.length < doubles.length + same.length) engine.forget(same.map(({ arrival }) => arrival));
      if (gone.length > 0) await engine.acknowledge(gone.map(({ arrival }) => arrival));
      const verdicts = await takeover.judge(this.inbox, doubtful.map(asked));
      for (const [claim, free] of await this.#obey(doubtful, verdicts)) taken.set(claim, free);
      clear = claims.flatMap((claim) => (doubted.has(claim) ? (taken.get(claim) ?? []) : claim));
    }
    const all = [...clear, ...unread];
    for (const claim of all) claim.number = this.sheet.number();
    const { lease, renew } = this.options;
    const about = { inbox: this.inbox, lease, renew, tombs: this.#tombs, context, engine };
    const ahead = this.#isForItself && doubted.size === 0 ? claimAhead(all, about) : undefined;
    const claimAll = (state: SheetState): Claimed[] => all.map((claim) => claimOn(state, claim, about, ahead));
    let claimed: Claimed[];
    try {
      // What is not known after a loss of power was never handed out, as far as anyone can tell.
      const committed = this.sheet.commit(claimAll, { isRelaxed: true });
      const given = ahead && this.#handOver([...ahead].map(([claim, held]) => this.#deliveryOf(claim, held)));
      [claimed] = await Promise.all([committed, given]);
    } catch (error) {
      this.sheet.disown(all.map(({ number }) => number));
      await keepPasts(this.#parts.store, this.inbox, [...taken.values()]).catch(() => {});
      throw error;
    }

    const judged = new Set(taken.values());
    const held = all.filter((claim, at) => "held" in (claimed[at] as Claimed) && !ahead?.has(claim));
    const isUnsure = (claim: Claim): boolean => judged.has(claim) || engine.isSure?.(claim.arrival) === false;
    const lost = engine.isSure ? await this.#verify(held.filter(isUnsure), held) : undefined;
    const handed: LedgerDelivery[] = [];
    const over: Promise<void>[] = [];
    all.forEach((claim, at) => {
      const { arrival, message, number } = claim;
      const one = claimed[at] as Claimed;
      if (ahead?.has(claim) || lost?.has(claim)) return;
      if ("theirs" in one) engine.forget([arrival]);
      else if ("over" in one)
        over.push(finisher.finish({ inbox: this.inbox, sheet: this.sheet, number, entry: one.over, arrival, message }));
      else handed.push(this.#deliveryOf(claim, one.held));
    });
    await this.#handOver(handed);
    await Promise.all(over);
  }

  /** Whether nobody goes on with what this process has of its inbox, as that goes with it. */
  get #isForItself(): boolean {
    return this.#parts.inboxes.get(this.inbox)?.expires?.owner === this.#parts.process;
  }

  #deliveryOf({ message, arrival, number }: Claim, entry: HeldEntry): LedgerDelivery {
    return new LedgerDelivery(message, { desk: this, number, entry, arrival });
  }

  /**
   * Where two processes were given the same copy, each may have looked before the other wrote. So both look again when
   * they have written: one of them at least sees the other. Returns what is not to be handed out, off the sheet.
   */
  async #verify(unsure: readonly Claim[], all: readonly Claim[]): Promise<ReadonlySet<Claim>> {
    if (unsure.length === 0) return new Set();
    const { store, takeover, engine, fault } = this.#parts;
    try {
      const verdicts = await takeover.judge(this.inbox, unsure.map(asked), { except: this.sheet.key });
      const { lost, theirs } = lostOf(unsure, verdicts);
      if (lost.length === 0) return new Set();
      await keepPasts(store, this.inbox, theirs);
      await this.sheet.commit(({ held }) => {
        for (const { number } of lost) held.delete(number);
      });
      const again = await this.#obey(
        lost,
        lost.map((claim) => verdicts[unsure.indexOf(claim)] as Verdict),
      );
      await engine.giveBack([...again.keys()].map(({ arrival }) => arrival));
      return new Set(lost);
    } catch (error) {
      fault(error);
      this.sheet.disown(all.map(({ number }) => number));
      const arrivals = all.map(({ arrival }) => arrival);
      await Promise.all([keepPasts(store, this.inbox, all), this.sheet.refresh()]).catch(() => {});
      await engine.giveBack(arrivals).catch(() => engine.forget(arrivals));
      return new Set(all);
    }
  }

  /** Does what is to be done with copies that were somebody else's; the ones that may be claimed. */
  async #obey(claims: readonly Claim[], verdicts: readonly Verdict[]): Promise<Map<Claim, Claim>> {
    const { engine, finisher, takeover } = this.#parts;
    const taken = new Map<Claim, Claim>();
    const steps: Promise<unknown>[] = [];
    claims.forEach((claim, at) => {
      const { arrival, message } = claim;
      const verdict = verdicts[at] as Verdict;
      if (verdict === "mine") engine.forget([arrival]);
      else if (verdict === "ended") steps.push(engine.acknowledge([arrival]));
      else if ("later" in verdict) steps.push(engine.giveBack([arrival], verdict.later));
      else if ("again" in verdict) {
        const about = { inbox: this.inbox, sheet: this.sheet, number: this.sheet.number(), arrival, message };
        const again = { ...(verdict.again.again ?? { a: 0 }), g: true as const };
        const finished = finisher.finish({ ...about, entry: { ...verdict.again, again } });
        steps.push(finished.then(() => takeover.take(this.inbox, verdict)));
      } else {
        taken.set(claim, { ...claim, past: verdict.take });
        const { lapsed } = verdict;
        if (lapsed)
          steps.push(
            finisher.journal(message, {
              id: message.id,
              recipient: this.inbox,
              at: this.#parts.context.clock.now(),
              attempt: lapsed.entry.a,
              offeredAt: lapsed.entry.o,
              instance: lapsed.instance,
            }),
          );
        if (lapsed?.entry.x) this.#tombs.push({ ids: [message.id], end: lapsed.entry.x, at: 0 });
      }
    });
    await Promise.all(steps);
    return taken;
  }

  async #handOver(handed: readonly LedgerDelivery[]): Promise<void> {
    const now = this.#parts.context.clock.now();
    const isPaused = this.#parts.inboxes.get(this.inbox)?.paused === true;
    const free = this.#isClosed || isPaused ? 0 : this.#credit;
    const fit = handed.filter(({ message }) => (message.expiresAt ?? Number.POSITIVE_INFINITY) > now).slice(0, free);
    for (const delivery of handed) this.#deliveries.set(delivery.number, delivery);
    if (fit.length > 0) {
      this.#credit -= fit.length;
      this.#inClaim -= fit.length;
      this.#planRenewal();
      this.#planLapse();
      this.options.onDeliveries(fit);
    }
    const rest = handed.filter((delivery) => !fit.includes(delivery));
    await Promise.all(rest.map((delivery) => this.#release(delivery)));
  }

  /** What is known of a copy beyond its first hand-off is kept while nobody has it. */
  async #keepPast({ entry: { i, a, c, f } }: LedgerDelivery): Promise<void> {
    if (a === 1 && c === undefined && f === undefined) return;
    const past = { a: a - 1, ...(c === undefined ? {} : { c }), ...(f ? { f } : {}) };
    await this.#parts.store.put(keyOf("pasts", this.inbox, i), { ...past, i });
  }

  #changed({ lost, cancelled, tombs }: SheetNews): void {
    this.#tombs.push(...tombs);
    const isThere = this.#parts.inboxes.get(this.inbox) !== undefined;
    for (const number of lost) {
      const delivery = this.#deliveries.get(number);
      if (delivery) this.#lose(delivery, isThere ? "lease-lost" : "dropped");
    }
    for (const [number, { x }] of cancelled) {
      const delivery = this.#deliveries.get(number);
      if (delivery && x) this.options.onRevoked?.(delivery, x);
    }
  }

  #lose(delivery: LedgerDelivery, why: Revocation | undefined): void {
    if (delivery.isLost) return;
    delivery.isLost = true;
    this.#deliveries.delete(delivery.number);
    this.#parts.engine.forget([delivery.arrival]);
    if (why) this.options.onRevoked?.(delivery, why);
  }

  /** While it is the active one, its sheet tells the others that it lives. */
  get #needsRenewal(): boolean {
    if (this.options.exclusive && this.#isActive && !this.#isClosed) return true;
    return this.options.renew && this.#deliveries.size > 0;
  }

  #planRenewal(): void {
    if (this.#renewal || this.#hasLeft || !this.#needsRenewal) return;
    const { clock } = this.#parts.context;
    const { lease } = this.options;
    const wait = Math.max(1, this.sheet.until - lease * (1 - PART) - clock.monotonic());
    this.#renewal = clock.after(wait, () => {
      this.#renewal = undefined;
      if (this.#hasLeft || !this.#needsRenewal) return;
      const isDue = this.sheet.until - lease * (1 - PART) <= clock.monotonic();
      const renewed = isDue ? this.sheet.commit(() => {}) : Promise.resolve();
      renewed
        .catch(() => new Promise<void>((resolve) => clock.after(PAUSE_AFTER_FAULT, resolve)))
        .then(() => this.#planRenewal(), this.#parts.fault);
    });
  }

  /** Gives up itself what it has not extended in time. */
  #planLapse(): void {
    const { clock } = this.#parts.context;
    const ends = [...this.#deliveries.values()].flatMap(({ until }) => until ?? []);
    this.#lapse?.cancel();
    if (ends.length === 0 || this.options.renew) return;
    const wait = Math.max(0, Math.min(...ends) - clock.monotonic());
    this.#lapse = clock.after(wait, () => {
      this.#lapseDue()
        .catch(this.#parts.fault)
        .finally(() => this.#planLapse());
    });
  }

  async #lapseDue(): Promise<void> {
    const { context, store, engine, finisher } = this.#parts;
    const now = context.clock.monotonic();
    const due = [...this.#deliveries.values()].filter(({ until }) => until !== undefined && until <= now);
    await Promise.all(
      due.map(async (delivery) => {
        const { entry, arrival, message, number } = delivery;
        const { i, a, o } = entry;
        const { instance } = this.options;
        await store.put(keyOf("pasts", this.inbox, i), { ...lapsedPast(entry, instance), i });
        const lapsed = await this.sheet.commit(({ held, over, ended }) => {
          const one = held.get(number);
          if (!one || (one.u ?? 0) > context.clock.monotonic()) return undefined;
          held.delete(number);
          const wall = context.clock.now();
          const isExpired = (message.expiresAt ?? Number.POSITIVE_INFINITY) <= wall;
          const end: CancelledEnd | "expired" | undefined = one.x ?? (isExpired ? "expired" : undefined);
          if (!end) return { over: undefined };
          const record = { id: i, recipient: this.inbox, end, at: wall, attempt: a, offeredAt: o, instance };
          ended[end] = (ended[end] ?? 0) + 1;
          over.set(number, { i, m: one.m, l: one.l, record });
          return { over: over.get(number) as OverEntry };
        });
        if (!lapsed) return;
        const about = { recipient: this.inbox, at: context.clock.now(), attempt: a, offeredAt: o };
        await finisher.journal(message, { id: i, ...about, instance });
        delivery.isLost = true;
        this.#deliveries.delete(number);
        if (lapsed.over)
          await finisher.finish({ inbox: this.inbox, sheet: this.sheet, number, entry: lapsed.over, arrival });
        else await engine.giveBack([arrival]);
        this.options.onRevoked?.(delivery, "lease-lost");
      }),
    );
    if (this.#isClosed && this.#deliveries.size === 0) await this.#leave();
  }

  async #activate(): Promise<void> {
    if (this.#isActive || this.#isClosed) return;
    const wait = await this.#parts.activate(this);
    if (wait === undefined) {
      this.#isActive = true;
      this.#planRenewal();
      return this.#want();
    }
    this.#standby?.cancel();
    this.#standby = this.#parts.context.clock.after(wait, () => this.activate());
  }

  async #releaseAll(): Promise<void> {
    const held = [...this.#deliveries.values()].sort(
      (a, b) => a.arrival.level - b.arrival.level || a.arrival.order - b.arrival.order,
    );
    await Promise.all(held.map((delivery) => this.#release(delivery)));
  }

  #cancelTimers(): void {
    for (const timer of [this.#renewal, this.#lapse, this.#standby]) timer?.cancel();
  }

  /** Gives back what its holder has not settled, and can settle no more. */
  async #release(delivery: LedgerDelivery): Promise<void> {
    // Where the engine is out of reach, it lapses.
    await this.settle(delivery, { outcome: "release" }).catch(() => {});
    delivery.isLost = true;
  }

  async #leave(): Promise<void> {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#cancelTimers();
    await this.sheet.retire();
    await this.#parts.passOn(this);
    this.#parts.left(this);
  }
}
