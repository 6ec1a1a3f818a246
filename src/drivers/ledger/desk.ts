import type { DriverContext } from "../../broker/driver.ts";
import type { Envelope } from "../../message/envelope.ts";
import type { DeadLetter, ReceiptRecord } from "../../message/receipt-record.ts";
import type { Store } from "../../store/store.ts";
import type { Arrival } from "./engine.ts";
import type { Finisher } from "./finisher.ts";
import { Sheet } from "./sheet.ts";

/** What the desk needs around it. */
export interface DeskOptions {
  readonly store: Store;
  readonly context: DriverContext;
  readonly finisher: Finisher;
  readonly process: string;
  readonly about: string;
}

/** An end that no consumer decides. */
export interface DeskEnding {
  readonly record: ReceiptRecord;
  readonly letter?: DeadLetter<Envelope> | undefined;
  readonly arrival?: Arrival;
  readonly message?: Envelope;
}

/** Ends copies for this process that no consumer of it holds: on a sheet for each inbox, which is made when it is needed. */
export class Desk {
  readonly #options: DeskOptions;
  readonly #sheets = new Map<string, Sheet>();

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  /** Resolves when the record is durable and all else is done. */
  async end(inbox: string, { record, letter, arrival, message }: DeskEnding): Promise<void> {
    const sheet = this.#sheet(inbox);
    const number = sheet.number();
    const { mark = "", level = 0 } = arrival ?? {};
    const entry = { i: record.id, m: mark, l: level, record, ...(letter ? { letter } : {}) };
    await sheet.commit(({ over, ended }) => {
      over.set(number, entry);
      ended[record.end] = (ended[record.end] ?? 0) + 1;
    });
    const about = { inbox, sheet, number, entry, arrival, ...(message ? { message } : {}) };
    await this.#options.finisher.finish(about);
  }

  /** An inbox is gone, and what it has ended with it. */
  forget(inbox: string): void {
    this.#sheets.get(inbox)?.abandon();
    this.#sheets.delete(inbox);
  }

  /** Another process has changed a sheet, perhaps one of these. */
  told(key: string): void {
    for (const sheet of this.#sheets.values()) if (sheet.key === key) sheet.refresh().catch(() => {});
  }

  async close(): Promise<void> {
    const sheets = [...this.#sheets.values()];
    this.#sheets.clear();
    await Promise.allSettled(sheets.map((sheet) => sheet.retire()));
  }

  abandon(): void {
    for (const sheet of this.#sheets.values()) sheet.abandon();
  }

  #sheet(inbox: string): Sheet {
    const known = this.#sheets.get(inbox);
    if (known) return known;
    const { store, context, process, about } = this.#options;
    const sheet = new Sheet({
      store,
      clock: context.clock,
      inbox,
      id: process,
      process,
      about,
      instance: "",
      consumes: false,
      lease: 0,
      changed: () => {},
    });
    this.#sheets.set(inbox, sheet);
    return sheet;
  }
}
