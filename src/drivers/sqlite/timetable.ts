import type { Clock, Timer } from "../../internal/clock.ts";
import type { LocalConsumer } from "./holding.ts";
import { deleteInboxStep } from "./inbox-removal.ts";
import { needsRecovery, nextLapse, type Recoverer, recover } from "./recovery.ts";
import { expire, ripen } from "./ripening.ts";
import type { Tables } from "./tables.ts";
import { bucketOf, type Transaction } from "./transaction.ts";

/** What the timetable needs of the session. */
export interface TimetableOptions {
  readonly clock: Clock;
  readonly scope: string;
  readonly recoverer: Recoverer;
  /** Undefined while the file is not open. */
  tables(): Tables | undefined;
  submit<T>(what: string, step: (tx: Transaction) => T): Promise<T | undefined>;
  /** The slow sweep is over: whatever else has to be looked at. */
  swept(): void;
  /** Much was committed, and for a while nothing more. */
  idle(): void;
}

const SWEEP = 30_000;
/** Expiries and due times are seen to at most so often. */
const GRAIN = 5;
/** A process that hung up may take a moment to be gone. */
const LAST_BREATHS = [0, 50, 250, 1000, 3000];
const IDLE = 500;
const FEW_COMMITS = 50;
const BATCH = 256;

/** One alarm that is only ever moved forward until it goes off. */
class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #timer: Timer | undefined;
  #at = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Goes off in `delay` milliseconds, unless it does so earlier anyway. */
  within(delay: number): void {
    const at = this.#clock.monotonic() + delay;
    if (at >= this.#at || !Number.isFinite(at)) return;
    this.#timer?.cancel();
    this.#at = at;
    this.#timer = this.#clock.after(delay, () => {
      this.#at = Number.POSITIVE_INFINITY;
      this.#ring();
    });
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#at = Number.POSITIVE_INFINITY;
  }
}

/** Everything that happens because of the time: due and expired messages, leases, dead processes, tidying up. An idle system writes nothing. */
export class Timetable {
  readonly #options: TimetableOptions;
  readonly #due: Alarm;
  readonly #expiry: Alarm;
  readonly #orphans: Alarm;
  readonly #leases: Alarm;
  readonly #renewal: Alarm;
  readonly #sweep: Alarm;
  readonly #idle: Alarm;
  readonly #breaths: Timer[] = [];
  #expiredUpTo = 0;
  #foreignLease = Number.POSITIVE_INFINITY;
  #commits = 0;
  #commitsSeen = 0;
  #commitsWrittenBack = 0;
  #stopped = true;

  constructor(options: TimetableOptions) {
    this.#options = options;
    const { clock } = options;
    this.#due = new Alarm(clock, () => this.#ripen());
    this.#expiry = new Alarm(clock, () => this.#expire());
    this.#orphans = new Alarm(clock, () => this.#look(() => this.#removeOrphans()));
    this.#leases = new Alarm(clock, () => this.#look(() => this.#checkLeases()));
    this.#renewal = new Alarm(clock, () => this.#renew());
    this.#sweep = new Alarm(clock, () => this.#look(() => this.#runSweep()));
    this.#idle = new Alarm(clock, () => this.#idled());
  }

  start(): void {
    this.#stopped = false;
    this.#runSweep();
  }

