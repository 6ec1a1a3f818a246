import type { Clock } from "../internal/clock.ts";
import { instanceStatus, OFFLINE_AFTER, readiest, STALE_AFTER } from "./agent-status.ts";
import type { AgentStatus, InstanceState, Presence } from "./record.ts";

/** What one process told last. */
interface Told {
  readonly beat: number;
  readonly heartbeat: number;
  /** When it arrived here, in monotonic milliseconds. */
  readonly arrived: number;
  readonly agents: ReadonlySet<string>;
}

interface Copy {
  readonly told: Told;
  readonly state: InstanceState;
}

/** Running copies of one agent, by the process that runs them. */
type Copies = Map<string, readonly Copy[]>;

/** Which instances are there, from what each process tells; by arrival here, never by the teller's clock. */
export class Attendance {
  readonly #clock: Clock;
  readonly #processes = new Map<string, Told>();
  readonly #agents = new Map<string, Copies>();
  readonly #lastSeen = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Takes in what a process told `age` milliseconds ago. Returns the agents it concerns; undefined if it was known
   * already, or told before what is known.
   */
  tell(presence: Presence, age = 0): ReadonlySet<string> | undefined {
    const { instance, beat, heartbeat } = presence;
    const before = this.#processes.get(instance);
    if (before && before.beat >= beat) return undefined;
    const byAgent = new Map<string, InstanceState[]>();
    for (const state of presence.agents) {
      const states = byAgent.get(state.agent);
      if (states) states.push(state);
      else byAgent.set(state.agent, [state]);
    }
    const told: Told = { beat, heartbeat, arrived: this.#clock.monotonic() - age, agents: new Set(byAgent.keys()) };
    this.#processes.set(instance, told);
    for (const agent of before?.agents ?? []) if (!byAgent.has(agent)) this.#forget(agent, instance);
    for (const [agent, states] of byAgent) {
      let copies = this.#agents.get(agent);
      if (!copies) this.#agents.set(agent, (copies = new Map()));
      copies.set(
        instance,
        states.map((state) => ({ told, state })),
      );
      this.saw(agent, this.#clock.now() - age);
    }
    return new Set([...(before?.agents ?? []), ...told.agents]);
  }

  /** A process has left, or was not heard of for so long that its presence has vanished. Returns the agents it concerns. */
  left(instance: string): ReadonlySet<string> | undefined {
    const before = this.#processes.get(instance);
    if (!before || before.agents.size === 0) return undefined;
    // The beat is kept for a while, so that a late signal does not bring it back.
    this.#processes.set(instance, { ...before, agents: new Set() });
    for (const agent of before.agents) this.#forget(agent, instance);
    return before.agents;
  }

  /** Forgets processes that have been offline; their agents' status does not change by it. */
  sweep(): void {
    for (const [instance, told] of this.#processes) {
      if (this.#beatsAgo(told) < OFFLINE_AFTER) continue;
      for (const agent of told.agents) this.#forget(agent, instance);
      this.#processes.delete(instance);
    }
  }

  /** Notes that an agent was seen at a wall time, if that is news. */
  saw(agent: string, at: number): void {
    if (at > (this.#lastSeen.get(agent) ?? 0)) this.#lastSeen.set(agent, Math.min(at, this.#clock.now()));
  }

  lastSeen(agent: string): number | undefined {
    return this.#lastSeen.get(agent);
  }

  status(agent: string): AgentStatus {
    const copies = this.#agents.get(agent);
    return copies ? readiest(this.#statuses(copies)) : "offline";
  }

  /** Instances that were heard of in time. */
  instances(agent: string): string[] {
    return [...(this.#agents.get(agent) ?? [])]
      .filter(([, copies]) => copies.some((copy) => this.#isHere(copy.told)))
      .map(([instance]) => instance)
      .sort();
  }

  /** Handlers that run, and that can run at once, over all instances heard of in time. */
  capacity(agent: string): { readonly running: number; readonly concurrency: number } {
    let running = 0;
    let concurrency = 0;
    for (const copies of this.#agents.get(agent)?.values() ?? []) {
      for (const { told, state } of copies) {
        if (!this.#isHere(told)) continue;
        running += state.running;
        concurrency += state.concurrency;
      }
    }
    return { running, concurrency };
  }

  *#statuses(copies: Copies): Generator<AgentStatus> {
    for (const group of copies.values()) {
      for (const { told, state } of group) yield instanceStatus(state, this.#beatsAgo(told));
    }
  }

  #isHere(told: Told): boolean {
    return this.#beatsAgo(told) < STALE_AFTER;
  }

  #beatsAgo({ arrived, heartbeat }: Told): number {
    return (this.#clock.monotonic() - arrived) / heartbeat;
  }

  #forget(agent: string, instance: string): void {
    const copies = this.#agents.get(agent);
    copies?.delete(instance);
    if (copies?.size === 0) this.#agents.delete(agent);
  }
}
