import type { Broker } from "../broker/broker.ts";
import { receiptsIn } from "../broker/packed-receipts.ts";
import { receiptLog } from "../broker/receipt-log.ts";
import { timeOfId } from "../message/id.ts";
import type { ReceiptRecord } from "../message/receipt-record.ts";
import type { Store } from "../store/store.ts";
import type { Journal } from "./journal.ts";
import type { JournalEntry } from "./journal-entry.ts";
import { buildTrace, type Trace, walk } from "./trace.ts";

const PAGE = 10_000;

/** Where a conversation is read from. */
export interface TraceSources {
  readonly journal: Journal;
  readonly store: Pick<Store, "read">;
  readonly broker: Pick<Broker, "find">;
}

/** Reads a conversation from the journal into its execution tree; from the receipts the ends that no process told of, and from the broker who is at work. */
export async function traceConversation(
  { journal, store, broker }: TraceSources,
  conversation: string,
): Promise<Trace> {
  const started = timeOfId(conversation);
  const entries: JournalEntry[] = [];
  for await (const entry of journal.matching({ conversation, ...(started > 0 ? { from: started } : {}) }))
    entries.push(entry);
  const trace = buildTrace(conversation, entries);
  const open = new Set<string>();
  for (const { node } of walk(trace.roots)) {
    if (node.deliveries.some((delivery) => delivery.endedAt === undefined)) open.add(node.id);
  }
  if (open.size === 0) return trace;
  const waiting = await Promise.all([...open].map((id) => broker.find(id)));
  return buildTrace(conversation, entries, { records: await endsOf(store, open), waiting: waiting.flat() });
}

async function endsOf(store: Pick<Store, "read">, ids: ReadonlySet<string>): Promise<ReceiptRecord[]> {
  const found: ReceiptRecord[] = [];
  for (const log of new Set([...ids].map(receiptLog))) {
    for (let after = 0; ; ) {
      const page = await store.read(log, { after, limit: PAGE });
      for (const { position, value } of page) {
        after = position;
        for (const record of receiptsIn(value)) if (ids.has(record.id)) found.push(record);
      }
      if (page.length < PAGE) break;
    }
  }
  return found;
}
