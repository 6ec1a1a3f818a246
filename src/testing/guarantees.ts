import { BROKER_GUARANTEES } from "./broker-guarantees.ts";
import { type DriverName, type Guarantee, type GuaranteeLevel, STATED } from "./guarantee.ts";

export type { DriverName, Guarantee, GuaranteeLevel } from "./guarantee.ts";

const { ORDER, PROMISES, RECEIVING, REGISTRY, REQUESTS, SENDING, STORE } = STATED;
const MEMORY_KEEPS_LAST = "Logs keep their last 10,000 entries, so that memory stays flat.";

/** Every guarantee by its id. The conformance suites name these ids, so that a claim without a proof is found. */
export const GUARANTEES = {
  G1: {
    level: "broker",
    stated: PROMISES,
    says: "Every accepted message is in exactly one place: ended in one of six ways, or still waiting.",
  },
  G2: { level: "broker", stated: PROMISES, says: "A handler sees only messages that were published, unchanged." },
  G3: { level: "broker", stated: PROMISES, says: "A failed publish says whether the message is certainly not stored." },
  G4: { level: "broker", stated: PROMISES, says: "An accepted message is handed off again until it is settled." },
  G5: { level: "broker", stated: PROMISES, says: "Nothing is handed off after its confirmed acknowledgment." },
  G6: {
    level: "bus",
    stated: PROMISES,
    says: "A handler's effect and the mark that it is done are one transaction, where asked for.",
    gaps: {
      memory: "Not built yet.",
      sqlite: "Not built yet.",
      redis: "Not built yet.",
      postgres: "Not built yet.",
      nats: "Not built yet.",
      rabbitmq: "Not built yet.",
    },
  },
  G7: { level: "broker", stated: PROMISES, says: "A second hand-off is marked: `redelivered`, or an attempt above 1." },
  G8: {
    level: "broker",
    stated: PROMISES,
    says: "First hand-offs to one consumer follow the order of publishing within a priority.",
  },
  G9: {
    level: "broker",
    stated: PROMISES,
    says: "A higher priority goes first; lower ones get at least 1 of 16 hand-offs.",
  },
  G10: { level: "broker", stated: PROMISES, says: "Nothing is handed off after it expired." },
  G11: {
    level: "broker",
    stated: PROMISES,
    says: "A key repeated within its window stores nothing and returns the first result; another payload is ID_CONFLICT.",
  },
  G12: {
    level: "broker",
    stated: PROMISES,
    says: "A delivery has one holder at a time; a lapsed holder can change nothing.",
  },
  G13: {
    level: "store",
    stated: PROMISES,
    says: "A log returns every entry appended before the call, once, in one stable order.",
    gaps: { memory: MEMORY_KEEPS_LAST },
  },
  G14: {
    level: "broker",
    stated: PROMISES,
    says: "An inbox never holds more than its capacity, nor a consumer more than its credit.",
  },
  G15: {
    level: "broker",
    stated: PROMISES,
    says: "The durability class in force is reported with how it was found out.",
  },

  ...BROKER_GUARANTEES,
  "durable.weaker": {
    level: "bus",
    stated: "Durability classes",
    says: "With a second engine for the state, the class in force is the weaker of the two.",
  },

  "store.read": { level: "store", stated: STORE, says: "What was written is read back equal, in every process." },
  "store.compare": {
    level: "store",
    stated: STORE,
    says: "A write with `ifRevision` happens only if the key has that revision; of many one wins.",
  },
  "store.revision": {
    level: "store",
    stated: STORE,
    says: "Revisions grow with every change of a bucket and are never used twice.",
  },
  "store.expire": {
    level: "store",
    stated: STORE,
    says: "A value with a time to live vanishes, and watchers are told.",
  },
  "store.list": {
    level: "store",
    stated: STORE,
    says: "Keys are listed by prefix in order, with limit, start and direction.",
  },
  "store.watch": {
    level: "store",
    stated: STORE,
    says: "Changes are told to watchers in every process; a burst may be told as its last state.",
  },
  "store.log": {
    level: "store",
    stated: STORE,
    says: "A log keeps the order of appending and is read from any position.",
  },
  "store.trim": { level: "store", stated: STORE, says: "Trimming removes entries up to a position, or the whole log." },
  "store.transaction": {
    level: "store",
    stated: STORE,
    says: "A transaction does all its steps or none.",
    gaps: { nats: "JetStream 2.9 changes one key at a time." },
  },

  "send.offline": { level: "bus", stated: SENDING, says: "A message to a known agent that is offline waits for it." },
  "send.validate": { level: "bus", stated: SENDING, says: "Payloads are validated at sending and again at delivery." },
  "send.undeclared": {
    level: "bus",
    stated: SENDING,
    says: "A direct message of a type that the agent does not take is dead-lettered with NO_HANDLER.",
  },
  "handle.retry": {
    level: "bus",
    stated: SENDING,
    says: "A handler that throws is retried with backoff, then dead-lettered with its history.",
  },
  "handle.timeout": { level: "bus", stated: SENDING, says: "A handler that never returns is ended by its timeout." },
  "channel.publish": {
    level: "bus",
    stated: SENDING,
    says: "Each subscribed agent gets one copy, the publisher none.",
  },
  "channel.pattern": { level: "bus", stated: ORDER, says: "`*` is one segment, `**` at the end one or more." },
  "request.reply": {
    level: "bus",
    stated: REQUESTS,
    says: "A request ends with its reply, the remote error, TIMEOUT or the caller's abort, once.",
  },
  "request.stream": {
    level: "bus",
    stated: REQUESTS,
    says: "Chunks arrive in sequence, missed ones are resent, and one durable message ends the stream.",
  },
  "receipt.settled": {
    level: "bus",
    stated: REQUESTS,
    says: "A receipt tells how each copy ended, also later and from another process.",
  },
  "guard.depth": {
    level: "bus",
    stated: REQUESTS,
    says: "A chain of causes longer than allowed ends with HOPS_EXCEEDED.",
  },
  "guard.loop": {
    level: "bus",
    stated: REQUESTS,
    says: "The same message going round 8 times ends with LOOP_DETECTED.",
  },
  "guard.budget": { level: "bus", stated: REQUESTS, says: "A conversation never spends more than its budget." },
  "registry.status": {
    level: "bus",
    stated: REGISTRY,
    says: "Missed heartbeats make an agent stale, then offline; a heartbeat never changes a status that was set.",
  },
  "channel.broadcast": {
    level: "bus",
    stated: SENDING,
    says: "A broadcast reaches every matching agent that takes the type but its sender.",
  },
  "channel.empty": {
    level: "bus",
    stated: SENDING,
    says: "A publish without subscribers says so, or fails if recipients were required.",
  },
  "channel.subscribe": {
    level: "bus",
    stated: SENDING,
    says: "A subscribe that has resolved is seen by every later publish.",
  },
  "dead.refused": {
    level: "bus",
    stated: RECEIVING,
    says: "A message whose dead letter cannot be written stays in its inbox; that is told, and tried again until it can.",
  },
  "channel.capacity": {
    level: "bus",
    stated: SENDING,
    says: "A channel's messages fill no more of a subscriber's inbox than was declared, whoever sends them.",
  },
  "channel.late": {
    level: "bus",
    stated: SENDING,
    says: "A subscriber that asks for it gets what was published before, marked, once, with no gap to the live ones; in order, but for that very moment.",
  },
  "channel.route": {
    level: "bus",
    stated: SENDING,
    says: "A route that has resolved leads every later publish to its targets' subscribers too, one copy each.",
  },
  "channel.status": {
    level: "bus",
    stated: SENDING,
    says: "A channel used or declared is listed until it is closed or pruned; one with subscribers is not closed by accident.",
  },
  "dead.replay": {
    level: "bus",
    stated: SENDING,
    says: "A replayed dead letter is a new message that names the old one.",
  },
  "handle.concurrency": {
    level: "bus",
    stated: RECEIVING,
    says: "An instance runs at most `concurrency` handlers at once.",
  },
  "handle.reject": { level: "bus", stated: SENDING, says: "`reject` and AgentFailure end a message at once." },
  "handle.share": {
    level: "bus",
    stated: RECEIVING,
    says: "Instances of one name share the work of one inbox, each message once.",
  },
  "inbox.full": {
    level: "bus",
    stated: RECEIVING,
    says: "A full inbox refuses a direct message, and ends only its own copy of a fan-out.",
  },
  "inbox.wait": { level: "bus", stated: RECEIVING, says: "Senders wait for room where the agent asks for it." },
  "life.drain": {
    level: "bus",
    stated: RECEIVING,
    says: "Leaving lets running handlers finish and gives the rest back; nothing is lost.",
  },
  "life.retention": {
    level: "bus",
    stated: SENDING,
    says: "Receipts and dead letters are kept for their time, and no longer; of receipts only so many, the newest.",
  },
  "order.lane": {
    level: "bus",
    stated: ORDER,
    says: "Messages of one key are handled in order at any concurrency, retries included.",
  },
  "order.sender": {
    level: "bus",
    stated: ORDER,
    says: "With concurrency 1, one sender's equal messages are handled in the order sent.",
  },
  "order.urgent": {
    level: "bus",
    stated: ORDER,
    says: "Of the messages that wait, a higher priority is handled first.",
  },
  "pull.lease": {
    level: "bus",
    stated: RECEIVING,
    says: "Who keeps a delivery longer than its lease has lost it, and is told.",
  },
  "pull.settle": {
    level: "bus",
    stated: RECEIVING,
    says: "A pulled delivery is acknowledged, retried, rejected or given back.",
  },
  "pull.take": { level: "bus", stated: RECEIVING, says: "A pull takes what waits, or waits its time." },
  "pull.types": { level: "bus", stated: RECEIVING, says: "A pull can take chosen types and leave the others." },
  "receipt.identity": {
    level: "bus",
    stated: REQUESTS,
    says: "Accepted copies are the six ends and what still waits, to the unit.",
  },
  "registry.answers": {
    level: "bus",
    stated: REGISTRY,
    says: "Every agent answers health check, capability query and status without code.",
  },
  "registry.find": {
    level: "bus",
    stated: REGISTRY,
    says: "Agents are found by what they are and by what they take, in every process.",
  },
  "request.expect": {
    level: "bus",
    stated: REQUESTS,
    says: "A type without a declared reply can be answered with a message of another type.",
  },
  "request.retry": {
    level: "bus",
    stated: REQUESTS,
    says: "A failing handler answers a request at once; only errors that call themselves retryable are tried again.",
  },
  "send.declared": { level: "bus", stated: SENDING, says: "An agent cannot send a type that it does not declare." },
  "send.hold": { level: "bus", stated: SENDING, says: "A message can be held for a name not yet seen." },
  "send.limits": { level: "bus", stated: SENDING, says: "Senders are held to the limits that an agent declares." },
  "send.many": { level: "bus", stated: SENDING, says: "Of many drafts each has its own outcome." },
  "send.once": { level: "bus", stated: SENDING, says: "A key repeated within its window makes no second copy." },
  "send.options": { level: "bus", stated: SENDING, says: "An option that is not known is refused, never ignored." },
  "send.pick": {
    level: "bus",
    stated: SENDING,
    says: "An address by role, department, capability or region picks one agent that takes the type.",
  },
  "send.spread": { level: "bus", stated: SENDING, says: "A burst spreads over equal agents." },
  "stale.supersede": {
    level: "bus",
    stated: REQUESTS,
    says: "A newer order ends the older one that still waits, and its sender is told.",
  },
  "stale.withdraw": {
    level: "bus",
    stated: REQUESTS,
    says: "A withdrawn message ends if it waits, and aborts its handler if it runs.",
  },
  "time.ttl": { level: "bus", stated: ORDER, says: "A handler never sees an expired message, and its sender is told." },
  "type.output": { level: "bus", stated: SENDING, says: "The input travels; the handler gets the schema's output." },
  "type.upcast": {
    level: "bus",
    stated: SENDING,
    says: "An older payload is brought up to the type's version before it is handled.",
  },
  "history.journal": {
    level: "broker",
    stated: SENDING,
    says: "Where asked, the journal has every accepted message when the publish resolves, and every hand-off when it is over.",
  },
  "history.tree": {
    level: "bus",
    stated: REQUESTS,
    says: "With history on, a conversation is kept and drawn as an execution tree.",
  },
  "history.replay": {
    level: "bus",
    stated: SENDING,
    says: "Recorded messages are sent again as new ones that name the old.",
  },
  "observe.events": { level: "bus", stated: SENDING, says: "Every step of a message is told as an event." },
  "observe.health": { level: "bus", stated: REGISTRY, says: "Health is told part by part, and the counts balance." },
  "observe.audit": { level: "bus", stated: REGISTRY, says: "Audit files name every step and no payload." },
} as const satisfies Record<string, Guarantee>;

/** Id of a guarantee. */
export type GuaranteeId = keyof typeof GUARANTEES;

/** What a driver claims at one level. */
export function claimsOf(driver: DriverName, level: GuaranteeLevel): GuaranteeId[] {
  return idsOf(level).filter((id) => gapOf(driver, id) === undefined);
}

/** What a driver declares that it does not keep at one level. */
export function gapsOf(driver: DriverName, level: GuaranteeLevel): GuaranteeId[] {
  return idsOf(level).filter((id) => gapOf(driver, id) !== undefined);
}

/** Why a driver does not keep a guarantee; undefined if it does. */
export function gapOf(driver: DriverName, id: GuaranteeId): string | undefined {
  const guarantee: Guarantee = GUARANTEES[id];
  return guarantee.gaps?.[driver];
}

function idsOf(level: GuaranteeLevel): GuaranteeId[] {
  return (Object.keys(GUARANTEES) as GuaranteeId[]).filter((id) => GUARANTEES[id].level === level);
}
