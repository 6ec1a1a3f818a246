import type { Broker, CancelResult, CancelTarget, SignalListener } from "../../broker/broker.ts";
import type { BrokerCapabilities } from "../../broker/capabilities.ts";
import type { ConsumeOptions, Consumer, Revocation } from "../../broker/consumer.ts";
import type { SettleDesk } from "../../broker/held-delivery.ts";
import type { InboxSpec, InboxStatus, InspectOptions, Waiting } from "../../broker/inbox.ts";
import type { Publication, PublishResult } from "../../broker/publication.ts";
import type { CancelledEnd, Settlement, SettleResult } from "../../broker/settlement.ts";
import { AgentwireError } from "../../errors.ts";
import type { DurabilityReport } from "../../store/durability.ts";
import { RedisConsumer } from "./consumer.ts";
import { isBinary, orderOf } from "./copy.ts";
import type { RedisDelivery } from "./delivery.ts";
import { handedOverIn } from "./handed-over.ts";
import { type FoundCopy, type FoundInbox, statusIn, waitingIn } from "./inspect.ts";
import { Leases } from "./leases.ts";
import { SCRIPTS } from "./lua/scripts.ts";
import { unknownInbox } from "./publish.ts";
import { Publisher } from "./publisher.ts";
import type { CallScript, Session } from "./session.ts";
import { Settler } from "./settle.ts";
import { Signals } from "./signals.ts";

/** Until the server has been asked. */
export const UNREAD: DurabilityReport = { class: "none", reason: "The server has not been asked yet." };

const NAMES_AT_ONCE = 200;

interface Told {
  readonly inbox: string;
  readonly consumer: string;
  readonly id: string;
  readonly token: string;
  readonly why: Revocation;
}

