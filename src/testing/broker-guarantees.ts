import { type Guarantee, STATED } from "./guarantee.ts";

const { ORDER, RECEIVING, REQUESTS, SENDING } = STATED;
const ONE_ACTIVE = "One instance of an agent with an order key is active, the others stand by.";
const ONE_WRITE = "No step changes two keys: record and emitted messages are one write, and who finds it goes on.";
const SENDERS_VIEW = "The registry is another key than the message: a send may follow a decision that is a moment old.";
const UNREADABLE = "What waits in a queue cannot be read without taking it.";
const AT_HAND_OFF = "What waits in a queue cannot be reached: it ends when its turn to be handed out comes.";
const GIVEN_BACK = "It comes ahead of what was never handed out, in the order of release; no attempt is counted.";
const OWN_COUNT = "They are counted for each consumer.";
const BY_LEVELS = "The engine hands out the first message of a level, whatever its type.";
const NOT_COUNTED = "Nothing counts the messages of a kind.";
const MEMORY_ENDS = "The engine is this process's memory and ends with it.";

/** What the messages of a driver promise, by id. */
export const BROKER_GUARANTEES = {
  "send.atomic": {
    level: "broker",
    stated: SENDING,
    says: "A message is stored for all its recipients or for none; a batch is not atomic over its messages.",
  },
  "send.unknown": {
    level: "broker",
    stated: SENDING,
    says: "A message to an unknown inbox fails with AGENT_NOT_FOUND and is not stored.",
  },
  "send.results": {
    level: "broker",
    stated: SENDING,
    says: "Publishing answers each message of a batch in its place, with its recipients.",
  },
  "send.refused": {
    level: "broker",
    stated: SENDING,
    says: "A refused message is dead-lettered at once and never handed to a handler.",
  },
  "fan-out.copies": {
    level: "broker",
    stated: SENDING,
    says: "Copies for several recipients share the id and are acknowledged each on its own.",
  },
  "fan-out.full": {
    level: "broker",
    stated: RECEIVING,
    says: "In a fan-out a full inbox ends only its own copy, dead-lettered with INBOX_FULL.",
  },
  "route.pick": {
    level: "broker",
    stated: SENDING,
    says: "Of several candidates the least loaded gets the message, and a burst spreads.",
  },
  "route.stale": {
    level: "broker",
    stated: SENDING,
    says: "Recipients decided at an old revision of the registry are refused as stale.",
    gaps: { nats: SENDERS_VIEW, rabbitmq: SENDERS_VIEW },
  },
  "dedupe.sender": { level: "broker", stated: SENDING, says: "Keys of two senders do not meet." },
  "dedupe.window": { level: "broker", stated: SENDING, says: "After its window a key is free again." },
  "dedupe.content": { level: "broker", stated: SENDING, says: "Equal content alone never makes a duplicate." },
  "order.acceptance": {
    level: "broker",
    stated: ORDER,
    says: "Within one priority messages are handed off in the order of acceptance, from any process.",
  },
  "order.priority": {
    level: "broker",
    stated: ORDER,
    says: "Of the messages waiting a higher priority is handed off first.",
  },
  "order.aging": {
    level: "broker",
    stated: ORDER,
    says: "Of 16 hand-offs at least one goes to the longest-waiting lower message.",
  },
  "aging.shared": {
    level: "broker",
    stated: ORDER,
    says: "Those 16 hand-offs are counted over all consumers of an inbox.",
    gaps: { nats: OWN_COUNT, rabbitmq: OWN_COUNT },
  },
  "order.retry": { level: "broker", stated: ORDER, says: "A retried message comes behind what waits by then." },
  "order.release": {
    level: "broker",
    stated: ORDER,
    says: "A released message goes back to its old place and no attempt is counted.",
    gaps: { nats: GIVEN_BACK, rabbitmq: GIVEN_BACK },
  },
  "order.key": {
    level: "broker",
    stated: ORDER,
    says: "Of the messages of one order key one is handed out at a time, in order, retries included.",
    gaps: { memory: ONE_ACTIVE, redis: ONE_ACTIVE, nats: ONE_ACTIVE, rabbitmq: ONE_ACTIVE },
  },
  "order.exclusive": {
    level: "broker",
    stated: ORDER,
    says: "Of exclusive consumers one is active; who takes over gets what that one held first.",
  },
  "time.delay": {
    level: "broker",
    stated: ORDER,
    says: "A delayed message is not handed off before it is due; its due time gives its place.",
  },
  "time.expired": {
    level: "broker",
    stated: ORDER,
    says: "A message with no time left is accepted and expires at once.",
  },
  "time.unattended": {
    level: "broker",
    stated: ORDER,
    says: "A message expires also where nobody consumes.",
    gaps: { rabbitmq: AT_HAND_OFF },
  },
  "take.credit": {
    level: "broker",
    stated: RECEIVING,
    says: "A consumer gets no more deliveries than it asked for, and none before it asks.",
  },
  "take.tried": {
    level: "broker",
    stated: RECEIVING,
    says: "A consumer can tell an empty inbox from one that has not been looked at.",
  },
  "take.selective": {
    level: "broker",
    stated: RECEIVING,
    says: "A consumer of chosen types gets these and no others, and what it leaves goes to others.",
    gaps: { nats: BY_LEVELS, rabbitmq: BY_LEVELS },
  },
  "take.share": {
    level: "broker",
    stated: RECEIVING,
    says: "Consumers of one inbox share its messages; each message has one holder.",
  },
  "settle.once": {
    level: "broker",
    stated: RECEIVING,
    says: "A second settle through the same delivery changes nothing and says so.",
  },
  "settle.retry": {
    level: "broker",
    stated: SENDING,
    says: "A retried message comes again after its delay, with one attempt more and its failures.",
  },
  "settle.emit": {
    level: "broker",
    stated: REQUESTS,
    says: "Messages emitted with a settle are published with it; those to unknown inboxes are left out.",
  },
  "settle.atomic": {
    level: "broker",
    stated: REQUESTS,
    says: "An end's record, its dead letter and what was emitted with it are seen together or not at all.",
    gaps: { nats: ONE_WRITE, rabbitmq: ONE_WRITE },
  },
  "lease.lapse": {
    level: "broker",
    stated: RECEIVING,
    says: "What a dead holder had goes to others, marked `redelivered`.",
  },
  "lease.fence": {
    level: "broker",
    stated: RECEIVING,
    says: "Only the holder of a lease may settle; a lapsed one is told and changes nothing.",
  },
  "lease.renew": {
    level: "broker",
    stated: RECEIVING,
    says: "A lease does not lapse while its holder renews or extends it.",
  },
  "lease.suspect": {
    level: "broker",
    stated: RECEIVING,
    says: "What two holders have lost may wait to be handed out alone: about a lease at most, and the others flow meanwhile.",
  },
  "inbox.capacity": {
    level: "broker",
    stated: RECEIVING,
    says: "A full inbox refuses with INBOX_FULL and stores nothing.",
  },
  "inbox.limit": {
    level: "broker",
    stated: RECEIVING,
    says: "Messages of a limited kind fill no more of an inbox than their limit; one over it ends as in a full inbox.",
    gaps: { nats: NOT_COUNTED, rabbitmq: NOT_COUNTED },
  },
  "inbox.drop-oldest": {
    level: "broker",
    stated: RECEIVING,
    says: "With `drop-oldest` the oldest of the lowest priority makes room and ends as dropped.",
  },
  "inbox.pause": {
    level: "broker",
    stated: RECEIVING,
    says: "A paused inbox hands out nothing and goes on accepting.",
  },
  "inbox.declare": {
    level: "broker",
    stated: RECEIVING,
    says: "Declaring again changes only what is given and loses nothing.",
  },
  "inbox.delete": { level: "broker", stated: REQUESTS, says: "What waits in a removed inbox ends as dropped." },
  "inbox.expire": {
    level: "broker",
    stated: REQUESTS,
    says: "A reply inbox is removed some time after its process is gone.",
  },
  "inbox.inspect": {
    level: "broker",
    stated: RECEIVING,
    says: "An inbox tells how much waits, is held and is delayed, in all processes alike.",
  },
  "inbox.peek": {
    level: "broker",
    stated: RECEIVING,
    says: "A peek shows waiting messages in the order of hand-off and takes nothing.",
    gaps: { rabbitmq: UNREADABLE },
  },
  "inbox.find": {
    level: "broker",
    stated: REQUESTS,
    says: "Where copies of a message still wait can be found by its id.",
    gaps: { rabbitmq: UNREADABLE },
  },
  "receipt.ends": {
    level: "broker",
    stated: REQUESTS,
    says: "Each copy ends exactly once, with a record that any process can read.",
  },
  "receipt.signal": {
    level: "broker",
    stated: REQUESTS,
    says: "Records are signalled to those who listen, after they were written.",
  },
  "receipt.account": {
    level: "broker",
    stated: REQUESTS,
    says: "Accepted equals the sum of the six ends plus what waits, always.",
  },
  "dead-letter.kept": {
    level: "broker",
    stated: SENDING,
    says: "A message given up on is kept with its code, reason and failed attempts.",
  },
  "cancel.waiting": {
    level: "broker",
    stated: REQUESTS,
    says: "A withdrawn message that waits ends at once and is never handed off.",
    gaps: { rabbitmq: AT_HAND_OFF },
  },
  "cancel.held": {
    level: "broker",
    stated: REQUESTS,
    says: "The holder of a withdrawn message is told; if it gives the message back, it ends.",
  },
  "cancel.supersede": {
    level: "broker",
    stated: REQUESTS,
    says: "A message ends the sender's earlier waiting one to the same recipient, by id or by key.",
    gaps: { rabbitmq: AT_HAND_OFF },
  },
  "signal.reach": {
    level: "broker",
    stated: "Broker contract",
    says: "A signal reaches all who listen, in every process, and no one after they stopped.",
  },
  "capability.declared": {
    level: "broker",
    stated: "Broker contract",
    says: "What a driver lacks is declared alike in its capabilities and in its gaps.",
  },
  "close.release": {
    level: "broker",
    stated: RECEIVING,
    says: "Closing releases what is held at once; nothing is lost and no attempt is counted.",
  },
  "close.drain": {
    level: "broker",
    stated: RECEIVING,
    says: "A closed consumer gets nothing new and may still settle what it holds.",
  },
  "durable.reopen": {
    level: "broker",
    stated: "Durability classes",
    says: "What was accepted is there after all connections were closed.",
    gaps: { memory: MEMORY_ENDS },
  },
} as const satisfies Record<string, Guarantee>;
