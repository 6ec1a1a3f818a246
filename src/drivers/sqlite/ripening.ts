import { endWaiting } from "./cancel.ts";
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
    tx.supply(inbox, { ...row, slot }, { message: undefined, restored: copy.slot !== undefined });
  }
  return due.length === BATCH;
}

/** Ends waiting copies whose time to live is over; true if more may be. Held ones are their holders' affair. */
export function expire(tx: Transaction): boolean {
  const { ready, delayed, inboxes } = tx.tables;
  const held = heldSlots(tx);
  const expired = ready.expired(tx.now, BATCH + held.count);
  let ended = 0;
  for (const { inboxId, copy } of expired) {
    const inbox = inboxes.byId(inboxId);
    if (!inbox || held.has(inboxId, copy.slot)) continue;
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

/** What all consumers hold: others' from the table, this process's own from memory, which is newer. */
function heldSlots(tx: Transaction): { readonly count: number; has(inboxId: number, slot: number): boolean } {
  const held = new Set<string>();
  for (const claim of tx.tables.claims.all()) {
    if (claim.peer !== tx.peer) for (const { slot } of claim.held) held.add(`${claim.inboxId}/${slot}`);
  }
  for (const { inboxId, slot } of tx.heldHere()) held.add(`${inboxId}/${slot}`);
  return { count: held.size, has: (inboxId, slot) => held.has(`${inboxId}/${slot}`) };
}
