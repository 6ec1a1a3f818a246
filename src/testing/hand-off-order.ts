import type { CopyHistory } from "./copy-history.ts";
import type { SentMessage } from "./sent-message.ts";

/** The copies whose first hand-off came after that of a message sent later in the same (sender, recipient, lane). */
export function outOfOrder(sends: ReadonlyMap<string, SentMessage>, copies: Iterable<CopyHistory>): string[] {
  const lines = new Map<string, { readonly copy: CopyHistory; readonly sentAt: number }[]>();
  for (const copy of copies) {
    const sent = sends.get(copy.key);
    if (!sent || copy.firstAt === undefined) continue;
    const line = JSON.stringify([sent.sender, copy.recipient, sent.lane]);
    const entries = lines.get(line);
    const entry = { copy, sentAt: sent.at };
    if (entries) entries.push(entry);
    else lines.set(line, [entry]);
  }
  const found: string[] = [];
  for (const entries of lines.values()) {
    entries.sort((a, b) => (a.copy.firstAt as number) - (b.copy.firstAt as number));
    let newest = Number.NEGATIVE_INFINITY;
    for (const { copy, sentAt } of entries) {
      if (sentAt < newest) found.push(copy.name);
      newest = Math.max(newest, sentAt);
    }
  }
  return found;
}
