import type {
  Candidate,
  CopyLimit,
  Deduplication,
  Publication,
  PublishedCopy,
  PublishResult,
} from "../../broker/publication.ts";
import { AgentwireError } from "../../errors.ts";
import { RecentKeys } from "./dedupe.ts";
import type { MemoryInbox } from "./inbox.ts";

/** What publishing needs of the engine around it. */
export interface PublisherOptions {
  readonly inboxes: ReadonlyMap<string, MemoryInbox>;
  /** Wall milliseconds. */
  now(): number;
  /** The registry's revision, which routing is checked against. */
  registryRevision(): number;
}

const FULL = { code: "INBOX_FULL", reason: "The inbox has reached its capacity." } as const;

/** Puts publications into inboxes: doubles, routing, picking, room. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #keys = new RecentKeys();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  publish(batch: readonly Publication[]): PublishResult[] {
    const now = this.#options.now();
    const results: PublishResult[] = [];
    for (const publication of batch) results.push(this.#publish(publication, now, "sent"));
    return results;
  }

  /** Publishes what a settle emits: unknown inboxes are left out, a full one ends only its copy, and nobody routes anew. */
  emit(publications: readonly Publication[]): PublishResult[] {
    const now = this.#options.now();
    return publications.map((publication) => this.#publish(publication, now, "emitted"));
  }

  #publish(publication: Publication, now: number, how: "sent" | "emitted"): PublishResult {
    const { message, to, dedupe } = publication;
    const double = dedupe && this.#double(publication, dedupe, now);
    if (double) return double;
    const { routedAt } = publication;
    if (routedAt !== undefined && how === "sent" && routedAt !== this.#options.registryRevision())
      return { status: "stale" };

    const inboxes = "pick" in to ? this.#pick(to.pick) : this.#all(to, how);
    if (typeof inboxes === "string") return unknown(inboxes);
    if (!publication.fanOut && !publication.refused && how === "sent") {
      // All are looked at before any is changed: a message is stored for all its recipients or for none.
      for (const inbox of inboxes) if (!inbox.hasRoom(message, publication)) return full(inbox, publication.limit);
    }

    const copies = inboxes.map((inbox) => this.#put(inbox, publication, now));
    if (dedupe) this.#keys.add(message.from, dedupe, { id: message.id, copies, now });
    return { status: "accepted", id: message.id, copies, duplicate: false };
  }

  #put(inbox: MemoryInbox, publication: Publication, now: number): PublishedCopy {
    const { message, dueAt, supersedes, refused } = publication;
    if (supersedes) inbox.supersede(message, supersedes);
    if (refused || !inbox.add(message, publication, now)) {
      inbox.refuse(message, refused ?? FULL, now);
      return { inbox: inbox.name, state: "dead-lettered" };
    }
    return dueAt !== undefined && dueAt > now ? { inbox: inbox.name, state: "queued" } : inbox.acceptedCopy;
  }

  #double(publication: Publication, dedupe: Deduplication, now: number): PublishResult | undefined {
    const { from } = publication.message;
    const first = this.#keys.get(from, dedupe, now);
    if (!first) return undefined;
    if (first.fingerprint === dedupe.fingerprint)
      return { status: "accepted", id: first.id, copies: first.copies, duplicate: true };
    const error = new AgentwireError(
      "ID_CONFLICT",
      `${from} has used the idempotency key "${dedupe.key}" for another message`,
      {
        details: { key: dedupe.key, sender: from, firstId: first.id },
      },
    );
    return { status: "failed", error };
  }

  /** The inboxes of all names, or the first name that has none; what is emitted leaves those out. */
  #all(names: readonly string[], how: "sent" | "emitted"): MemoryInbox[] | string {
    // Mapped, not pushed: an array that grows has room for seventeen, and most messages have one recipient.
    const found = names.map((name) => this.#options.inboxes.get(name));
    const missing = found.indexOf(undefined);
    if (missing === -1) return found as MemoryInbox[];
    return how === "sent" ? (names[missing] as string) : found.filter((inbox) => inbox !== undefined);
  }

  /** The least loaded inbox of the candidates, or the first name where none is left. */
  #pick(candidates: readonly Candidate[]): MemoryInbox[] | string {
    let best: MemoryInbox | undefined;
    let leastLoad = Number.POSITIVE_INFINITY;
    for (const { inbox: name, concurrency } of candidates) {
      const inbox = this.#options.inboxes.get(name);
      if (!inbox) continue;
      const load = inbox.waiting / concurrency;
      if (load < leastLoad) {
        leastLoad = load;
        best = inbox;
      }
    }
    return best ? [best] : (candidates[0]?.inbox ?? "");
  }
}

function unknown(inbox: string): PublishResult {
  const error = new AgentwireError("AGENT_NOT_FOUND", `There is no inbox "${inbox}"`, {
    details: { agent: inbox, suggestions: [] },
  });
  return { status: "failed", error };
}

function full(inbox: MemoryInbox, limit: CopyLimit | undefined): PublishResult {
  const { name } = inbox;
  const isWhole = limit === undefined || inbox.waiting >= inbox.capacity;
  const { capacity } = isWhole ? inbox : limit;
  const of = isWhole ? "" : ` of ${limit.name}`;
  const error = new AgentwireError(
    "INBOX_FULL",
    `The inbox of "${name}" holds ${capacity} messages${of} and takes no more`,
    {
      details: { inbox: name, capacity },
    },
  );
  return { status: "failed", error };
}