/** Messages in Redis. */
export class RedisBroker implements Broker, SettleDesk<RedisDelivery> {
  capabilities: BrokerCapabilities = {
    driver: "redis",
    durability: UNREAD,
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
  readonly #session: Session;
  readonly #consumers = new Map<string, RedisConsumer>();
  readonly #leases: Leases;
  readonly #settler: Settler;
  readonly #publisher: Publisher;
  readonly #signals: Signals;
  #isOpen = false;
  #detach: (() => void) | undefined;

  constructor(session: Session) {
    this.#session = session;
    this.#leases = new Leases(session);
    this.#signals = new Signals(session);
    this.#settler = new Settler(session, this.#signals);
    this.#publisher = new Publisher(session);
  }

  async open(): Promise<void> {
    this.#detach = this.#session.attach({
      told: (message) => this.#told(message),
      signalled: (topic, data) => this.#signals.arrived(topic, data),
      left: (inbox) => {
        for (const consumer of this.#consumers.values()) if (consumer.inbox === inbox) consumer.wake();
      },
      missed: () => {
        for (const consumer of this.#consumers.values()) consumer.wake();
      },
      restored: (call) => this.#restored(call),
    });
    const durability = await this.#session.open("broker");
    this.capabilities = { ...this.capabilities, durability };
    this.#isOpen = true;
  }

  async close(): Promise<void> {
    this.#detach?.();
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#signals.clear();
    await Promise.allSettled([this.#publisher.drain(), this.#settler.drain()]);
    // Where the server is out of reach, what is held lapses.
    if (this.#session.isConnected)
      await Promise.allSettled([...this.#consumers.values()].map((consumer) => consumer.close({ release: true })));
    this.#consumers.clear();
    this.#leases.stop();
    await this.#session.leave();
    await this.#session.close("broker");
  }

  async declareInbox({ name, ...settings }: InboxSpec): Promise<void> {
    this.#check();
    const args = [this.#session.peer, name, JSON.stringify(settings)];
    await this.#session.run(SCRIPTS.declare, args, { what: `Declaring the inbox "${name}"` });
  }

  async deleteInbox(name: string): Promise<number> {
    this.#check();
    let total = 0;
    for (let more = false; ; more = true) {
      const args = [this.#session.peer, name, more ? "more" : ""];
      const call = { what: `Deleting the inbox "${name}"` };
      const [ended, isLeft] = (await this.#session.run(SCRIPTS.delete, args, call)) as [number, number];
      total += ended;
      if (isLeft === 0) return total;
    }
  }

  publish(batch: readonly Publication[]): Promise<PublishResult[]> {
    this.#check();
    return this.#publisher.publish(batch);
  }

  async consume(inbox: string, options: ConsumeOptions): Promise<Consumer> {
    this.#check();
    const consumer = new RedisConsumer(inbox, options, {
      session: this.#session,
      desk: this,
      holds: (one) => this.#leases.add(one),
      onClose: (one) => {
        this.#consumers.delete(one.id);
        this.#leases.delete(one);
      },
    });
    this.#consumers.set(consumer.id, consumer);
    try {
      if (!(await consumer.enter())) throw unknownInbox(inbox);
    } catch (error) {
      this.#consumers.delete(consumer.id);
      throw error;
    }
    return consumer;
  }

  async cancel(inbox: string, target: CancelTarget, end: CancelledEnd): Promise<CancelResult> {
    this.#check();
    const [kind, value] =
      "id" in target
        ? ["id", target.id]
        : "key" in target
          ? ["order", orderOf(target.sender, target.key)]
          : ["all", ""];
    const result = { ended: 0, held: 0 };
    for (let reach = value; ; ) {
      const args = [this.#session.peer, inbox, end, kind, reach];
      const call = { what: `Cancelling in the inbox "${inbox}"` };
      const [ended, held, upTo, more] = (await this.#session.run(SCRIPTS.cancel, args, call)) as number[] as [
        number,
        number,
        number,
        number,
      ];
      result.ended += ended;
      result.held += held;
      if (more === 0) return result;
      reach = String(upTo);
    }
  }

  async inspect(inboxes?: readonly string[], { peek = 0 }: InspectOptions = {}): Promise<InboxStatus[]> {
    this.#check();
    const names =
      inboxes ?? ((await this.#session.ask(["SMEMBERS", `${this.#session.prefix}in`], "Listing inboxes")) as string[]);
    const { codec } = this.#session.context;
    const found: InboxStatus[] = [];
    for (let at = 0; at < names.length; at += NAMES_AT_ONCE) {
      const args = [String(peek), ...names.slice(at, at + NAMES_AT_ONCE)];
      const call = { what: "Looking at inboxes", bytes: isBinary(codec) };
      const answer = (await this.#session.run(SCRIPTS.inspect, args, call)) as FoundInbox[];
      found.push(...answer.map((one) => statusIn(one, { codec, peek })));
    }
    return found;
  }

  async find(id: string): Promise<Waiting[]> {
    this.#check();
    const { codec } = this.#session.context;
    const call = { what: "Looking for a message", bytes: isBinary(codec) };
    const answer = (await this.#session.run(SCRIPTS.find, [id], call)) as [string | Buffer, FoundCopy][];
    return answer.flatMap(([inbox, copy]) => waitingIn(String(inbox), copy, codec));
  }

  signal(topic: string, data: unknown): void {
    if (this.#isOpen) this.#signals.send(topic, data);
  }

  onSignal(topic: string, listener: SignalListener, begun?: () => void): () => void {
    return this.#signals.listen(topic, listener, begun);
  }

  async settle(delivery: RedisDelivery, settlement: Settlement): Promise<SettleResult> {
    if (delivery.isLost) return "lost";
    const result = await this.#settler.settle(delivery, settlement);
    this.#consumers.get(delivery.holder.id)?.drop(delivery);
    return result;
  }

  async extend(delivery: RedisDelivery, lease: number): Promise<boolean> {
    if (delivery.isLost) return false;
    const { inbox, holder, token, message } = delivery;
    const { peer, context } = this.#session;
    const until = context.clock.monotonic() + lease;
    const args = [peer, String(lease), "own", inbox, holder.id, token, message.id];
    const [kept] = (await this.#session.run(SCRIPTS.extend, args, { what: "Extending a lease" })) as [number];
    if (kept !== 1) return false;
    delivery.until = until;
    return true;
  }

  #told(message: string): void {
    const rest = message.slice(1);
    if (message.startsWith("r")) {
      const { consumer, id, token, why } = JSON.parse(rest) as Told;
      return this.#consumers.get(consumer)?.revoke(id, token, why);
    }
    if (message.startsWith("m")) {
      const { inbox, id } = JSON.parse(rest) as { readonly inbox: string; readonly id: string };
      return this.#session.report({
        type: "driver.fault",
        message: `Message ${id} in the inbox of "${inbox}" was taken away from Redis by another program; it ends as dropped`,
        details: { code: "ENGINE_STATE", inbox, id },
      });
    }
    if (message.startsWith("h")) {
      const handedOver = handedOverIn(rest);
      // While a connection is restored, what was told over the lost one may have come before; it goes back.
      if (this.#session.isConnected) this.#consumers.get(handedOver.consumer)?.told(handedOver);
      return;
    }
    for (const consumer of rest.split("\n")) this.#consumers.get(consumer)?.told("look");
  }

  async #restored(call: CallScript): Promise<void> {
    await Promise.all([...this.#consumers.values()].map((consumer) => consumer.compare(call)));
    this.#signals.begun();
  }

  #check(): void {
    if (!this.#isOpen) throw new AgentwireError("CLOSED", "The redis driver is not open");
  }
}
