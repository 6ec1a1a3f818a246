/** The five priorities, highest first. */
export const PRIORITIES = ["critical", "high", "normal", "low", "background"] as const;

/** How urgent a message is: of those waiting in an inbox, a higher one is delivered first. */
export type Priority = (typeof PRIORITIES)[number];

/** Headers that travel with a message, such as a trace context. */
export type Headers = Readonly<Record<string, string>>;

/** What a conversation may use at most; a pool shared by all messages that one root message causes. */
export interface Budget {
  readonly messages?: number;
  readonly tokens?: number;
  readonly cost?: number;
  /** Wall time in milliseconds since 1970 after which nothing more is sent. */
  readonly deadline?: number;
  /** Longest chain of causes; 1 to 1,000, default 16. */
  readonly depth?: number;
}

/**
 * A message as it travels: the fields users see and the reserved ones. Plain, frozen data.
 * Times are wall milliseconds since 1970. Absent fields are left out, never `null`.
 * Fields this version does not know are kept as they came from the wire.
 */
export interface Envelope {
  /** Version of the wire form; 1. */
  readonly v: 1;
  /** UUIDv7; copies for several recipients share it. */
  readonly id: string;
  /** Name of the message type. */
  readonly type: string;
  /** Version of the message type. */
  readonly version: number;
  /** Name of the sending agent, or of the bus for outsiders. */
  readonly from: string;
  /** The address as the sender gave it: an agent's name. Absent on channel messages and broadcasts. */
  readonly to?: string;
  readonly channel?: string;
  /** The sender's input: plain JSON. */
  readonly payload: unknown;
  readonly priority: Priority;
  readonly createdAt: number;
  readonly expiresAt?: number;
  /** Id of the root message, or a name the sender chose. */
  readonly conversationId: string;
  /** Id of the message whose handling caused this one. */
  readonly causationId?: string;
  /** On a reply: id of the request. */
  readonly inReplyTo?: string;
  readonly taskId?: string;
  readonly runId?: string;
  readonly headers: Headers;

  // Reserved
  readonly tenant?: string;
  /** Where the reply goes: the inbox of the asking process. Its presence makes the message a request. */
  readonly replyInbox?: string;
  /** How many messages lie between the root message and this one; replies add none. */
  readonly depth?: number;
  /** Fingerprints of (sender, recipient, type, payload) along the causes, oldest first. */
  readonly path?: readonly string[];
  readonly budget?: Budget;
  /** Names an order, so that a newer message can supersede it. */
  readonly key?: string;
  /** Until when the instruction itself is valid, apart from the message's time to live. */
  readonly validUntil?: number;
  readonly orderKey?: string;
  readonly class?: string;
  readonly sig?: string;
  readonly enc?: string;
  readonly contentType?: string;
  /** Id of the message that this one repeats: a dead letter, one from the journal, or one published before its recipient subscribed. */
  readonly replayOf?: string;
}

/** The fields of an {@link Envelope} in their canonical order: the order of the wire form. */
// biome-ignore format: a list to be read in its order
export const ENVELOPE_FIELDS = [
  "v",
  "id",
  "type",
  "version",
  "from",
  "to",
  "channel",
  "priority",
  "createdAt",
  "expiresAt",
  "conversationId",
  "causationId",
  "inReplyTo",
  "taskId",
  "runId",
  "headers",
  "tenant",
  "replyInbox",
  "depth",
  "path",
  "budget",
  "key",
  "validUntil",
  "orderKey",
  "class",
  "sig",
  "enc",
  "contentType",
  "replayOf",
  "payload",
] as const satisfies readonly (keyof Envelope)[];
