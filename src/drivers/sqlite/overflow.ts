import { PRIORITIES } from "../../message/envelope.ts";
import { endWaiting } from "./cancel.ts";
import type { DelayedCopy, ReadyCopy } from "./copy.ts";
import type { InboxRow } from "./inbox-table.ts";
import { levelRange } from "./slots.ts";
import type { Transaction } from "./transaction.ts";

/** Whether the inbox is one that makes room, and something in it is free to go. */
export function canDrop(tx: Transaction, inbox: InboxRow): boolean {
  return inbox.overflow === "drop-oldest" && (oldestReady(tx, inbox) ?? oldestDelayed(tx, inbox)) !== undefined;
}

/**
 * Makes room where the inbox is one that does: ends the oldest free copy of the lowest priority; what is not even due
 * goes only when nothing else waits. False if all are held.
 */
export function dropOldest(tx: Transaction, inbox: InboxRow): boolean {
  if (inbox.overflow !== "drop-oldest") return false;
  const victim = oldestReady(tx, inbox) ?? oldestDelayed(tx, inbox);
  if (!victim) return false;
  endWaiting(tx, inbox, victim, "dropped");
  return true;
}

function oldestReady(tx: Transaction, inbox: InboxRow): ReadyCopy | undefined {
  const held = new Set<number>();
  for (const claim of tx.claimsOf(inbox)) for (const { slot } of claim.held) held.add(slot);
  for (let priority = PRIORITIES.length - 1; priority >= 0; priority--) {
    const rows = tx.tables.ready.scan(inbox.id, { ...levelRange(priority), limit: held.size + 1 });
    const free = rows.find((row) => !held.has(row.slot));
    if (free) return free;
  }
  return undefined;
}

function oldestDelayed(tx: Transaction, inbox: InboxRow): DelayedCopy | undefined {
  return tx.tables.delayed.of(inbox.id, -1).sort((a, b) => b.priority - a.priority || a.dueAt - b.dueAt)[0];
}
