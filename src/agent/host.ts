import type { Broker } from "../broker/broker.ts";
import { aboutMessage } from "../bus/about-message.ts";
import type { SendingParts } from "../bus/bound-sender.ts";
import type { Budgets } from "../bus/budgets.ts";
import type { Origin, PublishInterceptor } from "../bus/origin.ts";
import { AgentwireError } from "../errors.ts";
import type { Clock } from "../internal/clock.ts";
import type { Envelope } from "../message/envelope.ts";
import type { EventHub } from "../observe/event-hub.ts";
import type { Logger } from "../observe/logger.ts";

/** How many waiting messages are looked at to count newer ones. */
const LOOK = 10_000;

/** What an agent's parts share: its name and the bus it runs on. */
export interface AgentHostOptions {
  readonly name: string;
  readonly instance: string;
  readonly sends: ReadonlySet<string>;
  readonly publishing: readonly PublishInterceptor[];
  readonly sending: SendingParts;
  readonly broker: Broker;
  readonly budgets: Budgets;
  readonly clock: Clock;
  readonly events: EventHub;
  readonly logger: Logger;
}

/** One running agent's share of the bus: who it sends as, where it logs, what it can look up. */
export class AgentHost {
  readonly name: string;
  readonly instance: string;
  readonly sending: SendingParts;
  readonly broker: Broker;
  readonly clock: Clock;
  readonly events: EventHub;
  readonly logger: Logger;
  /** Sends as the agent, without a cause. */
  readonly origin: Origin;
  readonly #budgets: Budgets;

  constructor(options: AgentHostOptions) {
    this.name = options.name;
    this.instance = options.instance;
    this.sending = options.sending;
    this.broker = options.broker;
    this.clock = options.clock;
    this.events = options.events;
    this.logger = options.logger.child({ agent: options.name });
    this.#budgets = options.budgets;
    this.origin = {
      name: options.name,
      isAgent: true,
      sends: options.sends,
      cause: undefined,
      publishing: options.publishing,
    };
  }

  /** Sends as the agent, because of a message. */
  originFor(cause: Envelope): Origin {
    const { name, sends, publishing } = this.origin;
    return { name, isAgent: true, sends, cause, publishing };
  }

  logFor(message: Envelope): Logger {
    return this.logger.child({ type: message.type, id: message.id, conversation: message.conversationId });
  }

  /** How many newer messages of the same sender wait here. */
  async newer(message: Envelope): Promise<number> {
    if (!this.broker.capabilities.peek)
      throw new AgentwireError("UNSUPPORTED", `${this.broker.capabilities.driver} cannot look at waiting messages`);
    const [inbox] = await this.broker.inspect([this.name], { peek: LOOK });
    const others = inbox?.messages ?? [];
    return others.filter((other) => other.message.from === message.from && other.message.id > message.id).length;
  }

  progress(message: Envelope, attempt: number, fraction: number, note: string | undefined): void {
    if (!this.events.wants("message.progress")) return;
    this.events.emit({
      type: "message.progress",
      ...aboutMessage(message),
      at: this.clock.now(),
      recipient: this.name,
      instance: this.instance,
      attempt,
      fraction,
      ...(note === undefined ? {} : { note }),
    });
  }

  async spend(message: Envelope, amount: { readonly tokens?: number; readonly cost?: number }): Promise<void> {
    for (const value of [amount.tokens ?? 0, amount.cost ?? 0]) {
      if (!Number.isFinite(value) || value < 0)
        throw new AgentwireError("OUT_OF_RANGE", "spend takes tokens and cost from 0");
    }
    await this.#budgets.spend(message.conversationId, amount);
  }
}
