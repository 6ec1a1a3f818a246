import type { ProcessMark } from "../machine.ts";
import type { Connection, Row } from "./connection.ts";

/** One process that has the file open, or had when it died. */
export interface Peer extends ProcessMark {
  readonly id: string;
  readonly instance: string;
  /** Path of the socket it listens on. */
  readonly socket: string;
}

/** Who has the file open. Read and written seldom, so nothing is kept prepared. */
export class PeerTable {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  all(): Peer[] {
    return (
      this.#connection
        .prepare("SELECT id, instance, pid, namespace, boot, started, socket FROM peer ORDER BY id")
        .all() as Row[]
    ).map((row) => ({
      id: row["id"] as string,
      instance: row["instance"] as string,
      pid: row["pid"] as number,
      namespace: row["namespace"] as string,
      boot: row["boot"] as string,
      started: row["started"] as string,
      socket: row["socket"] as string,
    }));
  }

  has(id: string): boolean {
    return this.#connection.prepare("SELECT 1 FROM peer WHERE id = ?").get(id) !== undefined;
  }

  add(peer: Peer): void {
    this.#connection
      .prepare(
        "INSERT OR REPLACE INTO peer (id, instance, pid, namespace, boot, started, socket) VALUES (?, ?, ?, ?, ?, ?, ?)",
      )
      .run(peer.id, peer.instance, peer.pid, peer.namespace, peer.boot, peer.started, peer.socket);
  }

  /** Removes a peer, and makes orphans of its inboxes. */
  remove(id: string, now: number): void {
    this.#connection.prepare("DELETE FROM peer WHERE id = ?").run(id);
    this.orphan(id, now);
  }

  /** Its inboxes that outlive nobody are orphans from now on. */
  orphan(id: string, now: number): void {
    this.#connection.prepare("UPDATE inbox SET orphan_since = ? WHERE owner = ? AND orphan_since IS NULL").run(now, id);
  }

  /** Names of inboxes of a scope whose owner has been gone for as long as they outlive it. */
  orphanedInboxes(scope: string, now: number): string[] {
    const rows = this.#connection
      .prepare("SELECT name FROM inbox WHERE scope = ? AND orphan_since + expires_after <= ?")
      .all(scope, now) as Row[];
    return rows.map((row) => row["name"] as string);
  }

  /** When the next inbox of a scope outlived its owner for long enough. */
  nextOrphan(scope: string): number | undefined {
    const row = this.#connection
      .prepare("SELECT min(orphan_since + expires_after) AS at FROM inbox WHERE scope = ?")
      .get(scope) as Row;
    return (row["at"] as number | null) ?? undefined;
  }
}
