import type { Connection, Row, Statement } from "./connection.ts";

/** One held copy within a claim. */
export interface HeldSlot {
  readonly slot: number;
  /** When its lease ends, in monotonic milliseconds of this boot. */
  readonly until: number;
  /** When it was leased, in wall milliseconds. */
  readonly offeredAt: number;
}

/** What one consumer holds. */
export interface Claim {
  readonly id: number;
  readonly inboxId: number;
  readonly peer: string;
  readonly instance: string;
  readonly exclusive: boolean;
  /** How long its leases are, in milliseconds. */
  readonly lease: number;
  readonly held: readonly HeldSlot[];
}

const WIDTH = 3;
const EMPTY = new Uint8Array(0);

/** Packs held slots: three doubles each. */
export function packHeld(held: Iterable<HeldSlot>, count: number): Uint8Array {
  if (count === 0) return EMPTY;
  const packed = new Float64Array(count * WIDTH);
  let at = 0;
  for (const { slot, until, offeredAt } of held) {
    packed[at] = slot;
    packed[at + 1] = until;
    packed[at + 2] = offeredAt;
    at += WIDTH;
  }
  return new Uint8Array(packed.buffer);
}

/** Unpacks what {@link packHeld} packed; bytes that do not fit are left out. */
export function unpackHeld(blob: Uint8Array): HeldSlot[] {
  const bytes = blob.slice(0, blob.byteLength - (blob.byteLength % (WIDTH * 8)));
  const packed = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8);
  const held: HeldSlot[] = [];
  for (let at = 0; at < packed.length; at += WIDTH) {
    held.push({ slot: packed[at] as number, until: packed[at + 1] as number, offeredAt: packed[at + 2] as number });
  }
  return held;
}

function claimOf(row: Row): Claim {
  return {
    id: row["id"] as number,
    inboxId: row["inbox"] as number,
    peer: row["peer"] as string,
    instance: row["instance"] as string,
    exclusive: row["exclusive"] === 1,
    lease: row["lease"] as number,
    // A copy, because the client library's buffers need not be aligned.
    held: unpackHeld(Uint8Array.from(row["held"] as Uint8Array)),
  };
}

/** What the consumers of all processes hold: one row each, so that a batch of hand-offs writes one row. */
export class ClaimTable {
  readonly #insert: Statement;
  readonly #write: Statement;
  readonly #remove: Statement;
  readonly #get: Statement;
  readonly #ofInbox: Statement;
  readonly #ofPeer: Statement;
  readonly #all: Statement;

  constructor(connection: Connection) {
    this.#insert = connection.prepare(
      "INSERT INTO claim (inbox, peer, instance, exclusive, lease, held) VALUES (?, ?, ?, ?, ?, x'') RETURNING id",
    );
    this.#write = connection.prepare("UPDATE claim SET inbox = ?, held = ? WHERE id = ?");
    this.#remove = connection.prepare("DELETE FROM claim WHERE id = ?");
    this.#get = connection.prepare("SELECT * FROM claim WHERE id = ?");
    this.#ofInbox = connection.prepare("SELECT * FROM claim WHERE inbox = ? ORDER BY id");
    this.#ofPeer = connection.prepare("SELECT * FROM claim WHERE peer = ? ORDER BY id");
    this.#all = connection.prepare("SELECT * FROM claim ORDER BY id");
  }

  /** Adds a consumer; returns its id. */
  add(consumer: Omit<Claim, "id" | "held">): number {
    const { inboxId, peer, instance, exclusive, lease } = consumer;
    return (this.#insert.get(inboxId, peer, instance, exclusive ? 1 : 0, lease) as Row)["id"] as number;
  }

  /** Whether there was such a claim. */
  write(id: number, inboxId: number, held: Uint8Array): boolean {
    return Number(this.#write.run(inboxId, held, id).changes) > 0;
  }

  remove(id: number): void {
    this.#remove.run(id);
  }

  get(id: number): Claim | undefined {
    const row = this.#get.get(id) as Row | undefined;
    return row && claimOf(row);
  }

  ofInbox(inboxId: number): Claim[] {
    return (this.#ofInbox.all(inboxId) as Row[]).map(claimOf);
  }

  ofPeer(peer: string): Claim[] {
    return (this.#ofPeer.all(peer) as Row[]).map(claimOf);
  }

  all(): Claim[] {
    return (this.#all.all() as Row[]).map(claimOf);
  }
}
