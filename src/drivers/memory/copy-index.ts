import type { CancelTarget } from "../../broker/broker.ts";
import type { Publication } from "../../broker/publication.ts";
import type { Envelope } from "../../message/envelope.ts";
import type { Copy } from "./copy.ts";

/** The copies that a {@link CopyIndex} finds. */
export interface Indexed {
  /** All that have not ended. */
  copies(): Iterable<Copy>;
}

// Below this, looking at each costs less than an index.
const WORTH_AN_INDEX = 64;
const NONE: ReadonlySet<Copy> = new Set();

/**
 * Finds copies by id and by order. The way by id is made when it is first asked for, so that an inbox from which
 * nothing is withdrawn pays nothing for it; messages without a key cost nothing in the other.
 */
export class CopyIndex {
  readonly #inbox: Indexed;
  readonly #byOrder = new Map<string, Set<Copy>>();
  readonly #byLimit = new Map<string, Set<Copy>>();
  /** Under which limits copies count: only of those that do. */
  readonly #limits = new Map<Copy, string>();
  #byId: Map<string, Copy> | undefined;

  constructor(inbox: Indexed) {
    this.#inbox = inbox;
  }

  /** `limit`: name of the one that it counts under. */
  add(copy: Copy, limit: string | undefined): void {
    this.#byId?.set(copy.message.id, copy);
    if (limit !== undefined) {
      this.#limits.set(copy, limit);
      const limited = this.#byLimit.get(limit);
      if (limited) limited.add(copy);
      else this.#byLimit.set(limit, new Set([copy]));
    }
    if (copy.message.key === undefined) return;
    const order = orderOf(copy.message.from, copy.message.key);
    const set = this.#byOrder.get(order);
    if (set) set.add(copy);
    else this.#byOrder.set(order, new Set([copy]));
  }

  delete(copy: Copy): void {
    if (this.#byId?.get(copy.message.id) === copy) this.#byId.delete(copy.message.id);
    if (this.#limits.size > 0) this.#deleteLimited(copy);
    if (copy.message.key === undefined) return;
    const order = orderOf(copy.message.from, copy.message.key);
    const set = this.#byOrder.get(order);
    if (set?.delete(copy) && set.size === 0) this.#byOrder.delete(order);
  }

  replace(copy: Copy, successor: Copy): void {
    const limit = this.#limits.get(copy);
    this.delete(copy);
    this.add(successor, limit);
  }

  /** The copies that count under a limit. */
  limited(name: string): ReadonlySet<Copy> {
    return this.#byLimit.get(name) ?? NONE;
  }

  matching(target: CancelTarget): Copy[] {
    if ("id" in target) {
      const copy = this.byId(target.id);
      return copy ? [copy] : [];
    }
    if ("key" in target) return [...(this.#byOrder.get(orderOf(target.sender, target.key)) ?? [])];
    return [...this.#inbox.copies()];
  }

  /** What a new message of this sender takes the place of. */
  superseded(message: Envelope, supersedes: NonNullable<Publication["supersedes"]>): Copy[] {
    const copies = this.matching("id" in supersedes ? supersedes : { sender: message.from, key: supersedes.key });
    return copies.filter((copy) => copy.message.from === message.from);
  }

  byId(id: string): Copy | undefined {
    if (this.#byId) return this.#byId.get(id);
    let looked = 0;
    for (const copy of this.#inbox.copies()) {
      if (copy.message.id === id) return copy;
      if (++looked > WORTH_AN_INDEX) return this.#indexIds().get(id);
    }
    return undefined;
  }

  #deleteLimited(copy: Copy): void {
    const limit = this.#limits.get(copy);
    if (limit === undefined) return;
    this.#limits.delete(copy);
    const limited = this.#byLimit.get(limit);
    if (limited?.delete(copy) && limited.size === 0) this.#byLimit.delete(limit);
  }

  #indexIds(): Map<string, Copy> {
    this.#byId = new Map();
    for (const copy of this.#inbox.copies()) this.#byId.set(copy.message.id, copy);
    return this.#byId;
  }
}

const orderOf = (sender: string, key: string): string => `${sender}\0${key}`;
