import { AgingGuard } from "../../broker/aging.ts";
import type { DriverEvent } from "../../broker/driver.ts";
import { isSuspect, type SettleDesk } from "../../broker/held-delivery.ts";
import { AgentwireError } from "../../errors.ts";
import type { Codec } from "../../message/codec.ts";
import type { Envelope } from "../../message/envelope.ts";
import type { DeadLetter, StoredForm } from "../../message/receipt-record.ts";
import type { Value } from "./connection.ts";
import { failuresOf, type ReadyCopy, type WaitingCopy } from "./copy.ts";
import { faultKind } from "./faults.ts";
import { takeForwarded } from "./forwarded.ts";
import { type LocalConsumer, SqliteDelivery } from "./holding.ts";
import type { InboxRow } from "./inbox-table.ts";
import type { ForwardedCopy } from "./link.ts";
import type { Moment } from "./moment.ts";
import type { Outlet } from "./outlet.ts";
import type { RowSource } from "./ready-window.ts";
import type { Transaction } from "./transaction.ts";
import type { TypeFilter } from "./type-filter.ts";

/** What handing out needs around it. */
export interface HandOutOptions {
  readonly codec: Codec;
  readonly desk: SettleDesk<SqliteDelivery>;
  /** This process's id among the peers. */
  readonly peer: string;
  report(event: Omit<DriverEvent, "driver">): void;
}

/** A transaction hands out at most so many, so that it stays short. */
const MOST_PER_TRANSACTION = 512;
const RAW_KEPT = 64 * 1024;

/** Gives free copies to the consumers of this process that asked for some. */
export class HandOut {
  readonly #options: HandOutOptions;

  constructor(options: HandOutOptions) {
    this.#options = options;
  }

  /** Serves one outlet. True if more may be left that someone here would take. */
  serve(tx: Transaction, outlet: Outlet): boolean {
    const inbox = tx.tables.inboxes.find(outlet.name);
    if (!inbox || inbox.paused || !outlet.wants) return false;
    if (outlet.inboxId !== inbox.id) outlet.restart(inbox.id);
    if (outlet.drainedTo === inbox.sequence) return false;
    if (outlet.stale) this.#look(tx, outlet, inbox);
    const aging = new AgingGuard(inbox.passedOver);
    let idle = false;
    while (!idle && tx.claimed.length < MOST_PER_TRANSACTION) {
      idle = true;
      for (const consumer of outlet.inTurn()) {
        if (
          consumer.credit > 0 &&
          !consumer.closing &&
          this.#isActive(outlet, consumer) &&
          this.#give(tx, outlet, { inbox, consumer, aging })
        )
          idle = false;
      }
    }
    if (aging.passedOver !== inbox.passedOver) {
      inbox.passedOver = aging.passedOver;
      tx.tables.inboxes.touch(inbox);
    }
    if (inbox.owner === this.#options.peer) outlet.drainedTo = outlet.sole && outlet.isDry ? inbox.sequence : undefined;
    return !idle;
  }

  /** Hands out a copy that another process has just put there; see {@link takeForwarded}. */
  take(outlet: Outlet, copy: ForwardedCopy, at: Moment): SqliteDelivery | "known" | undefined {
    return takeForwarded(outlet, copy, { at, codec: this.#options.codec, desk: this.#options.desk });
  }

  /** Learns what other processes hold of an inbox. */
  #look(tx: Transaction, outlet: Outlet, inbox: InboxRow): void {
    const foreign = new Set<number>();
    const keys = new Set<string>();
    const exclusive: number[] = [];
    let lease = Number.POSITIVE_INFINITY;
    for (const claim of tx.tables.claims.ofInbox(inbox.id)) {
      if (claim.peer === this.#options.peer) continue;
      lease = Math.min(lease, claim.lease);
      if (claim.exclusive) exclusive.push(claim.id);
      for (const { slot } of claim.held) {
        foreign.add(slot);
        const key = inbox.keyed ? tx.tables.ready.get(inbox.id, slot)?.orderKey : undefined;
        if (key !== undefined) keys.add(key);
      }
    }
    outlet.foreign = foreign;
    outlet.foreignKeys = keys;
    outlet.foreignExclusive = exclusive;
    outlet.foreignLease = lease;
    outlet.stale = false;
  }

  /** An exclusive consumer is active while none came before it. */
  #isActive(outlet: Outlet, consumer: LocalConsumer): boolean {
    if (consumer.options.exclusive !== true) return true;
    const earlier = (id: number): boolean => id < consumer.claimId;
    return (
      !outlet.foreignExclusive.some(earlier) &&
      !outlet.consumers.some((other) => other.options.exclusive === true && earlier(other.claimId))
    );
  }

  /** Gives one copy to one consumer; false if there is none for it now. */
  #give(tx: Transaction, outlet: Outlet, to: { inbox: InboxRow; consumer: LocalConsumer; aging: AgingGuard }): boolean {
    const { inbox, consumer, aging } = to;
    if (consumer.holdsSuspect) return false;
    const window = outlet.windowFor(consumer);
    const source = this.#source(tx, outlet, { inbox, filter: consumer.filter });
    const blocked = inbox.keyed ? (row: WaitingCopy) => isBlocked(tx, outlet, inbox, row) : undefined;
    for (;;) {
      const before = aging.passedOver;
      let level = aging.choose(window.heads(source, blocked));
      if (level === -1) return false;
      if (consumer.held.size > 0 && isSuspect(window.peek(level).crashes)) {
        aging.passedOver = before;
        // Nothing more for this consumer until it holds nothing else; then it takes this one alone.
        if (!consumer.mayPassSuspect(tx.monotonic)) return false;
        level = aging.choose(window.heads(source, besidesSuspects(blocked)));
        if (level === -1) return false;
      }
      const row = window.peek(level);
      window.take(level);
      outlet.remove(row.slot, window);
      if (row.expiresAt !== undefined && row.expiresAt <= tx.now) {
        aging.passedOver = before;
        const expired = tx.tables.ready.get(inbox.id, row.slot);
        if (!expired) continue;
        tx.tables.ready.remove(inbox.id, row.slot);
        tx.endUnheld(inbox, expired, "expired");
        tx.rows++;
        continue;
      }
      const message = row.message ?? this.#read(tx, inbox, row);
      if (message === undefined) {
        aging.passedOver = before;
        continue;
      }
      row.message = undefined;
      row.body = undefined;
      tx.claim(
        new SqliteDelivery(row, message, {
          consumer,
          offeredAt: tx.now,
          until: tx.monotonic + consumer.options.lease,
          desk: this.#options.desk,
        }),
      );
      return true;
    }
  }

  #source(tx: Transaction, outlet: Outlet, from: { inbox: InboxRow; filter: TypeFilter }): RowSource {
    const { ready } = tx.tables;
    const { inbox, filter } = from;
    return {
      read: (range) => (filter.isAll ? ready.scan(inbox.id, range) : ready.scanTypes(inbox.id, range, filter)),
      isTaken: (slot) => outlet.isTaken(slot),
    };
  }

