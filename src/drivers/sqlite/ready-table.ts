import type { CancelledEnd } from "../../broker/settlement.ts";
import { bodyIn, bodyOf, ownBodies, type StoredBody } from "./body.ts";
import { type Connection, inArrays, type Row, type Statement, type Value } from "./connection.ts";
import {
  type PastHandOff,
  READY_COLUMNS,
  type ReadyCopy,
  readyCopyOf,
  WAITING_COLUMNS,
  type WaitingColumns,
  type WaitingCopy,
  waitingCopyOf,
} from "./copy.ts";
import { IdSearch } from "./id-search.ts";
import type { InboxRow } from "./inbox-table.ts";
import type { RowKeys } from "./log-table.ts";
import { MOST_INBOXES } from "./slots.ts";
import type { TypeFilter } from "./type-filter.ts";

/** The columns of a new copy that are seldom used. */
export interface RareColumns {
  readonly expiresAt: number | undefined;
  readonly sender: string;
  /** The envelope's `key`. */
  readonly orderName: string | undefined;
  readonly orderKey: string | undefined;
  /** Name of the limit that it counts under. */
  readonly limited: string | undefined;
}

/** A hand-off that ended in a failure. */
export interface FailedHandOff {
  /** All failed attempts as JSON. */
  readonly failures: string | null;
  readonly last: PastHandOff;
}

/** Where a row is among those of all inboxes. */
export interface ReadyPlace {
  readonly inbox: number;
  readonly slot: number;
}

/** Some slots of an inbox, of one priority or of several. */
export interface SlotRange {
  /** Without this one. */
  readonly after: number;
  /** With this one. */
  readonly to: number;
  readonly limit: number;
}

// Plain parameters only: better-sqlite3 takes numbered ones for named. Numbers arrive as doubles, the shift makes them integers.
const KEY = "(? << 45) | ?";
const SLOT = "k & 35184372088831 AS slot";
const SELECT = `SELECT ${SLOT}, ${READY_COLUMNS} FROM ready`;
// A small body comes along with its row, which spares a second way down the tree; a large one waits until it is handed out.
const SELECT_WITH_BODY = `SELECT ${SLOT}, ${WAITING_COLUMNS}, ${bodyOf("ready", { largest: 4096 })} FROM ready`;
const FIRST: ReadyPlace = { inbox: 0, slot: 0 };
const LAST: ReadyPlace = { inbox: MOST_INBOXES + 1, slot: 0 };
/** Copies that one statement removes: a third less time each than one by one. */
const REMOVED_AT_ONCE = 32;
/** From so many messages on, an inbox is searched by where an id should be before every copy is looked at. */
const LONG = 5_000;
const ALL =
  "id, type, attempt, crashes, cancelled, failures, offered_at, holder, expires_at, sender, order_name, order_key, body, limited";

/** The statements that read copies, or change them where they are. */
function statementsOn(connection: Connection) {
  const prepare = (sql: string): Statement => connection.prepare(sql);
  const within = "k BETWEEN ((? << 45) | ?) AND ((? << 45) | ?)";
  const ofInbox = "k BETWEEN (? << 45) AND (((? + 1) << 45) - 1)";
  return {
    scan: inArrays(prepare(`${SELECT_WITH_BODY} WHERE ${within} ORDER BY k LIMIT ?`)),
    scanTypes: inArrays(
      prepare(
        `${SELECT_WITH_BODY} WHERE ${within} AND (type IN (SELECT value FROM json_each(?))) = ? ORDER BY k LIMIT ?`,
      ),
    ),
    get: prepare(`${SELECT} WHERE k = ${KEY}`),
    body: prepare(`SELECT ${bodyOf("ready")} FROM ready WHERE k = ${KEY}`),
    all: prepare(`${SELECT} WHERE ${ofInbox} ORDER BY k LIMIT ?`),
    byId: prepare(`${SELECT} WHERE ${ofInbox} AND id = ? ORDER BY k`),
    byOrder: prepare(`${SELECT} WHERE sender = ? AND order_name = ? AND ${ofInbox} ORDER BY k`),
    countLimited: prepare(
      `SELECT count(*) AS count FROM (SELECT 1 FROM ready WHERE limited = ? AND ${ofInbox} LIMIT ?)`,
    ),
    scanLimited: prepare(`${SELECT} WHERE limited = ? AND ${within} ORDER BY k LIMIT ?`),
    search: new IdSearch(connection),
    expired: prepare(
      `SELECT k >> 45 AS inbox, ${SLOT}, ${READY_COLUMNS} FROM ready WHERE expires_at IS NOT NULL AND expires_at <= ? LIMIT ?`,
    ),
    nextExpiry: prepare("SELECT min(expires_at) AS at FROM ready WHERE expires_at IS NOT NULL AND expires_at > ?"),
    crash: prepare(
      `UPDATE ready SET attempt = attempt + 1, crashes = crashes + 1, offered_at = ?, holder = ? WHERE k = ${KEY}`,
    ),
    cancel: prepare(`UPDATE ready SET cancelled = ? WHERE k = ${KEY} AND cancelled IS NULL`),
    retryInPlace: prepare(
      `UPDATE ready SET attempt = attempt + 1, failures = ?, offered_at = ?, holder = ? WHERE k = ${KEY}`,
    ),
    move: prepare(
      `INSERT INTO ready (k, ${ALL}) SELECT ${KEY},
         id, type, attempt + 1, crashes, cancelled, ?, ?, ?, expires_at, sender, order_name, order_key, body, limited FROM ready WHERE k = ${KEY}`,
    ),
    endOfSome: prepare(`SELECT k >> 45 AS inbox, ${SLOT} FROM ready WHERE k > (${KEY}) ORDER BY k LIMIT 1 OFFSET ?`),
    ownBodies: prepare(ownBodies("ready", `k > (${KEY}) AND k <= (${KEY})`)),
  };
}

