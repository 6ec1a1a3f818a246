import type { PublishedCopy } from "../../broker/publication.ts";
import type { Connection, Row, Statement } from "./connection.ts";

/** The first send under a key. */
export interface FirstSend {
  readonly fingerprint: string;
  readonly id: string;
  readonly copies: readonly PublishedCopy[];
}

/** Idempotency keys and what was sent under them. Keys are scoped by the caller. */
export class DedupeTable {
  readonly #get: Statement;
  readonly #put: Statement;
  readonly #sweep: Statement;
  readonly #expired: Statement;

  constructor(connection: Connection) {
    this.#get = connection.prepare("SELECT fingerprint, id, copies FROM dedupe WHERE key = ? AND expires_at > ?");
    this.#put = connection.prepare(
      "INSERT OR REPLACE INTO dedupe (key, fingerprint, id, copies, expires_at) VALUES (?, ?, ?, ?, ?)",
    );
    this.#expired = connection.prepare("SELECT 1 AS yes FROM dedupe WHERE expires_at <= ? LIMIT 1");
    this.#sweep = connection.prepare(
      "DELETE FROM dedupe WHERE key IN (SELECT key FROM dedupe WHERE expires_at <= ? LIMIT ?)",
    );
  }

  find(key: string, now: number): FirstSend | undefined {
    const row = this.#get.get(key, now) as Row | undefined;
    if (!row) return undefined;
    return {
      fingerprint: row["fingerprint"] as string,
      id: row["id"] as string,
      copies: JSON.parse(row["copies"] as string) as PublishedCopy[],
    };
  }

  remember(key: string, first: FirstSend, expiresAt: number): void {
    this.#put.run(key, first.fingerprint, first.id, JSON.stringify(first.copies), expiresAt);
  }

  /** Whether some key's window is over. */
  hasExpired(now: number): boolean {
    return this.#expired.get(now) !== undefined;
  }

  /** Forgets keys whose window is over; returns how many. */
  sweep(now: number, limit: number): number {
    return Number(this.#sweep.run(now, limit).changes);
  }
}
