import type { Broker, CancelResult, CancelTarget, SignalListener } from "../../broker/broker.ts";
import type { BrokerCapabilities } from "../../broker/capabilities.ts";
import type { ConsumeOptions, Consumer } from "../../broker/consumer.ts";
import type { DriverContext } from "../../broker/driver.ts";
import type { InboxSpec, InboxStatus, InspectOptions, Waiting } from "../../broker/inbox.ts";
import type { Publication, PublishResult } from "../../broker/publication.ts";
import type { CancelledEnd } from "../../broker/settlement.ts";
import { AgentwireError } from "../../errors.ts";
import { guarded } from "./guarded.ts";
import type { MemoryScope } from "./scope.ts";
import { statusOf, waitingOf } from "./status.ts";

const CAPABILITIES: BrokerCapabilities = {
  driver: "memory",
  durability: { class: "none", reason: "Messages live in this process only." },
  atomicSettle: true,
  transactionalRouting: true,
  peek: true,
  selective: true,
  cancelWaiting: true,
  sharedAging: true,
  keyLocks: false,
  releasesInPlace: true,
  limits: true,
  attempts: true,
};

/** One process's view of the messages in a scope. */
export class MemoryBroker implements Broker {
  readonly capabilities = CAPABILITIES;
  readonly #scope: MemoryScope;
  readonly #context: DriverContext;
  readonly #expiring = new Map<string, number>();
  readonly #stops = new Set<() => void>();
  #open = false;

  constructor(scope: MemoryScope, context: DriverContext) {
    this.#scope = scope;
    this.#context = context;
  }

  async open(): Promise<void> {
    this.#open = true;
    this.#context.report({
      type: "driver.opened",
      driver: "memory",
      message: "Messages are kept in this process's memory.",
    });
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    for (const inbox of this.#scope.inboxes.values()) inbox.disconnect(this);
    for (const stop of [...this.#stops]) stop();
    for (const [name, delay] of this.#expiring) this.#scope.removeInboxAfter(name, delay);
    this.#context.report({
      type: "driver.closed",
      driver: "memory",
      message: "The connection to this process's memory is closed.",
    });
  }

  async declareInbox(spec: InboxSpec): Promise<void> {
    this.#check();
    this.#scope.inbox(spec.name).declare(spec);
    if (spec.expiresAfter !== undefined) this.#expiring.set(spec.name, spec.expiresAfter);
  }

  async deleteInbox(name: string): Promise<number> {
    this.#check();
    this.#expiring.delete(name);
    return this.#scope.removeInbox(name);
  }

  publish(batch: readonly Publication[]): PublishResult[] | Promise<PublishResult[]> {
    this.#check();
    return this.#scope.publish(batch);
  }

  async consume(name: string, options: ConsumeOptions): Promise<Consumer> {
    this.#check();
    const inbox = this.#scope.inboxes.get(name);
    if (!inbox) {
      throw new AgentwireError("AGENT_NOT_FOUND", `There is no inbox "${name}"`, {
        details: { agent: name, suggestions: [] },
      });
    }
    return inbox.consume(this, options);
  }

  async cancel(inbox: string, target: CancelTarget, end: CancelledEnd): Promise<CancelResult> {
    this.#check();
    return this.#scope.inboxes.get(inbox)?.cancel(target, end) ?? { ended: 0, held: 0 };
  }

  async inspect(names?: readonly string[], options: InspectOptions = {}): Promise<InboxStatus[]> {
    this.#check();
    const inboxes = names
      ? names.flatMap((name) => this.#scope.inboxes.get(name) ?? [])
      : [...this.#scope.inboxes.values()];
    return inboxes.map((inbox) => statusOf(inbox, options.peek ?? 0));
  }

  async find(id: string): Promise<Waiting[]> {
    this.#check();
    return [...this.#scope.inboxes.values()].flatMap((inbox) => inbox.find(id) ?? []).map(waitingOf);
  }

  signal(topic: string, data: unknown): void {
    if (this.#open) this.#scope.signals.send(topic, data);
  }

  onSignal(topic: string, listener: SignalListener): () => void {
    const stop = this.#scope.signals.listen(topic, guarded(listener, { about: { topic }, context: this.#context }));
    this.#stops.add(stop);
    return () => {
      this.#stops.delete(stop);
      stop();
    };
  }

  #check(): void {
    if (!this.#open) throw new AgentwireError("CLOSED", "The memory driver is not open");
  }
}