  stop(): void {
    this.#stopped = true;
    for (const alarm of [this.#due, this.#expiry, this.#orphans, this.#leases, this.#renewal, this.#sweep, this.#idle])
      alarm.cancel();
    for (const breath of this.#breaths) breath.cancel();
  }

  /** Something becomes due, in wall milliseconds. */
  noteDue(at: number): void {
    this.#at(this.#due, at);
  }

  /** Something expires, in wall milliseconds. */
  noteExpiry(at: number): void {
    this.#at(this.#expiry, at);
  }

  /** A consumer has taken something, or begun: its leases have to be renewed, or watched. */
  lookAtLeases(): void {
    if (this.#stopped) return;
    let shortest = Number.POSITIVE_INFINITY;
    for (const consumer of this.#options.recoverer.consumers().values()) {
      if (consumer.options.renew) {
        if (consumer.held.size > 0) shortest = Math.min(shortest, consumer.options.lease / 3);
      } else
        for (const { until } of consumer.held.values())
          this.#leases.within(until - this.#options.clock.monotonic() + 1);
    }
    if (shortest !== Number.POSITIVE_INFINITY) this.#renewal.within(shortest);
  }

  /** Consumers of other processes, with leases as short as `lease`, may hold what someone here waits for. */
  watchForeignLeases(lease: number): void {
    this.#foreignLease = lease;
    if (!this.#stopped && Number.isFinite(lease)) this.#leases.within(lease / 2);
  }

  /** A peer hung up: what it held goes to others as soon as it is certainly gone. */
  recoverSoon(): void {
    if (this.#stopped) return;
    for (const breath of this.#breaths.splice(0)) breath.cancel();
    for (const delay of LAST_BREATHS)
      this.#breaths.push(this.#options.clock.after(delay, () => this.#look(() => this.#recover())));
  }

  /** A transaction was committed; some time after the last of many the log is written back. */
  wrote(): void {
    this.#commits++;
    if (!this.#stopped) this.#idle.within(IDLE);
  }

  /** Reads the file because of the time. Where it cannot be read now, whoever writes next learns why, and the next sweep looks again. */
  #look(step: () => void): void {
    try {
      step();
    } catch {
      if (!this.#stopped) this.#sweep.within(SWEEP);
    }
  }

  #at(alarm: Alarm, wall: number): void {
    if (this.#stopped || !Number.isFinite(wall)) return;
    alarm.within(Math.max(wall - this.#options.clock.now(), GRAIN));
  }

  #ripen(): void {
    void this.#options.submit("Moving due messages", ripen).then((more) => {
      if (this.#stopped) return;
      if (more) this.#ripen();
      else this.lookAhead();
    });
  }

  #expire(): void {
    const step = (tx: Transaction): boolean => {
      this.#expiredUpTo = tx.now;
      const more = expire(tx);
      const values = tx.tables.values.expired(tx.now, BATCH);
      for (const { key } of values) tx.removeValue(key, bucketOf(key.slice(key.indexOf(":") + 1)));
      return more || values.length === BATCH;
    };
    void this.#options.submit("Ending expired messages", step).then((more) => {
      if (this.#stopped) return;
      if (more) this.#expire();
      else this.lookAhead();
    });
  }

  /** Arms the alarms for what comes before the next sweep, whichever process it came from. */
  lookAhead(): void {
    this.#look(() => this.#lookAhead());
  }

  #lookAhead(): void {
    const tables = this.#options.tables();
    if (this.#stopped || !tables) return;
    const { clock, scope } = this.#options;
    const now = clock.now();
    const soon = (at: number | undefined): number =>
      at !== undefined && at - now <= SWEEP ? at : Number.POSITIVE_INFINITY;
    this.noteDue(soon(tables.delayed.nextDue()));
    // What expired while it was held is looked at when it comes back: of messages only what was not looked at yet counts.
    const after = this.#expiredUpTo;
    for (const at of [tables.ready.nextExpiry(after), tables.delayed.nextExpiry(after), tables.values.nextExpiry()])
      this.noteExpiry(soon(at));
    this.#at(this.#orphans, soon(tables.peers.nextOrphan(scope)));
  }

  #removeOrphans(): void {
    const { clock, scope } = this.#options;
    const names = this.#options.tables()?.peers.orphanedInboxes(scope, clock.now()) ?? [];
    // Timers can be a little early.
    if (names.length === 0) this.lookAhead();
    for (const name of names) this.#removeOrphan(name);
  }

  #checkLeases(): void {
    this.#recover();
    this.lookAtLeases();
    const tables = this.#options.tables();
    if (!tables) return;
    this.watchForeignLeases(this.#foreignLease);
    const next = nextLapse(tables) - this.#options.clock.monotonic();
    if (Number.isFinite(this.#foreignLease) && Number.isFinite(next)) this.#leases.within(Math.max(next, 0) + GRAIN);
  }

  #recover(): void {
    const tables = this.#options.tables();
    const { clock, recoverer } = this.#options;
    if (this.#stopped || !tables) return;
    const at = { now: clock.now(), monotonic: clock.monotonic() };
    if (!needsRecovery(tables, recoverer, at)) return this.lookAhead();
    // The dead had alarms too: what they waited for is this process's affair now.
    void this.#options.submit("Recovering deliveries", (tx) => recover(tx, recoverer)).then(() => this.lookAhead());
  }

  #renew(): void {
    const { clock } = this.#options;
    const stale = (consumer: LocalConsumer): boolean => {
      const { renew, lease } = consumer.options;
      const latest = clock.monotonic() + (lease * 3) / 4;
      return renew && [...consumer.held.values()].some(({ until }) => until < latest);
    };
    const consumers = [...this.#options.recoverer.consumers().values()];
    if (consumers.some(stale)) {
      void this.#options.submit("Renewing leases", (tx) => {
        for (const consumer of consumers) {
          if (!stale(consumer)) continue;
          for (const delivery of consumer.held.values())
            delivery.until = Math.max(delivery.until, tx.monotonic + consumer.options.lease);
          tx.touch(consumer);
        }
      });
    }
    this.lookAtLeases();
  }

  #runSweep(): void {
    if (this.#stopped) return;
    // Spread, so that many processes do not sweep at once.
    this.#sweep.within(SWEEP * (0.9 + Math.random() * 0.2));
    this.#expiredUpTo = 0;
    this.#sweepKeys(this.#options.clock.now());
    this.#checkLeases();
    this.#options.swept();
  }

  #sweepKeys(now: number): void {
    if (!this.#options.tables()?.dedupe.hasExpired(now)) return;
    void this.#options
      .submit("Forgetting idempotency keys", (tx) => tx.tables.dedupe.sweep(tx.now, BATCH))
      .then((count) => {
        if (count === BATCH && !this.#stopped) this.#sweepKeys(this.#options.clock.now());
      });
  }

  #removeOrphan(name: string): void {
    void this.#options
      .submit("Removing an inbox whose owner is gone", (tx) => deleteInboxStep(tx, name))
      .then((step) => {
        if (this.#stopped || !step) return;
        if (step.more) this.#removeOrphan(name);
        else this.lookAhead();
      });
  }

  #idled(): void {
    if (this.#commits !== this.#commitsSeen) {
      this.#commitsSeen = this.#commits;
      return this.#idle.within(IDLE);
    }
    if (this.#commits - this.#commitsWrittenBack < FEW_COMMITS) return;
    this.#commitsWrittenBack = this.#commits;
    this.#options.idle();
  }
}
