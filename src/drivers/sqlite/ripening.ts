import { endWaiting } from "./cancel.ts";
import type { InboxRow } from "./inbox-table.ts";
import { slotOf } from "./slots.ts";
import type { Transaction } from "./transaction.ts";

/** A transaction moves or ends at most so many copies whose time has come. */
const BATCH = 256;

/** Moves delayed copies that are due to where they are handed out; true if more are due. */
export function ripen(tx: Transaction): boolean {
  const { delayed, inboxes } = tx.tables;
  const due = delayed.due(tx.now, BATCH);
  for (const copy of due) {
    const inbox = inboxes.byId(copy.inboxId);
    tx.rows += 2;
    if (!inbox) {
      delayed.remove(copy.n);
      continue;
    }
    if (copy.expiresAt !== undefined && copy.expiresAt <= tx.now) {
      endWaiting(tx, inbox, copy, "expired");
      continue;
    }
    const slot = copy.slot ?? slotOf(copy.priority, ++inbox.sequence);
    inboxes.touch(inbox);
    delayed.ripen(copy.n, inbox.id, slot);
    const { n: _, dueAt: _due, inboxId: _inbox, priority: _priority, ...row } = copy;
    tx.supply(inbox, { ...row, slot, body: undefined }, { message: undefined, restored: copy.slot !== undefined });
  }
  return due.length === BATCH;
}

/** Ends waiting copies whose time to live is over; true if more may be. Held ones are their holders' affair. */
export function expire(tx: Transaction): boolean {
  const { ready, delayed, inboxes } = tx.tables;
  const held = new HeldSlots(tx);
  // Some of those found may be held, and more than fill the batch: then the next round is the sweep's.
  const expired = ready.expired(tx.now, 2 * BATCH);
  let ended = 0;
  for (const { inboxId, copy } of expired) {
    const inbox = inboxes.byId(inboxId);
    if (!inbox || held.of(inbox).has(copy.slot)) continue;
    endWaiting(tx, inbox, copy, "expired");
    ended++;
  }
  const late = delayed.expired(tx.now, BATCH);
  for (const copy of late) {
    const inbox = inboxes.byId(copy.inboxId);
    if (inbox) endWaiting(tx, inbox, copy, "expired");
  }
  return (ended > 0 && expired.length >= BATCH) || late.length === BATCH;
}

/** What consumers hold, looked up once per inbox. */
class HeldSlots {
  readonly #tx: Transaction;
  readonly #byInbox = new Map<number, ReadonlySet<number>>();

  constructor(tx: Transaction) {
    this.#tx = tx;
  }

  of(inbox: InboxRow): ReadonlySet<number> {
    const known = this.#byInbox.get(inbox.id);
    if (known) return known;
    const held = new Set(this.#tx.claimsOf(inbox).flatMap((claim) => claim.held.map(({ slot }) => slot)));
    this.#byInbox.set(inbox.id, held);
    return held;
  }
}
