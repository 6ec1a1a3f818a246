import type { Envelope } from "../message/envelope.ts";

/**
 * The log that a driver keeps where its context asks for a journal. Each value is an array of entries. A message is
 * written by the step that accepts it, before or with the message itself; a hand-off by the step that ends it. Other
 * programs append entries of their own kinds.
 */
export const JOURNAL_LOG = "journal/entries";

/** A message that was accepted, as the journal keeps it. */
export interface JournaledMessage {
  readonly kind: "message";
  /** When it was accepted, in wall milliseconds. */
  readonly at: number;
  readonly message: Envelope;
  /** Inboxes that got a copy. */
  readonly recipients: readonly string[];
  /** When it becomes due, if it was held back. */
  readonly dueAt?: number;
}
