import type { InboxStatus, Waiting } from "../../broker/inbox.ts";
import type { Codec } from "../../message/codec.ts";
import { type Envelope, PRIORITIES } from "../../message/envelope.ts";
import type { HeldSlot } from "./claim-table.ts";
import type { Value } from "./connection.ts";
import type { DelayedCopy, ReadyCopy } from "./copy.ts";
import type { InboxRow } from "./inbox-table.ts";
import { levelRange, priorityOf } from "./slots.ts";
import type { Transaction } from "./transaction.ts";

interface Holder extends HeldSlot {
  readonly instance: string;
}

/** Reads what inboxes hold; takes nothing. */
export class Inspector {
  readonly #tx: Transaction;
  readonly #codec: Codec;

  constructor(tx: Transaction, codec: Codec) {
    this.#tx = tx;
    this.#codec = codec;
  }

  /** The state of one inbox, with its first `peek` messages. */
  status(inbox: InboxRow, peek: number): InboxStatus {
    const { delayed } = this.#tx.tables;
    const consumers = this.#tx.claimsOf(inbox);
    const oldest = this.#oldest(inbox);
    return {
      name: inbox.name,
      capacity: inbox.capacity,
      overflow: inbox.overflow,
      paused: inbox.paused,
      waiting: inbox.waiting,
      held: consumers.reduce((sum, { held }) => sum + held.length, 0),
      delayed: delayed.count(inbox.id),
      accepted: inbox.accepted,
      ended: { ...inbox.ended },
      ...(oldest === undefined ? {} : { oldest }),
      consumers: consumers.length,
      ...(peek > 0 ? { messages: this.#peek(inbox, peek) } : {}),
    };
  }

  /** Where the copies of one message wait, in this scope. */
  find(id: string): Waiting[] {
    const { ready, delayed, inboxes } = this.#tx.tables;
    const found: Waiting[] = [];
    for (const inbox of inboxes.all()) {
      for (const copy of inbox.waiting === 0 ? [] : ready.byId(inbox, id)) {
        const waiting = this.#ready(inbox, copy, this.#holders(inbox));
        if (waiting) found.push(waiting);
      }
    }
    for (const copy of delayed.anywhere(id)) {
      const inbox = inboxes.byId(copy.inboxId);
      const waiting = inbox?.scope === this.#tx.scope ? this.#delayed(inbox, copy) : undefined;
      if (waiting) found.push(waiting);
    }
    return found;
  }

  #peek(inbox: InboxRow, limit: number): Waiting[] {
    const { ready, delayed } = this.#tx.tables;
    const holders = this.#holders(inbox);
    const messages: (Waiting | undefined)[] = [];
    for (const slot of holders.keys()) {
      const copy = ready.get(inbox.id, slot);
      if (copy) messages.push(this.#ready(inbox, copy, holders));
    }
    for (const copy of ready.all(inbox.id, limit + holders.size))
      if (!holders.has(copy.slot)) messages.push(this.#ready(inbox, copy, holders));
    if (messages.length < limit)
      for (const copy of delayed.of(inbox.id, limit)) messages.push(this.#delayed(inbox, copy));
    return messages.filter((message) => message !== undefined).slice(0, limit);
  }

  #holders(inbox: InboxRow): Map<number, Holder> {
    const holders = new Map<number, Holder>();
    for (const { held, instance } of this.#tx.claimsOf(inbox))
      for (const one of held) holders.set(one.slot, { ...one, instance });
    return holders;
  }

  #ready(inbox: InboxRow, copy: ReadyCopy, holders: ReadonlyMap<number, Holder>): Waiting | undefined {
    const message = this.#read(this.#tx.tables.ready.body(inbox.id, copy.slot));
    const holder = holders.get(copy.slot);
    return (
      message && {
        inbox: inbox.name,
        message,
        attempt: copy.attempt + (holder ? 1 : 0),
        state: holder ? "held" : "ready",
        priority: PRIORITIES[priorityOf(copy.slot)] ?? "normal",
        ...(holder ? { instance: holder.instance, offeredAt: holder.offeredAt } : {}),
      }
    );
  }

  #delayed(inbox: InboxRow, copy: DelayedCopy): Waiting | undefined {
    const message = this.#read(this.#tx.tables.delayed.body(copy.n));
    const priority = PRIORITIES[copy.priority] ?? "normal";
    return (
      message && { inbox: inbox.name, message, attempt: copy.attempt, state: "delayed", priority, dueAt: copy.dueAt }
    );
  }

  /** When the oldest of what waits was created: of the first of each priority, and the next that is due. */
  #oldest(inbox: InboxRow): number | undefined {
    const { ready, delayed } = this.#tx.tables;
    let oldest: number | undefined;
    const consider = (body: Value | undefined): void => {
      const at = this.#read(body)?.createdAt;
      if (at !== undefined && (oldest === undefined || at < oldest)) oldest = at;
    };
    for (let priority = 0; priority < PRIORITIES.length; priority++) {
      const [first] = ready.scan(inbox.id, { ...levelRange(priority), limit: 1 });
      if (first) consider(ready.body(inbox.id, first.slot));
    }
    for (const { n } of delayed.of(inbox.id, 1)) consider(delayed.body(n));
    return oldest;
  }

  #read(body: Value | undefined): Envelope | undefined {
    if (typeof body !== "string" && !(body instanceof Uint8Array)) return undefined;
    try {
      return this.#codec.decode(body);
    } catch {
      // It is quarantined when its turn comes; looking changes nothing.
      return undefined;
    }
  }
}
