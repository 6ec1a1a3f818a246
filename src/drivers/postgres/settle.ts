import type { DriverContext } from "../../broker/driver.ts";
import { type HandOffOfMessage, packHandOffs } from "../../broker/journaled-hand-offs.ts";
import { packReceipts } from "../../broker/packed-receipts.ts";
import { byReceiptLog, deadLetterKey } from "../../broker/receipt-log.ts";
import type { Settlement, SettleResult } from "../../broker/settlement.ts";
import { AgentwireError } from "../../errors.ts";
import type { ReceiptRecord } from "../../message/receipt-record.ts";
import type { Claim, PostgresDelivery } from "./holding.ts";
import { type EncodedPublication, specsOf } from "./publish.ts";
import type { Server } from "./session.ts";
import { Turns } from "./turns.ts";

type End = Extract<Settlement, { outcome: "end" }>;
type Back = Exclude<Settlement, End>;

/** An end of a held copy, as the server is told of it. */
export interface Ending {
  readonly claim: Claim;
  readonly record: ReceiptRecord;
  /** Whether it has to be as durable as the server can. */
  readonly isSynced: boolean;
  /** As JSON. */
  readonly letter?: string;
  readonly emitted?: readonly EncodedPublication[];
  /** For the journal, where there is one. */
  readonly handOff?: HandOffOfMessage;
}

interface Waiter {
  readonly resolve: (result: SettleResult) => void;
  readonly reject: (error: unknown) => void;
}

type EndItem = Ending & Waiter;
interface BackItem extends Waiter {
  readonly delivery: PostgresDelivery;
  readonly back: Back;
}

/** What settling needs around it. */
export interface SettlerOptions {
  readonly server: Server;
  readonly context: DriverContext;
  onHungry(inboxes: readonly number[]): void;
  /** Something becomes due, in wall milliseconds. */
  onTime(at: number): void;
  /** Records that can be read now, and that somebody waits for. */
  onRecords(records: readonly ReceiptRecord[]): void;
}

/** A transaction settles at most so many. */
const MOST = 512;
/** Whoever holds something need not wait for a server that is gone: it settles again later. */
const AT_ONCE = { patience: 0 };
/** What is not urgent waits so long for others to go with, out of the way of what is. */
const LAZY = 50;

const ENDS = {
  name: "settle_ends",
  text: "SELECT lost, hungry, heard FROM settle_ends($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
};
const BACKS = {
  name: "settle_backs",
  text: "SELECT lost, hungry FROM settle_backs($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
};

/** Ends copies and gives them back: all that is decided in one turn of the event loop, and while an earlier step is under way, together. */
export class Settler {
  readonly #options: SettlerOptions;
  readonly #ends = new Turns<EndItem>(MOST, (items) => this.#endAll(items));
  readonly #backs = new Turns<BackItem>(MOST, (items) => this.#giveBack(items));
  #lazy: EndItem[] = [];

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  end(ending: Ending, { lazy = false }: { readonly lazy?: boolean } = {}): Promise<SettleResult> {
    return new Promise((resolve, reject) => {
      const item = { ...ending, resolve, reject };
      if (!lazy) return this.#ends.add(item);
      if (this.#lazy.push(item) === 1) this.#options.context.clock.after(LAZY, () => this.flush());
    });
  }

  back(delivery: PostgresDelivery, back: Back): Promise<SettleResult> {
    return new Promise((resolve, reject) => this.#backs.add({ delivery, back, resolve, reject }));
  }

  /** Sends what waits for others to go with. */
  flush(): void {
    const lazy = this.#lazy;
    this.#lazy = [];
    for (const item of lazy) this.#ends.add(item);
  }

  async #endAll(given: readonly EndItem[]): Promise<void> {
    let items = given;
    try {
      while (items.length > 0) {
        const { lost, hungry, heard } = await this.#options.server.row(
          "Settling",
          {
            ...ENDS,
            values: this.#endValues(items),
          },
          AT_ONCE,
        );
        const gone = new Set(lost as readonly number[]);
        if (gone.size === 0) {
          const records = items.map(({ record }) => record);
          for (const { resolve } of items) resolve("settled");
          if (heard === true) this.#options.onRecords(records);
          this.#options.onHungry(hungry as readonly number[]);
          return;
        }
        // Nothing was done: those that can be settled are sent again without the others.
        for (const [at, { resolve }] of items.entries()) if (gone.has(at + 1)) resolve("lost");
        items = items.filter((_, at) => !gone.has(at + 1));
      }
    } catch (error) {
      const others = items.filter(({ letter }) => letter === undefined);
      // A dead letter that the server does not take is not to hold up what goes together with it.
      if (isRefusal(error) && items.length > 1 && others.length < items.length) {
        if (others.length > 0) await this.#endAll(others);
        for (const item of items) if (item.letter !== undefined) await this.#endAll([item]);
      } else for (const { reject } of items) reject(error);
    }
  }

