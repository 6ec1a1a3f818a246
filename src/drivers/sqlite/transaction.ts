import type { Revocation } from "../../broker/consumer.ts";
import { JOURNAL_LOG } from "../../broker/journal-log.ts";
import { packReceipts } from "../../broker/packed-receipts.ts";
import { byReceiptLog, deadLetterKey } from "../../broker/receipt-log.ts";
import type { CancelledEnd } from "../../broker/settlement.ts";
import type { Codec } from "../../message/codec.ts";
import type { Envelope } from "../../message/envelope.ts";
import type { DeadLetter, End, ReceiptRecord } from "../../message/receipt-record.ts";
import { type Claim, packHeld } from "./claim-table.ts";
import type { DelayedCopy, ReadyCopy } from "./copy.ts";
import { type Forwarding, isForwardable } from "./forwarded.ts";
import type { LocalConsumer, SqliteDelivery } from "./holding.ts";
import type { InboxRow } from "./inbox-table.ts";
import { JournalWriter } from "./journal-writer.ts";
import type { Moment } from "./moment.ts";
import type { Outlet } from "./outlet.ts";
import type { Tables } from "./tables.ts";

/** A delivery held by a consumer of another process was cancelled. */
export interface ForeignRevocation {
  readonly peer: string;
  readonly claimId: number;
  readonly slot: number;
  readonly end: CancelledEnd;
}

/** Puts a scope before a key, a log or an inbox's name. */
export function scoped(scope: string, name: string): string {
  return `${scope}:${name}`;
}

/** The first segment of a key. */
export function bucketOf(key: string): string {
  const end = key.indexOf("/");
  return end === -1 ? key : key.slice(0, end);
}

/**
 * One write transaction and all that has to be said once it is committed. What it changes in memory is noted,
 * so that it can be undone.
 */
export class Transaction implements Moment {
  readonly tables: Tables;
  readonly scope: string;
  /** This process's id among the peers. */
  readonly peer: string;
  readonly now: number;
  readonly monotonic: number;
  /** Rows written, roughly. */
  rows = 0;
  readonly claimed: SqliteDelivery[] = [];
  readonly released: SqliteDelivery[] = [];
  readonly revoked: { readonly delivery: SqliteDelivery; readonly why: Revocation }[] = [];
  readonly foreignRevoked: ForeignRevocation[] = [];
  /** Outlets of this process with something new to hand out. */
  readonly supplied = new Set<Outlet>();
  /** Scoped names of inboxes with something new for other processes. */
  readonly wake = new Set<string>();
  /** By scoped name, new copies in inboxes that one other process hands out. */
  readonly forwards = new Map<string, Forwarding>();
  /** Scoped keys of changed values. */
  readonly changedKeys = new Set<string>();
  /** Records written, of this scope. */
  readonly records: ReceiptRecord[] = [];
  nextDue = Number.POSITIVE_INFINITY;
  nextExpiry = Number.POSITIVE_INFINITY;
  /** Where history is on. */
  readonly journal: JournalWriter | undefined;
  #registryRevision: number | undefined;
  readonly #codec: Codec;
  readonly #outlets: ReadonlyMap<string, Outlet>;
  readonly #touched = new Set<LocalConsumer>();
  readonly #foreignRecords = new Map<string, ReceiptRecord[]>();

  constructor(
    tables: Tables,
    outlets: ReadonlyMap<string, Outlet>,
    at: Moment & {
      readonly scope: string;
      readonly peer: string;
      readonly codec: Codec;
      readonly keepsJournal: boolean;
    },
  ) {
    this.tables = tables;
    this.#outlets = outlets;
    this.scope = at.scope;
    this.peer = at.peer;
    this.#codec = at.codec;
    this.now = at.now;
    this.monotonic = at.monotonic;
    if (at.keepsJournal)
      this.journal = new JournalWriter({ logs: tables.logs, log: scoped(at.scope, JOURNAL_LOG), now: at.now });
  }

  /** The registry's revision as this transaction sees it; read once, unless it changes it itself. */
  get registryRevision(): number {
    this.#registryRevision ??= this.tables.values.bucketRevision(scoped(this.scope, "registry"));
    return this.#registryRevision;
  }

  /** Where an inbox is handed out in this process, if it is. */
  outletOf(inbox: InboxRow): Outlet | undefined {
    return inbox.scope === this.scope ? this.#outlets.get(inbox.name) : undefined;
  }

  /** A stored message; undefined if it cannot be read. */
  envelopeOf(inbox: InboxRow, copy: ReadyCopy | DelayedCopy): Envelope | undefined {
    const body = "n" in copy ? this.tables.delayed.body(copy.n) : this.tables.ready.body(inbox.id, copy.slot);
    try {
      return this.#codec.decode(body as string | Uint8Array);
    } catch {
      return undefined;
    }
  }

  /** A copy is free to be handed out: at the end of its priority, or at an old place. */
  supply(
    inbox: InboxRow,
    row: ReadyCopy,
    { message, restored, body }: { message: Envelope | undefined; restored: boolean; body?: string | Uint8Array },
  ): void {
    const outlet = this.outletOf(inbox);
    if (outlet) {
      if (restored) {
        row.message = message;
        outlet.restore(row);
      } else outlet.append(row, message);
      this.supplied.add(outlet);
    }
    if (body !== undefined && isForwardable(inbox, body, this.peer)) this.#forward(inbox, row.slot, body);
    else this.wakeOthers(inbox);
  }

  /** Other processes may find something new in an inbox. */
  wakeOthers(inbox: InboxRow): void {
    this.wake.add(scoped(inbox.scope, inbox.name));
  }

