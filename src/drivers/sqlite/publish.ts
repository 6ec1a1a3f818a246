import type { Candidate, CopyLimit, Publication, PublishedCopy, PublishResult } from "../../broker/publication.ts";
import { AgentwireError } from "../../errors.ts";
import type { Envelope } from "../../message/envelope.ts";
import { PRIORITIES } from "../../message/envelope.ts";
import type { StoredBody } from "./body.ts";
import { cancelCopies, type FoundCopies, findCopies } from "./cancel.ts";
import { newCopy } from "./copy.ts";
import type { InboxRow } from "./inbox-table.ts";
import { isFull, makeRoom } from "./overflow.ts";
import type { RareColumns } from "./ready-table.ts";
import { slotOf } from "./slots.ts";
import { scoped, type Transaction } from "./transaction.ts";

/** A publication with its message already in stored form. */
export interface EncodedPublication {
  readonly publication: Publication;
  readonly body: string | Uint8Array;
}

const PRIORITY = new Map<string, number>(PRIORITIES.map((priority, level) => [priority, level]));
const FULL = { code: "INBOX_FULL", reason: "The inbox has reached its capacity." } as const;

/** Stores one publication, all copies or none. */
export function publish(tx: Transaction, { publication, body }: EncodedPublication): PublishResult {
  const { message, dedupe } = publication;
  const double = dedupe && findDouble(tx, publication);
  if (double) return double;
  if (publication.routedAt !== undefined && publication.routedAt !== tx.registryRevision) return { status: "stale" };
  const inboxes = inboxesOf(tx, publication);
  if (AgentwireError.is(inboxes)) return { status: "failed", error: inboxes };
  const superseded = publication.supersedes && inboxes.map((inbox) => supersededBy(tx, inbox, publication));
  if (!publication.fanOut && !publication.refused) {
    // All are looked at before any is changed: a message is stored for all its recipients or for none.
    const { limit } = publication;
    const full = inboxes.find((inbox, at) => !superseded?.[at]?.waiting.length && isFull(tx, inbox, limit));
    if (full) return { status: "failed", error: inboxFull(full, limit) };
  }
  const stored = tx.journal ? tx.journal.message(message, body, { inboxes, dueAt: publication.dueAt }) : body;
  const copies: PublishedCopy[] = [];
  inboxes.forEach((inbox, at) => {
    const found = superseded?.[at];
    if (found) cancelCopies(tx, inbox, found, "superseded");
    copies.push({ inbox: inbox.name, state: putCopy(tx, inbox, publication, { stored, body }) });
  });
  if (dedupe) {
    tx.tables.dedupe.remember(
      dedupeKey(tx, publication),
      { fingerprint: dedupe.fingerprint, id: message.id, copies },
      tx.now + dedupe.window,
    );
    tx.rows++;
  }
  return { status: "accepted", id: message.id, copies, duplicate: false };
}

/** Publishes what a settle emits: unknown inboxes are left out, a full one ends only its copy, and nobody routes anew. */
export function emit(
  tx: Transaction,
  { publication: { routedAt: _, ...publication }, body }: EncodedPublication,
): void {
  const { to } = publication;
  const known = "pick" in to ? to : to.filter((name) => tx.tables.inboxes.find(name) !== undefined);
  publish(tx, { publication: { ...publication, to: known, fanOut: true }, body });
}

function dedupeKey(tx: Transaction, { message, dedupe }: Publication): string {
  return scoped(tx.scope, `${message.from}\n${dedupe?.key ?? ""}`);
}

function findDouble(tx: Transaction, publication: Publication): PublishResult | undefined {
  const first = tx.tables.dedupe.find(dedupeKey(tx, publication), tx.now);
  if (!first) return undefined;
  const { message, dedupe } = publication;
  if (first.fingerprint === dedupe?.fingerprint)
    return { status: "accepted", id: first.id, copies: first.copies, duplicate: true };
  const error = new AgentwireError(
    "ID_CONFLICT",
    `${message.from} has used the idempotency key "${dedupe?.key}" for another message`,
    {
      details: { key: dedupe?.key, sender: message.from, firstId: first.id },
    },
  );
  return { status: "failed", error };
}

function inboxesOf(tx: Transaction, { to }: Publication): InboxRow[] | AgentwireError {
  const { inboxes } = tx.tables;
  if ("pick" in to) {
    const picked = leastLoaded(tx, to.pick);
    return picked ? [picked] : unknownInbox(to.pick[0]?.inbox ?? "");
  }
  const found: InboxRow[] = [];
  for (const name of to) {
    const inbox = inboxes.find(name);
    if (!inbox) return unknownInbox(name);
    found.push(inbox);
  }
  return found;
}

