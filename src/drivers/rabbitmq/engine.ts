import { randomBytes } from "node:crypto";
import type { AgentwireError } from "../../errors.ts";
import { PRIORITIES } from "../../message/envelope.ts";
import type { DurabilityReport } from "../../store/durability.ts";
import type { Store } from "../../store/store.ts";
import type { Arrival, EngineEvents, NewCopy, QueueEngine, Source, SourceOptions } from "../ledger/engine.ts";
import { Census, type Kept } from "./census.ts";
import { Intake, type QueuedArrival } from "./intake.ts";
import { Levels } from "./levels.ts";
import { Outlet, type Stored } from "./outlet.ts";
import { pack } from "./parcel.ts";
import { QueueSource } from "./queue-source.ts";
import type { Session } from "./session.ts";
import { Signals } from "./signals.ts";

/** So many copies may be sent in one millisecond and still be told apart by their time. */
const IN_A_MILLISECOND = 1_024;

/** Messages of other programs are of priority `normal`. */
const FOREIGN_LEVEL = PRIORITIES.indexOf("normal");

/** Quorum queues: one for each inbox and level, confirmed publishing, consumers that the server gives to. */
export class RabbitmqEngine implements QueueEngine {
  readonly driver = "rabbitmq";
  readonly redeliversOnlyLost = true;
  durability: DurabilityReport = { class: "none", reason: "The server has not been asked yet." };
  readonly #session: Session;
  readonly #levels: Levels;
  readonly #outlet: Outlet;
  readonly #signals: Signals;
  readonly #census: Census;
  readonly #sources = new Set<QueueSource>();
  /** Takes single messages, out of turn. */
  readonly #fetching = new Map<string, Intake>();
  readonly #sender = randomBytes(9).toString("base64url");
  #events: EngineEvents | undefined;
  #sent = 0;
  #line: Promise<void> | undefined;

