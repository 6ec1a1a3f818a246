import type { DriverContext } from "../../broker/driver.ts";
import type { End, ReceiptRecord } from "../../message/receipt-record.ts";
import type { Store } from "../../store/store.ts";
import { Agenda } from "./agenda.ts";
import type { QueueEngine } from "./engine.ts";
import { throwFirst } from "./finisher.ts";
import { bodyOfText, changeValue, type DelayedRow, keyOf, namesIn, timeText } from "./rows.ts";

/** What delays need around them. */
export interface DelaysOptions {
  readonly store: Store;
  readonly context: DriverContext;
  readonly engine: QueueEngine;
  /** Carries out the end of a copy that nobody has; resolves when its record is durable. */
  end(inbox: string, record: ReceiptRecord): Promise<void>;
  fault(error: unknown): void;
}

interface Moving extends DelayedRow {
  readonly isMoving?: true;
}

const MOST_AT_ONCE = 256;
/** Whoever put it there is given so long before others do it. */
const GRACE = 1_000;

/**
 * What is not due yet: a row for each copy, and one that sorts by time. Whoever put it there moves it into its queue at its
 * time; where that process is gone, another one does.
 */
export class Delays {
  readonly #options: DelaysOptions;
  readonly #agenda: Agenda<{ readonly inbox: string; readonly id: string }>;

  constructor(options: DelaysOptions) {
    this.#options = options;
    this.#agenda = new Agenda(options.context.clock, (items) => {
      this.#ripen(items).catch(options.fault);
    });
  }

  stop(): void {
    this.#agenda.clear();
  }

  /** Keeps copies until they are due. One that is there already stays as it is. */
  async add(rows: readonly DelayedRow[]): Promise<void> {
    const { store } = this.#options;
    await Promise.all(
      rows.map(async (row) => {
        const at = Math.min(row.dueAt, row.expiresAt ?? Number.POSITIVE_INFINITY);
        await Promise.all([
          store.put(keyOf("due", timeText(at), row.inbox, row.id), 0),
          store.put(keyOf("delayed", row.inbox, row.id), row, { ifRevision: 0 }),
        ]);
        this.#agenda.add(at, row);
      }),
    );
  }

  /** The copies of an inbox that are not due, or of all. */
  async list(inbox?: string): Promise<DelayedRow[]> {
    const prefix = inbox === undefined ? keyOf("delayed", "") : keyOf("delayed", inbox, "");
    const entries = await this.#options.store.list(prefix);
    return entries.map(({ value }) => value as DelayedRow).filter(({ record }) => record === undefined);
  }

  /** Ends a copy that is not due; false if it is no more, or is on its way into its queue. */
  async end(inbox: string, id: string, how: { readonly end: End; readonly at: number }): Promise<boolean> {
    const { store, end } = this.#options;
    const key = keyOf("delayed", inbox, id);
    const row = await changeValue<Moving>(store, key, (now) => {
      if (now === undefined || now.isMoving || now.record) return undefined;
      const { past } = now;
      return { ...now, record: { id, recipient: inbox, end: how.end, at: how.at, attempt: past?.a ?? 0, ...past?.o } };
    });
    if (!row?.record) return false;
    await end(inbox, row.record);
    await this.#remove(row);
    return true;
  }

  /** Does what is due and nobody has done, and plans what comes next. */
  async sweep(): Promise<void> {
    const { store, context } = this.#options;
    for (;;) {
      const entries = await store.list(keyOf("due", ""), { limit: MOST_AT_ONCE });
      const now = context.clock.now();
      const due: { inbox: string; id: string }[] = [];
      for (const { key } of entries) {
        const [time, inbox, id] = namesIn(key) as [string, string, string];
        const at = Number.parseInt(time, 36) + GRACE;
        if (at > now) {
          this.#agenda.add(at, { inbox, id });
          break;
        }
        due.push({ inbox, id });
        await this.#ripen([{ inbox, id }]);
        await store.delete(key);
      }
      if (due.length < MOST_AT_ONCE) return;
    }
  }

  async #ripen(items: readonly { readonly inbox: string; readonly id: string }[]): Promise<void> {
    const { store, context, engine, end } = this.#options;
    const now = context.clock.now();
    const found = await Promise.all(
      items.map(async ({ inbox, id }) => {
        const key = keyOf("delayed", inbox, id);
        const row = (await store.get(key))?.value as Moving | undefined;
        if (!row) return undefined;
        if (row.record) {
          await end(inbox, row.record);
          await this.#remove(row);
          return undefined;
        }
        if (row.expiresAt !== undefined && row.expiresAt <= now) {
          await this.end(inbox, id, { end: "expired", at: now });
          return undefined;
        }
        if (row.dueAt > now) return undefined;
        return changeValue<Moving>(store, key, (one) =>
          one && !one.record ? { ...one, isMoving: true } : undefined,
        ).then((moving) => moving && { moving, isAgain: row.isMoving === true });
      }),
    );
    const moving = found.filter((one) => one !== undefined).sort((a, b) => a.moving.dueAt - b.moving.dueAt);
    if (moving.length === 0) return;
    throwFirst(
      await engine.put(
        moving.map(({ moving: row, isAgain }) => {
          const past = isAgain ? { ...(row.past ?? { a: 0 }), g: true as const } : row.past;
          return {
            inbox: row.inbox,
            level: row.level,
            body: bodyOfText(row),
            ...(past === undefined ? {} : { head: JSON.stringify(past) }),
            once: `${row.id}:${row.inbox}:d${row.past?.a ?? 0}`,
          };
        }),
      ),
    );
    await Promise.all(moving.map(({ moving: row }) => this.#remove(row)));
  }

  async #remove(row: DelayedRow): Promise<void> {
    const { store } = this.#options;
    const at = Math.min(row.dueAt, row.expiresAt ?? Number.POSITIVE_INFINITY);
    await store.delete(keyOf("delayed", row.inbox, row.id));
    await store.delete(keyOf("due", timeText(at), row.inbox, row.id));
  }
}
