import type { AgentwireError } from "../errors.ts";
import type { Envelope } from "../message/envelope.ts";
import type { InboxOverflow } from "./inbox.ts";

/** An inbox that could take the message, where one of several is picked. */
export interface Candidate {
  readonly inbox: string;
  /** Handlers that run at once over all instances; the load is (held + waiting) / concurrency. */
  readonly concurrency: number;
}

/**
 * The caller's key against doubles. Where taking the key and storing the message are two steps, a key may be found
 * without a result, because its first sender has died or is not done yet. The message is then stored under the first
 * one's id, once, whoever does it, and the answer is `duplicate`.
 */
export interface Deduplication {
  /** Scoped by sender: two senders with one key do not meet. */
  readonly key: string;
  /** Hash of type, address and payload; another one under the same key is ID_CONFLICT. */
  readonly fingerprint: string;
  /** How long the key is remembered, in milliseconds. */
  readonly window: number;
}

/** How many copies of some kind one inbox holds at most. */
export interface CopyLimit {
  /** Names the kind: what was published under the same name counts. At most 512 bytes. */
  readonly name: string;
  /** Copies waiting and held; 1 to 100,000. An engine may look at as many when the inbox holds as much. */
  readonly capacity: number;
  /** What becomes of a copy over it: as in a full inbox, the oldest one of the kind making room. */
  readonly overflow: InboxOverflow;
}

/** One message on its way into inboxes. */
export interface Publication {
  readonly message: Envelope;
  /** Inboxes that each get a copy, or candidates of which the least loaded one gets it (earlier ones win ties). */
  readonly to: readonly string[] | { readonly pick: readonly Candidate[] };
  /** In a fan-out a full inbox ends only that copy (dead-lettered with INBOX_FULL); otherwise the whole message fails. */
  readonly fanOut?: boolean;
  /** A kind of messages that it belongs to, which may fill only a part of each inbox. What comes back to its inbox still counts. Needs the capability `limits`. */
  readonly limit?: CopyLimit;
  /** Held back until then, in wall milliseconds; its due time gives its place. */
  readonly dueAt?: number;
  readonly dedupe?: Deduplication;
  /** Hand-offs that the copy has had on the engine that it was brought from; default 0. Needs the capability `attempts`. */
  readonly attempt?: number;
  /** Ends the sender's waiting earlier message to the same recipient: one by id, or all of one order. */
  readonly supersedes?: { readonly id: string } | { readonly key: string };
  /** Registry revision at which the recipients were decided; where routing is transactional, another one answers `stale`. */
  readonly routedAt?: number;
  /** Goes to the dead letters of its recipients at once, never to a handler. */
  readonly refused?: { readonly code: string; readonly reason: string };
}

/** What became of a recipient's copy when it was published. */
export interface PublishedCopy {
  readonly inbox: string;
  /** `queued`: delayed. `dead-lettered`: refused, or its inbox was full in a fan-out. */
  readonly state: "accepted" | "queued" | "dead-lettered";
}

/** What became of one publication. */
export type PublishResult =
  /** Durable. On a duplicate: id and copies of the first send, nothing stored. */
  | {
      readonly status: "accepted";
      readonly id: string;
      readonly copies: readonly PublishedCopy[];
      readonly duplicate: boolean;
    }
  /** The registry has changed since `routedAt`: decide the recipients anew. Nothing stored. */
  | { readonly status: "stale" }
  /** REJECTED, INBOX_FULL, ID_CONFLICT, STORAGE_FULL: certainly not stored. INDETERMINATE: may be. */
  | { readonly status: "failed"; readonly error: AgentwireError };
