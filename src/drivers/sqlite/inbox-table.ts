import type { InboxOverflow, InboxSpec } from "../../broker/inbox.ts";
import { AgentwireError } from "../../errors.ts";
import { ENDS, type End } from "../../message/receipt-record.ts";
import type { Connection, Row, Statement } from "./connection.ts";
import { MOST_INBOXES } from "./slots.ts";

/** One inbox: its settings and its counts. Changed in memory within a transaction, written once before its commit. */
export interface InboxRow {
  readonly id: number;
  readonly scope: string;
  readonly name: string;
  /** The last sequence given to a copy. */
  sequence: number;
  /** The aging guard's count, shared by all processes. */
  passedOver: number;
  /** Whether a message with an order key was ever accepted; others need not look for such keys. */
  keyed: boolean;
  capacity: number;
  overflow: InboxOverflow;
  paused: boolean;
  expiresAfter: number | undefined;
  /** Peer that declared it, where it is removed after that one died. */
  owner: string | undefined;
  waiting: number;
  accepted: number;
  readonly ended: Record<End, number>;
}

const DEFAULT_CAPACITY = 1_000_000;
const COLUMN_OF_END: Readonly<Record<End, string>> = {
  acknowledged: "acknowledged",
  expired: "expired",
  "dead-lettered": "dead_lettered",
  superseded: "superseded",
  withdrawn: "withdrawn",
  dropped: "dropped",
};

function inboxOf(row: Row): InboxRow {
  return {
    id: row["id"] as number,
    scope: row["scope"] as string,
    name: row["name"] as string,
    sequence: row["seq"] as number,
    passedOver: row["handed"] as number,
    keyed: row["keyed"] === 1,
    capacity: row["capacity"] as number,
    overflow: row["overflow"] as InboxOverflow,
    paused: row["paused"] === 1,
    expiresAfter: (row["expires_after"] as number | null) ?? undefined,
    owner: (row["owner"] as string | null) ?? undefined,
    waiting: row["waiting"] as number,
    accepted: row["accepted"] as number,
    ended: Object.fromEntries(ENDS.map((end) => [end, row[COLUMN_OF_END[end]] as number])) as Record<End, number>,
  };
}

/** The inboxes, kept in memory for as long as no other process has written. */
export class InboxTable {
  readonly #scope: string;
  readonly #byName = new Map<string, InboxRow>();
  readonly #byId = new Map<number, InboxRow>();
  readonly #dirty = new Set<InboxRow>();
  readonly #connection: Connection;
  readonly #select: Statement;
  readonly #selectId: Statement;
  readonly #update: Statement;

  constructor(connection: Connection, scope: string) {
    this.#connection = connection;
    this.#scope = scope;
    this.#select = connection.prepare("SELECT * FROM inbox WHERE scope = ? AND name = ?");
    this.#selectId = connection.prepare("SELECT * FROM inbox WHERE id = ?");
    this.#update = connection.prepare(
      `UPDATE inbox SET seq = ?, handed = ?, keyed = ?, waiting = ?, accepted = ?,
         ${ENDS.map((end) => `${COLUMN_OF_END[end]} = ?`).join(", ")} WHERE id = ?`,
    );
  }

  /** An inbox of this scope. */
  find(name: string): InboxRow | undefined {
    return this.#byName.get(name) ?? this.#keep(this.#select.get(this.#scope, name) as Row | undefined);
  }

  /** An inbox of any scope. */
  byId(id: number): InboxRow | undefined {
    return this.#byId.get(id) ?? this.#keep(this.#selectId.get(id) as Row | undefined);
  }

  /** All inboxes of this scope, by name. */
  all(): InboxRow[] {
    const rows = this.#connection
      .prepare("SELECT * FROM inbox WHERE scope = ? ORDER BY name")
      .all(this.#scope) as Row[];
    return rows.map((row) => this.#byId.get(row["id"] as number) ?? (this.#keep(row) as InboxRow));
  }

  /** Creates an inbox, or changes the fields that are given. */
  declare(spec: InboxSpec, by: string): InboxRow {
    const known = this.find(spec.name);
    const owned = spec.expiresAfter === undefined ? known : { expiresAfter: spec.expiresAfter, owner: by };
    const settings = [
      spec.capacity ?? known?.capacity ?? DEFAULT_CAPACITY,
      spec.overflow ?? known?.overflow ?? "reject",
      (spec.paused ?? known?.paused) ? 1 : 0,
      owned?.expiresAfter ?? null,
      owned?.owner ?? null,
    ];
    // The rows are read anew below; what earlier works of this transaction counted must be in them.
    this.flush();
    if (known) {
      this.#connection
        .prepare(
          "UPDATE inbox SET capacity = ?, overflow = ?, paused = ?, expires_after = ?, owner = ?, orphan_since = iif(?, NULL, orphan_since) WHERE id = ?",
        )
        .run(...settings, spec.expiresAfter === undefined ? 0 : 1, known.id);
    } else {
      this.#connection
        .prepare(
          "INSERT INTO inbox (id, scope, name, capacity, overflow, paused, expires_after, owner) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .run(this.#freeId(), this.#scope, spec.name, ...settings);
    }
    this.forget();
    return this.find(spec.name) as InboxRow;
  }

  remove(inbox: InboxRow): void {
    this.#connection.prepare("DELETE FROM inbox WHERE id = ?").run(inbox.id);
    this.#dirty.delete(inbox);
    this.#byId.delete(inbox.id);
    this.#byName.delete(inbox.name);
  }

  /** The counts of this inbox have changed. */
  touch(inbox: InboxRow): void {
    this.#dirty.add(inbox);
  }

  /** Writes what has changed. */
  flush(): void {
    for (const row of this.#dirty) {
      const { sequence, passedOver, keyed, waiting, accepted, ended } = row;
      this.#update.run(
        sequence,
        passedOver,
        keyed ? 1 : 0,
        waiting,
        accepted,
        ended.acknowledged,
        ended.expired,
        ended["dead-lettered"],
        ended.superseded,
        ended.withdrawn,
        ended.dropped,
        row.id,
      );
    }
    this.#dirty.clear();
  }

  /** Drops what is kept: another process has written, or a transaction was undone. */
  forget(): void {
    this.#byName.clear();
    this.#byId.clear();
    this.#dirty.clear();
  }

  #keep(row: Row | undefined): InboxRow | undefined {
    if (row === undefined) return undefined;
    const inbox = inboxOf(row);
    this.#byId.set(inbox.id, inbox);
    if (inbox.scope === this.#scope) this.#byName.set(inbox.name, inbox);
    return inbox;
  }

  #freeId(): number {
    const last = (this.#connection.prepare("SELECT coalesce(max(id), 0) AS id FROM inbox").get() as Row)[
      "id"
    ] as number;
    if (last < MOST_INBOXES) return last + 1;
    const gap = this.#connection
      .prepare(
        "SELECT min(id) + 1 AS id FROM inbox AS one WHERE NOT EXISTS (SELECT 1 FROM inbox WHERE id = one.id + 1)",
      )
      .get() as Row;
    if ((gap["id"] as number) <= MOST_INBOXES) return gap["id"] as number;
    throw new AgentwireError("LIMIT_EXCEEDED", `The file holds ${MOST_INBOXES} inboxes and takes no more`, {
      details: { limit: MOST_INBOXES },
    });
  }
}