function leastLoaded(tx: Transaction, candidates: readonly Candidate[]): InboxRow | undefined {
  let best: InboxRow | undefined;
  let leastLoad = Number.POSITIVE_INFINITY;
  for (const { inbox: name, concurrency } of candidates) {
    const inbox = tx.tables.inboxes.find(name);
    if (!inbox || inbox.waiting / concurrency >= leastLoad) continue;
    leastLoad = inbox.waiting / concurrency;
    best = inbox;
  }
  return best;
}

function supersededBy(tx: Transaction, inbox: InboxRow, { message, supersedes }: Publication): FoundCopies {
  const target =
    supersedes && "id" in supersedes ? { id: supersedes.id } : { sender: message.from, key: supersedes?.key ?? "" };
  return findCopies(tx, inbox, target, { onlyFrom: message.from });
}

/** Puts one copy into one inbox. */
function putCopy(
  tx: Transaction,
  inbox: InboxRow,
  publication: Publication,
  { stored, body }: { readonly stored: StoredBody; readonly body: string | Uint8Array },
): PublishedCopy["state"] {
  const { message, dueAt, refused, limit, attempt = 0 } = publication;
  tx.tables.inboxes.touch(inbox);
  tx.rows++;
  inbox.accepted++;
  if (refused || !makeRoom(tx, inbox, limit)) {
    refuse(tx, inbox, { message, ...(refused ?? FULL) });
    return "dead-lettered";
  }
  inbox.waiting++;
  const { expiresAt } = message;
  const delayed = dueAt !== undefined && dueAt > tx.now;
  if (expiresAt !== undefined) {
    if (expiresAt <= tx.now) {
      tx.endUnheld(inbox, newCopy(0, message), "expired");
      return delayed ? "queued" : "accepted";
    }
    tx.nextExpiry = Math.min(tx.nextExpiry, expiresAt);
  }
  const rare = rareColumns(message, { limit, attempt });
  if (rare?.orderKey !== undefined) inbox.keyed = true;
  const priority = PRIORITY.get(message.priority) ?? 2;
  if (delayed) {
    tx.nextDue = Math.min(tx.nextDue, dueAt);
    tx.tables.delayed.insert(inbox.id, priority, newCopy(0, message, attempt), { dueAt, body: stored, rare });
    return "queued";
  }
  const copy = newCopy(slotOf(priority, ++inbox.sequence), message, attempt);
  tx.tables.ready.insert(inbox.id, copy, stored, rare);
  tx.supply(inbox, copy, { message, restored: false, body });
  return "accepted";
}

function rareColumns(
  message: Envelope,
  { limit, attempt }: { readonly limit: CopyLimit | undefined; readonly attempt: number },
): RareColumns | undefined {
  const { expiresAt, from: sender, key: orderName, orderKey } = message;
  const isPlain = expiresAt === undefined && orderName === undefined && orderKey === undefined;
  if (isPlain && limit === undefined && attempt === 0) return undefined;
  return { expiresAt, sender, orderName, orderKey, limited: limit?.name };
}

/** Sends a copy to the dead letters without its ever having waited. */
function refuse(tx: Transaction, inbox: InboxRow, what: { message: Envelope; code: string; reason: string }): void {
  const { message, code, reason } = what;
  inbox.ended["dead-lettered"]++;
  tx.bury(inbox, message.id, { message, recipient: inbox.name, code, reason, at: tx.now, attempts: [] });
  tx.record(inbox.scope, {
    id: message.id,
    recipient: inbox.name,
    end: "dead-lettered",
    at: tx.now,
    attempt: 0,
    reason: code,
  });
}

function unknownInbox(name: string): AgentwireError {
  return new AgentwireError("AGENT_NOT_FOUND", `There is no inbox "${name}"`, {
    details: { agent: name, suggestions: [] },
  });
}

function inboxFull({ name, ...inbox }: InboxRow, limit: CopyLimit | undefined): AgentwireError {
  const isWhole = limit === undefined || inbox.waiting >= inbox.capacity;
  const { capacity } = isWhole ? inbox : limit;
  const of = isWhole ? "" : ` of ${limit.name}`;
  return new AgentwireError("INBOX_FULL", `The inbox of "${name}" holds ${capacity} messages${of} and takes no more`, {
    details: { inbox: name, capacity },
  });
}
