import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bus, ConnectOptions } from "../../src/index.ts";
import { checkHistory, type HistoryRules, type HistoryVerdict } from "../../src/testing/history-checker.ts";
import { seededRandom } from "../../src/testing/seeded-random.ts";
import { connectAt } from "./connect-at.ts";
import { readHistory, type WrittenEvent } from "./history-file.ts";
import { type Actor, Program, type ProgramOptions } from "./program.ts";
import type { ConsumerTask } from "./roles/consuming.ts";
import type { JobPayload } from "./roles/job.ts";
import type { SenderTask } from "./roles/sending.ts";

/** A message that is handed to and fro for so long, while nothing ends, does so for ever: it is stuck. */
const LONGEST_TO_AND_FRO = 60_000;
const LOOK_EVERY = 100;

type Given<T> = Omit<T, "history" | "seed">;

/** How a scene is set. */
export interface SceneOptions {
  /** Where the programs connect; default: a database in the scene's folder. */
  readonly url?: string;
  /** Whether state can be kept there; otherwise it is in that database. Default true. */
  readonly hasStore?: boolean;
  /** Of that database's URL. */
  readonly query?: string;
  /** Folder of the database in the scene's own, which holds the histories. */
  readonly inside?: string;
}

/** One run of one row: a folder, an engine, the programs at work on it, and their histories. */
export class Scene {
  readonly folder: string;
  readonly database: string;
  readonly url: string;
  /** Of a second engine, where the first carries messages only. */
  readonly store: string | undefined;
  readonly seed: number;
  /** In [0, 1), from the seed. */
  readonly random: () => number;
  readonly #actors = new Set<Actor>();
  readonly #buses: Bus[] = [];
  #bus: Promise<Bus> | undefined;

  constructor(seed: number, { url, query = "", inside = "", hasStore = true }: SceneOptions = {}) {
    this.seed = seed;
    this.random = seededRandom(seed);
    this.folder = mkdtempSync(join(tmpdir(), "agentwire-faults-"));
    this.database = join(this.folder, inside, "bus.db");
    this.url = url ?? `sqlite:${this.database}${query}`;
    this.store = hasStore ? undefined : `sqlite:${this.database}`;
  }

  /** Plays a role; where the engine allows it, as a process of its own. */
  start(role: string, task: object, options?: ProgramOptions): Actor {
    const actor = this.play(role, task, options);
    this.#actors.add(actor);
    return actor;
  }

  sender(task: Given<SenderTask>, options?: ProgramOptions): Actor {
    const history = join(this.folder, `${task.name}.history`);
    return this.start("sender", { ...task, seed: this.seed, history } satisfies SenderTask, options);
  }

  /** Starts senders of one task, named by their numbers; resolves when all are ready. */
  async senders(count: number, task: Omit<Given<SenderTask>, "name">): Promise<Actor[]> {
    const senders = Array.from({ length: count }, (_, number) => this.sender({ ...task, name: `sender-${number}` }));
    await Promise.all(senders.map((sender) => sender.says("ready")));
    return senders;
  }

  consumer(task: Given<ConsumerTask>, options?: ProgramOptions): Actor {
    const history = join(this.folder, `${task.instance}.history`);
    return this.start("consumer", { ...task, history } satisfies ConsumerTask, options);
  }

