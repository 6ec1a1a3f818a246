import type { Compiled } from "../message/compiled.ts";
import { compileJson } from "../message/json-compiled.ts";
import type { JsonSchema } from "../message/json-schema.ts";
import type { Store } from "../store/store.ts";

const PREFIX = "contracts/";

/** What an agent takes and gives, as JSON Schemas by message type; types whose schema cannot be exported are left out. */
export interface AgentContract {
  readonly receives: Readonly<Record<string, JsonSchema>>;
  readonly sends: Readonly<Record<string, JsonSchema>>;
}

/** Contracts of agents, kept beside their records: read when somebody asks, not on the way of messages. */
export class ContractBook {
  readonly #store: Store;
  readonly #validators = new Map<string, Compiled>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Keeps an agent's contract; an unchanged one writes nothing. */
  async save(agent: string, contract: AgentContract): Promise<void> {
    const existing = await this.#store.get(PREFIX + agent);
    if (JSON.stringify(existing?.value) !== JSON.stringify(contract)) await this.#store.put(PREFIX + agent, contract);
  }

  async get(agent: string): Promise<AgentContract | undefined> {
    return (await this.#store.get(PREFIX + agent))?.value as AgentContract | undefined;
  }

  async remove(agent: string): Promise<void> {
    await this.#store.delete(PREFIX + agent);
  }

  /** Names of the agents that take a value, each with the message types it fits. */
  async accepting(value: unknown): Promise<Map<string, string[]>> {
    const found = new Map<string, string[]>();
    for (const entry of await this.#store.list(PREFIX)) {
      const agent = entry.key.slice(PREFIX.length);
      const { receives } = entry.value as AgentContract;
      const fitting: string[] = [];
      for (const [type, schema] of Object.entries(receives))
        if (await this.#fits(type, schema, value)) fitting.push(type);
      if (fitting.length > 0) found.set(agent, fitting);
    }
    return found;
  }

  async #fits(type: string, schema: JsonSchema, value: unknown): Promise<boolean> {
    const text = JSON.stringify(schema);
    let validator = this.#validators.get(text);
    if (!validator) this.#validators.set(text, (validator = compileJson(schema, type)));
    return (await validator.validate(value)).issues === undefined;
  }
}