  /** What this process knows of other processes' doings no longer holds. */
  spoil(): void {
    for (const outlet of this.#outlets.values()) {
      outlet.spoil();
      this.supplied.add(outlet);
    }
  }

  /** What the consumers of an inbox hold: others' from the table, this process's own as of this moment. */
  claimsOf(inbox: InboxRow): Claim[] {
    const own = this.outletOf(inbox)?.consumers ?? [];
    return this.tables.claims.ofInbox(inbox.id).map((claim) => {
      const consumer = claim.peer === this.peer ? own.find(({ claimId }) => claimId === claim.id) : undefined;
      return consumer ? { ...claim, held: [...consumer.held.values()] } : claim;
    });
  }

  /** A consumer of this process took a copy. */
  claim(delivery: SqliteDelivery): void {
    const { consumer } = delivery;
    consumer.hold(delivery);
    this.claimed.push(delivery);
    this.#touched.add(consumer);
  }

  /** A consumer of this process no longer has a copy. */
  release(delivery: SqliteDelivery): void {
    const { consumer } = delivery;
    consumer.held.delete(delivery.slot);
    this.released.push(delivery);
    this.#touched.add(consumer);
    // What could not go out beside this copy may go now: one that has to be alone, or the next of its order key.
    const outlet = this.#outlets.get(consumer.inbox);
    if (outlet?.hungry) this.supplied.add(outlet);
  }

  /** What a consumer holds, or until when, has changed. */
  touch(consumer: LocalConsumer): void {
    this.#touched.add(consumer);
  }

  /** Takes a copy out of the counts of what waits and into those of how it ended. */
  end(inbox: InboxRow, record: ReceiptRecord): void {
    inbox.waiting--;
    inbox.ended[record.end]++;
    this.tables.inboxes.touch(inbox);
    this.record(inbox.scope, record);
  }

  /** Ends a copy that no consumer decides about; its row is removed by the caller. */
  endUnheld(
    inbox: InboxRow,
    copy: Pick<ReadyCopy, "id" | "attempt" | "offeredAt" | "holder">,
    end: End,
    reason?: string,
  ): void {
    this.end(inbox, {
      id: copy.id,
      recipient: inbox.name,
      end,
      at: this.now,
      ...(copy.offeredAt === undefined ? {} : { offeredAt: copy.offeredAt }),
      ...(copy.holder === undefined ? {} : { instance: copy.holder }),
      attempt: copy.attempt,
      ...(reason === undefined ? {} : { reason }),
    });
  }

  /** Writes a record with this transaction. */
  record(scope: string, record: ReceiptRecord): void {
    if (scope === this.scope) return void this.records.push(record);
    const records = this.#foreignRecords.get(scope);
    if (records) records.push(record);
    else this.#foreignRecords.set(scope, [record]);
  }

  /** Keeps a dead letter. */
  bury(inbox: InboxRow, id: string, letter: DeadLetter<Pick<Envelope, "id" | "type">>): void {
    this.put(
      scoped(inbox.scope, deadLetterKey(inbox.name, id)),
      bucketOf(deadLetterKey(inbox.name, id)),
      JSON.stringify(letter),
      undefined,
    );
  }

  /** Writes a value under a scoped key; returns its revision. */
  put(key: string, bucket: string, json: string, expiresAt: number | undefined): number {
    this.rows++;
    this.changedKeys.add(key);
    this.#registryRevision = undefined;
    const scope = key.slice(0, key.indexOf(":"));
    return this.tables.values.put(key, scoped(scope, bucket), json, expiresAt);
  }

  /** Removes the value under a scoped key. */
  removeValue(key: string, bucket: string): void {
    this.rows++;
    this.changedKeys.add(key);
    this.#registryRevision = undefined;
    this.tables.values.remove(key, scoped(key.slice(0, key.indexOf(":")), bucket));
  }

  /** Writes what was gathered: the last thing before the commit. */
  flush(): void {
    if (this.records.length > 0) this.#appendRecords(this.scope, this.records);
    for (const [scope, records] of this.#foreignRecords) this.#appendRecords(scope, records);
    this.journal?.flush();
    this.tables.ready.flush();
    this.tables.logs.flush();
    this.tables.inboxes.flush();
    for (const consumer of this.#touched) this.#writeClaim(consumer);
  }

  /** Takes back what it changed in memory. */
  undo(): void {
    // Backwards in effect: what was taken and given in one transaction ends as it began.
    for (const delivery of this.released) delivery.consumer.held.set(delivery.slot, delivery);
    for (const delivery of this.claimed) {
      delivery.consumer.held.delete(delivery.slot);
      delivery.consumer.credit++;
    }
  }

  #forward({ id, scope, name, owner = "" }: InboxRow, slot: number, body: string): void {
    const inbox = scoped(scope, name);
    const copy = { inbox, inboxId: id, slot, body };
    const forwarding = this.forwards.get(inbox);
    if (forwarding) forwarding.copies.push(copy);
    else this.forwards.set(inbox, { owner, copies: [copy] });
  }

  #appendRecords(scope: string, records: readonly ReceiptRecord[]): void {
    for (const [log, entries] of byReceiptLog(records))
      this.tables.logs.append(scoped(scope, log), JSON.stringify(packReceipts(entries)));
  }

  #writeClaim(consumer: LocalConsumer): void {
    const { claims, inboxes } = this.tables;
    const inboxId = inboxes.find(consumer.inbox)?.id ?? 0;
    if (consumer.closing && consumer.held.size === 0) return claims.remove(consumer.claimId);
    claims.write(consumer.claimId, inboxId, packHeld(consumer.held.values(), consumer.held.size));
  }
}
