import type { AgentStatus } from "./record.ts";

/** An agent came, went, or is doing differently. */
export interface AgentChange {
  /** `joined`: its first instance came. `left`: its last one went or was missed for 6 heartbeats. */
  readonly type: "joined" | "left" | "status";
  readonly agent: string;
  readonly status: AgentStatus;
  /** When it was found out, in wall milliseconds. */
  readonly at: number;
}

/** Receives changes; must not throw. */
export type AgentListener = (change: AgentChange) => void;

/** Tells listeners how the agents' statuses differ from what was told before. Costs nothing while nobody listens. */
export class AgentChanges {
  readonly #status: (agent: string) => AgentStatus;
  readonly #now: () => number;
  readonly #told = new Map<string, AgentStatus>();
  readonly #listeners = new Set<AgentListener>();

  constructor(options: { readonly status: (agent: string) => AgentStatus; readonly now: () => number }) {
    this.#status = options.status;
    this.#now = options.now;
  }

  get active(): boolean {
    return this.#listeners.size > 0;
  }

  /** Listens from now on; `agents` are those there are. Returns the way to stop. */
  watch(listener: AgentListener, agents: Iterable<string>): () => void {
    if (!this.active) {
      this.#told.clear();
      for (const agent of agents) this.#told.set(agent, this.#status(agent));
    }
    // Wrapped, so that one function may watch twice and stop once.
    const own: AgentListener = (change) => listener(change);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Looks at these agents again. */
  look(agents: Iterable<string>): void {
    if (!this.active) return;
    for (const agent of agents) {
      const before = this.#told.get(agent) ?? "offline";
      const status = this.#status(agent);
      if (status === before) continue;
      this.#told.set(agent, status);
      const type = before === "offline" ? "joined" : status === "offline" ? "left" : "status";
      const change: AgentChange = { type, agent, status, at: this.#now() };
      for (const listener of [...this.#listeners]) listener(change);
    }
  }
}
