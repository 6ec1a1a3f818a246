import { AgingGuard } from "../../broker/aging.ts";
import type { CancelResult, CancelTarget } from "../../broker/broker.ts";
import type { ConsumeOptions } from "../../broker/consumer.ts";
import type { InboxOverflow, InboxSpec } from "../../broker/inbox.ts";
import type { CopyLimit, Publication, PublishedCopy } from "../../broker/publication.ts";
import type { CancelledEnd, Settlement, SettleResult } from "../../broker/settlement.ts";
import type { Clock } from "../../internal/clock.ts";
import type { Deadlines } from "../../internal/deadlines.ts";
import { type Envelope, PRIORITIES } from "../../message/envelope.ts";
import { type DeadLetter, ENDS, type End, type ReceiptRecord } from "../../message/receipt-record.ts";
import { type ConsumedInbox, MemoryConsumer } from "./consumer.ts";
import { Copy, type Home } from "./copy.ts";
import { CopyIndex } from "./copy-index.ts";
import type { Dispatchable } from "./dispatcher.ts";
import { Held } from "./held.ts";
import type { MemoryJournal } from "./journal.ts";
import { Lanes } from "./lanes.ts";
import type { Schedule } from "./schedule.ts";

/** What an inbox needs of the engine around it. */
export interface Surroundings {
  readonly clock: Clock;
  readonly leases: Deadlines<Copy>;
  readonly dues: Schedule<Copy>;
  readonly expiries: Schedule<Copy>;
  wake(inbox: Dispatchable): void;
  record(record: ReceiptRecord): void;
  /** Where history is on. */
  readonly journal: Pick<MemoryJournal, "handOff"> | undefined;
  bury(deadLetter: DeadLetter<Envelope>): void;
  emit(publications: readonly Publication[]): void;
}

const DEFAULT_CAPACITY = 1_000_000;

/** One agent's queue: what waits, what is out, and who takes from it. */
export class MemoryInbox implements Home, ConsumedInbox, Dispatchable {
  readonly name: string;
  /** The usual answer to a publish, made once. */
  readonly acceptedCopy: PublishedCopy;
  capacity = DEFAULT_CAPACITY;
  overflow: InboxOverflow = "reject";
  paused = false;
  awake = false;
  accepted = 0;
  /** Copies not ended. */
  waiting = 0;
  readonly ended = Object.fromEntries(ENDS.map((end) => [end, 0])) as Record<End, number>;
  readonly lanes = new Lanes();
  readonly delayed = new Set<Copy>();
  readonly held = new Held();
  readonly consumers: MemoryConsumer[] = [];
  readonly #around: Surroundings;
  readonly #aging = new AgingGuard();
  readonly #index = new CopyIndex(this);
  #sequence = 0;
  #turn = 0;

  constructor(name: string, around: Surroundings) {
    this.name = name;
    this.acceptedCopy = Object.freeze({ inbox: name, state: "accepted" });
    this.#around = around;
  }

  declare(spec: InboxSpec): void {
    if (spec.capacity !== undefined) this.capacity = spec.capacity;
    if (spec.overflow !== undefined) this.overflow = spec.overflow;
    if (spec.paused !== undefined) this.paused = spec.paused;
    this.#wake();
  }

  // Into the inbox

