import type { Broker } from "../broker/broker.ts";
import type { Publication, PublishResult } from "../broker/publication.ts";
import { AgentwireError } from "../errors.ts";
import type { Clock } from "../internal/clock.ts";
import type { KeepAlive } from "../internal/keep-alive.ts";
import { parseDuration } from "../message/duration.ts";
import type { Envelope } from "../message/envelope.ts";
import { fingerprint } from "../message/fingerprint.ts";
import type { IdGenerator } from "../message/id.ts";
import type { MessageDraft, MessageType } from "../message/index.ts";
import type { EventHub } from "../observe/event-hub.ts";
import type { Directory } from "../registry/directory.ts";
import type { Where } from "../registry/record.ts";
import { aboutMessage } from "./about-message.ts";
import type { Budgets } from "./budgets.ts";
import { plainPayload } from "./checking.ts";
import { checkPath, type Refusal } from "./guard-rails.ts";
import type { Origin, PublishContext } from "./origin.ts";
import type { PublishQueue } from "./publish-queue.ts";
import { type Receipt, SentReceipt } from "./receipt.ts";
import type { Receipts } from "./receipts.ts";
import type { Requests, Waiter } from "./requests.ts";
import { RoomWait } from "./room.ts";
import type { Route } from "./route.ts";
import { Routing, type Target } from "./routing.ts";
import type {
  Address,
  BroadcastOptions,
  MessageOptions,
  PublishOptions,
  RequestOptions,
  SendOptions,
} from "./sending.ts";
import { dueTime, type Stamped, stamp, text } from "./stamp.ts";
import { checkWhere, targetOf, targetOfChannel } from "./target.ts";

/** How long an idempotency key is remembered, in milliseconds. */
const DEDUPE_WINDOW = 10 * 60_000;
/** A registry that changes this often under one send is broken. */
const MOST_REROUTES = 100;
/** Names of unknown agents remembered at once. */
const MOST_HELD_FOR = 10_000;
const DEFAULT_TIMEOUT = 30_000;
const EVERYONE: Where = Object.freeze({});
const NO_ADDRESS: Stamped = Object.freeze({});

/** What a {@link Dispatcher} is built from. */
export interface DispatcherOptions {
  readonly broker: Pick<Broker, "declareInbox">;
  readonly queue: PublishQueue;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly ids: IdGenerator;
  readonly events: EventHub;
  readonly receipts: Receipts;
  readonly requests: Requests;
  readonly budgets: Budgets;
  readonly keepAlive: KeepAlive;
}

type Kind = PublishContext["kind"];

interface Outgoing {
  readonly kind: Kind;
  readonly origin: Origin;
  readonly target: Target;
  readonly options: SendOptions<never> & PublishOptions;
  readonly type: MessageType;
  readonly payload: unknown;
  readonly address: Stamped;
}

type Accepted = Extract<PublishResult, { status: "accepted" }>;

/** A stamped message on its way into inboxes, and who is told how that went. */
interface Passage {
  readonly outgoing: Outgoing;
  readonly envelope: Envelope;
  readonly waiter: Waiter | undefined;
  refusal: Refusal | undefined;
  /** Undefined where nobody asks for the receipt. */
  readonly arrived: ((receipt: Receipt) => void) | undefined;
  readonly failed: (error: unknown) => void;
}

/** The way of every message from a sender to its inboxes: check, stamp, intercept, route, publish. */
export class Dispatcher {
  readonly #parts: DispatcherOptions;
  readonly #routing: Routing;
  /** Unknown agents whose inboxes this process has declared, so that each message need not do it again. */
  readonly #heldFor = new Set<string>();

  constructor(parts: DispatcherOptions) {
    this.#parts = parts;
    this.#routing = new Routing(parts.directory, () => parts.clock.now());
  }

