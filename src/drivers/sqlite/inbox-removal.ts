import { CANCEL_BATCH, cancelCopies, findCopies } from "./cancel.ts";
import type { Transaction } from "./transaction.ts";

/**
 * Ends copies of an inbox as `dropped`, held ones too; removes the inbox with the last of them.
 * `more`: it has to be called again.
 */
export function deleteInboxStep(tx: Transaction, name: string): { readonly ended: number; readonly more: boolean } {
  const { inboxes, claims, counters, ready } = tx.tables;
  const inbox = inboxes.find(name);
  if (!inbox) return { ended: 0, more: false };
  const found = findCopies(tx, inbox, { all: true }, { limit: CANCEL_BATCH });
  cancelCopies(tx, inbox, { ...found, heldHere: [], heldElsewhere: [] }, "dropped");
  let ended = found.waiting.length;
  if (found.waiting.length >= CANCEL_BATCH) return { ended, more: true };
  for (const delivery of found.heldHere) {
    tx.release(delivery);
    tx.revoked.push({ delivery, why: "dropped" });
    ready.remove(inbox.id, delivery.slot);
    tx.end(inbox, {
      id: delivery.message.id,
      recipient: name,
      end: "dropped",
      at: tx.now,
      offeredAt: delivery.offeredAt,
      instance: delivery.consumer.options.instance,
      attempt: delivery.attempt,
    });
    ended++;
  }
  for (const { copy, peer, claimId, last } of found.heldElsewhere) {
    ready.remove(inbox.id, copy.slot);
    tx.endUnheld(
      inbox,
      { ...copy, attempt: copy.attempt + 1, offeredAt: last.offeredAt, holder: last.instance },
      "dropped",
    );
    tx.foreignRevoked.push({ peer, claimId, slot: copy.slot, end: "dropped" });
    ended++;
  }
  const others = claims.ofInbox(inbox.id).filter((claim) => claim.peer !== tx.peer);
  for (const { id } of others) claims.write(id, 0, new Uint8Array(0));
  if (others.length > 0) counters.add("takeovers");
  inboxes.remove(inbox);
  return { ended, more: false };
}
