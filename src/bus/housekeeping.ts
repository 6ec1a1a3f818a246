import { DEAD_LETTER_PREFIX, RECEIPT_LOG_PREFIX, receiptLogAt } from "../broker/receipt-log.ts";
import type { Clock, Timer } from "../internal/clock.ts";
import type { Logger } from "../observe/logger.ts";
import type { Store } from "../store/store.ts";
import type { StoredDeadLetter } from "./dead-letters.ts";
import { ReceiptCount } from "./receipt-count.ts";

/** What a {@link Housekeeper} is built from. */
export interface HousekeeperOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly instance: string;
  readonly logger: Logger;
  /** Milliseconds that records of ends are kept. */
  readonly receipts: number;
  /** Records of ends kept at most. */
  readonly mostReceipts: number;
  /** Milliseconds that dead letters are kept. */
  readonly deadLetters: number;
}

/** How often it is looked, and how long the one process that does the work keeps that office, in milliseconds. */
const INTERVAL = 5 * 60_000;
const OFFICE = 3 * INTERVAL;
const OFFICE_KEY = "lease/housekeeping";
const PAGE = 200;

/** Removes what has been kept long enough. Of all processes on a bus one does it. */
export class Housekeeper {
  readonly #options: HousekeeperOptions;
  readonly #receiptCount: ReceiptCount;
  #timer: Timer | undefined;
  #working: Promise<void> = Promise.resolve();

  constructor(options: HousekeeperOptions) {
    this.#options = options;
    this.#receiptCount = new ReceiptCount(options.store);
  }

  start(): void {
    this.#timer = this.#options.clock.after(INTERVAL, () => {
      this.#working = this.clean().catch((error: unknown) => {
        this.#options.logger.warn(
          { error: String(error) },
          "Old records could not be removed; it is tried again later",
        );
      });
      this.start();
    });
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.#working;
  }

  /** Removes what is old or too much, if this process holds the office. */
  async clean(): Promise<void> {
    if (!(await this.#inOffice())) return;
    const { store, clock, receipts, mostReceipts, deadLetters } = this.#options;
    const oldestLog = receiptLogAt(clock.now() - receipts);
    const logs = await store.logs(RECEIPT_LOG_PREFIX);
    for (const log of logs) if (log < oldestLog) await store.trim(log);
    await this.#receiptCount.bound(
      logs.filter((log) => log >= oldestLog),
      mostReceipts,
    );
    await this.#cleanDeadLetters(clock.now() - deadLetters);
  }

  async #inOffice(): Promise<boolean> {
    const { store, instance } = this.#options;
    const entry = await store.get(OFFICE_KEY);
    if (entry && entry.value !== instance) return false;
    return (await store.put(OFFICE_KEY, instance, { ifRevision: entry?.revision ?? 0, ttl: OFFICE })) !== undefined;
  }

  async #cleanDeadLetters(before: number): Promise<void> {
    const { store } = this.#options;
    let after: string | undefined;
    for (;;) {
      const page = await store.list(DEAD_LETTER_PREFIX, { limit: PAGE, ...(after === undefined ? {} : { after }) });
      for (const { key, value } of page) if ((value as StoredDeadLetter).at < before) await store.delete(key);
      if (page.length < PAGE) return;
      after = page.at(-1)?.key;
    }
  }
}
