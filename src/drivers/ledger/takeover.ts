import type { DriverContext } from "../../broker/driver.ts";
import { receiptsIn } from "../../broker/packed-receipts.ts";
import { receiptLog } from "../../broker/receipt-log.ts";
import type { Store } from "../../store/store.ts";
import type { Arrival, QueueEngine } from "./engine.ts";
import { changeSheet, sheetIn } from "./packed-sheet.ts";
import type { Presence } from "./presence.ts";
import { type HeldEntry, keyOf, lapsedPast, type OverEntry, type Past, pastOf, type SheetRow } from "./rows.ts";
import { retireSheet, sheetIdOf } from "./sheet.ts";

/** What is to be done with a copy that may have been somebody else's. */
export type Verdict =
  /** It is nobody's: it may be claimed, with what is known of it. */
  | { readonly take: Past | undefined; readonly lapsed?: Lapsed }
  /** This process has it already. */
  | "mine"
  /** It has ended, or is there twice. */
  | "ended"
  /** Its holder has decided to retry it, and is dead. */
  | { readonly again: OverEntry; readonly key: string; readonly number: number; readonly isOver: boolean }
  /** Somebody has it, for so many milliseconds at least. */
  | { readonly later: number };

/** Whether a copy that was claimed with a `past` is nobody else's; what is known of it, if it is not, or if that is more. */
export function takenPast(verdict: Verdict, past: Past | undefined): Past | undefined | "free" {
  if (typeof verdict !== "object" || !("take" in verdict)) return past;
  const { take, lapsed } = verdict;
  return lapsed || (take?.a ?? 0) > (past?.a ?? 0) ? take : "free";
}

/** A hand-off that was ended by a takeover. */
export interface Lapsed {
  readonly entry: HeldEntry;
  readonly instance: string;
}

/** What finding out needs. */
export interface TakeoverOptions {
  readonly store: Store;
  readonly context: DriverContext;
  readonly engine: QueueEngine;
  readonly presence: Presence;
  readonly process: string;
  /** A sheet was changed that another process, or another consumer of this one, owns. */
  told(key: string): void;
  /** The owner of a sheet is dead. */
  adopt(key: string): void;
}

/** A copy that was given to this process, with the id of its message. */
export interface Doubtful {
  readonly id: string;
  readonly arrival: Arrival;
}

const SHORTEST_PAUSE = 250;
const LONGEST_PAUSE = 1_000;
const MOST_READ = 10_000;
const LOGS_KEPT = 4;

interface Found {
  readonly key: string;
  readonly row: SheetRow;
  readonly number: number;
  readonly entry: HeldEntry | OverEntry;
  readonly isOver: boolean;
}

/** Finds out whose a copy is that the engine gives for a second time, and takes over what the dead and the silent have. */
export class Takeover {
  readonly #options: TakeoverOptions;
  /** Ends of the minutes that were asked for last. */
  readonly #ends = new Map<string, { after: number; readonly of: Set<string> }>();

  constructor(options: TakeoverOptions) {
    this.#options = options;
  }

