import type { Broker } from "../broker/broker.ts";
import type { AgentListener } from "../registry/agent-changes.ts";
import type { AgentContract, ContractBook } from "../registry/contracts.ts";
import type { PickOptions } from "../registry/pick.ts";
import type { AgentFilter, AgentInfo } from "../registry/record.ts";
import type { Registry } from "../registry/registry.ts";
import type { RegistryStats } from "../registry/registry-stats.ts";

/** The agents of a bus, whether they run or not. */
export class Agents {
  readonly #registry: Registry;
  readonly #contracts: ContractBook;
  readonly #broker: Pick<Broker, "deleteInbox">;

  constructor(options: {
    readonly registry: Registry;
    readonly contracts: ContractBook;
    readonly broker: Pick<Broker, "deleteInbox">;
  }) {
    this.#registry = options.registry;
    this.#contracts = options.contracts;
    this.#broker = options.broker;
  }

  /** All agents that match; all without a filter. `accepts` keeps those with a message type that the value fits. */
  async find(filter: AgentFilter & { readonly accepts?: unknown } = {}): Promise<AgentInfo[]> {
    const { accepts, ...rest } = filter;
    const agents = await this.#registry.find(rest);
    if (accepts === undefined) return agents;
    const accepting = await this.#contracts.accepting(accepts);
    return agents.filter((agent) => accepting.has(agent.name));
  }

  /** What an agent takes and gives, as JSON Schemas by message type. */
  contract(name: string): Promise<AgentContract | undefined> {
    return this.#contracts.get(name);
  }

  get(name: string): Promise<AgentInfo | undefined> {
    return this.#registry.get(name);
  }

  /** One agent that matches, by a strategy; undefined when none does. */
  pick(filter?: AgentFilter, options?: PickOptions): Promise<AgentInfo | undefined> {
    return this.#registry.pick(filter, options);
  }

  list(): Promise<AgentInfo[]> {
    return this.#registry.list();
  }

  /** Tells of joins, leaves and changes of status, in all processes; returns the way to stop. */
  watch(listener: AgentListener): () => void {
    return this.#registry.watch(listener);
  }

  /**
   * Forgets an agent and removes its inbox; what waits there ends as `dropped`. False when nobody of that name is known.
   * @throws AGENT_CONFLICT while an instance runs, unless `force`
   */
  async remove(name: string, options: { readonly force?: boolean } = {}): Promise<boolean> {
    const removed = await this.#registry.remove(name, options);
    if (removed) await Promise.all([this.#broker.deleteInbox(name), this.#contracts.remove(name)]);
    return removed;
  }

  /** How many there are: in all, by role, department and status, and their average load. */
  stats(): Promise<RegistryStats> {
    return this.#registry.stats();
  }
}
