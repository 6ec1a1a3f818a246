import type { InboxStatus, Waiting } from "../../broker/inbox.ts";
import { PRIORITIES } from "../../message/envelope.ts";
import type { Copy } from "./copy.ts";
import type { MemoryInbox } from "./inbox.ts";

/** The state of an inbox, with the first `peek` copies. */
export function statusOf(inbox: MemoryInbox, peek: number): InboxStatus {
  const { name, capacity, overflow, paused, waiting, accepted, ended } = inbox;
  let oldest = Number.POSITIVE_INFINITY;
  for (const copies of [inbox.held, inbox.lanes.firsts(), inbox.delayed]) {
    for (const copy of copies) oldest = Math.min(oldest, copy.message.createdAt);
  }
  return {
    name,
    capacity,
    overflow,
    paused,
    waiting,
    accepted,
    held: inbox.held.size,
    delayed: inbox.delayed.size,
    ended: { ...ended },
    consumers: inbox.consumers.length,
    ...(waiting > 0 ? { oldest } : {}),
    ...(peek > 0 ? { messages: first(inbox, peek).map(waitingOf) } : {}),
  };
}

/** A copy as `inspect` and `find` show it. */
export function waitingOf(copy: Copy): Waiting {
  const { inbox, message, attempt } = copy;
  const priority = PRIORITIES[copy.level] ?? "normal";
  if (copy.dueAt !== undefined && copy.state === "delayed")
    return { inbox, message, attempt, priority, state: "delayed", dueAt: copy.dueAt };
  if (copy.state !== "held" || !copy.holder) return { inbox, message, attempt, priority, state: "ready" };
  return {
    inbox,
    message,
    attempt,
    priority,
    state: "held",
    instance: copy.holder.instance,
    offeredAt: copy.offeredAt,
  };
}

const byDueTime = (a: Copy, b: Copy): number => (a.dueAt ?? 0) - (b.dueAt ?? 0);

function first(inbox: MemoryInbox, count: number): Copy[] {
  const copies = [...inbox.held].slice(0, count);
  for (let level = 0; level < PRIORITIES.length && copies.length < count; level++) {
    copies.push(...inbox.lanes.of(level).slice(0, count - copies.length));
  }
  if (copies.length < count) {
    copies.push(...[...inbox.delayed].sort(byDueTime).slice(0, count - copies.length));
  }
  return copies;
}
