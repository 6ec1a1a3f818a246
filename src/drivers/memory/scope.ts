import type { Publication, PublishResult } from "../../broker/publication.ts";
import { deadLetterKey } from "../../broker/receipt-log.ts";
import type { Clock, Timer } from "../../internal/clock.ts";
import { Deadlines } from "../../internal/deadlines.ts";
import type { Envelope } from "../../message/envelope.ts";
import type { DeadLetter, ReceiptRecord } from "../../message/receipt-record.ts";
import type { Copy } from "./copy.ts";
import { type Dispatchable, Dispatcher } from "./dispatcher.ts";
import { Entries } from "./entries.ts";
import { MemoryInbox, type Surroundings } from "./inbox.ts";
import type { MemoryJournal } from "./journal.ts";
import { Logs } from "./logs.ts";
import { Publisher } from "./publisher.ts";
import { RecentReceipts } from "./receipts.ts";
import { Schedule } from "./schedule.ts";
import { Signals } from "./signals.ts";
import { Watchers } from "./watchers.ts";

/** Everything under one prefix: inboxes, entries, logs, signals. What the drivers of one bus share. */
export class MemoryScope implements Surroundings {
  readonly clock: Clock;
  readonly inboxes = new Map<string, MemoryInbox>();
  readonly signals = new Signals();
  readonly watchers = new Watchers();
  readonly entries: Entries;
  readonly logs: Logs;
  /** Where any of the drivers was asked for one. */
  journal: MemoryJournal | undefined;
  readonly #publisher: Publisher;
  readonly leases: Deadlines<Copy>;
  readonly dues: Schedule<Copy>;
  readonly expiries: Schedule<Copy>;
  readonly #receipts: RecentReceipts;
  readonly #dispatcher = new Dispatcher();
  readonly #removals = new Map<string, Timer>();

  constructor(clock: Clock, retention: number) {
    this.clock = clock;
    this.entries = new Entries(clock, (change) => this.watchers.tell(change));
    this.#receipts = new RecentReceipts(this.signals, retention);
    this.logs = new Logs(this.#receipts, retention);
    this.#publisher = new Publisher({
      inboxes: this.inboxes,
      now: () => clock.now(),
      registryRevision: () => this.entries.revision("registry"),
    });
    this.leases = new Deadlines<Copy>(clock, (copy) => (copy.home as MemoryInbox).lapse(copy));
    this.dues = new Schedule<Copy>({
      clock,
      isLive: (copy) => copy.state === "delayed",
      onDue: (copy) => (copy.home as MemoryInbox).due(copy),
    });
    this.expiries = new Schedule<Copy>({
      clock,
      isLive: (copy) => copy.state === "ready" || copy.state === "delayed",
      onDue: (copy) => (copy.home as MemoryInbox).endWaiting(copy, "expired"),
    });
  }

  /** The inbox of a name, made if there is none. */
  inbox(name: string): MemoryInbox {
    this.#removals.get(name)?.cancel();
    this.#removals.delete(name);
    let inbox = this.inboxes.get(name);
    if (!inbox) this.inboxes.set(name, (inbox = new MemoryInbox(name, this)));
    return inbox;
  }

  /** Removes an inbox; returns how many copies it held. */
  removeInbox(name: string): number {
    const inbox = this.inboxes.get(name);
    this.inboxes.delete(name);
    return inbox?.clear() ?? 0;
  }

  /** Removes an inbox later, unless it is declared again until then. */
  removeInboxAfter(name: string, delay: number): void {
    this.#removals.get(name)?.cancel();
    this.#removals.set(
      name,
      this.clock.after(delay, () => this.removeInbox(name)),
    );
  }

  /** Publishes a batch; the answer is at hand, but waits while the receivers rest. */
  publish(batch: readonly Publication[]): PublishResult[] | Promise<PublishResult[]> {
    const results = this.#publisher.publish(batch);
    this.journal?.messages(batch, results);
    const { rest } = this.#dispatcher;
    return rest ? rest.then(() => results) : results;
  }

  wake(inbox: Dispatchable): void {
    this.#dispatcher.wake(inbox);
  }

  record(record: ReceiptRecord): void {
    this.#receipts.add(record);
  }

  bury(deadLetter: DeadLetter<Envelope>): void {
    this.entries.put(deadLetterKey(deadLetter.recipient, deadLetter.message.id), deadLetter);
  }

  emit(publications: readonly Publication[]): void {
    const results = this.#publisher.emit(publications);
    this.journal?.messages(publications, results);
  }
}