  /** Whether a message of this sender finds room, counting what it supersedes. */
  hasRoom(message: Envelope, { supersedes, limit }: Pick<Publication, "supersedes" | "limit">): boolean {
    const fits = this.waiting < this.capacity || (this.overflow === "drop-oldest" && this.waiting > this.held.size);
    if (fits && !(limit && this.#isOver(limit) && !this.#victimOf(limit))) return true;
    return (
      supersedes !== undefined && this.#index.superseded(message, supersedes).some((copy) => copy.state !== "held")
    );
  }

  /** Ends what the message takes the place of. */
  supersede(message: Envelope, supersedes: NonNullable<Publication["supersedes"]>): void {
    this.#cancel(this.#index.superseded(message, supersedes), "superseded");
  }

  /** Takes a copy in; false if it, or its part for such messages, is full and nothing can make room. */
  add(message: Envelope, how: Pick<Publication, "dueAt" | "limit" | "attempt">, now: number): boolean {
    const { dueAt, limit, attempt } = how;
    if (limit && this.#isOver(limit) && !this.#drop(this.#victimOf(limit))) return false;
    if (this.waiting >= this.capacity && !(this.overflow === "drop-oldest" && this.#dropOldest())) return false;
    this.accepted++;
    this.waiting++;
    const copy = new Copy(this, message);
    if (attempt !== undefined) copy.attempt = attempt;
    this.#index.add(copy, limit?.name);
    if (dueAt !== undefined && dueAt > now) this.#delay(copy, dueAt, now);
    else this.#queue(copy, now);
    return true;
  }

  /** Takes a copy in that goes to the dead letters at once. */
  refuse(message: Envelope, refusal: { readonly code: string; readonly reason: string }, now: number): void {
    const { code, reason } = refusal;
    this.accepted++;
    this.ended["dead-lettered"]++;
    this.#around.bury({ message, recipient: this.name, code, reason, at: now, attempts: [] });
    this.#around.record({
      id: message.id,
      recipient: this.name,
      end: "dead-lettered",
      at: now,
      attempt: 0,
      reason: code,
    });
  }

  /** A delayed copy's time has come. */
  due(copy: Copy): void {
    this.delayed.delete(copy);
    copy.sequence = ++this.#sequence;
    this.#ready(copy);
    this.lanes.push(copy);
  }

  #delay(copy: Copy, dueAt: number, now: number): void {
    copy.state = "delayed";
    copy.dueAt = dueAt;
    this.delayed.add(copy);
    if (this.#expires(copy, now)) this.#around.dues.add(copy, dueAt);
  }

  #queue(copy: Copy, now: number): void {
    copy.sequence = ++this.#sequence;
    this.#ready(copy);
    this.lanes.push(copy);
    this.#expires(copy, now);
  }

  #ready(copy: Copy): void {
    copy.state = "ready";
    this.#wake();
  }

  /** Sees to it that a waiting copy expires; false if it has. */
  #expires(copy: Copy, now: number): boolean {
    const { expiresAt } = copy.message;
    if (expiresAt === undefined) return true;
    if (expiresAt <= now) {
      this.endWaiting(copy, "expired");
      return false;
    }
    this.#around.expiries.add(copy, expiresAt);
    return true;
  }

