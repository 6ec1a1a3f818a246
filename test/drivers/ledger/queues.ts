import { AgingGuard, EMPTY_LEVEL } from "../../../src/broker/aging.ts";
import type {
  Arrival,
  EngineEvents,
  NewCopy,
  QueueEngine,
  SeenCopy,
  Source,
  SourceOptions,
} from "../../../src/drivers/ledger/engine.ts";
import type { Clock, Timer } from "../../../src/internal/clock.ts";
import { PRIORITIES } from "../../../src/message/envelope.ts";

interface Copy extends NewCopy {
  readonly mark: string;
  readonly place: number;
  wasGiven: boolean;
  holder?: Queues;
}

/** What an engine under the ledger can do. */
export interface QueueTraits {
  /** It lets copies be seen and removed, knows doubles, and gives a dead holder's copies back after a time. Otherwise at once, and marked. */
  readonly isOpen: boolean;
}

const ACK_WAIT = 3_000;

/** Queues that all processes of a test share: each copy is given to one at a time. */
export class QueueServer {
  readonly clock: Clock;
  readonly traits: QueueTraits;
  readonly #queues = new Map<string, Copy[]>();
  readonly #once = new Set<string>();
  readonly #engines = new Set<Queues>();
  #places = 0;

  constructor(clock: Clock, traits: QueueTraits) {
    this.clock = clock;
    this.traits = traits;
  }

  connect(): Queues {
    const engine = new Queues(this);
    this.#engines.add(engine);
    return engine;
  }

  queue(inbox: string, level: number): Copy[] {
    const name = `${level} ${inbox}`;
    let queue = this.#queues.get(name);
    if (!queue) this.#queues.set(name, (queue = []));
    return queue;
  }

  of(inbox: string): Copy[] {
    return PRIORITIES.flatMap((_, level) => this.queue(inbox, level));
  }

