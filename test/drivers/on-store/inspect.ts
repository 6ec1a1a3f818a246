import type { InboxStatus, Waiting } from "../../../src/broker/inbox.ts";
import { ENDS, type End } from "../../../src/message/receipt-record.ts";
import type { Store } from "../../../src/store/store.ts";
import { type InboxRow, keyOf, levelOf, listOf, type Row } from "./row.ts";

/** What an inbox holds. */
export async function statusOf(store: Store, inbox: InboxRow, peek: number): Promise<InboxStatus> {
  const { name, capacity, overflow, paused } = inbox;
  const rows = await listOf<Row>(store, "copies", name);
  const ends = new Map(rows.flatMap((row) => (row.ending ? [[row.message.id, row.ending.record.end]] : [])));
  for (const { id, end } of await listOf<{ id: string; end: End }>(store, "ended", name)) ends.set(id, end);
  const waiting = rows.filter((row) => !row.ending);
  const ended = Object.fromEntries(ENDS.map((end) => [end, 0])) as Record<End, number>;
  for (const end of ends.values()) ended[end]++;
  const alive = new Set((await listOf<{ process: string }>(store, "processes")).map(({ process }) => process));
  const consumers = await listOf<{ process: string }>(store, "consumers", name);
  return {
    name,
    capacity,
    overflow,
    paused,
    waiting: waiting.length,
    held: waiting.filter((row) => row.state === "held").length,
    delayed: waiting.filter((row) => row.state === "delayed").length,
    accepted: waiting.length + ends.size,
    ended,
    consumers: consumers.filter(({ process }) => alive.has(process)).length,
    ...(waiting.length > 0 ? { oldest: Math.min(...waiting.map((row) => row.message.createdAt)) } : {}),
    ...(peek > 0 ? { messages: waiting.sort(byHandOff).slice(0, peek).map(waitingOf) } : {}),
  };
}

/** Where copies of a message wait. */
export async function find(store: Store, id: string): Promise<Waiting[]> {
  const found: Waiting[] = [];
  for (const { name } of await listOf<InboxRow>(store, "inboxes")) {
    const row = (await store.get(keyOf("copies", name, id)))?.value as Row | undefined;
    if (row && !row.ending) found.push(waitingOf(row));
  }
  return found;
}

const STATES = ["held", "ready", "delayed"];

function byHandOff(a: Row, b: Row): number {
  const rank = (row: Row): number => STATES.indexOf(row.state);
  return rank(a) - rank(b) || (a.dueAt ?? 0) - (b.dueAt ?? 0) || levelOf(a) - levelOf(b) || a.place - b.place;
}

function waitingOf({ inbox, message, attempt, state, dueAt, holder, offered }: Row): Waiting {
  return {
    inbox,
    message,
    attempt,
    state: state as Waiting["state"],
    priority: message.priority,
    ...(dueAt === undefined ? {} : { dueAt }),
    ...(holder && offered ? { instance: holder.instance, offeredAt: offered.offeredAt } : {}),
  };
}
