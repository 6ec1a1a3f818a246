import type { DriverContext } from "../../broker/driver.ts";
import { JOURNAL_LOG } from "../../broker/journal-log.ts";
import { type HandOff, type HandOffOfMessage, packHandOffs } from "../../broker/journaled-hand-offs.ts";
import { packReceipts } from "../../broker/packed-receipts.ts";
import type { Publication } from "../../broker/publication.ts";
import { byReceiptLog, deadLetterKey, RECEIPT_SIGNAL } from "../../broker/receipt-log.ts";
import type { Timer } from "../../internal/clock.ts";
import type { Envelope } from "../../message/envelope.ts";
import type { Store } from "../../store/store.ts";
import type { Arrival, NewCopy, QueueEngine } from "./engine.ts";
import type { OverEntry } from "./rows.ts";
import type { Sheet } from "./sheet.ts";

/** What was decided on a copy, and is to be carried out. */
export interface FinishItem {
  readonly inbox: string;
  readonly sheet: Sheet;
  readonly number: number;
  readonly entry: OverEntry;
  /** The engine's copy, where this process has it. */
  readonly arrival?: Arrival | undefined;
  readonly message?: Envelope;
  /** For the journal, where the hand-off ended nothing. */
  readonly handOff?: HandOff;
  /** Not urgent: waits for company, 50 ms at most. Default false. */
  readonly isLazy?: boolean;
}

/** What carrying out needs. */
export interface FinisherOptions {
  readonly store: Store;
  readonly context: DriverContext;
  readonly engine: QueueEngine;
  emit(publications: readonly Publication[]): Promise<void>;
  /** Keeps a copy until it is due. */
  delay(inbox: string, item: { readonly entry: OverEntry; readonly arrival: Arrival }): Promise<void>;
  signal(topic: string, data: unknown): void;
}

const LAZY = 50;

interface Waiting {
  readonly item: FinishItem;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Carries out what sheets have decided: dead letters, what is emitted, records and the journal, then the engine's
 * acknowledgment. All of it may be done again; what is decided in one turn goes together.
 */
export class Finisher {
  readonly #options: FinisherOptions;
  #waiting: Waiting[] = [];
  #next: Promise<void> | undefined;
  #lazy: Timer | undefined;

  constructor(options: FinisherOptions) {
    this.#options = options;
  }

  finish(item: FinishItem): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (item.isLazy) this.#lazy ??= this.#options.context.clock.after(LAZY, () => void this.hurry());
      else void this.hurry();
    });
  }

  /** Carries out now what waits; resolves when that is done, or has failed. */
  hurry(): Promise<void> {
    if (this.#waiting.length === 0) return Promise.resolve();
    this.#next ??= new Promise((resolve) => setImmediate(() => void this.#run().then(resolve)));
    return this.#next;
  }

  /** Keeps a hand-off in the journal that was ended by nobody's decision. */
  async journal(message: Envelope, handOff: HandOff): Promise<void> {
    const { store, context } = this.#options;
    if (context.journal) await store.append(JOURNAL_LOG, [[packHandOffs(context.clock.now(), [{ message, handOff }])]]);
  }

  async #run(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#next = undefined;
    this.#lazy?.cancel();
    this.#lazy = undefined;
    try {
      await this.#carryOut(waiting.map(({ item }) => item));
      for (const { resolve } of waiting) resolve();
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }

  async #carryOut(items: readonly FinishItem[]): Promise<void> {
    const { store, context, engine, emit, signal } = this.#options;
    const emitted = items.flatMap(({ entry }) => entry.emit ?? []);
    // Mostly somebody waits for it, and a disk that syncs the record takes longer to sync what the engine stores meanwhile.
    if (emitted.length > 0) await emit(emitted);
    const steps: Promise<unknown>[] = [];
    const records = items.flatMap(({ entry: { record } }) => record ?? []);
    for (const { inbox, entry } of items)
      if (entry.letter) steps.push(store.put(deadLetterKey(inbox, entry.i), entry.letter));
    for (const [log, list] of byReceiptLog(records)) steps.push(store.append(log, [packReceipts(list)]));
    if (context.journal) steps.push(this.#journal(items));
    steps.push(this.#again(items));
    await Promise.all(steps);
    if (records.length > 0) signal(RECEIPT_SIGNAL, records);

    const arrivals = items.flatMap(({ arrival }) => arrival ?? []);
    const acknowledged: Promise<unknown>[] = [];
    if (arrivals.length > 0) acknowledged.push(engine.acknowledge(arrivals));
    for (const { inbox, arrival, entry } of items)
      if (!arrival && entry.m !== "") acknowledged.push(Promise.resolve(engine.remove?.(inbox, entry.m)));
    await Promise.all(acknowledged);
    for (const { sheet, number } of items) sheet.done(number);
  }

  /** What is to be handed out again goes behind what waits, or waits until it is due. */
  async #again(items: readonly FinishItem[]): Promise<void> {
    const copies: NewCopy[] = [];
    const delayed: Promise<void>[] = [];
    for (const { inbox, entry, arrival } of items) {
      // Without its copy it is gone on with when the engine gives that to somebody.
      if (!entry.again || !arrival) continue;
      if (entry.dueAt === undefined) copies.push(againCopy(inbox, entry, arrival));
      else delayed.push(this.#options.delay(inbox, { entry, arrival }));
    }
    if (copies.length > 0) throwFirst(await this.#options.engine.put(copies));
    await Promise.all(delayed);
  }

  async #journal(items: readonly FinishItem[]): Promise<void> {
    const over = items.flatMap(({ message, entry, handOff }): HandOffOfMessage[] => {
      const one = entry.record ?? handOff;
      return message && one ? [{ message, handOff: one }] : [];
    });
    if (over.length === 0) return;
    await this.#options.store.append(JOURNAL_LOG, [[packHandOffs(this.#options.context.clock.now(), over)]]);
  }
}

/** The copy that takes the place of one whose attempt has failed. */
function againCopy(inbox: string, { i, l, again }: OverEntry, arrival: Arrival): NewCopy {
  return {
    inbox,
    level: l,
    body: arrival.body,
    head: JSON.stringify(again),
    once: `${i}:${inbox}:${again?.a ?? 0}`,
  };
}

/** Fails with the first of the engine's refusals. */
export function throwFirst(answers: readonly unknown[]): void {
  for (const answer of answers) if (answer instanceof Error) throw answer;
}
