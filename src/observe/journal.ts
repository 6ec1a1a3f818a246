import { JOURNAL_LOG, type JournaledMessage } from "../broker/journal-log.ts";
import { AgentwireError } from "../errors.ts";
import type { Clock, Timer } from "../internal/clock.ts";
import { Coalesced } from "../internal/coalesced.ts";
import type { Store } from "../store/store.ts";
import type { EventHub } from "./event-hub.ts";
import type { BusEvent } from "./events.ts";
import { type HistoryFilter, type JournalEntry, type Journaled, matchesHistory } from "./journal-entry.ts";
import { readJournal, trimJournal } from "./journal-log.ts";
import { KEPT_EVENTS } from "./kept-events.ts";

/** What a {@link Journal} is built from. */
export interface JournalOptions {
  readonly store: Pick<Store, "append" | "read" | "trim">;
  readonly clock: Clock;
  /** How long entries are kept, in milliseconds; default 7 days. */
  readonly retention?: number;
  /** Told when entries could not be written; they are tried again. */
  onFault?(error: unknown): void;
}

/** Options of {@link Journal.read}. */
export interface JournalReadOptions {
  /** Only entries after this cursor. */
  readonly after?: string;
}

/** Options of {@link Journal.history}. */
export interface HistoryQuery extends HistoryFilter, JournalReadOptions {
  /** 1 to 10,000, default 1,000. */
  readonly limit?: number;
}

const WEEK = 7 * 24 * 60 * 60_000;
const HOUR = 60 * 60_000;
const FLUSH_AFTER = 50;
const ENTRIES_PER_VALUE = 200;
/** Events that wait for a store that is away, before the oldest are given up. */
const MOST_WAITING = 100_000;
const DEFAULT_LIMIT = 1_000;
const MOST_LIMIT = 10_000;
/** Clocks of processes differ: times are searched for with so much room. */
const ROOM = 60_000;

/** The durable log of what happened: messages and hand-offs, which the driver writes, and all other events. */
export class Journal {
  readonly #options: JournalOptions;
  readonly #writing = new Coalesced(() => this.#write());
  #waiting: JournalEntry[] = [];
  #timer: Timer | undefined;
  #trimTimer: Timer | undefined;
  #unlisten: (() => void) | undefined;
  #lost = 0;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Listens to the events of this process, and removes what is too old now and every hour. */
  async open(events: EventHub): Promise<void> {
    const stops = KEPT_EVENTS.map((type) => events.on(type, (event) => this.#take(event)));
    this.#unlisten = () => {
      for (const stop of stops) stop();
    };
    await this.trim();
    this.#trimLater();
  }

  /** Writes what waits and stops listening. */
  async close(): Promise<void> {
    this.#unlisten?.();
    this.#timer?.cancel();
    this.#trimTimer?.cancel();
    await this.flush();
  }

  /** Entries given up because the store was away for too long. */
  get lost(): number {
    return this.#lost;
  }

  /** Resolves when everything told so far is durable. */
  flush(): Promise<void> {
    return this.#writing.run();
  }

  /**
   * Everything in the one order in which it was written, up to the end of the journal. What was written before the
   * call is all there, once, while more is being written.
   * @throws ARGUMENT_INVALID for a cursor that is none
   */
  async *read(options: JournalReadOptions = {}): AsyncGenerator<Journaled> {
    await this.flush();
    yield* readJournal(this.#options.store, JOURNAL_LOG, { after: options.after });
  }

  /** The entries that match, oldest first; the last one's cursor as `after` gives the next ones. @throws OUT_OF_RANGE, ARGUMENT_INVALID */
  async history(query: HistoryQuery = {}): Promise<Journaled[]> {
    const { limit = DEFAULT_LIMIT } = query;
    if (!Number.isInteger(limit) || limit < 1 || limit > MOST_LIMIT) {
      throw new AgentwireError("OUT_OF_RANGE", `limit must be a whole number from 1 to ${MOST_LIMIT}`);
    }
    const found: Journaled[] = [];
    for await (const entry of this.matching(query)) {
      found.push(entry);
      if (found.length === limit) break;
    }
    return found;
  }

  /** The messages that match, in order: what a replay sends again. */
  async *messages(filter: HistoryFilter & JournalReadOptions = {}): AsyncGenerator<Journaled<JournaledMessage>> {
    for await (const entry of this.matching(filter)) if (entry.kind === "message") yield entry;
  }

  /** Removes what is older than the retention. */
  async trim(): Promise<void> {
    const { store, clock, retention = WEEK } = this.#options;
    await trimJournal(store, JOURNAL_LOG, clock.now() - retention);
  }

  /** All entries that match, in order. @throws ARGUMENT_INVALID for a cursor that is none */
  async *matching(query: HistoryFilter & JournalReadOptions): AsyncGenerator<Journaled> {
    await this.flush();
    const since = query.from === undefined ? undefined : query.from - ROOM;
    const entries = readJournal(this.#options.store, JOURNAL_LOG, { after: query.after, since });
    for await (const entry of entries) {
      if (query.to !== undefined && entry.at >= query.to + ROOM) return;
      if (matchesHistory(entry, query)) yield entry;
    }
  }

  #take(event: BusEvent): void {
    if (this.#waiting.length >= MOST_WAITING) {
      this.#lost++;
      return;
    }
    this.#waiting.push({ kind: "event", at: this.#options.clock.now(), event });
    this.#flushLater();
  }

  #flushLater(): void {
    this.#timer ??= this.#options.clock.after(FLUSH_AFTER, () => {
      this.#timer = undefined;
      this.flush().catch((error: unknown) => {
        this.#options.onFault?.(error);
        this.#flushLater();
      });
    });
  }

  #trimLater(): void {
    this.#trimTimer = this.#options.clock.after(HOUR, () => {
      this.trim().catch((error: unknown) => this.#options.onFault?.(error));
      this.#trimLater();
    });
  }

  async #write(): Promise<void> {
    const entries = this.#waiting;
    if (entries.length === 0) return;
    this.#waiting = [];
    const values: JournalEntry[][] = [];
    for (let at = 0; at < entries.length; at += ENTRIES_PER_VALUE)
      values.push(entries.slice(at, at + ENTRIES_PER_VALUE));
    try {
      await this.#options.store.append(JOURNAL_LOG, values);
    } catch (error) {
      this.#waiting = [...entries, ...this.#waiting];
      throw error;
    }
  }
}
