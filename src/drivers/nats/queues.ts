import { AgentwireError } from "../../errors.ts";
import type { Timer } from "../../internal/clock.ts";
import { PRIORITIES } from "../../message/envelope.ts";
import type { DurabilityReport } from "../../store/durability.ts";
import type { Arrival, EngineEvents, NewCopy, QueueEngine, SeenCopy, Source, SourceOptions } from "../ledger/engine.ts";
import type { Connection, Headers, ToStore } from "./connection.ts";
import { faultError, NUMBERS, Refusal } from "./faults.ts";
import { LevelPull, type NatsArrival, type PullRequest } from "./level-pull.ts";
import { placeOf, read, type StoredMessage } from "./reading.ts";
import { type Session, UNREAD } from "./session.ts";
import { Pulling, type SourceQueues } from "./source.ts";

/** A message is given to another when nothing was heard of it for so long. */
const ACK_WAIT = 2_000;
const KEEP_EVERY = 600;
/** Shorter than that, so that a claim was written before another could ask whether there is one. */
const SURE_FOR = 1_500;
const HEAD = "Agentwire-Head";
const ONCE = "Nats-Msg-Id";
const ACK = "+ACK";
const NAK = "-NAK";
const IN_PROGRESS = "+WPI";
/** Of more inboxes than this all are counted in one question. */
const MANY = 20;
/** A process says on this topic that its connection was cut and is back. */
const CUT = "$cut";
/** Some times as long as a message may stay without a word. */
const DOUBT_AFTER_CUT = 10_000;
const NORMAL = 2;

