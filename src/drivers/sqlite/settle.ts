import type { Settlement, SettleResult } from "../../broker/settlement.ts";
import type { FailedAttempt } from "../../message/receipt-record.ts";
import { failuresOf, type PastHandOff, type ReadyCopy, type WaitingCopy } from "./copy.ts";
import type { SqliteDelivery } from "./holding.ts";
import type { InboxRow } from "./inbox-table.ts";
import { type EncodedPublication, emit } from "./publish.ts";
import { priorityOf, slotOf } from "./slots.ts";
import type { Transaction } from "./transaction.ts";

/** Carries out what the holder of a delivery decided, if it still holds it. `emitted`: the settlement's messages in stored form. */
export function settle(
  tx: Transaction,
  delivery: SqliteDelivery,
  what: { settlement: Settlement; emitted: readonly EncodedPublication[] },
): SettleResult {
  const { consumer, slot } = delivery;
  const inbox = tx.tables.inboxes.find(delivery.inbox);
  if (!inbox || consumer.held.get(slot) !== delivery) return "lost";
  if (!consumer.options.renew && delivery.until <= tx.monotonic) {
    lapse(tx, inbox, delivery);
    return "lost";
  }
  tx.rows++;
  const { settlement } = what;
  switch (settlement.outcome) {
    case "end":
      tx.release(delivery);
      // One whose claim nobody else could see may have ended elsewhere; any other is there for as long as it is held.
      if (!delivery.isForwarded) tx.tables.ready.end(inbox.id, slot);
      else if (!tx.tables.ready.remove(inbox.id, slot)) return "lost";
      tx.end(inbox, settlement.record);
      tx.journal?.handOff(delivery.message, settlement.record);
      if (settlement.deadLetter) tx.bury(inbox, settlement.record.id, settlement.deadLetter);
      for (const publication of what.emitted) emit(tx, publication);
      freeKey(tx, inbox, delivery.copy);
      return "settled";
    case "retry":
      return retry(tx, inbox, delivery, settlement);
    case "release":
      giveBack(tx, inbox, delivery);
      return "settled";
  }
}

/** Gives a held copy back untouched, in its old place; a cancelled one ends instead. */
export function giveBack(tx: Transaction, inbox: InboxRow, delivery: SqliteDelivery): void {
  tx.release(delivery);
  const row = tx.tables.ready.get(inbox.id, delivery.slot);
  if (!row) return;
  if (row.cancelled) return endReturned(tx, inbox, delivery, row);
  tx.supply(inbox, row, { message: delivery.message, restored: true });
}

/** Takes a copy from a consumer of this process whose lease has run out. */
export function lapse(tx: Transaction, inbox: InboxRow, delivery: SqliteDelivery): void {
  tx.release(delivery);
  tx.revoked.push({ delivery, why: "lease-lost" });
  keepHandOff(tx, inbox, delivery);
  tx.tables.ready.crash(inbox.id, delivery.slot, handOffOf(delivery));
  tx.rows++;
  const row = tx.tables.ready.get(inbox.id, delivery.slot);
  if (!row) return;
  if (row.cancelled) return endReturned(tx, inbox, delivery, row);
  tx.supply(inbox, row, { message: delivery.message, restored: true });
}

/** Ends a cancelled copy that its holder no longer has. */
export function endReturned(
  tx: Transaction,
  inbox: InboxRow,
  last: PastHandOff | SqliteDelivery,
  row: ReadyCopy,
): void {
  tx.tables.ready.remove(inbox.id, row.slot);
  tx.end(inbox, {
    id: row.id,
    recipient: inbox.name,
    end: row.cancelled ?? "dropped",
    at: tx.now,
    ...("consumer" in last ? handOffOf(last) : last),
    attempt: "consumer" in last ? last.attempt : row.attempt,
  });
  freeKey(tx, inbox, row);
}

function retry(
  tx: Transaction,
  inbox: InboxRow,
  delivery: SqliteDelivery,
  { delay, failure }: { delay: number; failure?: FailedAttempt },
): SettleResult {
  const { ready, delayed } = tx.tables;
  const { slot } = delivery;
  tx.release(delivery);
  const row = ready.get(inbox.id, slot);
  if (!row) return "lost";
  keepHandOff(tx, inbox, delivery);
  if (row.cancelled) {
    endReturned(tx, inbox, delivery, row);
    return "settled";
  }
  const failures = failure ? JSON.stringify([...failuresOf(row.failures), failure]) : (row.failures ?? null);
  const last = handOffOf(delivery);
  const keepsPlace = row.orderKey !== undefined;
  if (delay > 0) {
    const dueAt = tx.now + delay;
    delayed.postpone(inbox.id, slot, {
      dueAt,
      priority: priorityOf(slot),
      slot: keepsPlace ? slot : undefined,
      counted: false,
      failures,
      last,
    });
    ready.remove(inbox.id, slot);
    tx.nextDue = Math.min(tx.nextDue, dueAt);
    tx.rows++;
    return "settled";
  }
  const next = {
    ...row,
    attempt: row.attempt + 1,
    failures: failures ?? undefined,
    offeredAt: last.offeredAt,
    holder: last.instance,
  };
  if (keepsPlace) {
    ready.retryInPlace(inbox.id, slot, { failures, last });
    tx.supply(inbox, next, { message: delivery.message, restored: true });
  } else {
    const to = slotOf(priorityOf(slot), ++inbox.sequence);
    tx.tables.inboxes.touch(inbox);
    ready.move(inbox.id, slot, { to, failures, last });
    tx.supply(inbox, { ...next, slot: to }, { message: delivery.message, restored: false });
  }
  return "settled";
}

/** The journal keeps a hand-off whose copy waits again. */
function keepHandOff(tx: Transaction, inbox: InboxRow, delivery: SqliteDelivery): void {
  const { message, attempt } = delivery;
  tx.journal?.handOff(message, {
    id: message.id,
    recipient: inbox.name,
    at: tx.now,
    attempt,
    ...handOffOf(delivery),
  });
}

function handOffOf({ offeredAt, consumer }: SqliteDelivery): PastHandOff {
  return { offeredAt, instance: consumer.options.instance };
}

/** The next copy of an order key may be handed out now by another process. */
function freeKey(tx: Transaction, inbox: InboxRow, copy: Pick<WaitingCopy, "orderKey">): void {
  if (copy.orderKey !== undefined) tx.wakeOthers(inbox);
}
