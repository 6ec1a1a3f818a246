import type { Broker } from "../broker/broker.ts";
import type { InboxStatus } from "../broker/inbox.ts";
import { AgentwireError } from "../errors.ts";

/** The inboxes of a bus, for those who operate it. Reply inboxes of processes are left out. */
export class Inboxes {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** All inboxes by name, with what they hold. */
  async list(): Promise<InboxStatus[]> {
    const all = await this.#broker.inspect();
    return all.filter((inbox) => !inbox.name.startsWith("$")).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** One inbox; `peek` adds its first so many waiting messages. Undefined when there is none. */
  async get(name: string, options: { readonly peek?: number } = {}): Promise<InboxStatus | undefined> {
    const [inbox] = await this.#broker.inspect([name], options);
    return inbox;
  }

  /** Ends all that waits as `dropped`; returns how many. What is held is left to its holders. @throws AGENT_NOT_FOUND */
  async purge(name: string): Promise<number> {
    await this.#check(name);
    const { ended } = await this.#broker.cancel(name, { all: true }, "dropped");
    return ended;
  }

  /** Hands nothing out, on any instance, until `resume`; sending goes on. @throws AGENT_NOT_FOUND */
  pause(name: string): Promise<void> {
    return this.#setPaused(name, true);
  }

  /** @throws AGENT_NOT_FOUND */
  resume(name: string): Promise<void> {
    return this.#setPaused(name, false);
  }

  async #setPaused(name: string, paused: boolean): Promise<void> {
    await this.#check(name);
    await this.#broker.declareInbox({ name, paused });
  }

  // Declaring one that is not there would make it.
  async #check(name: string): Promise<void> {
    if (await this.get(name)) return;
    const details = { agent: name, suggestions: [] };
    throw new AgentwireError("AGENT_NOT_FOUND", `There is no inbox "${name}"`, { details });
  }
}