  send(origin: Origin, type: MessageType, payload: unknown, options: SendOptions<never>): Promise<Receipt> {
    try {
      const target = targetOf(options.to as Address<unknown>, options.ifUnknown);
      const address = target.kind === "agent" ? { to: target.name } : NO_ADDRESS;
      return this.#start({ kind: "send", origin, target, options, type, payload, address });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  publish(origin: Origin, type: MessageType, payload: unknown, options: PublishOptions): Promise<Receipt> {
    try {
      const target = targetOfChannel(options.channel ?? type.channel, type.name);
      return this.#start({
        kind: "publish",
        origin,
        target,
        options,
        type,
        payload,
        address: { channel: target.channel },
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  broadcast(origin: Origin, type: MessageType, payload: unknown, options: BroadcastOptions): Promise<Receipt> {
    try {
      const target: Target = {
        kind: "everyone",
        where: options.where === undefined ? EVERYONE : checkWhere(options.where),
      };
      return this.#start({ kind: "broadcast", origin, target, options, type, payload, address: NO_ADDRESS });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Sends a request and resolves with the reply as it came, not checked. `onStamped` is told the request's id before anything is sent. */
  ask(
    origin: Origin,
    type: MessageType,
    payload: unknown,
    options: RequestOptions<never, MessageType>,
    onStamped?: (id: string) => void,
  ): Promise<Envelope> {
    const { requests } = this.#parts;
    const ready = requests.ready();
    if (ready) return ready.then(() => this.ask(origin, type, payload, options, onStamped));
    try {
      const timeout =
        options.timeout === undefined ? DEFAULT_TIMEOUT : parseDuration(options.timeout, { name: "timeout", min: 0 });
      const target = targetOf(options.to as Address<unknown>, options.ifUnknown);
      const to = target.kind === "agent" ? target.name : undefined;
      const address = to === undefined ? { replyInbox: requests.inbox } : { to, replyInbox: requests.inbox };
      const outgoing: Outgoing = { kind: "request", origin, target, options, type, payload, address };
      const wait = (envelope: Envelope): Promise<Envelope> => {
        onStamped?.(envelope.id);
        return this.#awaitReply(outgoing, envelope, timeout, to);
      };
      const stamped = this.#stamp(outgoing);
      return stamped instanceof Promise ? stamped.then(wait) : wait(stamped);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  sendMany(origin: Origin, drafts: readonly MessageDraft<MessageType>[]): Promise<PromiseSettledResult<Receipt>[]> {
    return Promise.allSettled(
      drafts.map((draft) => {
        const options = (draft.options ?? {}) as SendOptions<never> & PublishOptions;
        return options.channel === undefined
          ? this.send(origin, draft.type, draft.payload, options)
          : this.publish(origin, draft.type, draft.payload, options);
      }),
    );
  }

  /** Makes the answer to a request, for a settle to emit or {@link Dispatcher.sendReply} to send. */
  reply(
    origin: Origin,
    request: Envelope,
    type: MessageType,
    payload: unknown,
    headers: Readonly<Record<string, string>> | undefined,
  ): Publication {
    const { priority } = request;
    const options: MessageOptions = headers === undefined ? { priority } : { priority, headers };
    const inbox = request.replyInbox as string;
    const address = { to: inbox, inReplyTo: request.id };
    const envelope = stamp(this.#parts, { name: origin.name, cause: request }, type, payload, options, address);
    return { message: Object.freeze(envelope), to: [inbox] };
  }

  /** Sends an answer by itself. A request whose asker has gone is not an error. */
  async sendReply(publication: Publication): Promise<void> {
    const result = await this.#parts.queue.publish(publication);
    if (result.status === "failed" && result.error.code !== "AGENT_NOT_FOUND") throw result.error;
  }

  #start(outgoing: Outgoing): Promise<Receipt> {
    const stamped = this.#stamp(outgoing);
    return stamped instanceof Promise
      ? stamped.then((envelope) => this.#dispatch(outgoing, envelope))
      : this.#dispatch(outgoing, stamped);
  }

  #awaitReply(outgoing: Outgoing, envelope: Envelope, timeout: number, to: string | undefined): Promise<Envelope> {
    const { requests } = this.#parts;
    const { waiter, reply } = requests.wait(envelope.id, timeout, to);
    const { signal } = outgoing.options;
    if (signal) reply.then(...this.#abortable(signal, waiter));
    const failed = (error: unknown): void => requests.fail(waiter, error);
    if (outgoing.origin.publishing.length > 0) this.#intercept(outgoing, envelope, waiter).catch(failed);
    else this.#pass({ outgoing, envelope, waiter, refusal: undefined, arrived: undefined, failed });
    return reply;
  }

  #stamp(outgoing: Outgoing): Envelope | Promise<Envelope> {
    const { origin, type } = outgoing;
    if (origin.sends !== undefined && !origin.sends.has(type.name)) {
      throw new AgentwireError("TYPE_NOT_DECLARED", `Agent "${origin.name}" sends ${type.name} without declaring it`, {
        details: { agent: origin.name, type: type.name },
      });
    }
    if (outgoing.options.signal?.aborted)
      throw new AgentwireError("ABORTED", `Sending ${type.name} was ended by the caller`);
    const payload = plainPayload(type, outgoing.payload);
    return payload instanceof Promise
      ? payload.then((plain) => this.#envelope(outgoing, plain))
      : this.#envelope(outgoing, payload);
  }

  #envelope(outgoing: Outgoing, payload: unknown): Envelope {
    return stamp(this.#parts, outgoing.origin, outgoing.type, payload, outgoing.options, outgoing.address);
  }

  #dispatch(outgoing: Outgoing, envelope: Envelope): Promise<Receipt> {
    const { publishing } = outgoing.origin;
    if (publishing.length === 0) return this.#deliver(outgoing, envelope, undefined);
    return this.#intercept(outgoing, envelope, undefined);
  }

  async #intercept(outgoing: Outgoing, envelope: Envelope, waiter: Waiter | undefined): Promise<Receipt> {
    let receipt: Receipt | undefined;
    let next = async (message: Envelope): Promise<void> => {
      receipt = await this.#deliver(outgoing, { ...message }, waiter);
    };
    for (const interceptor of [...outgoing.origin.publishing].reverse()) {
      const handle = interceptor(next);
      next = (message) => handle(message, { kind: outgoing.kind });
    }
    await next(envelope);
    if (!receipt)
      throw new AgentwireError("REJECTED", `An interceptor ended ${envelope.type} without passing it on or throwing`);
    return receipt;
  }

  #deliver(outgoing: Outgoing, envelope: Envelope, waiter: Waiter | undefined): Promise<Receipt> {
    return new Promise((arrived, failed) =>
      this.#pass({ outgoing, envelope, waiter, refusal: undefined, arrived, failed }),
    );
  }

  /** Never throws: whoever sends is told by the passage, and so is a request's waiter. */
  #pass(passage: Passage): void {
    const { outgoing, envelope, failed } = passage;
    try {
      const refusal = this.#refusal(outgoing.origin, envelope);
      if (refusal instanceof Promise) refusal.then((found) => this.#store(passage, found)).catch(failed);
      else this.#store(passage, refusal);
    } catch (error) {
      failed(error);
    }
  }

  /** The straight way: routed by the present view and stored. Whatever else is needed is left to {@link #patiently}. */
  #store(passage: Passage, refusal: Refusal | undefined): void {
    const { outgoing, failed } = passage;
    const { target, origin } = outgoing;
    passage.refusal = refusal;
    const envelope = Object.freeze(passage.envelope);
    if (
      target.kind === "agent" &&
      !this.#parts.directory.get(target.name) &&
      !(target.hold && this.#heldFor.has(target.name))
    ) {
      this.#patiently(passage, undefined).catch(failed);
      return;
    }
    let route: Route;
    try {
      route = this.#routing.resolve(target, envelope, origin);
    } catch (error) {
      if (!AgentwireError.is(error, "NO_AGENT_FOUND")) throw error;
      this.#patiently(passage, undefined).catch(failed);
      return;
    }
    this.#parts.queue.add(this.#publication(passage, route), (result) => {
      if (result.status === "accepted") this.#conclude(passage, route, result);
      else this.#patiently(passage, result).catch(failed);
    });
  }

  /** Looks again at who is there, waits for room, or tells the failure. */
  async #patiently(passage: Passage, first: PublishResult | undefined): Promise<void> {
    const { outgoing, envelope } = passage;
    const { directory, clock, keepAlive, queue } = this.#parts;
    let room: RoomWait | undefined;
    let result = first;
    for (let turn = 0; turn < MOST_REROUTES; turn++) {
      if (result?.status === "failed") {
        if (this.#forgetsHold(outgoing.target, result.error)) {
          result = undefined;
          continue;
        }
        if (!this.#mayWait(result.error)) throw result.error;
        room ??= new RoomWait(clock, keepAlive, outgoing.options.signal);
        await room.again(result.error);
        turn = 0;
      } else {
        await directory.refresh();
      }
      const route = this.#routing.resolve(outgoing.target, envelope, outgoing.origin);
      await this.#holdFor(outgoing.target);
      result = await queue.publish(this.#publication(passage, route));
      if (result.status === "accepted") return this.#conclude(passage, route, result);
    }
    throw new AgentwireError("REJECTED", `The registry changed too often to route ${envelope.type}`);
  }

  async #holdFor(target: Target): Promise<void> {
    if (target.kind !== "agent" || !target.hold || this.#parts.directory.get(target.name)) return;
    await this.#parts.broker.declareInbox({ name: target.name });
    if (this.#heldFor.size >= MOST_HELD_FOR) this.#heldFor.clear();
    this.#heldFor.add(target.name);
  }

  /** The inbox that was declared for an unknown agent has been removed meanwhile: it is declared anew. */
  #forgetsHold(target: Target, error: AgentwireError): boolean {
    return (
      target.kind === "agent" && target.hold && error.code === "AGENT_NOT_FOUND" && this.#heldFor.delete(target.name)
    );
  }

  #publication({ outgoing, envelope, refusal }: Passage, route: Route): Publication {
    const { options, origin } = outgoing;
    const publication: { -readonly [K in keyof Publication]: Publication[K] } = {
      message: envelope,
      to: route.to,
      fanOut: route.fanOut,
      routedAt: this.#parts.directory.revision,
    };
    const dueAt = dueTime(options, envelope.createdAt);
    if (dueAt !== undefined) publication.dueAt = dueAt;
    if (route.limit !== undefined) publication.limit = route.limit;
    if (refusal !== undefined) publication.refused = refusal;
    if (options.idempotencyKey !== undefined) publication.dedupe = dedupe(origin, envelope, options.idempotencyKey);
    if (options.supersedes !== undefined) publication.supersedes = superseded(options.supersedes);
    return publication;
  }

  /** Only a caused message or one with a budget can be refused: the others take the straight way. */
  #refusal(
    origin: Origin,
    envelope: { path?: readonly string[] } & Envelope,
  ): Refusal | undefined | Promise<Refusal | undefined> {
    if (origin.cause !== undefined) {
      const { path, refusal } = checkPath(envelope, origin.cause);
      envelope.path = path;
      if (refusal) return refusal;
    }
    return envelope.budget === undefined
      ? undefined
      : this.#parts.budgets.message(envelope.conversationId, envelope.budget);
  }

  #conclude(passage: Passage, route: Route, result: Accepted): void {
    const { outgoing, envelope, waiter, refusal, arrived, failed } = passage;
    const { events, receipts } = this.#parts;
    const { copies } = result;
    if (outgoing.target.kind === "one" && copies[0]) this.#routing.chosen(copies[0].inbox);
    if (waiter) waiter.recipient = copies[0]?.inbox;
    if (events.active && (events.wants("message.accepted") || isUnusual(result, route)))
      this.#tell(envelope, route.skipped, result, refusal);
    if (copies.length === 0 && outgoing.options.requireRecipients) {
      const where = envelope.channel === undefined ? "" : ` on ${envelope.channel}`;
      failed(new AgentwireError("NO_RECIPIENTS", `Nobody takes ${envelope.type}${where}`));
    } else if (waiter && refusal) {
      failed(new AgentwireError(refusal.code, `Request ${envelope.id} was refused: ${refusal.reason}`));
    } else {
      arrived?.(new SentReceipt(result.id, copies, result.duplicate, receipts));
    }
  }

  #mayWait(error: AgentwireError): error is AgentwireError<"INBOX_FULL"> {
    return (
      AgentwireError.is(error, "INBOX_FULL") && this.#parts.directory.get(error.details.inbox)?.record.waits === true
    );
  }

