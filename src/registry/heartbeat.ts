import type { Broker } from "../broker/broker.ts";
import type { Clock } from "../internal/clock.ts";
import { Coalesced } from "../internal/coalesced.ts";
import type { Store } from "../store/store.ts";
import { OFFLINE_AFTER } from "./agent-status.ts";
import type { LastSeen } from "./last-seen.ts";
import type { InstanceState, Presence } from "./record.ts";

/** Topic of the signal that carries a {@link Presence}. */
export const PRESENCE_SIGNAL = "presence";
/** What the keys of presences start with. */
export const PRESENCE_PREFIX = "presence/";

const HOUR = 60 * 60_000;

/** Tells how one running copy of an agent is doing at the moment. */
export type StateOf = () => InstanceState;

/** What a {@link Heartbeat} is built from. */
export interface HeartbeatOptions {
  readonly store: Pick<Store, "put" | "delete">;
  readonly signals: Pick<Broker, "signal">;
  readonly clock: Clock;
  readonly instance: string;
  /** Milliseconds between beats. */
  readonly interval: number;
  readonly lastSeen: LastSeen;
  /** This process's own presence, before anyone else is told. */
  onTold(presence: Presence): void;
}

/** What this process tells of its agents: one presence for all of them, with each beat and when something happens. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #telling = new Coalesced(() => this.#tell());
  readonly #states = new Map<string, StateOf[]>();
  readonly #leaving = new Set<string>();
  readonly #noted = new Map<string, number>();
  #beat = 0;
  #stopped = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  add(agent: string, state: StateOf): void {
    const states = this.#states.get(agent);
    if (states) states.push(state);
    else this.#states.set(agent, [state]);
  }

  /** Takes out one copy, or all copies of the agent. */
  remove(agent: string, state: StateOf | undefined): void {
    const kept = state === undefined ? [] : (this.#states.get(agent) ?? []).filter((other) => other !== state);
    if (kept.length > 0) this.#states.set(agent, kept);
    else if (this.#states.delete(agent)) this.#leaving.add(agent);
  }

  /** Tells at once; resolves when the store has it. Calls that come together share one telling. */
  now(): Promise<void> {
    return this.#stopped ? Promise.resolve() : this.#telling.run();
  }

  /** The regular beat; costs nothing where no agent runs. */
  async beat(): Promise<void> {
    if (this.#states.size > 0) await this.now();
    await this.#note();
  }

  /** Writes the departure. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#telling.idle();
    if (this.#beat === 0) return;
    await this.#note();
    if (this.#states.size === 0) return;
    this.#states.clear();
    await this.#tell();
  }

  async #tell(): Promise<void> {
    const { store, signals, instance, interval, onTold } = this.#options;
    const agents = [...this.#states.values()].flatMap((states) => states.map((state) => state()));
    const presence: Presence = { instance, beat: ++this.#beat, heartbeat: interval, agents };
    onTold(presence);
    signals.signal(PRESENCE_SIGNAL, presence);
    const key = PRESENCE_PREFIX + instance;
    if (agents.length === 0) await store.delete(key);
    else await store.put(key, presence, { ttl: interval * OFFLINE_AFTER });
  }

  /** Writes down when agents were seen, at most once an hour. */
  async #note(): Promise<void> {
    const now = this.#options.clock.now();
    const seen = new Set([...this.#states.keys(), ...this.#leaving]);
    const due = [...seen].filter((agent) => Math.abs(now - (this.#noted.get(agent) ?? 0)) >= HOUR);
    if (due.length > 0) await this.#options.lastSeen.note(due, now);
    for (const agent of due) this.#noted.set(agent, now);
    this.#leaving.clear();
  }
}