  /** Reads a stored envelope; what cannot be read goes to the dead letters, so that the others go on. */
  #read(tx: Transaction, inbox: InboxRow, row: WaitingCopy): Envelope | undefined {
    const body = row.body ?? tx.tables.ready.body(inbox.id, row.slot);
    try {
      if (typeof body !== "string" && !(body instanceof Uint8Array))
        throw new AgentwireError("DECODE_FAILED", "A stored message has no body");
      return this.#options.codec.decode(body);
    } catch (error) {
      const copy = tx.tables.ready.get(inbox.id, row.slot);
      if (copy) this.#quarantine(tx, inbox, { copy, body, error });
      return undefined;
    }
  }

  #quarantine(
    tx: Transaction,
    inbox: InboxRow,
    what: { copy: ReadyCopy; body: Value | undefined; error: unknown },
  ): void {
    const { copy, body, error } = what;
    const { id, type } = copy;
    const code = AgentwireError.is(error) ? error.code : "DECODE_FAILED";
    const letter = {
      message: { id, type },
      // What a newer release wrote is whole, and can be sent again by one.
      raw: storedForm(body, code === "VERSION_UNSUPPORTED" ? Number.POSITIVE_INFINITY : RAW_KEPT),
      recipient: inbox.name,
      code,
      reason: AgentwireError.is(error) ? error.message : "The stored message cannot be read",
      at: tx.now,
      attempts: failuresOf(copy.failures),
    };
    if (!this.#bury(tx, inbox, letter)) return;
    tx.tables.ready.remove(inbox.id, copy.slot);
    tx.endUnheld(inbox, copy, "dead-lettered", code);
    this.#options.report({
      type: "driver.quarantined",
      message: `Message ${id} in the inbox of "${inbox.name}" cannot be read (${code}); it is among the dead letters`,
      details: { inbox: inbox.name, id, code },
    });
  }

  /** Keeps a dead letter; where that alone is refused, its copy stays and is tried again when the inbox is next read anew. */
  #bury(tx: Transaction, inbox: InboxRow, letter: DeadLetter<Pick<Envelope, "id" | "type">>): boolean {
    const { id } = letter.message;
    try {
      tx.bury(inbox, id, letter);
      return true;
    } catch (error) {
      if (faultKind(error) !== "other") throw error;
      this.#options.report({
        type: "driver.fault",
        message: `Message ${id} in the inbox of "${inbox.name}" cannot be read (${letter.code}), nor be put among the dead letters: ${(error as Error).message}`,
        details: { inbox: inbox.name, id, outcome: "dead-lettered", code: letter.code },
      });
      return false;
    }
  }
}

/** A stored body that cannot be read, for people and for a release that can. */
function storedForm(body: Value | undefined, most: number): StoredForm {
  if (body instanceof Uint8Array) return { base64: Buffer.from(body.subarray(0, most)).toString("base64") };
  return { text: String(body ?? "").slice(0, most) };
}

/** Whether a copy's order key belongs to a copy that is held or waits between two attempts. */
function isBlocked(tx: Transaction, outlet: Outlet, inbox: InboxRow, row: WaitingCopy): boolean {
  const { orderKey } = row;
  return orderKey !== undefined && (outlet.isKeyHeld(orderKey) || tx.tables.delayed.holdsKey(inbox.id, orderKey));
}

/** As `blocked`, and so are suspects and what waits behind one for its order key. */
function besidesSuspects(blocked: ((row: WaitingCopy) => boolean) | undefined): (row: WaitingCopy) => boolean {
  const keys = new Set<string>();
  return (row) => {
    if (isSuspect(row.crashes) && row.orderKey !== undefined) keys.add(row.orderKey);
    return isSuspect(row.crashes) || (row.orderKey !== undefined && keys.has(row.orderKey)) || blocked?.(row) === true;
  };
}
