import type { Waiting } from "../broker/inbox.ts";
import type { JournaledMessage } from "../broker/journal-log.ts";
import type { End, ReceiptRecord } from "../message/receipt-record.ts";
import type { BusEvent } from "./events.ts";
import type { JournalEntry } from "./journal-entry.ts";

/** One failed attempt, as the tree shows it. */
export interface TraceFailure {
  readonly attempt: number;
  readonly at: number;
  readonly code: string;
  readonly reason: string;
}

/** What became of one recipient's copy of a message. */
export interface TraceDelivery {
  readonly recipient: string;
  readonly instance?: string;
  /** Hand-offs so far; 0 if it waits, or ended before anyone took it. */
  readonly attempts: number;
  readonly failures: readonly TraceFailure[];
  /** When it was last handed off, in wall milliseconds. */
  readonly offeredAt?: number;
  readonly endedAt?: number;
  /** From the last hand-off to the end, in milliseconds. */
  readonly duration?: number;
  readonly outcome: End | "waiting" | "running";
  /** Why it did not end well. */
  readonly reason?: string;
}

/** One message and what it caused. */
export interface TraceNode {
  readonly id: string;
  readonly type: string;
  readonly from: string;
  readonly channel?: string;
  /** When it was created, in wall milliseconds. */
  readonly at: number;
  readonly inReplyTo?: string;
  readonly deliveries: readonly TraceDelivery[];
  /** Messages sent because of it, oldest first. */
  readonly children: readonly TraceNode[];
}

