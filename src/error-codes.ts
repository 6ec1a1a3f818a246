/** What the table says of one error code. */
export interface ErrorCodeEntry {
  /** One sentence: what happened. */
  readonly meaning: string;
  /** What to do next. */
  readonly hint: string;
  /** Whether the same call can succeed later without any change. */
  readonly retryable: boolean;
}

const entry = (retryable: boolean, meaning: string, hint: string): ErrorCodeEntry => ({ meaning, hint, retryable });

/** Every code an {@link AgentwireError} can carry. Closed: adding one is a minor release, removing one a major. */
// biome-ignore format: a table, one entry a line
export const ERROR_CODES = {
  // The caller's input
  PAYLOAD_INVALID: entry(false, "The payload is not plain JSON data.", "Send objects, arrays, strings, finite numbers, booleans and null; encode dates and bytes as strings."),
  PAYLOAD_TOO_DEEP: entry(false, "The payload is nested deeper than 64 levels.", "Flatten the payload, or send the deep part as a string."),
  PAYLOAD_TOO_LARGE: entry(false, "The payload is larger than the limit.", "Split the payload, or send a reference to where it is kept."),
  VALIDATION_FAILED: entry(false, "A value does not fit its schema.", "Compare the listed paths with the schema of the message type."),
  NAME_INVALID: entry(false, "A name has a character or a length that is not allowed.", "Use letters, digits, `_` and `-`, separated by single dots, at most 128 bytes."),
  PATTERN_INVALID: entry(false, "A channel pattern is not well formed.", "Use segments separated by dots; `*` for one segment, `**` at the end for one or more."),
  OUT_OF_RANGE: entry(false, "A number, duration or choice is outside its range.", "See the option's documentation for its range."),
  ARGUMENT_INVALID: entry(false, "An argument or option is unknown, missing or of the wrong kind.", "Check the spelling and the type of the named option."),
  SCHEMA_INVALID: entry(false, "A schema cannot be used.", "Use a Standard Schema, or JSON Schema 2020-12 without remote references."),
  SCHEMA_UNSAFE: entry(false, "A schema has a regular expression that texts cannot be tested by in linear time.", "Write references back to groups out; bound lengths with `maxLength` instead of large counts."),
  TYPE_NOT_DECLARED: entry(false, "An agent sends a message type that it does not declare.", "Add the type to the agent's `sends`."),
  LIMIT_EXCEEDED: entry(false, "A configured limit was reached.", "Raise the limit named in the details, or use less."),
  CONFIG_INVALID: entry(false, "The configuration cannot be used.", "Correct the key named in the message."),
  // Addresses and agents
  AGENT_NOT_FOUND: entry(false, "No agent of that name is known.", "Check the spelling, start the agent, or send with `ifUnknown: \"hold\"`."),
  NO_AGENT_FOUND: entry(true, "No agent matches the address.", "Start an agent that matches the filter, or widen it."),
  NO_RECIPIENTS: entry(true, "Nobody would have received the message.", "Subscribe an agent first, or leave out `requireRecipients`."),
  AGENT_CONFLICT: entry(false, "An agent of that name is already defined differently.", "Choose another name, or stop the other agent."),
  NO_HANDLER: entry(false, "The agent neither handles the message type nor takes it by pull.", "Add a handler with `.on(type, handler)`, or list the type in `receives`."),
  CHANNEL_IN_USE: entry(false, "The channel still has subscribers.", "Unsubscribe them, or close the channel with `force: true`."),
  FORBIDDEN: entry(false, "The sender is not allowed to do this.", "Ask whoever runs the bus for the right."),
  // What became of a message
  REJECTED: entry(true, "The message was certainly not stored.", "Send it again."),
  INDETERMINATE: entry(true, "The message may or may not be stored.", "Send it again with the same `idempotencyKey`; a second copy is not made."),
  ID_CONFLICT: entry(false, "The idempotency key was used with another payload.", "Use a new key for a new message."),
  INBOX_FULL: entry(true, "The inbox has reached its capacity.", "Wait, add instances of the agent, or raise its `capacity`."),
  BACKPRESSURE: entry(true, "The connection or engine takes no more for now.", "Wait and send again."),
  TIMEOUT: entry(true, "No answer came in time.", "Raise `timeout`, or look whether the recipient is alive with `agentwire agents`."),
  REMOTE_FAILED: entry(false, "The handler of the request failed.", "Read `details.code` and `details.message`, which the handler gave."),
  HANDLER_TIMEOUT: entry(true, "The handler did not end in time.", "Raise `handlerTimeout`, call `ctx.extend`, or heed `ctx.signal`."),
  HANDLER_FAILED: entry(true, "The handler threw an error.", "Read `details.message`; mend the handler and replay the dead letter."),
  HANDLER_REJECTED: entry(false, "The handler gave the message up with `reject`.", "Read `details.reason`."),
  ATTEMPTS_EXHAUSTED: entry(false, "The process that held the message died each time it was delivered.", "Look for what this message does to the process, then replay the dead letter."),
  EXPIRED: entry(false, "The message was not handled before its time to live ran out.", "Send with a longer `ttl`."),
  SUPERSEDED: entry(false, "A newer message took the place of this one.", "Nothing; the newer message stands."),
  WITHDRAWN: entry(false, "The sender withdrew the message.", "Nothing; the sender no longer wants it handled."),
  DROPPED: entry(false, "The message was removed with its inbox, or to make room.", "Raise the inbox's `capacity`, or choose another `overflow`."),
  HOPS_EXCEEDED: entry(false, "A chain of messages has grown longer than allowed.", "Look for agents that answer each other without end, or raise `maxDepth`."),
  LOOP_DETECTED: entry(false, "The same message has gone round the same agents 8 times.", "Look for agents that forward to each other."),
  BUDGET_SPENT: entry(false, "The conversation's budget is used up.", "Start with a larger `budget`."),
  STREAM_BROKEN: entry(true, "A chunk of a stream was lost and its producer can no longer resend it.", "Ask again; the reply itself is in `stream.reply`."),
  LEASE_LOST: entry(false, "The delivery no longer belongs to this instance.", "Stop working on it; another instance has it. Raise `lease` if work takes longer."),
  UNKNOWN_DELIVERY: entry(false, "The delivery is not known here, or belongs to another consumer.", "Settle a delivery through the agent that received it."),
  DECODE_FAILED: entry(false, "A stored message cannot be read.", "Look at it with `agentwire dead-letters`; another program may have written it."),
  ENVELOPE_INVALID: entry(false, "A stored message lacks a field, or has one of the wrong type.", "Look at it with `agentwire dead-letters`; another program may have written it."),
  // Engines
  URL_INVALID: entry(false, "The URL names no known engine, or is not well formed.", "Use memory:, sqlite:PATH, redis:, amqp:, nats: or postgres:."),
  DRIVER_MISSING: entry(false, "The client library of this engine is not installed, or does not run here.", "Run the install command in the message."),
  STORE_REQUIRED: entry(false, "This engine carries messages only.", "Pass `store` with a second URL for registry, receipts and state."),
  UNSUPPORTED: entry(false, "The engine in use cannot do this.", "See the engine's page under docs/drivers/."),
  DURABILITY_UNMET: entry(false, "The engine's settings promise less than `require` asks.", "Change the setting named in the details, or ask for less."),
  ENGINE_STATE: entry(true, "The engine is not in the state it should be in.", "Read `details` for the difference."),
  STORE_CORRUPT: entry(false, "The database file is damaged.", "Stop all processes, keep a copy of the file, and restore a backup. It was not changed."),
  STORE_READ_ONLY: entry(false, "The database file cannot be written.", "Check the permissions of the file and of its folder."),
  STORAGE_FULL: entry(true, "There is no space left to store the message.", "Free space on the disk; sending works again by itself."),
  VERSION_UNSUPPORTED: entry(false, "The data was written by a newer version.", "Update agentwire."),
  // Life cycle
  CLOSED: entry(false, "The bus, agent or stream is closed.", "Connect again."),
  ABORTED: entry(false, "The caller's signal ended the call.", "Nothing; the caller asked for it."),
} as const satisfies Record<string, ErrorCodeEntry>;

/** One of the closed set of error codes. */
export type ErrorCode = keyof typeof ERROR_CODES;