/** Messages in a work-queue stream of JetStream, one subject and one durable consumer for each inbox and level. */
export class NatsQueues implements QueueEngine, SourceQueues {
  readonly driver = "nats";
  readonly redeliversOnlyLost = false;
  durability: DurabilityReport = UNREAD;
  readonly #session: Session;
  readonly #sources = new Set<Pulling>();
  readonly #held = new Set<NatsArrival>();
  /** Copies that went back without having been claimed, and how often they had been delivered by then. */
  readonly #untouched = new Map<number, number>();
  /** The latest message of each inbox and level that this process was given. */
  readonly #newest = new Map<string, number>();
  /** When somebody's request was cut off, NATS 2.9 may deliver another message anew, as if for the first time. */
  #doubtfulUntil = 0;
  #cuts: { unsubscribe(): void } | undefined;
  /** Durable consumers that are there. */
  readonly #consumers = new Set<string>();
  readonly #topics = new Map<string, { unsubscribe(): void } | undefined>();
  #events: EngineEvents | undefined;
  #detach: (() => void) | undefined;
  #keeping: Timer | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  get isConnected(): boolean {
    return this.#session.current !== undefined;
  }

  async open(events: EngineEvents): Promise<void> {
    this.#events = events;
    this.#detach = this.#session.attach({ restored: (connection) => this.#restored(connection) });
    this.durability = await this.#session.open(this);
    if (this.#session.current) this.#hearCuts(this.#session.current);
  }

  async close(): Promise<void> {
    this.#detach?.();
    this.#keeping?.cancel();
    this.#cuts?.unsubscribe();
    for (const source of this.#sources) await source.close();
    for (const subscription of this.#topics.values()) subscription?.unsubscribe();
    this.#topics.clear();
    await this.#session.close(this);
  }

  async clear(inbox: string): Promise<void> {
    const { names } = this.#session;
    await this.#call(`Clearing the inbox "${inbox}"`, async (connection) => {
      await connection.api(`STREAM.PURGE.${names.messages}`, { filter: names.inbox(inbox, "*") });
      for (let level = 0; level < PRIORITIES.length; level++)
        await connection
          .api(`CONSUMER.DELETE.${names.messages}.${names.consumer(inbox, level)}`)
          .catch((error: unknown) => ignore(error, NUMBERS.consumerNotFound));
    });
    for (let level = 0; level < PRIORITIES.length; level++) this.#consumers.delete(names.consumer(inbox, level));
    for (const source of this.#sources) if (source.inbox === inbox) source.clear();
  }

  async put(copies: readonly NewCopy[]): Promise<(AgentwireError | string | undefined)[]> {
    try {
      // Wait here, so that all are sent in their order.
      if (!this.#session.current) await this.#session.run(async () => {}, { what: "Publishing" });
    } catch (error) {
      const { message } = error as Error;
      const failed = new AgentwireError("REJECTED", `The message could not be stored: ${message}`, { cause: error });
      return copies.map(() => (AgentwireError.is(error, "CLOSED") ? error : failed));
    }
    const { names } = this.#session;
    const messages = copies.map(({ inbox, level, body, head, once }): ToStore => {
      const headers: Headers | undefined =
        head === undefined && once === undefined
          ? undefined
          : { ...(head === undefined ? {} : { [HEAD]: head }), ...(once === undefined ? {} : { [ONCE]: once }) };
      return { subject: names.inbox(inbox, level), payload: body, headers };
    });
    const call = { what: "Publishing", now: true };
    try {
      const answers = await this.#session.run((connection) => connection.storeAll(messages), call);
      return await Promise.all(
        answers.map((answer, at) => {
          if (answer instanceof Error) return notStored(answer);
          return answer.isDouble ? this.#storedAgain(copies[at] as NewCopy, answer.sequence) : String(answer.sequence);
        }),
      );
    } catch (error) {
      return copies.map(() => notStored(error));
    }
  }

  /** The mark of a copy of which the server says that it has one of its name. */
  async #storedAgain({ inbox, level, body, head }: NewCopy, double: number): Promise<AgentwireError | string> {
    const headers: Headers | undefined = head === undefined ? undefined : { [HEAD]: head };
    try {
      if (await this.#isSame(double, inbox, body)) return String(double);
      const subject = this.#session.names.inbox(inbox, level);
      const call = { what: "Publishing", now: true };
      const { sequence } = await this.#session.run((connection) => connection.store(subject, body, headers), call);
      return String(sequence);
    } catch (error) {
      return notStored(error);
    }
  }

  async take(inbox: string, options: SourceOptions): Promise<Source> {
    const source = new Pulling(this, {
      inbox,
      session: this.#session,
      ...options,
      left: (one) => this.#sources.delete(one),
    });
    await source.start();
    this.#sources.add(source);
    return source;
  }

  async fetch(inbox: string, level: number, limit: number): Promise<Arrival[]> {
    const { names, context } = this.#session;
    const counts = await this.#counts([names.inbox(inbox, level)]);
    if (counts.size === 0) return [];
    return this.#call(`Taking from the inbox "${inbox}"`, async (connection) => {
      const pull = new LevelPull({ connection, queues: this, clock: context.clock, inbox, level, came: () => {} });
      await connection.during(pull.ask(limit));
      const found = pull.kept.splice(0);
      pull.end();
      return found;
    });
  }

  pull(inbox: string, level: number, { batch, deliver, wait }: PullRequest): void {
    const { names, current } = this.#session;
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${names.messages}.${names.consumer(inbox, level)}`;
    const how = wait === undefined ? { no_wait: true } : { expires: wait * 1_000_000 };
    current?.publish(subject, JSON.stringify({ batch, ...how }), deliver);
  }

  /** The server has no consumer for a level, whatever was thought before. */
  consumerGone(inbox: string, level: number): void {
    this.#consumers.delete(this.#session.names.consumer(inbox, level));
  }

  /** Levels on which there is something, and the one that most messages have. */
  async levelsOf(inbox: string): Promise<number[]> {
    const { names } = this.#session;
    const counts = await this.#counts([names.inbox(inbox, "*")]);
    return [...new Set([NORMAL, ...[...counts.keys()].map((subject) => names.inboxIn(subject).level)])];
  }

  /** How many messages of a level processes have, this one included. */
  async unacknowledged(inbox: string, level: number): Promise<number> {
    const { names } = this.#session;
    const { num_ack_pending } = await this.#call(`Looking into the inbox "${inbox}"`, (connection) =>
      connection.api<{ num_ack_pending: number }>(`CONSUMER.INFO.${names.messages}.${names.consumer(inbox, level)}`),
    );
    return num_ack_pending;
  }

  /** How many of them this process has. */
  heldOf(inbox: string, level: number): number {
    let count = 0;
    for (const one of this.#held) if (one.inbox === inbox && one.level === level) count++;
    return count;
  }

  async acknowledge(arrivals: readonly Arrival[]): Promise<void> {
    const last = new Map<string, NatsArrival>();
    const { current } = this.#session;
    for (const arrival of arrivals as readonly NatsArrival[]) {
      this.#held.delete(arrival);
      const queue = `${arrival.inbox} ${arrival.level}`;
      const before = last.get(queue);
      // In the order of a consumer's acknowledgments the last answers for all before it.
      if (before) current?.publish(before.reply, ACK);
      last.set(queue, arrival);
    }
    const call = { what: "Acknowledging", now: true };
    await Promise.all(
      [...last.values()].map(({ reply }) => this.#session.run((connection) => connection.ask(reply, ACK), call)),
    );
  }

  async giveBack(arrivals: readonly Arrival[], delay = 0): Promise<void> {
    const text = delay > 0 ? `${NAK} ${JSON.stringify({ delay: Math.ceil(delay) * 1_000_000 })}` : NAK;
    // In their order: what comes back first is handed out first.
    const given = [...(arrivals as readonly NatsArrival[])].sort((a, b) => a.order - b.order);
    for (const arrival of given) {
      this.#held.delete(arrival);
      this.#session.current?.publish(arrival.reply, text);
    }
    this.#wakeLater(given, delay);
  }

  /** The server says nothing of what it has got back. */
  #wakeLater(given: readonly { readonly inbox: string; readonly level: number }[], delay: number): void {
    const { names, context } = this.#session;
    const subjects = new Set(given.map(({ inbox, level }) => names.stored(inbox, level)));
    const wake = (): void => {
      for (const subject of subjects) this.#session.current?.publish(subject, "");
    };
    if (delay <= 0) wake();
    else context.clock.after(delay, wake);
  }

  /** Gives back what nobody has claimed. */
  returnUntouched(arrivals: readonly NatsArrival[]): void {
    for (const { order, delivered } of arrivals) this.#untouched.set(order, delivered);
    void this.giveBack(arrivals);
  }

  forget(arrivals: readonly Arrival[]): void {
    for (const arrival of arrivals as readonly NatsArrival[]) this.#held.delete(arrival);
  }

  async count(inboxes: readonly string[]): Promise<{ all: number }[]> {
    const { names } = this.#session;
    const filters = inboxes.length > MANY ? [names.allMessages] : inboxes.map((inbox) => names.inbox(inbox, "*"));
    const counts = new Map<string, number>();
    for (const [subject, count] of await this.#counts(filters)) {
      const { inbox } = names.inboxIn(subject);
      counts.set(inbox, (counts.get(inbox) ?? 0) + count);
    }
    return inboxes.map((inbox) => ({ all: counts.get(inbox) ?? 0 }));
  }

  readonly look = async (inbox: string, limit: number): Promise<SeenCopy[]> => {
    const { names } = this.#session;
    const byLevel = await this.#call(`Looking into the inbox "${inbox}"`, async (connection) =>
      Promise.all(
        PRIORITIES.map(async (_, level) => {
          const seen: SeenCopy[] = [];
          for (let from = 1; seen.length < limit; ) {
            const which = { seq: from, next_by_subj: names.inbox(inbox, level) };
            const found = await read(connection, names.messages, { which, direct: !this.#session.isReplicated });
            if (!found) break;
            seen.push(seenIn(found, level));
            from = found.sequence + 1;
          }
          return seen;
        }),
      ),
    );
    return byLevel.flat().slice(0, limit);
  };

  readonly lookAt = async (inbox: string, mark: string): Promise<SeenCopy | undefined> => {
    const { names } = this.#session;
    const found = await this.#call("Looking for a message", (connection) =>
      read(connection, names.messages, { which: { seq: Number(mark) }, direct: !this.#session.isReplicated }),
    );
    if (!found) return undefined;
    const at = names.inboxIn(found.subject);
    return at.inbox === inbox ? seenIn(found, at.level) : undefined;
  };

  readonly remove = async (_inbox: string, mark: string): Promise<boolean> => {
    const { names } = this.#session;
    try {
      const question = { seq: Number(mark), no_erase: true };
      const what = { what: "Removing a message" };
      const { success = false } = await this.#session.run(
        (connection) => connection.api<{ success?: boolean }>(`STREAM.MSG.DELETE.${names.messages}`, question),
        what,
      );
      return success;
    } catch (error) {
      if (
        error instanceof Refusal &&
        (error.number === NUMBERS.noMessage || /no message found|not found/.test(error.message))
      )
        return false;
      throw faultError(error, { what: "Removing a message", isRead: false });
    }
  };

  readonly free = (inbox: string, copies: readonly { readonly level: number; readonly mark: string }[]): void => {
    const { names, current } = this.#session;
    for (const { level, mark } of copies) {
      const about = `${names.messages}.${names.consumer(inbox, level)}`;
      current?.publish(`$JS.ACK.${about}.1.${mark}.1.0.0`, NAK);
    }
    this.#wakeLater(
      copies.map(({ level }) => ({ inbox, level })),
      0,
    );
  };

  signal(topic: string, data: string): void {
    this.#session.current?.publish(this.#session.names.signal(topic), data);
  }

  async hear(topic: string): Promise<void> {
    const { current } = this.#session;
    if (this.#topics.get(topic)) return;
    this.#topics.set(topic, current && this.#listen(current, topic));
    // The server has it when it answers what comes after it.
    await current?.api("INFO").catch(() => {});
  }

  unhear(topic: string): void {
    this.#topics.get(topic)?.unsubscribe();
    this.#topics.delete(topic);
  }

  /** An arrival of a message that was delivered; this process has it from now on. */
  arrivalOf(
    message: { readonly reply?: string; readonly data: Uint8Array; readonly headers?: { get(name: string): string } },
    { inbox, level, since }: { readonly inbox: string; readonly level: number; readonly since: number },
  ): NatsArrival {
    const reply = message.reply ?? "";
    const { delivered, sequence, pending } = placeOf(reply);
    const isUntouched = this.#untouched.get(sequence) === delivered - 1;
    this.#untouched.delete(sequence);
    const queue = `${inbox} ${level}`;
    const now = this.#session.context.clock.monotonic();
    const isOld =
      now < this.#doubtfulUntil ||
      sequence <= Math.max(this.#session.doubtfulUpTo, delivered > 1 ? 0 : (this.#newest.get(queue) ?? 0));
    if (sequence > (this.#newest.get(queue) ?? 0)) this.#newest.set(queue, sequence);
    const arrival: NatsArrival = {
      inbox,
      level,
      body: message.data,
      head: message.headers?.get(HEAD) || undefined,
      mark: String(sequence),
      order: sequence,
      doubt: isOld ? "ended" : delivered > 1 && !isUntouched ? "held" : "none",
      reply,
      delivered,
      pending,
      since,
    };
    this.#held.add(arrival);
    this.#keep();
    return arrival;
  }

  /** Makes the durable consumer of a level, if it is not there. */
  async ensureConsumer(inbox: string, level: number): Promise<void> {
    const { names } = this.#session;
    const name = names.consumer(inbox, level);
    if (this.#consumers.has(name)) return;
    const config = {
      durable_name: name,
      ack_policy: "explicit",
      ack_wait: ACK_WAIT * 1_000_000,
      deliver_policy: "all",
      filter_subject: names.inbox(inbox, level),
      max_ack_pending: -1,
      replay_policy: "instant",
    };
    await this.#call(`Taking from the inbox "${inbox}"`, (connection) =>
      connection.api(`CONSUMER.DURABLE.CREATE.${names.messages}.${name}`, { stream_name: names.messages, config }),
    );
    this.#consumers.add(name);
  }

  /** Messages on subjects that these filters name. */
  async #counts(filters: readonly string[]): Promise<Map<string, number>> {
    const { names } = this.#session;
    const found = await this.#call("Counting messages", (connection) =>
      Promise.all(
        filters.map((subjects_filter) =>
          connection.api<{ state: { subjects?: Record<string, number> } }>(`STREAM.INFO.${names.messages}`, {
            subjects_filter,
          }),
        ),
      ),
    );
    return new Map(found.flatMap(({ state }) => Object.entries(state.subjects ?? {})));
  }

  /** Whether what has a copy's name is that copy: other programs can give their messages any name. What has ended counts as it. */
  async #isSame(sequence: number, inbox: string, body: string | Uint8Array): Promise<boolean> {
    const { names, isReplicated } = this.#session;
    const which = { which: { seq: sequence }, direct: !isReplicated };
    const found = await this.#call("Publishing", (connection) => read(connection, names.messages, which));
    if (!found) return true;
    const id = this.#idIn(found.data);
    return id !== undefined && id === this.#idIn(body) && names.inboxIn(found.subject).inbox === inbox;
  }

  #idIn(body: string | Uint8Array): string | undefined {
    try {
      return this.#session.context.codec.decode(body).id;
    } catch {
      return undefined;
    }
  }

  #listen(connection: Connection, topic: string): { unsubscribe(): void } {
    return connection.subscribe(this.#session.names.signal(topic), (message) =>
      this.#events?.signalled(topic, message.string()),
    );
  }

  #hearCuts(connection: Connection): void {
    const { names, context } = this.#session;
    this.#cuts = connection.subscribe(names.signal(CUT), () => {
      this.#doubtfulUntil = context.clock.monotonic() + DOUBT_AFTER_CUT;
    });
  }

  async #restored(connection: Connection): Promise<void> {
    this.#hearCuts(connection);
    this.#doubtfulUntil = this.#session.context.clock.monotonic() + DOUBT_AFTER_CUT;
    connection.publish(this.#session.names.signal(CUT), "");
    for (const topic of this.#topics.keys()) this.#topics.set(topic, this.#listen(connection, topic));
    this.#untouched.clear();
    // Consumers are durable, but the server may be another.
    this.#consumers.clear();
    setImmediate(() => {
      for (const source of this.#sources) source.restored();
      this.#events?.restored();
    });
  }

  /** Tells the server that what is held is still in work. */
  #keep(): void {
    const { clock } = this.#session.context;
    this.#keeping ??= clock.after(KEEP_EVERY, () => {
      this.#keeping = undefined;
      const now = clock.monotonic();
      const { current } = this.#session;
      const byQueue = new Map<string, NatsArrival[]>();
      for (const arrival of this.#held) {
        if (now - arrival.since < KEEP_EVERY / 2) continue;
        const queue = `${arrival.inbox} ${arrival.level}`;
        const before = byQueue.get(queue);
        if (before) before.push(arrival);
        else byQueue.set(queue, [arrival]);
      }
      for (const kept of byQueue.values()) {
        const last = kept.pop() as NatsArrival;
        for (const { reply } of kept) current?.publish(reply, IN_PROGRESS);
        // In the order of a consumer's acknowledgments the last answers for all before it.
        current?.ask(last.reply, IN_PROGRESS).then(
          () => {
            // What it might have given to another by then stays in doubt.
            for (const arrival of [...kept, last]) if (this.#isSureAt(arrival, clock.monotonic())) arrival.since = now;
          },
          () => {},
        );
      }
      if (this.#held.size > 0) this.#keep();
    });
  }

  readonly isSure = (arrival: Arrival): boolean =>
    this.#isSureAt(arrival as NatsArrival, this.#session.context.clock.monotonic());

  #isSureAt({ since }: NatsArrival, now: number): boolean {
    return now - since < SURE_FOR;
  }

  async #call<T>(what: string, work: (connection: Connection) => Promise<T>): Promise<T> {
    try {
      return await this.#session.run(work, { what, isRead: true });
    } catch (error) {
      throw faultError(error, { what, isRead: true });
    }
  }
}

function seenIn(message: StoredMessage, level: number): SeenCopy {
  return { level, body: message.data, head: message.header(HEAD), mark: String(message.sequence) };
}

function ignore(error: unknown, number: number): void {
  if (!(error instanceof Refusal) || error.number !== number) throw error;
}

function notStored(error: unknown): AgentwireError {
  const fault = faultError(error, { what: "Publishing", isRead: false });
  if (fault.code !== "ENGINE_STATE") return fault;
  // Nothing was sent, or nobody was there to take it.
  return new AgentwireError("REJECTED", `The message could not be stored: ${fault.message}`, { cause: fault });
}