  #tell(envelope: Envelope, skipped: readonly string[], result: Accepted, refusal: Refusal | undefined): void {
    const { events } = this.#parts;
    const about = aboutMessage(envelope);
    const recipients = result.copies.map((copy) => copy.inbox);
    if (result.duplicate) return events.emit({ type: "message.duplicate", ...about, id: result.id });
    if (recipients.length === 0) events.emit({ type: "message.unrouted", ...about });
    else
      events.emit({
        type: "message.accepted",
        ...about,
        recipients,
        ...(envelope.inReplyTo === undefined ? {} : { inReplyTo: envelope.inReplyTo }),
      });
    for (const recipient of skipped) events.emit({ type: "message.skipped", ...about, recipient });
    for (const copy of result.copies) {
      if (copy.state !== "dead-lettered") continue;
      const { code, reason } = refusal ?? { code: "INBOX_FULL", reason: `The inbox of ${copy.inbox} is full` };
      events.emit({ type: "message.dead-lettered", ...about, recipient: copy.inbox, attempt: 0, code, reason });
    }
  }

  #abortable(signal: AbortSignal, waiter: Waiter): [() => void, () => void] {
    const abort = (): void =>
      this.#parts.requests.fail(waiter, new AgentwireError("ABORTED", `Request ${waiter.id} was ended by the caller`));
    signal.addEventListener("abort", abort, { once: true });
    const done = (): void => signal.removeEventListener("abort", abort);
    return [done, done];
  }
}

/** Whether there is more to tell than that a message was accepted. */
function isUnusual({ copies, duplicate }: Accepted, { skipped }: Route): boolean {
  return (
    duplicate || copies.length === 0 || skipped.length > 0 || copies.some(({ state }) => state === "dead-lettered")
  );
}

function dedupe(origin: Origin, envelope: Envelope, key: string): NonNullable<Publication["dedupe"]> {
  return {
    key: `${origin.name}/${text(key, "idempotencyKey", 256)}`,
    fingerprint: fingerprint(envelope),
    window: DEDUPE_WINDOW,
  };
}

function superseded(target: string | { readonly key: string }): NonNullable<Publication["supersedes"]> {
  return typeof target === "string"
    ? { id: text(target, "supersedes", 64) }
    : { key: text(target.key, "supersedes.key", 256) };
}
