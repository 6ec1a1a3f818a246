import { bodyIn, bodyOf, ownBodies, ownBody, type StoredBody } from "./body.ts";
import type { Connection, Row, Statement, Value } from "./connection.ts";
import { COPY_COLUMNS, type DelayedCopy, delayedCopyOf, type ReadyCopy } from "./copy.ts";
import type { RowKeys } from "./log-table.ts";
import type { FailedHandOff, RareColumns } from "./ready-table.ts";

const READY_KEY = "(? << 45) | ?";
const COLUMNS = `n, due_at, inbox, priority, slot, ${COPY_COLUMNS}`;
const REST = "id, type, crashes, cancelled, expires_at, sender, order_name, order_key, limited";
const SAME = `${REST}, body`;

/** The copies that are held back: by their sender, or between two attempts. */
export class DelayedTable {
  readonly #insert: Statement;
  readonly #postpone: Statement;
  readonly #ripen: Statement;
  readonly #remove: Statement;
  readonly #due: Statement;
  readonly #nextDue: Statement;
  readonly #body: Statement;
  readonly #of: Statement;
  readonly #count: Statement;
  readonly #limited: Statement;
  readonly #byId: Statement;
  readonly #byOrder: Statement;
  readonly #anywhere: Statement;
  readonly #expired: Statement;
  readonly #nextExpiry: Statement;
  readonly #holdsKey: Statement;
  readonly #endOfSome: Statement;
  readonly #ownBodies: Statement;

