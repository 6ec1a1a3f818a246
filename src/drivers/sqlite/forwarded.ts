import type { SettleDesk } from "../../broker/held-delivery.ts";
import type { Codec } from "../../message/codec.ts";
import type { Envelope } from "../../message/envelope.ts";
import { newCopy } from "./copy.ts";
import { SqliteDelivery } from "./holding.ts";
import type { InboxRow } from "./inbox-table.ts";
import type { ForwardedCopy } from "./link.ts";
import type { Moment } from "./moment.ts";
import type { Outlet } from "./outlet.ts";
import { sequenceOf } from "./slots.ts";

/** A larger body is not worth sending twice. */
const LARGEST = 8 * 1024;

/** New copies for the one process that hands out their inbox. */
export interface Forwarding {
  /** That process's id among the peers. */
  readonly owner: string;
  readonly copies: ForwardedCopy[];
}

/** Whether a new copy can travel to the process that hands its inbox out. */
export function isForwardable(inbox: InboxRow, body: string | Uint8Array, peer: string): body is string {
  const { owner, paused } = inbox;
  return owner !== undefined && owner !== peer && !paused && typeof body === "string" && body.length <= LARGEST;
}

/**
 * Takes a committed copy as it came from the process that put it there. Only where it is certainly the next one of its
 * inbox; undefined: the file has to be looked into. No claim is written: nobody else takes from such an inbox,
 * and it ends with its owner. `known`: it was handed out already.
 */
export function takeForwarded(
  outlet: Outlet,
  copy: ForwardedCopy,
  by: { readonly at: Moment; readonly codec: Codec; readonly desk: SettleDesk<SqliteDelivery> },
): SqliteDelivery | "known" | undefined {
  const { at, codec, desk } = by;
  const consumer = outlet.sole;
  const sequence = sequenceOf(copy.slot);
  if (!consumer || outlet.drainedTo === undefined || outlet.inboxId !== copy.inboxId) return undefined;
  if (sequence <= outlet.drainedTo) return "known";
  if (sequence !== outlet.drainedTo + 1 || consumer.credit <= 0 || consumer.closing) return undefined;
  let message: Envelope;
  try {
    message = codec.decode(copy.body);
  } catch {
    return undefined;
  }
  if (message.expiresAt !== undefined && message.expiresAt <= at.now) return undefined;
  const { lease } = consumer.options;
  const delivery = new SqliteDelivery(newCopy(copy.slot, message), message, {
    consumer,
    offeredAt: at.now,
    until: at.monotonic + lease,
    desk,
  });
  delivery.isForwarded = true;
  consumer.held.set(copy.slot, delivery);
  consumer.credit--;
  outlet.drainedTo = sequence;
  return delivery;
}
