import type { CancelResult, CancelTarget } from "../../broker/broker.ts";
import type { CancelledEnd } from "../../broker/settlement.ts";
import type { DelayedCopy, PastHandOff, ReadyCopy } from "./copy.ts";
import type { SqliteDelivery } from "./holding.ts";
import type { InboxRow } from "./inbox-table.ts";
import type { Transaction } from "./transaction.ts";

/** A copy in the hands of a consumer of any process. */
export interface HeldElsewhere {
  readonly copy: ReadyCopy;
  readonly peer: string;
  readonly claimId: number;
  readonly last: PastHandOff;
}

/** What a cancel found in one inbox. */
export interface FoundCopies {
  readonly waiting: readonly (ReadyCopy | DelayedCopy)[];
  readonly heldHere: readonly SqliteDelivery[];
  readonly heldElsewhere: readonly HeldElsewhere[];
}

/** How the search is narrowed. */
export interface FindOptions {
  /** Only messages of this sender. */
  readonly onlyFrom?: string;
  /** At most so many waiting ones; default all. */
  readonly limit?: number;
}

/** A transaction ends at most so many copies of an inbox at once. */
export const CANCEL_BATCH = 256;

/** Finds the copies of an inbox that a cancel means, without changing any. */
export function findCopies(
  tx: Transaction,
  inbox: InboxRow,
  target: CancelTarget,
  { onlyFrom, limit = -1 }: FindOptions = {},
): FoundCopies {
  const { ready, delayed, claims } = tx.tables;
  const here = new Map<number, SqliteDelivery>();
  for (const consumer of tx.outletOf(inbox)?.consumers ?? [])
    for (const delivery of consumer.held.values()) here.set(delivery.slot, delivery);
  const elsewhere = new Map<number, Omit<HeldElsewhere, "copy">>();
  for (const { id, peer, instance, held } of claims.ofInbox(inbox.id)) {
    if (peer !== tx.peer)
      for (const { slot, offeredAt } of held) elsewhere.set(slot, { peer, claimId: id, last: { offeredAt, instance } });
  }
  // Held copies are at most one consumer's credit each, so a limited search still finds enough that wait.
  const taken = here.size + elsewhere.size;
  const readyCopies =
    "id" in target
      ? ready.byId(inbox, target.id)
      : "key" in target
        ? ready.byOrder(inbox.id, target.sender, target.key)
        : ready.all(inbox.id, limit === -1 ? -1 : limit + taken);
  const delayedCopies =
    "id" in target
      ? delayed.byId(inbox.id, target.id)
      : "key" in target
        ? delayed.byOrder(inbox.id, target.sender, target.key)
        : delayed.of(inbox.id, limit);
  const waiting: (ReadyCopy | DelayedCopy)[] = [];
  const heldHere: SqliteDelivery[] = [];
  const heldElsewhere: HeldElsewhere[] = [];
  for (const copy of readyCopies) {
    const delivery = here.get(copy.slot);
    const other = elsewhere.get(copy.slot);
    if (onlyFrom !== undefined && "id" in target && tx.envelopeOf(inbox, copy)?.from !== onlyFrom) continue;
    if (delivery) heldHere.push(delivery);
    else if (other) heldElsewhere.push({ copy, ...other });
    else waiting.push(copy);
  }
  for (const copy of delayedCopies) {
    if (onlyFrom === undefined || !("id" in target) || tx.envelopeOf(inbox, copy)?.from === onlyFrom)
      waiting.push(copy);
  }
  return { waiting, heldHere, heldElsewhere };
}

/** Ends the waiting copies and marks those that are held, telling their holders. */
export function cancelCopies(tx: Transaction, inbox: InboxRow, found: FoundCopies, end: CancelledEnd): CancelResult {
  for (const copy of found.waiting) endWaiting(tx, inbox, copy, end);
  for (const delivery of found.heldHere) {
    if (!tx.tables.ready.cancel(inbox.id, delivery.slot, end)) continue;
    tx.rows++;
    tx.revoked.push({ delivery, why: end });
  }
  for (const { copy, peer, claimId } of found.heldElsewhere) {
    if (!tx.tables.ready.cancel(inbox.id, copy.slot, end)) continue;
    tx.rows++;
    tx.foreignRevoked.push({ peer, claimId, slot: copy.slot, end });
  }
  return { ended: found.waiting.length, held: found.heldHere.length + found.heldElsewhere.length };
}

/** Ends a copy that is ready and free, or delayed. */
export function endWaiting(
  tx: Transaction,
  inbox: InboxRow,
  copy: ReadyCopy | DelayedCopy,
  end: CancelledEnd | "expired",
): void {
  if ("n" in copy) tx.tables.delayed.remove(copy.n);
  else {
    tx.tables.ready.remove(inbox.id, copy.slot);
    tx.outletOf(inbox)?.remove(copy.slot);
  }
  tx.rows++;
  tx.endUnheld(inbox, copy, end);
}
