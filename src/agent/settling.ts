import type { Delivery } from "../broker/consumer.ts";
import type { Publication } from "../broker/publication.ts";
import type { Settlement, SettleResult } from "../broker/settlement.ts";
import { aboutMessage } from "../bus/about-message.ts";
import type { End, FailedAttempt, ReceiptRecord } from "../message/receipt-record.ts";
import type { AgentHost } from "./host.ts";

/** A delivery as the agent counts it: attempts made in this process, while the lease was kept, included. */
export interface Held {
  readonly delivery: Delivery;
  attempt: number;
  failures: readonly FailedAttempt[];
}

/** How a delivery ends. */
export interface Ending {
  readonly end: End;
  readonly code?: string;
  readonly reason?: string;
  /** Kept in the receipt where nobody awaits the reply. */
  readonly reply?: unknown;
  readonly emit?: Publication;
  readonly lazy?: boolean;
}

/** Makes the settlement that ends a delivery, with its record and, if it is given up, its dead letter. */
export function ending(host: AgentHost, held: Held, how: Ending): Settlement {
  const { delivery, attempt } = held;
  const at = host.clock.now();
  const record: { -readonly [K in keyof ReceiptRecord]: ReceiptRecord[K] } = {
    id: delivery.message.id,
    recipient: delivery.inbox,
    end: how.end,
    at,
    offeredAt: delivery.offeredAt,
    instance: host.instance,
    attempt,
  };
  if (how.code !== undefined) record.reason = how.code;
  if (how.reply !== undefined) record.reply = how.reply;
  const settlement: {
    -readonly [K in keyof Extract<Settlement, { outcome: "end" }>]: Extract<Settlement, { outcome: "end" }>[K];
  } = {
    outcome: "end",
    record,
  };
  if (how.emit !== undefined) settlement.emit = [how.emit];
  if (how.lazy) settlement.lazy = true;
  if (how.end === "dead-lettered") {
    const code = how.code ?? "HANDLER_FAILED";
    const reason = how.reason ?? code;
    settlement.deadLetter = {
      message: delivery.message,
      recipient: delivery.inbox,
      code,
      reason,
      at,
      attempts: [...held.failures, { attempt, at, instance: host.instance, code, message: reason }],
    };
  }
  return settlement;
}

/** Tells those who listen how a delivery ended, once that is durable. */
export function tellEnding(host: AgentHost, held: Held, how: Ending, result: SettleResult): void {
  if (result !== "settled" || !host.events.active || !host.events.wants(`message.${how.end}`)) return;
  const { delivery, attempt } = held;
  const at = host.clock.now();
  const about = { ...aboutMessage(delivery.message), at, recipient: delivery.inbox, instance: host.instance, attempt };
  switch (how.end) {
    case "acknowledged":
      return host.events.emit({ type: "message.acknowledged", ...about, duration: at - delivery.offeredAt });
    case "dead-lettered":
      return host.events.emit({
        type: "message.dead-lettered",
        ...about,
        code: how.code ?? "HANDLER_FAILED",
        reason: how.reason ?? "",
      });
    case "dropped":
      return host.events.emit({
        type: "message.dropped",
        ...about,
        ...(how.reason === undefined ? {} : { reason: how.reason }),
      });
    default:
      return host.events.emit({ type: `message.${how.end}`, ...about });
  }
}
