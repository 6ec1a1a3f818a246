import { JOURNAL_LOG } from "../../broker/journal-log.ts";
import { type HandOffOfMessage, packHandOffs } from "../../broker/journaled-hand-offs.ts";
import { packReceipts, receiptsIn } from "../../broker/packed-receipts.ts";
import { byReceiptLog, RECEIPT_SIGNAL, receiptLog } from "../../broker/receipt-log.ts";
import type { Settlement, SettleResult } from "../../broker/settlement.ts";
import { AgentwireError } from "../../errors.ts";
import type { ReceiptRecord } from "../../message/receipt-record.ts";
import { pastIn } from "./copy.ts";
import type { RedisDelivery } from "./delivery.ts";
import { Gathered } from "./gathered.ts";
import { SCRIPTS } from "./lua/scripts.ts";
import { encodePublication } from "./publish.ts";
import type { Argument, Session } from "./session.ts";
import type { Signals } from "./signals.ts";

interface Item {
  readonly delivery: RedisDelivery;
  readonly settlement: Settlement;
  /** What it emits, in the form of the scripts. */
  readonly emitted: readonly (readonly Argument[])[];
  resolve(result: SettleResult): void;
  reject(error: unknown): void;
}

const MOST = 256;
const MOST_READ = 10_000;
const NOTHING: readonly (readonly Argument[])[] = [];

/** Gives deliveries up, those of one turn of the event loop in one call of a script. */
export class Settler {
  readonly #session: Session;
  readonly #signals: Signals;
  readonly #gathered: Gathered<Item>;

  constructor(session: Session, signals: Signals) {
    this.#session = session;
    this.#signals = signals;
    this.#gathered = new Gathered<Item>({ most: MOST, carry: (items) => this.#carry(items) });
  }

  /** Settles with the others of this turn. @throws INDETERMINATE, ENGINE_STATE, CLOSED */
  async settle(delivery: RedisDelivery, settlement: Settlement): Promise<SettleResult> {
    const isEnd = settlement.outcome === "end";
    const { codec } = this.#session.context;
    const emitted = (isEnd && settlement.emit?.map((one) => encodePublication(one, codec).args)) || NOTHING;
    const result = await new Promise<SettleResult>((resolve, reject) => {
      this.#gathered.add(
        { delivery, settlement, emitted, resolve, reject },
        { lazy: isEnd && settlement.lazy === true },
      );
    });
    if (result === "lost" && delivery.isUncertain && (await this.#wasDecided(delivery, settlement))) return "settled";
    return result;
  }

  /** Resolves when nothing is under way. */
  drain(): Promise<void> {
    return this.#gathered.drain();
  }

  async #carry(items: readonly Item[]): Promise<void> {
    try {
      const answer = await this.#session.run(SCRIPTS.settle, this.#argsOf(items), { what: "Settling", now: true });
      if (Array.isArray(answer)) return await this.#carryRest(items, new Set(answer as number[]));
      for (const { resolve } of items) resolve("settled");
      if (answer === "heard") this.#tellRecords(items);
    } catch (error) {
      const isOpen = AgentwireError.is(error, "INDETERMINATE");
      for (const { delivery, reject } of items) {
        if (isOpen) delivery.isUncertain = true;
        reject(error);
      }
    }
  }

  /** Nothing was done, since some are no longer held: their places, from 1. */
  async #carryRest(items: readonly Item[], lost: ReadonlySet<number>): Promise<void> {
    for (const place of lost) items[place - 1]?.resolve("lost");
    const rest = items.filter((_, at) => !lost.has(at + 1));
    if (rest.length > 0) await this.#carry(rest);
  }

  #argsOf(items: readonly Item[]): Argument[] {
    const { peer, context } = this.#session;
    const args: Argument[] = [peer, context.journal ? "1" : "", String(items.length)];
    const records: ReceiptRecord[] = [];
    let emitted = 0;
    for (const { delivery, settlement, emitted: publications } of items) {
      const { inbox, holder, token, message, rare, until, isSuspect } = delivery;
      const flags = (until === undefined ? "" : "o") + (isSuspect ? "s" : "");
      args.push(inbox, holder.id, token, message.id);
      if (settlement.outcome === "end") {
        const { record, deadLetter } = settlement;
        args.push(record.end, flags, rare, deadLetter === undefined ? "" : JSON.stringify(deadLetter), "");
        records.push(record);
      } else if (settlement.outcome === "retry") {
        const { delay, failure } = settlement;
        args.push("retry", flags, rare, String(delay), failure === undefined ? "" : JSON.stringify(failure));
      } else args.push("release", flags, rare, "", "");
      emitted += publications.length;
    }
    const entries = [...byReceiptLog(records)].map(([log, list]) => [log, JSON.stringify(packReceipts(list))] as const);
    const handOffs = this.#handOffsOf(items);
    if (handOffs !== undefined) entries.push([JOURNAL_LOG, handOffs]);
    args.push(String(entries.length), ...entries.flat(), String(emitted));
    if (emitted > 0) for (const { emitted: publications } of items) for (const one of publications) args.push(...one);
    return args;
  }

  #handOffsOf(items: readonly Item[]): string | undefined {
    const { journal, clock } = this.#session.context;
    if (!journal) return undefined;
    const now = clock.now();
    const over = items.flatMap(({ delivery, settlement }): HandOffOfMessage[] => {
      const { message, inbox: recipient, attempt, offeredAt, holder } = delivery;
      if (settlement.outcome === "end") return [{ message, handOff: settlement.record }];
      if (settlement.outcome === "release") return [];
      const { instance } = holder;
      return [{ message, handOff: { id: message.id, recipient, at: now, attempt, offeredAt, instance } }];
    });
    return over.length === 0 ? undefined : JSON.stringify([packHandOffs(now, over)]);
  }

  #tellRecords(items: readonly Item[]): void {
    const records = items.flatMap(({ settlement }) => (settlement.outcome === "end" ? [settlement.record] : []));
    if (records.length > 0) this.#signals.send(RECEIPT_SIGNAL, records);
  }

  /** Whether the first try of a settle, whose answer was never heard, had counted after all. */
  async #wasDecided(delivery: RedisDelivery, settlement: Settlement): Promise<boolean> {
    const { inbox, message, attempt, past, holder } = delivery;
    const { prefix } = this.#session;
    if (settlement.outcome === "end") {
      const { record } = settlement;
      const log = `${prefix}g:${receiptLog(record.id)}`;
      for (let after = "-"; ; ) {
        const entries = (await this.#session.ask(
          ["XRANGE", log, after, "+", "COUNT", String(MOST_READ)],
          "Looking for a record",
        )) as [string, [string, string]][];
        const found = entries
          .flatMap(([, [, value]]) => receiptsIn(JSON.parse(value)))
          .find(({ id, recipient }) => id === record.id && recipient === record.recipient);
        if (found)
          return found.attempt === record.attempt && found.instance === record.instance && found.end === record.end;
        if (entries.length < MOST_READ) return false;
        after = `(${entries.at(-1)?.[0]}`;
      }
    }
    if (settlement.outcome === "release") return false;
    const kept = await this.#session.ask(["HGET", `${prefix}m:${inbox}`, message.id], "Looking for a message");
    const { a = 0, c = 0, o, i } = pastIn(String(kept ?? ""));
    return a === attempt && c === (past.c ?? 0) && o === delivery.offeredAt && i === holder.instance;
  }
}
