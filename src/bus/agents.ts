import type { Broker } from "../broker/broker.ts";
import type { AgentListener } from "../registry/agent-changes.ts";
import type { PickOptions } from "../registry/pick.ts";
import type { AgentFilter, AgentInfo } from "../registry/record.ts";
import type { Registry } from "../registry/registry.ts";
import type { RegistryStats } from "../registry/registry-stats.ts";

/** The agents of a bus, whether they run or not. */
export class Agents {
  readonly #registry: Registry;
  readonly #broker: Pick<Broker, "deleteInbox">;

  constructor(registry: Registry, broker: Pick<Broker, "deleteInbox">) {
    this.#registry = registry;
    this.#broker = broker;
  }

  /** All agents that match; all without a filter. */
  find(filter?: AgentFilter): Promise<AgentInfo[]> {
    return this.#registry.find(filter);
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
    if (removed) await this.#broker.deleteInbox(name);
    return removed;
  }

  /** How many there are: in all, by role, department and status, and their average load. */
  stats(): Promise<RegistryStats> {
    return this.#registry.stats();
  }
}