  #dropOldest(): boolean {
    let victim: Copy | undefined;
    for (const copy of this.lanes.firsts()) {
      if (!victim || copy.level > victim.level || (copy.level === victim.level && copy.sequence < victim.sequence))
        victim = copy;
    }
    // What is not even due yet goes only when nothing else waits.
    victim ??= [...this.delayed].sort((a, b) => b.level - a.level || (a.dueAt ?? 0) - (b.dueAt ?? 0))[0];
    return this.#drop(victim);
  }

  #drop(victim: Copy | undefined): boolean {
    return victim !== undefined && this.endWaiting(victim, "dropped");
  }

  #isOver({ name, capacity }: CopyLimit): boolean {
    return this.waiting >= capacity && this.#index.limited(name).size >= capacity;
  }

  /** What makes room under a limit: the oldest of the lowest priority; what is not even due only when nothing else waits. */
  #victimOf({ name, overflow }: CopyLimit): Copy | undefined {
    if (overflow !== "drop-oldest") return undefined;
    let victim: Copy | undefined;
    for (const copy of this.#index.limited(name)) {
      if (copy.state !== "held" && (!victim || goesBefore(copy, victim))) victim = copy;
    }
    return victim;
  }

  /** All copies that have not ended. */
  *copies(): IterableIterator<Copy> {
    yield* this.held;
    for (let level = 0; level < PRIORITIES.length; level++) yield* this.lanes.of(level);
    yield* this.delayed;
  }

  /** The copy of a message, if it has not ended. */
  find(id: string): Copy | undefined {
    return this.#index.byId(id);
  }

  // Out of the inbox

  consume(owner: object, options: ConsumeOptions): MemoryConsumer {
    const consumer = new MemoryConsumer(this, owner, options);
    if (consumer.filter) this.lanes.split();
    this.consumers.push(consumer);
    return consumer;
  }

  ready(_consumer: MemoryConsumer): void {
    this.#around.wake(this);
  }

  leave(consumer: MemoryConsumer, options: { readonly release: boolean }): void {
    const at = this.consumers.indexOf(consumer);
    if (at !== -1) this.consumers.splice(at, 1);
    if (options.release) for (const copy of this.held) if (copy.holder === consumer) this.#giveBack(copy, "lost");
    this.#wake();
  }

  /** Ends the consumers of a connection and takes back all that it holds. */
  disconnect(owner: object): void {
    for (const consumer of this.consumers.filter((consumer) => consumer.owner === owner)) {
      consumer.stop();
      this.leave(consumer, { release: true });
    }
    for (const copy of this.held) if ((copy.holder as MemoryConsumer).owner === owner) this.#giveBack(copy, "lost");
    this.#wake();
  }

  #wake(): void {
    if (this.awake) return;
    for (const consumer of this.consumers) if (consumer.left > 0) return this.#around.wake(this);
  }

  dispatch(): number {
    if (this.paused || this.consumers.length === 0) return 0;
    const now = this.#around.clock.now();
    const first = this.consumers[0] as MemoryConsumer;
    let handedOut = 0;
    if (this.consumers.length === 1 || first.exclusive) {
      while (first.left > 0 && this.#handOut(first, now)) handedOut++;
      first.flush();
      return handedOut;
    }
    // One each in turn, going on where the last round stopped, until nobody takes any more.
    for (let idle = 0; idle < this.consumers.length; ) {
      const consumer = this.consumers[this.#turn++ % this.consumers.length] as MemoryConsumer;
      if (consumer.left > 0 && this.#handOut(consumer, now)) {
        idle = 0;
        handedOut++;
      } else idle++;
    }
    for (const consumer of [...this.consumers]) consumer.flush();
    return handedOut;
  }

  #handOut(consumer: MemoryConsumer, now: number): boolean {
    for (;;) {
      const copy = this.lanes.take(this.#aging, consumer.filter);
      if (copy === undefined) return false;
      if (copy.message.expiresAt !== undefined && copy.message.expiresAt <= now) {
        this.#end(copy, "expired", now);
        continue;
      }
      copy.state = "held";
      copy.attempt++;
      copy.offeredAt = now;
      copy.holder = consumer;
      this.held.add(copy);
      if (consumer.lease > 0) {
        copy.lease = consumer.lease;
        this.#around.leases.add(copy, copy.lease);
      }
      consumer.give(copy);
      return true;
    }
  }

  settle(copy: Copy, settlement: Settlement): SettleResult {
    if (copy.state !== "held") return copy.state === "settled" ? "already" : "lost";
    if (settlement.outcome === "end") {
      this.#take(copy);
      copy.state = "settled";
      this.waiting--;
      this.ended[settlement.record.end]++;
      this.#index.delete(copy);
      if (settlement.deadLetter) this.#around.bury(settlement.deadLetter);
      this.#around.record(settlement.record);
      this.#around.journal?.handOff(copy.message, settlement.record);
      if (settlement.emit) this.#around.emit(settlement.emit);
    } else if (settlement.outcome === "release") {
      this.#giveBack(copy, "settled");
    } else {
      const now = this.#around.clock.now();
      this.#keepHandOff(copy, now);
      const next = this.#comeBack(copy, "settled");
      if (settlement.failure) next.failures = [...copy.failures, settlement.failure];
      if (copy.cancelled) this.#end(next, copy.cancelled, now);
      else if (settlement.delay > 0) this.#delay(next, now + settlement.delay, now);
      else this.#queue(next, now);
    }
    return "settled";
  }

  extend(copy: Copy, lease: number): boolean {
    if (copy.state !== "held") return false;
    if (copy.lease > 0) {
      this.#around.leases.delete(copy, copy.lease);
      copy.lease = lease;
      this.#around.leases.add(copy, lease);
    }
    return true;
  }

  /** The lease has run out: the copy goes to somebody else. */
  lapse(copy: Copy): void {
    // Another holder, told of a lapse in the same moment, may have settled it.
    if (copy.state !== "held") return;
    const holder = copy.holder as MemoryConsumer;
    this.#keepHandOff(copy, this.#around.clock.now());
    const next = this.#comeBack(copy, "lost");
    next.redelivered = true;
    this.#reinsert(next, copy.cancelled);
    holder.revoke(copy, "lease-lost");
  }

  /** The journal keeps a hand-off whose copy waits again. */
  #keepHandOff({ message, attempt, offeredAt, holder }: Copy, now: number): void {
    const recipient = this.name;
    const instance = (holder as MemoryConsumer).instance;
    this.#around.journal?.handOff(message, { id: message.id, recipient, at: now, attempt, offeredAt, instance });
  }

  #giveBack(copy: Copy, state: "settled" | "lost"): void {
    const next = this.#comeBack(copy, state);
    next.attempt--;
    this.#reinsert(next, copy.cancelled);
  }

  #reinsert(copy: Copy, cancelled: CancelledEnd | undefined): void {
    const now = this.#around.clock.now();
    if (cancelled) return this.#end(copy, cancelled, now);
    this.#ready(copy);
    this.lanes.insert(copy);
    this.#expires(copy, now);
  }

  #comeBack(copy: Copy, state: "settled" | "lost"): Copy {
    this.#take(copy);
    copy.state = state;
    const next = copy.successor();
    this.#index.replace(copy, next);
    return next;
  }

  #take(copy: Copy): void {
    this.held.delete(copy);
    if (copy.lease > 0) this.#around.leases.delete(copy, copy.lease);
  }

  // Ends that nobody's handler decides

  /** Ends a copy that is ready or delayed. Always true. */
  endWaiting(copy: Copy, end: CancelledEnd | "expired"): true {
    const ready = copy.state === "ready";
    this.#end(copy, end, this.#around.clock.now());
    if (ready) this.lanes.forget(copy);
    else this.delayed.delete(copy);
    return true;
  }

  cancel(target: CancelTarget, end: CancelledEnd): CancelResult {
    return this.#cancel(this.#index.matching(target), end);
  }

  /** Ends everything, held copies too; returns how many. */
  clear(): number {
    const count = this.waiting;
    for (const copy of this.held) {
      this.#take(copy);
      copy.cancelled = "dropped";
      (copy.holder as MemoryConsumer).revoke(copy, "dropped");
      this.#end(copy, "dropped", this.#around.clock.now());
    }
    this.cancel({ all: true }, "dropped");
    return count;
  }

  #cancel(copies: readonly Copy[], end: CancelledEnd): CancelResult {
    let ended = 0;
    let held = 0;
    for (const copy of copies) {
      if (copy.state === "held") {
        held++;
        if (copy.cancelled) continue;
        copy.cancelled = end;
        (copy.holder as MemoryConsumer).revoke(copy, end);
      } else {
        ended++;
        this.endWaiting(copy, end);
      }
    }
    return { ended, held };
  }

  #end(copy: Copy, end: CancelledEnd | "expired", now: number): void {
    copy.state = "lost";
    this.waiting--;
    this.ended[end]++;
    this.#index.delete(copy);
    const offered = copy.holder ? { offeredAt: copy.offeredAt, instance: copy.holder.instance } : {};
    this.#around.record({ id: copy.message.id, recipient: this.name, end, at: now, attempt: copy.attempt, ...offered });
  }
}

function goesBefore(a: Copy, b: Copy): boolean {
  if (a.state !== b.state) return a.state === "ready";
  if (a.level !== b.level) return a.level > b.level;
  return a.state === "ready" ? a.sequence < b.sequence : (a.dueAt ?? 0) < (b.dueAt ?? 0);
}
