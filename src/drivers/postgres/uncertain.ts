import { receiptsIn } from "../../broker/packed-receipts.ts";
import { receiptLog } from "../../broker/receipt-log.ts";
import type { Settlement } from "../../broker/settlement.ts";
import type { PostgresDelivery } from "./holding.ts";
import type { Server } from "./session.ts";

/** Whether a settle that got no answer was carried out all the same: by the record that it wrote, or by what it left of the copy. */
export async function wasSettled(
  server: Server,
  { message, inbox, attempt, instance, offeredAt, claim }: PostgresDelivery,
  settlement: Settlement,
): Promise<boolean> {
  if (settlement.outcome === "end") {
    const entries = await server.call("Looking for a record", {
      text: `SELECT e.value FROM inbox i JOIN log l ON l.name = i.scope || ':' || $2 JOIN log_entry e ON e.log = l.id
        WHERE i.id = $1 AND strpos(e.value, $3) > 0`,
      values: [claim.inbox, receiptLog(message.id), message.id],
    });
    return entries
      .flatMap(({ value }) => receiptsIn(JSON.parse(value as string)))
      .some((record) => record.id === message.id && record.recipient === inbox && record.offeredAt === offeredAt);
  }
  const copies = await server.call("Looking for a message", {
    text: "SELECT attempt, holder, offered_at FROM copy WHERE id = $1 AND inbox = $2",
    values: [message.id, claim.inbox],
  });
  return copies.some(
    (copy) => copy["attempt"] === attempt && copy["holder"] === instance && copy["offered_at"] === offeredAt,
  );
}