/** The execution tree of a conversation: who handled what, because of what, when, how long, with what outcome. Plain JSON. */
export interface Trace {
  readonly conversation: string;
  readonly startedAt?: number;
  /** The latest thing known. */
  readonly lastAt?: number;
  readonly messages: number;
  readonly outcomes: Readonly<Partial<Record<TraceDelivery["outcome"], number>>>;
  /** Messages without a cause, or whose cause is not kept any more. */
  readonly roots: readonly TraceNode[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Copy = Mutable<TraceDelivery> & { failures: TraceFailure[] };
type CopyEvent = Extract<BusEvent, { readonly recipient: string; readonly attempt: number }>;

interface Growing extends TraceNode {
  readonly copies: Map<string, Copy>;
  readonly children: TraceNode[];
  readonly cause: string | undefined;
}

/** What is known of copies that the journal does not show the end of. */
export interface OpenCopies {
  readonly records: Iterable<ReceiptRecord>;
  readonly waiting: Iterable<Waiting>;
}

/** Builds the tree of a conversation from its journal entries, and from what else is known of the copies left open. */
export function buildTrace(conversation: string, entries: Iterable<JournalEntry>, open?: OpenCopies): Trace {
  const nodes = new Map<string, Growing>();
  const events: CopyEvent[] = [];
  for (const entry of entries) {
    if (entry.kind === "event") {
      if ("recipient" in entry.event && "attempt" in entry.event) events.push(entry.event);
    } else if (!nodes.has(entry.message.id)) nodes.set(entry.message.id, nodeOf(entry));
  }
  // An event can be written before its message, by another process.
  for (const event of events)
    nodes.get(event.id)?.copies.set(event.recipient, after(copyOf(nodes.get(event.id), event.recipient), event));
  for (const { message, inbox, state, offeredAt, instance, attempt } of open?.waiting ?? []) {
    const copy = nodes.get(message.id)?.copies.get(inbox);
    if (!copy || copy.endedAt !== undefined || state !== "held" || offeredAt === undefined) continue;
    Object.assign(copy, { outcome: "running", offeredAt, attempts: Math.max(copy.attempts, attempt), instance });
  }
  for (const record of open?.records ?? []) {
    const copy = copyOf(nodes.get(record.id), record.recipient);
    if (copy.endedAt === undefined) nodes.get(record.id)?.copies.set(record.recipient, ended(copy, record));
  }
  return summed(conversation, tree(nodes));
}

function nodeOf({ message, recipients }: JournaledMessage): Growing {
  const copies = new Map(recipients.map((recipient) => [recipient, newCopy(recipient)]));
  return {
    id: message.id,
    type: message.type,
    from: message.from,
    ...(message.channel === undefined ? {} : { channel: message.channel }),
    at: message.createdAt,
    ...(message.inReplyTo === undefined ? {} : { inReplyTo: message.inReplyTo }),
    deliveries: [],
    children: [],
    copies,
    cause: message.causationId,
  };
}

function newCopy(recipient: string): Copy {
  return { recipient, attempts: 0, failures: [], outcome: "waiting" };
}

function copyOf(node: Growing | undefined, recipient: string): Copy {
  return node?.copies.get(recipient) ?? newCopy(recipient);
}

function after(copy: Copy, event: CopyEvent): Copy {
  if (event.instance !== undefined) copy.instance = event.instance;
  copy.attempts = Math.max(copy.attempts, event.attempt);
  switch (event.type) {
    case "message.offered":
      copy.offeredAt = Math.max(copy.offeredAt ?? 0, event.at);
      if (copy.outcome === "waiting") copy.outcome = "running";
      return copy;
    case "message.retried":
      copy.failures.push({ attempt: event.attempt, at: event.at, code: event.code, reason: event.reason });
      if (copy.outcome === "running") copy.outcome = "waiting";
      return copy;
    case "message.progress":
      return copy;
    default:
      return ended(copy, {
        end: event.type.slice("message.".length) as End,
        at: event.at,
        attempt: event.attempt,
        ...("reason" in event && event.reason !== undefined ? { reason: event.reason } : {}),
      });
  }
}

function ended(
  copy: Copy,
  {
    end,
    at,
    attempt,
    offeredAt,
    instance,
    reason,
  }: Pick<ReceiptRecord, "end" | "at" | "attempt" | "offeredAt" | "instance" | "reason">,
): Copy {
  copy.outcome = end;
  copy.endedAt = at;
  copy.attempts = Math.max(copy.attempts, attempt);
  copy.offeredAt ??= offeredAt as number;
  if (copy.offeredAt === undefined) delete copy.offeredAt;
  else copy.duration = Math.max(0, at - copy.offeredAt);
  if (instance !== undefined) copy.instance = instance;
  if (reason !== undefined) copy.reason = reason;
  return copy;
}

function tree(nodes: ReadonlyMap<string, Growing>): TraceNode[] {
  const roots: TraceNode[] = [];
  const finished = new Map(
    [...nodes].map(([id, { copies, cause: _, ...node }]) => [id, { ...node, deliveries: [...copies.values()] }]),
  );
  const isUnderItself = (node: Growing): boolean => {
    const seen = new Set([node.id]);
    for (let cause = node.cause; cause !== undefined; cause = nodes.get(cause)?.cause) {
      if (seen.has(cause)) return true;
      seen.add(cause);
    }
    return false;
  };
  for (const growing of [...nodes.values()].sort(byTime)) {
    const node = finished.get(growing.id) as TraceNode;
    const cause = growing.cause === undefined ? undefined : finished.get(growing.cause);
    // Foreign programs can write causes that go round: each message of such a ring stands by itself.
    if (cause && !isUnderItself(growing)) (cause.children as TraceNode[]).push(node);
    else roots.push(node);
  }
  return roots;
}

function byTime(a: TraceNode, b: TraceNode): number {
  return a.at - b.at || (a.id < b.id ? -1 : 1);
}

function summed(conversation: string, roots: readonly TraceNode[]): Trace {
  const outcomes: Partial<Record<TraceDelivery["outcome"], number>> = {};
  let messages = 0;
  let startedAt = Number.POSITIVE_INFINITY;
  let lastAt = Number.NEGATIVE_INFINITY;
  for (const { node } of walk(roots)) {
    messages++;
    startedAt = Math.min(startedAt, node.at);
    lastAt = Math.max(lastAt, node.at);
    for (const { outcome, offeredAt = node.at, endedAt = node.at } of node.deliveries) {
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      lastAt = Math.max(lastAt, offeredAt, endedAt);
    }
  }
  return { conversation, ...(messages === 0 ? {} : { startedAt, lastAt }), messages, outcomes, roots };
}

/** A node on the way through a tree. */
export interface TraceStep {
  readonly node: TraceNode;
  readonly parent: TraceNode | undefined;
  /** For the node and each of its ancestors below the root level: whether it is the last of its siblings. */
  readonly isLast: readonly boolean[];
}

/** Every node, each before its children; of any depth. */
export function* walk(roots: readonly TraceNode[]): Generator<TraceStep> {
  const stack: TraceStep[] = [];
  const push = (nodes: readonly TraceNode[], parent: TraceNode | undefined, above: readonly boolean[]): void => {
    for (let at = nodes.length - 1; at >= 0; at--) {
      stack.push({ node: nodes[at] as TraceNode, parent, isLast: [...above, at === nodes.length - 1] });
    }
  };
  push(roots, undefined, []);
  for (let step = stack.pop(); step; step = stack.pop()) {
    yield step;
    push(step.node.children, step.node, step.isLast);
  }
}