/** The copies that wait for hand-off or are held. A row is not changed when it is handed out. */
export class ReadyTable {
  readonly #insert: Statement;
  readonly #insertRare: Statement;
  readonly #remove: Statement;
  readonly #removeMany: Statement;
  readonly #statements: ReturnType<typeof statementsOn>;
  /** Inbox and slot of each copy that has ended and is still to be removed. */
  #ended: number[] = [];

  constructor(connection: Connection) {
    this.#insert = connection.prepare(`INSERT INTO ready (k, id, type, body) VALUES (${KEY}, ?, ?, ?)`);
    this.#insertRare = connection.prepare(
      `INSERT INTO ready (k, id, type, body, attempt, expires_at, sender, order_name, order_key, limited) VALUES (${KEY}, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#remove = connection.prepare(`DELETE FROM ready WHERE k = ${KEY}`);
    const keys = Array.from({ length: REMOVED_AT_ONCE }, () => KEY).join(", ");
    this.#removeMany = connection.prepare(`DELETE FROM ready WHERE k IN (${keys})`);
    this.#statements = statementsOn(connection);
  }

  /** The statements, for a table without what has ended. */
  get #now(): ReturnType<typeof statementsOn> {
    if (this.#ended.length > 0) this.flush();
    return this.#statements;
  }

  insert(inbox: number, copy: ReadyCopy, body: StoredBody, rare: RareColumns | undefined): void {
    if (!rare) this.#insert.run(inbox, copy.slot, copy.id, copy.type, body);
    else {
      const { expiresAt = null, orderName = null, orderKey = null, limited = null } = rare;
      const sender = orderName === null ? null : rare.sender;
      const { slot, id, type, attempt } = copy;
      this.#insertRare.run(inbox, slot, id, type, body, attempt, expiresAt, sender, orderName, orderKey, limited);
    }
  }

  /** Removes a copy that is certainly there, together with others: nothing of this table is read with it still in. */
  end(inbox: number, slot: number): void {
    if (this.#ended.push(inbox, slot) < 2 * REMOVED_AT_ONCE) return;
    this.#removeMany.run(...this.#ended);
    this.#ended = [];
  }

  /** Removes what has ended. */
  flush(): void {
    const ended = this.#ended;
    this.#ended = [];
    for (let at = 0; at < ended.length; at += 2) this.#remove.run(ended[at] as number, ended[at + 1] as number);
  }

  /** Forgets what was to be removed, because its transaction is undone. */
  forget(): void {
    this.#ended = [];
  }

  /** Whether there was such a copy. */
  remove(inbox: number, slot: number): boolean {
    return Number(this.#remove.run(inbox, slot).changes) > 0;
  }

  get(inbox: number, slot: number): ReadyCopy | undefined {
    const row = this.#now.get.get(inbox, slot) as Row | undefined;
    return row && readyCopyOf(row);
  }

  /** The stored form of the envelope. */
  body(inbox: number, slot: number): Value | undefined {
    return bodyIn((this.#now.body.get(inbox, slot) as Row | undefined)?.["body"]);
  }

  /**
   * Before these entries of the journal go: of the next `count` copies those whose bodies they have get bodies of their own.
   * Returns the last of them; undefined: there are no more.
   */
  ownBodies(
    keys: RowKeys,
    { after = FIRST, count }: { readonly after: ReadyPlace | undefined; readonly count: number },
  ): ReadyPlace | undefined {
    const end = this.#now.endOfSome.get(after.inbox, after.slot, count - 1) as Row | undefined;
    const last = end && { inbox: end["inbox"] as number, slot: end["slot"] as number };
    const { inbox, slot } = last ?? LAST;
    this.#now.ownBodies.run(after.inbox, after.slot, inbox, slot, keys.first, keys.last);
    return last;
  }

  /** The first copies after a slot and up to another, in order, held ones among them. */
  scan(inbox: number, { after, to, limit }: SlotRange): WaitingCopy[] {
    return (this.#now.scan.all(inbox, after + 1, inbox, to, limit) as WaitingColumns[]).map(waitingCopyOf);
  }

  /** As `scan`, of the types that a filter lets through. */
  scanTypes(inbox: number, { after, to, limit }: SlotRange, { names, isOnly }: TypeFilter): WaitingCopy[] {
    return (this.#now.scanTypes.all(inbox, after + 1, inbox, to, names, isOnly ? 1 : 0, limit) as WaitingColumns[]).map(
      waitingCopyOf,
    );
  }

  /** How many copies count under a limit, held ones among them; it counts no further than `most`. */
  countLimited(inbox: number, name: string, most: number): number {
    return (this.#now.countLimited.get(name, inbox, inbox, most) as Row)["count"] as number;
  }

  /** As `scan`, of the copies that count under a limit. */
  scanLimited(inbox: number, name: string, { after, to, limit }: SlotRange): ReadyCopy[] {
    return (this.#now.scanLimited.all(name, inbox, after + 1, inbox, to, limit) as Row[]).map(readyCopyOf);
  }

  /** The first copies of an inbox in the order of their keys, held ones among them. */
  all(inbox: number, limit: number): ReadyCopy[] {
    return (this.#now.all.all(inbox, inbox, limit) as Row[]).map(readyCopyOf);
  }

  /** The copies of one message; `waiting` of the inbox says how it is searched for. */
  byId({ id: inbox, waiting }: Pick<InboxRow, "id" | "waiting">, id: string): ReadyCopy[] {
    if (waiting > LONG) {
      const found = this.#now.search.slots(inbox, id).flatMap((slot) => this.get(inbox, slot) ?? []);
      if (found.length > 0) return found;
    }
    return (this.#now.byId.all(inbox, inbox, id) as Row[]).map(readyCopyOf);
  }

  /** The copies of one sender's order. */
  byOrder(inbox: number, sender: string, name: string): ReadyCopy[] {
    return (this.#now.byOrder.all(sender, name, inbox, inbox) as Row[]).map(readyCopyOf);
  }

  expired(now: number, limit: number): { readonly inboxId: number; readonly copy: ReadyCopy }[] {
    return (this.#now.expired.all(now, limit) as Row[]).map((row) => ({
      inboxId: row["inbox"] as number,
      copy: readyCopyOf(row),
    }));
  }

  /** When the next one expires. */
  nextExpiry(now: number): number | undefined {
    return ((this.#now.nextExpiry.get(now) as Row)["at"] as number | null) ?? undefined;
  }

  /** Counts a hand-off that its holder did not end. */
  crash(inbox: number, slot: number, last: PastHandOff): void {
    this.#now.crash.run(last.offeredAt, last.instance, inbox, slot);
  }

  /** Marks a held copy, unless it is marked already; false if it was. */
  cancel(inbox: number, slot: number, end: CancelledEnd): boolean {
    return Number(this.#now.cancel.run(end, inbox, slot).changes) > 0;
  }

  /** Counts a failed attempt and leaves the copy in its place. */
  retryInPlace(inbox: number, slot: number, { failures, last }: FailedHandOff): void {
    this.#now.retryInPlace.run(failures, last.offeredAt, last.instance, inbox, slot);
  }

  /** Counts a failed attempt and moves the copy to another slot of its inbox. */
  move(inbox: number, slot: number, { to, failures, last }: FailedHandOff & { readonly to: number }): void {
    this.#now.move.run(inbox, to, failures, last.offeredAt, last.instance, inbox, slot);
    this.remove(inbox, slot);
  }
}