  put(copy: NewCopy): string {
    const place = ++this.#places;
    const name = copy.once;
    if (name !== undefined && this.traits.isOpen) {
      if (this.#once.has(name)) return "0";
      this.#once.add(name);
    }
    this.queue(copy.inbox, copy.level).push({ ...copy, mark: String(place), place, wasGiven: false });
    this.pump(copy.inbox);
    return String(place);
  }

  pump(inbox: string): void {
    for (const engine of this.#engines) engine.pump(inbox);
  }

  /** Gives copies back, ahead of what was never given. */
  release(copies: readonly Copy[]): void {
    for (const copy of copies) delete copy.holder;
    for (const inbox of new Set(copies.map((copy) => copy.inbox))) this.pump(inbox);
  }

  remove(copy: Copy): boolean {
    const queue = this.queue(copy.inbox, copy.level);
    const at = queue.indexOf(copy);
    if (at >= 0) queue.splice(at, 1);
    return at >= 0;
  }

  /** A process is gone. */
  leave(engine: Queues): void {
    this.#engines.delete(engine);
    const held = [...this.#queues.values()].flat().filter((copy) => copy.holder === engine);
    if (this.traits.isOpen)
      this.clock.after(ACK_WAIT, () => this.release(held.filter((copy) => copy.holder === engine)));
    else this.release(held);
  }

  say(topic: string, data: string): void {
    for (const engine of this.#engines) queueMicrotask(() => engine.hears(topic, data));
  }
}

class Taking implements Source {
  readonly inbox: string;
  readonly #engine: Queues;
  readonly #options: SourceOptions;
  readonly #aging = new AgingGuard();
  #wanted = 0;

  constructor(engine: Queues, inbox: string, options: SourceOptions) {
    this.#engine = engine;
    this.inbox = inbox;
    this.#options = options;
  }

  want(arrivals: number): void {
    this.#wanted = arrivals;
    if (arrivals > 0) queueMicrotask(() => this.pump());
  }

  async tried(): Promise<void> {
    this.pump();
  }

  async close(): Promise<void> {
    this.#wanted = 0;
    this.#engine.sources.delete(this);
  }

  pump(): void {
    if (this.#wanted <= 0 || !this.#engine.isConnected) return;
    const arrivals: Arrival[] = [];
    while (this.#wanted > 0) {
      const firsts = PRIORITIES.map((_, level) => this.#engine.first(this.inbox, level));
      const copy = firsts[this.#aging.choose(firsts.map((one) => one?.place ?? EMPTY_LEVEL))];
      if (!copy) break;
      this.#wanted--;
      arrivals.push(this.#engine.give(copy));
    }
    if (arrivals.length > 0) this.#options.onArrivals(arrivals);
  }
}

/** One process's connection to the queues. */
export class Queues implements QueueEngine {
  readonly driver = "queues";
  readonly durability = { class: "none", reason: "It is a part of the test's memory." } as const;
  readonly redeliversOnlyLost: boolean;
  readonly sources = new Set<Taking>();
  isConnected = false;
  readonly look?: QueueEngine["look"];
  readonly lookAt?: QueueEngine["lookAt"];
  readonly remove?: QueueEngine["remove"];
  readonly free?: QueueEngine["free"];
  readonly #server: QueueServer;
  readonly #given = new Map<Arrival, Copy>();
  readonly #topics = new Set<string>();
  readonly #timers = new Set<Timer>();
  #events: EngineEvents | undefined;

  constructor(server: QueueServer) {
    this.#server = server;
    this.redeliversOnlyLost = !server.traits.isOpen;
    if (!server.traits.isOpen) return;
    const bySeen = ({ level, body, head, mark }: Copy): SeenCopy => ({ level, body, head, mark });
    this.look = async (inbox, limit) => server.of(inbox).slice(0, limit).map(bySeen);
    this.lookAt = async (inbox, mark) =>
      server
        .of(inbox)
        .filter((one) => one.mark === mark)
        .map(bySeen)[0];
    this.remove = async (inbox, mark) => server.of(inbox).some((one) => one.mark === mark && server.remove(one));
    this.free = (inbox, copies) => {
      const marks = new Set(copies.map(({ mark }) => mark));
      server.release(server.of(inbox).filter(({ mark }) => marks.has(mark)));
    };
  }

  async open(events: EngineEvents): Promise<void> {
    this.#events = events;
    this.isConnected = true;
  }

  async close(): Promise<void> {
    this.die();
  }

  /** Nothing is heard of it any more. */
  die(): void {
    if (!this.isConnected) return;
    this.isConnected = false;
    for (const timer of this.#timers) timer.cancel();
    this.#server.leave(this);
  }

  async clear(inbox: string): Promise<void> {
    for (const copy of this.#server.of(inbox)) this.#server.remove(copy);
  }

  async put(copies: readonly NewCopy[]): Promise<string[]> {
    return copies.map((copy) => this.#server.put(copy));
  }

  async take(inbox: string, options: SourceOptions): Promise<Source> {
    const source = new Taking(this, inbox, options);
    this.sources.add(source);
    return source;
  }

  async fetch(inbox: string, level: number, limit: number): Promise<Arrival[]> {
    const arrivals: Arrival[] = [];
    for (let copy = this.first(inbox, level); copy && arrivals.length < limit; copy = this.first(inbox, level))
      arrivals.push(this.give(copy));
    return arrivals;
  }

  async acknowledge(arrivals: readonly Arrival[]): Promise<void> {
    for (const arrival of arrivals) {
      const copy = this.#given.get(arrival);
      if (copy && this.isConnected) this.#server.remove(copy);
      this.#given.delete(arrival);
    }
  }

  async giveBack(arrivals: readonly Arrival[], delay = 0): Promise<void> {
    const copies = arrivals.flatMap((arrival) => this.#given.get(arrival) ?? []);
    for (const arrival of arrivals) this.#given.delete(arrival);
    if (!this.isConnected) return;
    if (delay === 0 || !this.#server.traits.isOpen) return this.#server.release(copies);
    const timer = this.#server.clock.after(delay, () => this.#server.release(copies));
    this.#timers.add(timer);
  }

  forget(arrivals: readonly Arrival[]): void {
    for (const arrival of arrivals) this.#given.delete(arrival);
  }

  async count(inboxes: readonly string[]): Promise<({ all: number } | { ready: number })[]> {
    return inboxes.map((inbox) => {
      const all = this.#server.of(inbox);
      return this.#server.traits.isOpen ? { all: all.length } : { ready: all.filter(({ holder }) => !holder).length };
    });
  }

  signal(topic: string, data: string): void {
    if (this.isConnected) this.#server.say(topic, data);
  }

  async hear(topic: string): Promise<void> {
    this.#topics.add(topic);
  }

  unhear(topic: string): void {
    this.#topics.delete(topic);
  }

  hears(topic: string, data: string): void {
    if (this.isConnected && this.#topics.has(topic)) this.#events?.signalled(topic, data);
  }

  pump(inbox: string): void {
    for (const source of this.sources) if (source.inbox === inbox) queueMicrotask(() => source.pump());
  }

  first(inbox: string, level: number): Copy | undefined {
    const free = this.#server.queue(inbox, level).filter(({ holder }) => !holder);
    return free.find(({ wasGiven }) => wasGiven) ?? free[0];
  }

  give(copy: Copy): Arrival {
    const { inbox, level, body, head, mark, place, wasGiven } = copy;
    const doubt = wasGiven ? (this.#server.traits.isOpen ? "held" : "ended") : "none";
    copy.wasGiven = true;
    copy.holder = this;
    const arrival: Arrival = { inbox, level, body, head, mark, order: place, doubt };
    this.#given.set(arrival, copy);
    return arrival;
  }
}
