import assert from "node:assert/strict";
import type fc from "fast-check";
import type { Delivery } from "../../../broker/consumer.ts";
import { PRIORITIES, type Priority } from "../../../message/envelope.ts";
import type { ConformanceCase } from "../suite.ts";
import { ModelInbox } from "./model.ts";
import type { Taker } from "./taker.ts";
import { end } from "./taker.ts";
import type { BrokerTrial } from "./trial.ts";

type Step =
  | { readonly do: "send"; readonly priorities: readonly Priority[]; readonly process: number }
  | { readonly do: "take"; readonly count: number }
  | { readonly do: "settle"; readonly at: number; readonly how: "acknowledge" | "release" | "retry" }
  | { readonly do: "withdraw"; readonly at: number };

function stepsOf({ oneof, record, constant, constantFrom, array, integer, nat }: typeof fc): fc.Arbitrary<Step[]> {
  const send = record({
    do: constant("send" as const),
    priorities: array(constantFrom(...PRIORITIES), { minLength: 1, maxLength: 6 }),
    process: nat(1),
  });
  const take = record({ do: constant("take" as const), count: integer({ min: 1, max: 8 }) });
  const settle = record({
    do: constant("settle" as const),
    at: nat(50),
    how: constantFrom("acknowledge" as const, "release" as const, "retry" as const),
  });
  const withdraw = record({ do: constant("withdraw" as const), at: nat(50) });
  const step: fc.Arbitrary<Step> = oneof(
    { weight: 4, arbitrary: send },
    { weight: 5, arbitrary: take },
    { weight: 5, arbitrary: settle },
    { weight: 1, arbitrary: withdraw },
  );
  return array(step, { minLength: 5, maxLength: 60 });
}

/** A random walk over one inbox, with the model at its side. */
class Walk {
  readonly #trial: BrokerTrial;
  readonly #inbox: string;
  readonly #taker: Taker;
  readonly #others: readonly BrokerTrial["broker"][];
  readonly #model = new ModelInbox();
  readonly #held: Delivery[] = [];

  constructor(
    trial: BrokerTrial,
    walk: { readonly inbox: string; readonly taker: Taker; readonly brokers: readonly BrokerTrial["broker"][] },
  ) {
    this.#trial = trial;
    this.#inbox = walk.inbox;
    this.#taker = walk.taker;
    this.#others = walk.brokers;
  }

  async go(step: Step): Promise<void> {
    if (step.do === "send") return this.#send(step.priorities, step.process);
    if (step.do === "take") return this.#take(step.count);
    if (step.do === "withdraw") return this.#withdraw(step.at);
    const [delivery] = this.#held.splice(step.at % Math.max(1, this.#held.length), 1);
    if (!delivery) return;
    const { id } = delivery.message;
    // Where it would come back is not known then.
    const keepsPlaces = this.#trial.broker.capabilities.releasesInPlace;
    const how = step.how === "release" && !keepsPlaces ? "acknowledge" : step.how;
    if (how === "acknowledge") assert.equal(await end(delivery), "settled");
    else if (how === "release") assert.equal(await delivery.settle({ outcome: "release" }), "settled");
    else assert.equal(await delivery.settle({ outcome: "retry", delay: 0 }), "settled");
    this.#model[how](id);
  }

  async check(): Promise<void> {
    const model = this.#model;
    const [status] = await this.#trial.broker.inspect([this.#inbox], { peek: 1_000 });
    assert.ok(status);
    const ends = Object.values(status.ended).reduce((sum, count) => sum + count, 0);
    assert.equal(status.accepted, ends + status.waiting, "accepted = ends + waiting");
    assert.deepEqual(
      [status.accepted, status.waiting, status.held, status.ended.acknowledged, status.ended.withdrawn],
      [model.accepted, model.waiting.length + model.held.size, model.held.size, model.acknowledged, model.withdrawn],
    );
    if (this.#trial.broker.capabilities.peek)
      assert.deepEqual(
        status.messages?.filter((one) => one.state === "ready").map((one) => one.message.id),
        model.order(),
      );
  }

  async #send(priorities: readonly Priority[], process: number): Promise<void> {
    const messages = priorities.map((priority) => this.#trial.message({ priority }));
    await this.#others[process]?.publish(messages.map((message) => ({ message, to: [this.#inbox] })));
    for (const message of messages) this.#model.send(message.id, message.priority);
  }

  async #take(count: number): Promise<void> {
    const before = this.#taker.given.length;
    this.#taker.credit(count);
    await this.#taker.consumer.tried();
    this.#taker.credit(0);
    const got = this.#taker.given.slice(before);
    assert.equal(
      got.length,
      Math.min(count, this.#model.waiting.length),
      "as many are handed out as wait, up to the credit",
    );
    for (const delivery of got) {
      const wrong = this.#model.handOut(delivery.message.id);
      if (wrong) assert.fail(`${delivery.message.id} (${delivery.message.priority}) was handed out, but ${wrong}`);
    }
    this.#held.push(...got);
  }

  async #withdraw(at: number): Promise<void> {
    if (!this.#trial.broker.capabilities.cancelWaiting) return;
    const id = this.#model.waiting[at % Math.max(1, this.#model.waiting.length)]?.id;
    if (id === undefined) return;
    assert.deepEqual(await this.#trial.broker.cancel(this.#inbox, { id }, "withdrawn"), { ended: 1, held: 0 });
    this.#model.withdraw(id);
  }
}

/** What holds whatever is done, found by random walks beside a simple model. */
export const propertyCases: readonly ConformanceCase<BrokerTrial>[] = [
  {
    name: "agrees with a simple model on order, priority, aging and accounting, over random walks",
    verifies: ["G8", "G9", "order.acceptance", "order.priority", "order.aging", "order.retry", "receipt.account"],
    async run(trial) {
      // Loaded here, so that the rest of the kit is used without it.
      const { default: check } = await import("fast-check");
      const other = await trial.connect();
      let walks = 0;
      const property = check.asyncProperty(stepsOf(check), async (steps) => {
        const inbox = `walk-${++walks}`;
        await trial.declare(inbox);
        const taker = await trial.take(inbox, { credit: 0 });
        const walk = new Walk(trial, { inbox, taker, brokers: [trial.broker, other.broker] });
        for (const step of steps) await walk.go(step);
        await walk.check();
        await taker.close({ release: true });
      });
      await check.assert(property, { numRuns: trial.runs });
    },
  },
];
