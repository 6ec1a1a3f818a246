import { isCertainlyDead, type ProcessMark } from "../machine.ts";
import type { Claim, HeldSlot } from "./claim-table.ts";
import { packHeld } from "./claim-table.ts";
import type { PastHandOff, ReadyCopy } from "./copy.ts";
import type { LocalConsumer } from "./holding.ts";
import type { InboxRow } from "./inbox-table.ts";
import { removeSocket } from "./mesh.ts";
import type { Moment } from "./moment.ts";
import type { Peer } from "./peer-table.ts";
import { endReturned, lapse } from "./settle.ts";
import { priorityOf } from "./slots.ts";
import type { Tables } from "./tables.ts";
import type { Transaction } from "./transaction.ts";

/** Milliseconds between two hand-offs of a copy whose process died. */
const CRASH_PAUSE = 100;

/** Who looks for what the dead left behind. */
export interface Recoverer {
  /** This process's id among the peers. */
  readonly peer: string;
  readonly here: ProcessMark;
  /** The consumers of this process by the row of their claim. */
  consumers(): ReadonlyMap<number, LocalConsumer>;
}

/** The peers that are certainly gone. */
function deadPeers(tables: Tables, { peer: own, here }: Recoverer): Peer[] {
  return tables.peers.all().filter((peer) => peer.id !== own && isCertainlyDead(peer, here));
}

/** Whether a held copy's lease has run out. This process's renewed leases run on while nobody has taken them. */
function hasLapsed({ until }: HeldSlot, claim: Claim, { peer, consumers }: Recoverer, { monotonic }: Moment): boolean {
  if (until > monotonic) return false;
  return claim.peer !== peer || consumers().get(claim.id)?.options.renew === false;
}

/** Whether there is anything to recover; only reads. */
export function needsRecovery(tables: Tables, recoverer: Recoverer, at: Moment): boolean {
  if (deadPeers(tables, recoverer).length > 0) return true;
  return tables.claims.all().some((claim) => claim.held.some((held) => hasLapsed(held, claim, recoverer, at)));
}

/** When the next lease of any consumer runs out, in monotonic milliseconds; only reads. */
export function nextLapse(tables: Tables): number {
  let next = Number.POSITIVE_INFINITY;
  for (const { held } of tables.claims.all()) for (const { until } of held) next = Math.min(next, until);
  return next;
}

/** Takes from dead processes and lapsed leases what they hold, so that others get it. Returns how many copies. */
export function recover(tx: Transaction, recoverer: Recoverer): number {
  const { claims, peers, counters } = tx.tables;
  const gone = deadPeers(tx.tables, recoverer);
  const dead = new Set(gone.map(({ id }) => id));
  let recovered = 0;
  let taken = false;
  for (const claim of claims.all()) {
    const isDead = dead.has(claim.peer);
    const inbox = tx.tables.inboxes.byId(claim.inboxId);
    const lost = isDead ? claim.held : claim.held.filter((held) => hasLapsed(held, claim, recoverer, tx));
    if (isDead) claims.remove(claim.id);
    if (lost.length === 0) continue;
    recovered += lost.length;
    if (claim.peer === recoverer.peer) {
      lapseOwn(tx, inbox, { claim, lost, recoverer });
      continue;
    }
    taken = true;
    if (!isDead) {
      const kept = claim.held.filter((held) => !lost.includes(held));
      claims.write(claim.id, claim.inboxId, packHeld(kept, kept.length));
    }
    if (inbox) for (const held of lost) takeOver(tx, inbox, { held, claim });
  }
  for (const { id, socket } of gone) {
    peers.remove(id, tx.now);
    removeSocket(socket);
  }
  if (taken) {
    counters.add("takeovers");
    // What others held is no longer held: look again before handing out.
    tx.spoil();
  }
  return recovered;
}

function lapseOwn(
  tx: Transaction,
  inbox: InboxRow | undefined,
  from: { claim: Claim; lost: readonly HeldSlot[]; recoverer: Recoverer },
): void {
  const consumer = from.recoverer.consumers().get(from.claim.id);
  for (const { slot } of from.lost) {
    const delivery = consumer?.held.get(slot);
    // The row may be behind what this process decided since; its own list counts.
    if (inbox && delivery && delivery.until <= tx.monotonic) lapse(tx, inbox, delivery);
  }
}

function takeOver(tx: Transaction, inbox: InboxRow, from: { held: HeldSlot; claim: Claim }): void {
  const { ready } = tx.tables;
  const { slot, offeredAt } = from.held;
  const last = { offeredAt, instance: from.claim.instance };
  ready.crash(inbox.id, slot, last);
  tx.rows++;
  const row = ready.get(inbox.id, slot);
  if (!row) return;
  const message = tx.journal && tx.envelopeOf(inbox, row);
  if (message) {
    const { id, attempt } = row;
    tx.journal?.handOff(message, { id, recipient: inbox.name, at: tx.now, attempt, ...last });
  }
  if (row.cancelled) return endReturned(tx, inbox, last, row);
  // The successor of an exclusive consumer begins with what that held; nothing may overtake it.
  const pause = from.claim.exclusive ? 0 : pauseBefore(row, offeredAt, tx.now);
  if (pause > 0) return holdBack(tx, inbox, { row, last, dueAt: tx.now + pause });
  tx.supply(inbox, row, { message, restored: true });
}

/**
 * How long a copy waits after its process died. One that kills every process it comes to must not do so in a hot loop,
 * and of what died with it for the first time most is innocent.
 */
function pauseBefore({ crashes }: ReadyCopy, offeredAt: number, now: number): number {
  if (crashes > 1) return CRASH_PAUSE;
  return offeredAt > now ? 0 : offeredAt + CRASH_PAUSE - now;
}

function holdBack(tx: Transaction, inbox: InboxRow, what: { row: ReadyCopy; last: PastHandOff; dueAt: number }): void {
  const { row, last, dueAt } = what;
  const { slot, failures = null } = row;
  tx.tables.delayed.postpone(inbox.id, slot, {
    dueAt,
    priority: priorityOf(slot),
    slot,
    counted: true,
    failures,
    last,
  });
  tx.tables.ready.remove(inbox.id, slot);
  tx.nextDue = Math.min(tx.nextDue, dueAt);
  tx.rows++;
}
