import { AgentwireError } from "../errors.ts";
import { READINESS } from "./agent-status.ts";
import type { AgentInfo } from "./record.ts";

/**
 * How one of several agents is picked. All but an own function prefer those at work to those away, draining, stale
 * or offline, in that order. `least-load`: by load, then least recently picked. `round-robin`: in turn.
 * `rank`: the largest number under `rank` in its metadata, then by load. `first`: the one registered first.
 * `same-region`: those of the given region if there are any, then by load.
 */
export type PickStrategy = "least-load" | "round-robin" | "rank" | "first" | "same-region" | PickFunction;

/** Chooses one of the agents that fit, given in the order of registration; undefined for none. */
export type PickFunction = (agents: readonly AgentInfo[]) => AgentInfo | undefined;

/** Options of a pick. */
export interface PickOptions {
  /** Default `least-load`. */
  readonly strategy?: PickStrategy;
  /** Names left out. */
  readonly exclude?: readonly string[];
  /** The region that `same-region` prefers. */
  readonly region?: string;
}

type Measure = (agent: AgentInfo) => number;

/** Picks one agent, remembering whose turn it was. */
export class Picker {
  readonly #picked = new Map<string, number>();
  #picks = 0;

  /** @throws OUT_OF_RANGE for an unknown strategy, ARGUMENT_INVALID for `same-region` without a region */
  pick(agents: readonly AgentInfo[], options: PickOptions): AgentInfo | undefined {
    const { strategy = "least-load" } = options;
    const chosen =
      typeof strategy === "function" ? strategy(agents) : this.#best(agents, this.#measures(strategy, options));
    if (chosen) this.#picked.set(chosen.name, ++this.#picks);
    return chosen;
  }

  #measures(strategy: Exclude<PickStrategy, PickFunction>, { region }: PickOptions): readonly Measure[] {
    const atWork: Measure = (agent) => Math.max(READINESS[agent.status], READINESS.busy);
    const load: Measure = (agent) => agent.load;
    const turn: Measure = (agent) => this.#picked.get(agent.name) ?? 0;
    switch (strategy) {
      case "least-load":
        return [atWork, load, turn];
      case "round-robin":
        return [atWork, turn];
      case "rank":
        return [atWork, (agent) => -rankOf(agent), load, turn];
      case "first":
        return [atWork];
      case "same-region":
        if (region === undefined)
          throw new AgentwireError("ARGUMENT_INVALID", 'The strategy "same-region" needs a region');
        return [atWork, (agent) => (agent.region === region ? 0 : 1), load, turn];
      default:
        throw new AgentwireError("OUT_OF_RANGE", `${JSON.stringify(strategy)} is not a strategy for picking an agent`);
    }
  }

  #best(agents: readonly AgentInfo[], measures: readonly Measure[]): AgentInfo | undefined {
    let best: AgentInfo | undefined;
    for (const agent of agents) if (!best || isBefore(agent, best, measures)) best = agent;
    return best;
  }
}

function isBefore(a: AgentInfo, b: AgentInfo, measures: readonly Measure[]): boolean {
  for (const measure of measures) {
    const difference = measure(a) - measure(b);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function rankOf(agent: AgentInfo): number {
  const rank = agent.metadata?.["rank"];
  return typeof rank === "number" && Number.isFinite(rank) ? rank : 0;
}