  /** This process's own view of the bus. */
  bus(): Promise<Bus> {
    return (this.#bus ??= this.busNamed("observer"));
  }

  /** A bus in this process under another name. */
  async busNamed(name: string): Promise<Bus> {
    const bus = await this.connect({ name, logger: false });
    this.#buses.push(bus);
    return bus;
  }

  protected play(role: string, task: object, options?: ProgramOptions): Actor {
    const place = this.store === undefined ? { url: this.url } : { url: this.url, store: this.store };
    return new Program(role, { ...task, ...place }, options);
  }

  protected connect(options: ConnectOptions): Promise<Bus> {
    return connectAt(this, options);
  }

  /** Waits until every inbox is empty, nothing has moved for `idle` milliseconds, or all that moves goes to and fro. */
  async drain(idle: number): Promise<void> {
    const bus = await this.bus();
    let last = "";
    let lastEnds = "";
    let still = 0;
    let endless = 0;
    for (let before = performance.now(); ; ) {
      const inboxes = await bus.inboxes.list();
      const waiting = inboxes.reduce((sum, inbox) => sum + inbox.waiting, 0);
      const now = performance.now();
      // A moment in which this program could not look either, as the machine or its disk stood still, says nothing.
      const passed = Math.min(now - before, 2 * LOOK_EVERY);
      before = now;
      const state = JSON.stringify(inboxes.map((inbox) => [inbox.accepted, inbox.ended, inbox.held]));
      still = state === last ? still + passed : 0;
      last = state;
      const ends = JSON.stringify(inboxes.map((inbox) => inbox.ended));
      endless = ends === lastEnds ? endless + passed : 0;
      lastEnds = ends;
      if (waiting === 0 || still > idle || endless > idle + LONGEST_TO_AND_FRO) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
    }
  }

  /** Everything written so far, by every program, in no order. */
  written(): WrittenEvent[] {
    return readdirSync(this.folder)
      .filter((name) => name.endsWith(".history"))
      .flatMap((name) => readHistory(join(this.folder, name)));
  }

  /** What is left on the bus as history events: copies that wait and ends other than by ack. */
  async left(written: readonly WrittenEvent[]): Promise<WrittenEvent[]> {
    const bus = await this.bus();
    const at = Number.MAX_SAFE_INTEGER;
    const events: WrittenEvent[] = [];
    for (const { name } of await bus.inboxes.list()) {
      const inbox = await bus.inboxes.get(name, { peek: 100_000 });
      for (const { message } of inbox?.messages ?? [])
        events.push({ event: "waiting", at, key: (message.payload as JobPayload).key, recipient: name });
    }
    for (const letter of await bus.deadLetters.list({ limit: 1_000_000 })) {
      events.push({
        event: "end",
        at,
        key: (letter.message.payload as JobPayload).key,
        recipient: letter.recipient,
        end: "dead-lettered",
      });
    }
    const known = new Set(
      [...written.filter((event) => event.event === "ack" && event.step !== "lost"), ...events].map(
        (event) => event.key,
      ),
    );
    for (const event of written) {
      if (event.event !== "send" || event.step !== "ok" || known.has(event.key) || event.id === undefined) continue;
      const receipt = await bus.receipts.get(event.id);
      for (const [recipient, end] of Object.entries(receipt?.ends ?? {}))
        events.push({ event: "end", at, key: event.key, recipient, end });
      known.add(event.key);
    }
    return events;
  }

  async verdict(
    rules: HistoryRules = {},
  ): Promise<{ readonly verdict: HistoryVerdict; readonly written: readonly WrittenEvent[] }> {
    const written = this.written();
    const found = checkHistory([...written, ...(await this.left(written))], rules);
    const verdict = found.lost.length === 0 ? found : { ...found, lost: await this.#explained(found.lost) };
    if (verdict.stuck.length === 0) return { verdict, written };
    const states = await this.#states();
    const stuck = verdict.stuck.map((name) => `${name} (${states.get(name) ?? "gone meanwhile"})`);
    return { verdict: { ...verdict, stuck }, written };
  }

  /** Where an engine does not let anyone look into its queues, what waits there still is not lost: how much that is. */
  async #explained(lost: readonly string[]): Promise<string[]> {
    const bus = await this.bus();
    const waiting = (await bus.inboxes.list()).flatMap(({ name, waiting: count, held }) =>
      count > 0 ? `${count} wait in ${name}, ${held} of them held` : [],
    );
    return waiting.length === 0 ? [...lost] : lost.map((name) => `${name} (${waiting.join("; ")})`);
  }

  /** Of what waits first in each inbox: in which state it is. */
  async #states(): Promise<ReadonlyMap<string, string>> {
    const bus = await this.bus();
    const states = new Map<string, string>();
    for (const { name } of await bus.inboxes.list()) {
      const inbox = await bus.inboxes.get(name, { peek: 100 });
      for (const { message, ...state } of inbox?.messages ?? [])
        states.set(`${(message.payload as JobPayload).key} -> ${name}`, JSON.stringify(state));
    }
    return states;
  }

  /** Ends every program and removes the folder. */
  async close(): Promise<void> {
    await Promise.all([...this.#actors].map((actor) => actor.kill()));
    for (const bus of this.#buses) await bus.close({ grace: 100 });
    this.clear();
  }

  /** Removes the folder; nobody is at work in it any more. */
  protected clear(): void {
    if (process.env["AGENTWIRE_KEEP_SCENES"] === undefined) rmSync(this.folder, { recursive: true, force: true });
  }
}
