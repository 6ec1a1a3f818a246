import type { CancelResult, CancelTarget } from "../../../src/broker/broker.ts";
import type { DriverContext } from "../../../src/broker/driver.ts";
import { JOURNAL_LOG } from "../../../src/broker/journal-log.ts";
import { type HandOff, packHandOffs } from "../../../src/broker/journaled-hand-offs.ts";
import type { Publication } from "../../../src/broker/publication.ts";
import { deadLetterKey, RECEIPT_SIGNAL, receiptLog } from "../../../src/broker/receipt-log.ts";
import type { CancelledEnd } from "../../../src/broker/settlement.ts";
import type { Store } from "../../../src/store/store.ts";
import { changeValue, type Ending, endedAs, type InboxRow, keyOf, listOf, type Row } from "./row.ts";

/** What the copies need of the broker around them. */
export interface CopiesOptions {
  readonly store: Store;
  readonly context: DriverContext;
  /** Name of this process among those that share the store. */
  readonly process: string;
  signal(topic: string, data: unknown): void;
  emit(publications: readonly Publication[]): Promise<void>;
}

/** The copies of all messages. A step that ends one is decided by one write; what has to follow can be done by any process. */
export class Copies {
  readonly #options: CopiesOptions;

  constructor(options: CopiesOptions) {
    this.#options = options;
  }

  of(inbox: string): Promise<Row[]> {
    return listOf<Row>(this.#options.store, "copies", inbox);
  }

  get(inbox: string, id: string): Promise<Row | undefined> {
    return this.#options.store.get(keyOf("copies", inbox, id)).then((entry) => entry?.value as Row | undefined);
  }

  /** Adds a copy, unless it is there or has been. */
  async add(row: Row): Promise<void> {
    const { store } = this.#options;
    const { inbox, message } = row;
    if (await store.get(keyOf("ended", inbox, message.id))) return;
    const isNew = await store.put(keyOf("copies", inbox, message.id), row, { ifRevision: 0 });
    if (isNew !== undefined && row.ending) await this.finish(row, row.ending);
  }

  /** Changes a copy in one step, and does what has to follow if that ended it. */
  async change({ inbox, message }: Row, change: (row: Row) => Row | undefined): Promise<Row | undefined> {
    const key = keyOf("copies", inbox, message.id);
    const changed = await changeValue<Row>(this.#options.store, key, (row) =>
      row === undefined || row.ending ? undefined : change(row),
    );
    if (changed?.ending) await this.finish(changed, changed.ending);
    return changed;
  }

  /** Ends a copy that nobody holds; false if it had ended or is held. */
  async endWaiting(row: Row, end: CancelledEnd | "expired"): Promise<boolean> {
    const ended = await this.change(row, (now) => (now.state === "held" ? undefined : this.ended(now, end)));
    return ended !== undefined;
  }

  ended(row: Row, end: CancelledEnd | "expired"): Row {
    const { process, context } = this.#options;
    return endedAs(row, end, { process, at: context.clock.now() });
  }

  async cancel(rows: readonly Row[], end: CancelledEnd): Promise<CancelResult> {
    let ended = 0;
    let held = 0;
    for (const row of rows) {
      const changed = await this.change(row, (now) => {
        if (now.state !== "held") return this.ended(now, end);
        return now.cancelled ? now : { ...now, cancelled: end };
      });
      if (changed?.state === "held") held++;
      else if (changed) ended++;
    }
    return { ended, held };
  }

  /** Does what an ending has decided: again, if need be. Then the copy is removed, and a mark stays that it was there. */
  async finish(row: Row, { record, deadLetter, emit }: Ending): Promise<void> {
    const { store, signal } = this.#options;
    const { inbox, message } = row;
    if (deadLetter) await store.put(deadLetterKey(inbox, message.id), deadLetter);
    await store.append(receiptLog(message.id), [[record]]);
    signal(RECEIPT_SIGNAL, [record]);
    if (emit.length > 0) await this.#options.emit(emit);
    await store.put(keyOf("ended", inbox, message.id), { id: message.id, end: record.end });
    await store.delete(keyOf("copies", inbox, message.id));
  }

  /** Finishes what a dead process has decided, if no other one does. */
  async adopt(row: Row): Promise<void> {
    const { store, process } = this.#options;
    const key = keyOf("copies", row.inbox, row.message.id);
    const adopted = await changeValue<Row>(store, key, (now) =>
      now?.ending && now.ending.process === row.ending?.process
        ? { ...now, ending: { ...now.ending, process } }
        : undefined,
    );
    if (adopted?.ending) await this.finish(adopted, adopted.ending);
  }

  /** The next place of an inbox; undefined if it is gone. */
  async nextPlace(inbox: string): Promise<number | undefined> {
    return (await this.#changeInbox(inbox, (now) => ({ ...now, place: now.place + 1 })))?.place;
  }

  /** A place ahead of all others; undefined if the inbox is gone. */
  async frontPlace(inbox: string): Promise<number | undefined> {
    return (await this.#changeInbox(inbox, (now) => ({ ...now, front: now.front - 1 })))?.front;
  }

  #changeInbox(inbox: string, change: (row: InboxRow) => InboxRow): Promise<InboxRow | undefined> {
    return changeValue<InboxRow>(this.#options.store, keyOf("inboxes", inbox), (now) => now && change(now));
  }

  /** Keeps a hand-off that is over in the journal, where there is one. */
  async journal({ message }: Row, handOff: HandOff): Promise<void> {
    const { store, context } = this.#options;
    if (context.journal) await store.append(JOURNAL_LOG, [[packHandOffs(context.clock.now(), [{ message, handOff }])]]);
  }
}

/** The copies that a cancel means. */
export function targeted(rows: readonly Row[], target: CancelTarget): Row[] {
  return rows.filter(({ message, ending }) => {
    if (ending) return false;
    if ("all" in target) return true;
    if ("id" in target) return message.id === target.id;
    return message.from === target.sender && message.key === target.key;
  });
}