  /** One verdict for each copy, in order; what stands on the sheet `except` does not count. */
  async judge(
    inbox: string,
    doubtful: readonly Doubtful[],
    { except }: { readonly except?: string } = {},
  ): Promise<Verdict[]> {
    const { store, presence } = this.#options;
    const [sheets, pasts, alive] = await Promise.all([
      store.list(keyOf("sheets", inbox, "")),
      store.list(keyOf("pasts", inbox, "")),
      presence.alive(),
    ]);
    const byId = new Map<string, Found[]>();
    const note = (id: string, found: Found): void => void byId.set(id, [...(byId.get(id) ?? []), found]);
    for (const sheet of sheets) {
      const { key } = sheet;
      if (key === except) continue;
      const row = sheetIn(sheet);
      for (const [number, entry] of row.held) note(entry.i, { key, row, number, entry, isOver: false });
      for (const [number, entry] of row.over) note(entry.i, { key, row, number, entry, isOver: true });
    }
    const known = new Map(pasts.map(({ value }) => [(value as Past & { readonly i: string }).i, value as Past]));
    // Whoever ended one meanwhile wrote its record before it left its sheet.
    const ended = await this.#endedOf(
      inbox,
      doubtful.filter(({ id }) => !byId.has(id)),
    );
    const verdicts: Verdict[] = [];
    for (const { id, arrival } of doubtful) {
      const found = byId.get(id) ?? [];
      // One of the same copy says more than one of its double.
      const one = found.find(({ entry }) => entry.m === arrival.mark) ?? found[0];
      if (one) verdicts.push(await this.#judgeFound(inbox, { id, arrival }, { found: one, alive }));
      else if (ended.has(id)) verdicts.push("ended");
      else verdicts.push({ take: await this.#pastOf(inbox, id, known.get(id) ?? pastOf(arrival.head)) });
    }
    return verdicts;
  }

  async #judgeFound(
    inbox: string,
    { id, arrival }: Doubtful,
    { found, alive }: { readonly found: Found; readonly alive: ReadonlySet<string> },
  ): Promise<Verdict> {
    const { presence, process, engine, adopt } = this.#options;
    const { key, row, entry, isOver } = found;
    const isGone = presence.isGone(row, alive);
    if (isGone && !row.adopted) adopt(key);
    if (isOver) {
      const over = entry as OverEntry;
      if (over.record) return "ended";
      if (over.m !== arrival.mark) return { take: pastOf(arrival.head) };
      return isGone ? { again: over, key, number: found.number, isOver } : { later: SHORTEST_PAUSE };
    }
    const held = entry as HeldEntry;
    if (held.m !== arrival.mark) return "ended";
    if (!isGone && !engine.redeliversOnlyLost) {
      if (row.process === process) return "mine";
      const left = presence.leaseLeft(key, row, held.u);
      if (left > 0) return { later: Math.min(LONGEST_PAUSE, Math.max(SHORTEST_PAUSE, left)) };
    }
    const past = lapsedPast(held, row.instance);
    // Until it is claimed; whoever has claimed it looks again, and takes this away.
    if (engine.isSure) await this.#options.store.put(keyOf("pasts", inbox, id), { ...past, i: id });
    if (!(await this.take(inbox, found))) return { later: SHORTEST_PAUSE };
    return { take: past, lapsed: { entry: held, instance: row.instance } };
  }

  /** Takes a copy off another's sheet; false if that has changed meanwhile. */
  async take(
    inbox: string,
    { key, number, isOver }: { readonly key: string; readonly number: number; readonly isOver: boolean },
  ): Promise<boolean> {
    const { store, told } = this.#options;
    const isOther = ([one]: readonly [number, unknown]): boolean => one !== number;
    // What was held when it was looked at may have been decided on since: then that holds.
    const isThere = ({ held, over }: SheetRow): boolean => !(isOver ? over : held).every(isOther);
    const row = await changeSheet(store, key, (now) =>
      now && isThere(now) ? { ...now, held: now.held.filter(isOther), over: now.over.filter(isOther) } : undefined,
    );
    if (!row) return false;
    if (row.adopted && row.held.length + row.over.length === 0)
      await retireSheet(store, { inbox, id: sheetIdOf(key), row });
    else told(key);
    return true;
  }

  /** What was kept of a copy that was given back; it is not kept any longer. */
  async #pastOf(inbox: string, id: string, past: Past | undefined): Promise<Past | undefined> {
    if (past) await this.#options.store.delete(keyOf("pasts", inbox, id));
    return past;
  }

  /** Of these, the ones that have ended. */
  async #endedOf(inbox: string, doubtful: readonly Doubtful[]): Promise<ReadonlySet<string>> {
    const logs = new Set(doubtful.map(({ id }) => receiptLog(id)));
    for (const log of logs) await this.#readOn(log);
    for (const log of [...this.#ends.keys()].slice(0, Math.max(0, this.#ends.size - LOGS_KEPT)))
      if (!logs.has(log)) this.#ends.delete(log);
    const isEnded = ({ id }: Doubtful): boolean => this.#ends.get(receiptLog(id))?.of.has(`${id} ${inbox}`) === true;
    return new Set(doubtful.filter(isEnded).map(({ id }) => id));
  }

  /** Reads what a log has more than what was read before. */
  async #readOn(log: string): Promise<void> {
    const known = this.#ends.get(log) ?? { after: 0, of: new Set<string>() };
    this.#ends.set(log, known);
    for (;;) {
      const entries = await this.#options.store.read(log, { after: known.after, limit: MOST_READ });
      for (const { id, recipient } of entries.flatMap(({ value }) => receiptsIn(value)))
        known.of.add(`${id} ${recipient}`);
      known.after = Math.max(known.after, entries.at(-1)?.position ?? 0);
      if (entries.length < MOST_READ) return;
    }
  }
}