  #endValues(items: readonly EndItem[]): unknown[] {
    const { server, context } = this.#options;
    const logs = [...byReceiptLog(items.map(({ record }) => record))];
    const buried = items.filter(({ letter }) => letter !== undefined);
    const emitted = items.flatMap((item) => item.emitted ?? []);
    const handOffs = items.flatMap(({ handOff }) => handOff ?? []);
    const prefix = `${context.scope}:`;
    return [
      context.scope,
      server.peer,
      ...columnsOf(items.map(({ claim }) => claim)),
      items.map(({ record }) => record.end),
      logs.map(([log]) => prefix + log),
      logs.map(([, records]) => JSON.stringify(packReceipts(records))),
      buried.map(({ record }) => prefix + deadLetterKey(record.recipient, record.id)),
      buried.map(({ letter }) => letter),
      emitted.length === 0 ? null : specsOf(emitted),
      emitted.map(({ body }) => body),
      emitted.map(({ json }) => json),
      context.journal === true,
      handOffs.length === 0 ? null : JSON.stringify([packHandOffs(context.clock.now(), handOffs)]),
      items.some(({ isSynced }) => isSynced),
    ];
  }

  async #giveBack(items: readonly BackItem[]): Promise<void> {
    const { server, context } = this.#options;
    const values = [
      context.scope,
      server.peer,
      ...columnsOf(items.map(({ delivery }) => delivery.claim)),
      items.map(({ back }) => back.outcome),
      items.map(({ back }) => (back.outcome === "retry" ? Math.ceil(back.delay) : 0)),
      items.map(({ back }) => (back.outcome === "retry" && back.failure ? JSON.stringify(back.failure) : null)),
      items.map((item) => (context.journal && item.back.outcome === "retry" ? this.#retried(item.delivery) : null)),
    ];
    try {
      const { lost, hungry } = await server.row("Giving back", { ...BACKS, values }, AT_ONCE);
      const gone = new Set(lost as readonly number[]);
      const now = context.clock.now();
      for (const [at, { resolve, back }] of items.entries()) {
        if (back.outcome === "retry" && back.delay > 0) this.#options.onTime(now + back.delay);
        resolve(gone.has(at + 1) ? "lost" : "settled");
      }
      this.#options.onHungry(hungry as readonly number[]);
    } catch (error) {
      for (const { reject } of items) reject(error);
    }
  }

  /** The journal's entry for a hand-off whose copy waits again. */
  #retried({ message, inbox, attempt, offeredAt, instance }: PostgresDelivery): string {
    const at = this.#options.context.clock.now();
    return JSON.stringify([
      packHandOffs(at, [{ message, handOff: { id: message.id, recipient: inbox, at, attempt, offeredAt, instance } }]),
    ]);
  }
}

/** Whether the server has answered, and done nothing. */
function isRefusal(error: unknown): boolean {
  return AgentwireError.is(error, "STORAGE_FULL") || AgentwireError.is(error, "REJECTED");
}

function columnsOf(claims: readonly Claim[]): number[][] {
  return [
    claims.map(({ inbox }) => inbox),
    claims.map(({ level }) => level),
    claims.map(({ place }) => place),
    claims.map(({ consumer }) => consumer),
    claims.map(({ token }) => token),
  ];
}