  constructor(connection: Connection) {
    const prepare = (sql: string): Statement => connection.prepare(sql);
    const select = `SELECT ${COLUMNS} FROM delayed`;
    this.#insert = prepare(
      `INSERT INTO delayed (due_at, inbox, priority, id, type, attempt, body, expires_at, sender, order_name, order_key, limited)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#postpone = prepare(
      `INSERT INTO delayed (due_at, inbox, priority, slot, attempt, failures, offered_at, holder, ${SAME})
         SELECT ?, ?, ?, ?, attempt + ?, ?, ?, ?, ${REST}, ${ownBody("ready")} FROM ready WHERE k = ${READY_KEY}`,
    );
    this.#ripen = prepare(
      `INSERT INTO ready (k, attempt, failures, offered_at, holder, ${SAME}) SELECT ${READY_KEY}, attempt, failures, offered_at, holder, ${SAME} FROM delayed WHERE n = ?`,
    );
    this.#remove = prepare("DELETE FROM delayed WHERE n = ?");
    this.#due = prepare(`${select} WHERE due_at <= ? ORDER BY due_at, n LIMIT ?`);
    this.#nextDue = prepare("SELECT min(due_at) AS at FROM delayed");
    this.#body = prepare(`SELECT ${bodyOf("delayed")} FROM delayed WHERE n = ?`);
    this.#of = prepare(`${select} WHERE inbox = ? ORDER BY due_at, n LIMIT ?`);
    this.#count = prepare("SELECT count(*) AS count FROM delayed WHERE inbox = ?");
    this.#limited = prepare(`${select} WHERE inbox = ? AND limited = ? ORDER BY due_at, n`);
    this.#byId = prepare(`${select} WHERE inbox = ? AND id = ?`);
    this.#byOrder = prepare(`${select} WHERE inbox = ? AND sender = ? AND order_name = ? ORDER BY n`);
    this.#anywhere = prepare(`${select} WHERE id = ?`);
    this.#expired = prepare(`${select} WHERE expires_at IS NOT NULL AND expires_at <= ? LIMIT ?`);
    this.#nextExpiry = prepare(
      "SELECT min(expires_at) AS at FROM delayed WHERE expires_at IS NOT NULL AND expires_at > ?",
    );
    this.#holdsKey = prepare(
      "SELECT 1 AS yes FROM delayed WHERE inbox = ? AND order_key = ? AND slot IS NOT NULL LIMIT 1",
    );
    this.#endOfSome = prepare("SELECT n FROM delayed WHERE n > ? ORDER BY n LIMIT 1 OFFSET ?");
    this.#ownBodies = prepare(ownBodies("delayed", "n > ? AND n <= ?"));
  }

  insert(
    inbox: number,
    priority: number,
    copy: Omit<ReadyCopy, "slot">,
    rest: { dueAt: number; body: StoredBody; rare: RareColumns | undefined },
  ): void {
    const { expiresAt = null, orderName = null, orderKey = null, sender = null, limited = null } = rest.rare ?? {};
    this.#insert.run(
      rest.dueAt,
      inbox,
      priority,
      copy.id,
      copy.type,
      copy.attempt,
      rest.body,
      expiresAt,
      orderName === null ? null : sender,
      orderName,
      orderKey,
      limited,
    );
  }

  /**
   * Copies a failed attempt's row from the ready table, which the caller then removes it from, with a body of its own, so
   * that a trim of the journal that has been through the delayed rows misses none. `slot`: the place it returns to;
   * `counted`: the row counts the attempt already.
   */
  postpone(
    inbox: number,
    readySlot: number,
    to: FailedHandOff & { dueAt: number; priority: number; slot: number | undefined; counted: boolean },
  ): void {
    this.#postpone.run(
      to.dueAt,
      inbox,
      to.priority,
      to.slot ?? null,
      to.counted ? 0 : 1,
      to.failures,
      to.last.offeredAt,
      to.last.instance,
      inbox,
      readySlot,
    );
  }

  /** Moves a row to its slot in the ready table. */
  ripen(n: number, inbox: number, slot: number): void {
    this.#ripen.run(inbox, slot, n);
    this.#remove.run(n);
  }

  remove(n: number): void {
    this.#remove.run(n);
  }

  due(now: number, limit: number): DelayedCopy[] {
    return (this.#due.all(now, limit) as Row[]).map(delayedCopyOf);
  }

  /** When the next one becomes due. */
  nextDue(): number | undefined {
    return ((this.#nextDue.get() as Row)["at"] as number | null) ?? undefined;
  }

  /** The stored form of the envelope. */
  body(n: number): Value | undefined {
    return bodyIn((this.#body.get(n) as Row | undefined)?.["body"]);
  }

  /** As in the ready table. */
  ownBodies(
    keys: RowKeys,
    { after = 0, count }: { readonly after: number | undefined; readonly count: number },
  ): number | undefined {
    const end = this.#endOfSome.get(after, count - 1) as Row | undefined;
    const last = end?.["n"] as number | undefined;
    this.#ownBodies.run(after, last ?? Number.MAX_SAFE_INTEGER, keys.first, keys.last);
    return last;
  }

  /** The first copies of an inbox, by due time. */
  of(inbox: number, limit: number): DelayedCopy[] {
    return (this.#of.all(inbox, limit) as Row[]).map(delayedCopyOf);
  }

  count(inbox: number): number {
    return (this.#count.get(inbox) as Row)["count"] as number;
  }

  /** The copies of an inbox that count under a limit, by due time. */
  limited(inbox: number, name: string): DelayedCopy[] {
    return (this.#limited.all(inbox, name) as Row[]).map(delayedCopyOf);
  }

  byId(inbox: number, id: string): DelayedCopy[] {
    return (this.#byId.all(inbox, id) as Row[]).map(delayedCopyOf);
  }

  /** The copies of one sender's order. */
  byOrder(inbox: number, sender: string, name: string): DelayedCopy[] {
    return (this.#byOrder.all(inbox, sender, name) as Row[]).map(delayedCopyOf);
  }

  /** The copies of one message in all inboxes. */
  anywhere(id: string): DelayedCopy[] {
    return (this.#anywhere.all(id) as Row[]).map(delayedCopyOf);
  }

  expired(now: number, limit: number): DelayedCopy[] {
    return (this.#expired.all(now, limit) as Row[]).map(delayedCopyOf);
  }

  /** When the next one expires. */
  nextExpiry(now: number): number | undefined {
    return ((this.#nextExpiry.get(now) as Row)["at"] as number | null) ?? undefined;
  }

  /** Whether a copy with this order key waits between two attempts. */
  holdsKey(inbox: number, orderKey: string): boolean {
    return this.#holdsKey.get(inbox, orderKey) !== undefined;
  }
}
