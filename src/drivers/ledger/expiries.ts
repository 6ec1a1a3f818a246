import type { DriverContext } from "../../broker/driver.ts";
import type { Store } from "../../store/store.ts";
import { Agenda } from "./agenda.ts";
import { keyOf, namesIn, timeText } from "./rows.ts";

/** A copy in the engine that expires. */
export interface Expiring {
  readonly inbox: string;
  readonly id: string;
  readonly mark: string;
  /** Wall milliseconds. */
  readonly at: number;
}

/** What expiries need around them. */
export interface ExpiriesOptions {
  readonly store: Store;
  readonly context: DriverContext;
  readonly process: string;
  /** Ends a copy, unless somebody has it or it has ended. */
  end(one: Expiring): Promise<void>;
  fault(error: unknown): void;
}

interface Noted {
  readonly key: string;
  readonly of: readonly Expiring[];
}

const MOST_AT_ONCE = 64;
/** Whoever sent a message is given so long before others end it. */
const GRACE = 2_000;
/** Expiries of one moment are ended together, a little late: nobody is handed an expired message. */
const STEP = 100;

/** Ends what expires while it waits, at its time, though nobody takes from its inbox. */
export class Expiries {
  readonly #options: ExpiriesOptions;
  readonly #agenda: Agenda<Noted>;
  #fresh: Expiring[] = [];
  #rows = 0;

  constructor(options: ExpiriesOptions) {
    this.#options = options;
    this.#agenda = new Agenda(options.context.clock, (due) => {
      Promise.all(due.map((one) => this.#end(one))).catch(options.fault);
    });
  }

  /** The copies of one turn become one row for each time. */
  add(one: Expiring): void {
    this.#fresh.push(one);
    if (this.#fresh.length === 1) setImmediate(() => this.#note());
  }

  stop(): void {
    this.#agenda.clear();
  }

  /** Ends what should have ended, and nobody has. */
  async sweep(): Promise<void> {
    const { store, context } = this.#options;
    for (;;) {
      const entries = await store.list(keyOf("expiries", ""), { limit: MOST_AT_ONCE });
      let ended = 0;
      for (const { key, value } of entries) {
        const at = Number.parseInt(namesIn(key)[0] as string, 36);
        const noted = { key, of: value as readonly Expiring[] };
        if (at + GRACE > context.clock.now()) {
          this.#agenda.add(at + GRACE, noted);
          break;
        }
        await this.#end(noted);
        ended++;
      }
      if (ended < MOST_AT_ONCE) return;
    }
  }

  #note(): void {
    const { store, process, fault } = this.#options;
    const byTime = new Map<number, Expiring[]>();
    for (const one of this.#fresh.splice(0)) {
      const at = Math.ceil(one.at / STEP) * STEP;
      byTime.set(at, [...(byTime.get(at) ?? []), one]);
    }
    for (const [at, of] of byTime) {
      const key = keyOf("expiries", timeText(at), `${process}-${++this.#rows}`);
      this.#agenda.add(at, { key, of });
      store.put(key, of).catch(fault);
    }
  }

  async #end({ key, of }: Noted): Promise<void> {
    const { store, end } = this.#options;
    for (const one of of) await end(one);
    await store.delete(key);
  }
}
