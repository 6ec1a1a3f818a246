/** The six ways in which a recipient's copy of a message can end. Exactly one of them happens. */
export const ENDS = ["acknowledged", "expired", "dead-lettered", "superseded", "withdrawn", "dropped"] as const;

/** How a recipient's copy of a message ended. */
export type End = (typeof ENDS)[number];

/** One end of one recipient's copy. The first record of (id, recipient) wins. */
export interface ReceiptRecord {
  /** Id of the message. */
  readonly id: string;
  /** The recipient's inbox. */
  readonly recipient: string;
  readonly end: End;
  /** When it ended, in wall milliseconds. */
  readonly at: number;
  /** When it was last leased to an instance; absent if it never was. */
  readonly offeredAt?: number;
  /** The instance that held it. */
  readonly instance?: string;
  /** How many times it was handed off. */
  readonly attempt: number;
  /** An error code or the handler's own reason, where it did not end well. */
  readonly reason?: string;
  /** The handler's reply, where nobody awaited one. */
  readonly reply?: unknown;
}

/** What an engine has stored for a message: text, or bytes in base64. */
export type StoredForm = { readonly text: string } | { readonly base64: string };

/** A message given up on, with what happened to it. */
export interface DeadLetter<Message> {
  /** Of a message that could not be read only its `id` and `type` are there. */
  readonly message: Message;
  /** Present for a message that could not be read: all of it where a newer release wrote it, else at most 64 KiB. */
  readonly raw?: StoredForm;
  /** The inbox it was taken from. */
  readonly recipient: string;
  /** Error code, or the code a handler gave with `AgentFailure`. */
  readonly code: string;
  /** What happened, at most 2 KiB. */
  readonly reason: string;
  /** When it was given up, in wall milliseconds. */
  readonly at: number;
  /** Every attempt that failed, oldest first. */
  readonly attempts: readonly FailedAttempt[];
}

/** One failed attempt to handle a message. */
export interface FailedAttempt {
  readonly attempt: number;
  readonly at: number;
  readonly instance?: string;
  readonly code: string;
  /** At most 2 KiB. */
  readonly message: string;
}
