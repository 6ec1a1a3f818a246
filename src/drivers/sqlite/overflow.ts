import type { CopyLimit } from "../../broker/publication.ts";
import { PRIORITIES } from "../../message/envelope.ts";
import { endWaiting } from "./cancel.ts";
import type { DelayedCopy, ReadyCopy } from "./copy.ts";
import type { InboxRow } from "./inbox-table.ts";
import { levelRange } from "./slots.ts";
import type { Transaction } from "./transaction.ts";

type Limit = Pick<CopyLimit, "name">;

/** Whether an inbox, or its part for a kind of messages, is full and nothing in it is free to go. */
export function isFull(tx: Transaction, inbox: InboxRow, limit: CopyLimit | undefined): boolean {
  if (inbox.waiting >= inbox.capacity && !(inbox.overflow === "drop-oldest" && oldest(tx, inbox))) return true;
  return (
    limit !== undefined && isOver(tx, inbox, limit) && !(limit.overflow === "drop-oldest" && oldest(tx, inbox, limit))
  );
}

/**
 * Makes room for one copy where none is: ends the oldest free copy of the lowest priority; what is not even due goes
 * only when nothing else waits. False if that is not wanted, or all are held.
 */
export function makeRoom(tx: Transaction, inbox: InboxRow, limit: CopyLimit | undefined): boolean {
  if (limit && isOver(tx, inbox, limit) && !drop(tx, inbox, limit)) return false;
  return inbox.waiting < inbox.capacity || drop(tx, inbox);
}

/** Of an inbox that holds less altogether nothing is counted. */
function isOver(tx: Transaction, inbox: InboxRow, { name, capacity }: CopyLimit): boolean {
  if (inbox.waiting < capacity) return false;
  const ready = tx.tables.ready.countLimited(inbox.id, name, capacity);
  return ready >= capacity || ready + tx.tables.delayed.limited(inbox.id, name).length >= capacity;
}

function drop(tx: Transaction, inbox: InboxRow, limit?: CopyLimit): boolean {
  const victim = (limit ?? inbox).overflow === "drop-oldest" ? oldest(tx, inbox, limit) : undefined;
  if (!victim) return false;
  endWaiting(tx, inbox, victim, "dropped");
  return true;
}

function oldest(tx: Transaction, inbox: InboxRow, limit?: Limit): ReadyCopy | DelayedCopy | undefined {
  return oldestReady(tx, inbox, limit) ?? oldestDelayed(tx, inbox, limit);
}

function oldestReady(tx: Transaction, inbox: InboxRow, limit: Limit | undefined): ReadyCopy | undefined {
  const { ready } = tx.tables;
  const held = new Set<number>();
  for (const claim of tx.claimsOf(inbox)) for (const { slot } of claim.held) held.add(slot);
  for (let priority = PRIORITIES.length - 1; priority >= 0; priority--) {
    const range = { ...levelRange(priority), limit: held.size + 1 };
    const rows = limit ? ready.scanLimited(inbox.id, limit.name, range) : ready.scan(inbox.id, range);
    const free = rows.find((row) => !held.has(row.slot));
    if (free) return ready.get(inbox.id, free.slot);
  }
  return undefined;
}

function oldestDelayed(tx: Transaction, inbox: InboxRow, limit: Limit | undefined): DelayedCopy | undefined {
  const { delayed } = tx.tables;
  const copies = limit ? delayed.limited(inbox.id, limit.name) : delayed.of(inbox.id, -1);
  return copies.sort((a, b) => b.priority - a.priority || a.dueAt - b.dueAt)[0];
}