  constructor(session: Session, store: Store) {
    this.#session = session;
    this.#levels = new Levels(session, store, (inbox) => {
      for (const source of this.#sources) if (source.inbox === inbox) source.adjust();
    });
    this.#outlet = new Outlet(session);
    this.#signals = new Signals(session, (topic, data) => {
      if (!this.#census.signalled(topic, data)) this.#events?.signalled(topic, data);
    });
    this.#census = new Census(session, this.#signals, (inbox) => this.#kept(inbox));
    session.attach({ lost: () => this.#lost(), restored: () => this.#restored() });
  }

  get isConnected(): boolean {
    return this.#session.connection !== undefined;
  }

  async open(events: EngineEvents): Promise<void> {
    this.durability = await this.#session.open();
    this.#events = events;
    this.#levels.open();
    await this.#census.open();
  }

  async close(): Promise<void> {
    this.#levels.close();
    for (const source of this.#sources) await source.intake.close();
    for (const intake of this.#fetching.values()) await intake.close();
    this.#events = undefined;
    await this.#session.close();
  }

  async clear(inbox: string): Promise<void> {
    const intake = this.#fetching.get(inbox);
    this.#fetching.delete(inbox);
    await intake?.close();
    await this.#levels.remove(inbox);
  }

  async put(copies: readonly NewCopy[]): Promise<readonly (AgentwireError | string)[]> {
    const missing = copies.map(({ inbox, level }) => this.#levels.ensure(inbox, level));
    const faults = new Map<NewCopy, AgentwireError>();
    // Whoever comes while a queue is being declared waits for it too: copies keep their order.
    if (this.#line || missing.some((declaring) => declaring !== undefined)) {
      const declared = missing.map((declaring, at) =>
        declaring?.catch((error: AgentwireError) => void faults.set(copies[at] as NewCopy, error)),
      );
      const line = Promise.all([this.#line, ...declared]).then(() => {});
      this.#line = line;
      await line;
      if (this.#line === line) this.#line = undefined;
    }
    const sent = faults.size === 0 ? copies : copies.filter((copy) => !faults.has(copy));
    const answers = await this.#send(sent);
    const again = sent.filter((_, at) => answers[at] === undefined);
    if (again.length > 0) {
      const queues = new Map(again.map((copy) => [`${copy.inbox} ${copy.level}`, copy]));
      for (const { inbox, level } of queues.values()) await this.#levels.ended(inbox, level);
      const second = (await this.put(again))[Symbol.iterator]();
      for (const [at, answer] of answers.entries()) answers[at] = answer ?? second.next().value;
    }
    const rest = answers[Symbol.iterator]();
    return copies.map((copy) => faults.get(copy) ?? (rest.next().value as AgentwireError | string));
  }

  async take(inbox: string, options: SourceOptions): Promise<Source> {
    const source = new QueueSource(inbox, options, {
      session: this.#session,
      levels: this.#levels,
      lost: (arrivals) => this.#events?.lost(arrivals),
      closed: (one) => void this.#sources.delete(one),
    });
    // Other programs send there.
    await this.#levels.ensure(inbox, FOREIGN_LEVEL);
    this.#sources.add(source);
    return source;
  }

  async fetch(inbox: string, level: number, limit: number): Promise<readonly Arrival[]> {
    const known = this.#levels.of(inbox).includes(level) || (await this.#levels.look(inbox)).includes(level);
    if (!known) return [];
    await this.#levels.ensure(inbox, level);
    let intake = this.#fetching.get(inbox);
    if (!intake) {
      const failed = (lost: readonly QueuedArrival[]): void => this.#events?.lost(lost);
      intake = new Intake({ session: this.#session, inbox, arrived: () => {}, ended: () => {}, failed });
      this.#fetching.set(inbox, intake);
    }
    const fetched: QueuedArrival[] = [];
    while (fetched.length < limit) {
      const one = await intake.get(level);
      if (!one) break;
      fetched.push(one);
    }
    return fetched;
  }

  async acknowledge(arrivals: readonly Arrival[]): Promise<void> {
    await beforeRoom(arrivals);
    // The protocol knows no answer to it.
    for (const arrival of arrivals as readonly QueuedArrival[]) arrival.intake.acknowledge(arrival);
  }

  async giveBack(arrivals: readonly Arrival[], delay = 0): Promise<void> {
    const inOrder = [...(arrivals as readonly QueuedArrival[])].sort((a, b) => a.order - b.order);
    const give = async (): Promise<void> => {
      await beforeRoom(inOrder);
      for (const arrival of inOrder) arrival.intake.giveBack(arrival);
    };
    if (delay > 0) this.#session.context.clock.after(delay, () => void give());
    else await give();
  }

  async count(inboxes: readonly string[]): Promise<readonly { readonly ready: number }[]> {
    return Promise.all(
      inboxes.map(async (inbox) => {
        const { ready, consumers } = await this.#levels.count(inbox, await this.#levels.look(inbox));
        const kept = await this.#census.count(inbox, consumers);
        return { ready: ready.reduce((sum, count) => sum + count, kept) };
      }),
    );
  }

  forget(arrivals: readonly Arrival[]): void {
    // Whoever has them has got them from the server, which does not count them as this process's any more.
    void this.giveBack(arrivals);
  }

  signal(topic: string, data: string): void {
    this.#signals.send(topic, data);
  }

  hear(topic: string): Promise<void> {
    return this.#signals.hear(topic);
  }

  unhear(topic: string): void {
    this.#signals.unhear(topic);
  }

  /** The mark of each copy, its error, or undefined where there was no queue for it. */
  async #send(copies: readonly NewCopy[]): Promise<(AgentwireError | string | undefined)[]> {
    const { names } = this.#session;
    const parcels = copies.map((copy) =>
      pack(copy, {
        queue: names.queue(copy.inbox, copy.level),
        sender: this.#sender,
        sent: this.#time(),
      }),
    );
    const stored = await this.#outlet.put(parcels);
    return parcels.map(({ mark }, at) => {
      const answer = stored[at] as Stored;
      if (answer === "stored") return mark;
      return answer === "missing" ? undefined : answer;
    });
  }

  /** Grows with each call, and nearly so over processes. */
  #time(): number {
    this.#sent = Math.max(this.#sent + 1, Math.floor(this.#session.context.clock.now()) * IN_A_MILLISECOND);
    return this.#sent;
  }

  async #kept(inbox: string): Promise<Kept> {
    const own = [...this.#sources].filter((source) => source.inbox === inbox);
    // What was on its way, and is not ready any more, has come by then.
    await Promise.allSettled(own.map(({ intake }) => intake.fence()));
    return {
      messages: own.reduce((sum, { kept }) => sum + kept, this.#events?.unclaimed(inbox) ?? 0),
      consumers: own.reduce((sum, { intake }) => sum + intake.taps, 0),
    };
  }

  #lost(): void {
    const lost = [...this.#sources].flatMap((source) => source.forget());
    for (const intake of this.#fetching.values()) {
      lost.push(...intake.open);
      intake.forget();
    }
    if (lost.length > 0) this.#events?.lost(lost);
  }

  #restored(): void {
    for (const source of this.#sources) source.adjust();
    this.#events?.restored();
  }
}

/** Sees to it that the server does not put what nobody has asked for in the place of these. */
async function beforeRoom(arrivals: readonly Arrival[]): Promise<void> {
  const intakes = new Set((arrivals as readonly QueuedArrival[]).map(({ intake }) => intake));
  const steps = [...intakes].flatMap((intake) => intake.beforeRoom() ?? []);
  // Where the connection is lost meanwhile, the server gives all of it to others.
  if (steps.length > 0) await Promise.allSettled(steps);
}
