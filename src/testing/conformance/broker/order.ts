import assert from "node:assert/strict";
import { AGING_PERIOD } from "../../../broker/aging.ts";
import { PRIORITIES } from "../../../message/envelope.ts";
import type { ConformanceCase } from "../suite.ts";
import { end, endAll, idsOf } from "./taker.ts";
import type { BrokerTrial } from "./trial.ts";

/** Order within a priority, and between priorities. */
export const orderCases: readonly ConformanceCase<BrokerTrial>[] = [
  {
    name: "hands out in the order of acceptance, over batches and processes",
    verifies: ["G8", "order.acceptance"],
    async run(trial) {
      await trial.declare("inbox");
      const other = await trial.connect();
      const ids: string[] = [];
      for (let round = 0; round < 10; round++) {
        const broker = round % 2 ? other.broker : trial.broker;
        const batch = Array.from({ length: 1 + (round % 4) }, () => ({ message: trial.message(), to: ["inbox"] }));
        await broker.publish(batch);
        ids.push(...batch.map((publication) => publication.message.id));
      }
      const taker = await trial.take("inbox");
      assert.deepEqual(idsOf(await taker.take(ids.length)), ids);
    },
  },
  {
    name: "does not order by time stamp or id",
    verifies: ["order.acceptance"],
    async run(trial) {
      await trial.declare("inbox");
      const [older, newer] = [trial.message({ createdAt: 1_000 }), trial.message()];
      await trial.accept({ message: newer, to: ["inbox"] });
      await trial.accept({ message: older, to: ["inbox"] });
      assert.deepEqual(idsOf(await (await trial.take("inbox")).take(2)), idsOf([newer, older]));
    },
  },
  {
    name: "keeps the order while a consumer takes one at a time",
    verifies: ["G8"],
    async run(trial) {
      await trial.declare("inbox");
      const taker = await trial.take("inbox", { credit: 1 });
      const ids: string[] = [];
      const got: string[] = [];
      for (let round = 0; round < 30; round++) {
        ids.push(...idsOf(await trial.sendMany("inbox", 2)));
        const delivery = await taker.next();
        got.push(delivery.message.id);
        await end(delivery);
        taker.credit(1);
      }
      taker.credit(100);
      got.push(...idsOf(await taker.take(30)));
      assert.deepEqual(got, ids);
    },
  },
  {
    name: "hands out higher priorities first",
    verifies: ["order.priority", "G9"],
    async run(trial) {
      await trial.declare("inbox");
      const lowestFirst = [...PRIORITIES].reverse();
      const sent = new Map<string, string[]>();
      for (const priority of lowestFirst) sent.set(priority, idsOf(await trial.sendMany("inbox", 2, { priority })));
      const taker = await trial.take("inbox");
      const expected = PRIORITIES.flatMap((priority) => sent.get(priority) ?? []);
      assert.deepEqual(idsOf(await taker.take(10)), expected);
      assert.deepEqual(
        taker.given.map((delivery) => delivery.message.priority),
        PRIORITIES.flatMap((priority) => [priority, priority]),
      );
    },
  },
  {
    name: "hands a higher priority out before lower ones that came earlier",
    verifies: ["order.priority", "G9"],
    async run(trial) {
      await trial.declare("inbox");
      await trial.sendMany("inbox", 5, { priority: "low" });
      const taker = await trial.take("inbox", { credit: 1 });
      await end(await taker.next());
      const urgent = await trial.send("inbox", { priority: "critical" });
      taker.credit(1);
      assert.equal((await taker.next()).message.id, urgent.id);
    },
  },
  {
    name: "lets lower priorities have one of 16 hand-offs, the longest waiting first",
    verifies: ["order.aging", "G9"],
    async run(trial) {
      await trial.declare("inbox");
      await trial.sendMany("inbox", 1, { priority: "low" });
      await trial.sendMany("inbox", 3, { priority: "normal" });
      await trial.sendMany("inbox", 1, { priority: "background" });
      await trial.sendMany("inbox", 100, { priority: "high" });
      const taker = await trial.take("inbox", { credit: 1 });
      const order: string[] = [];
      for (let turn = 0; turn < 5 * AGING_PERIOD; turn++) {
        const delivery = await taker.next();
        order.push(delivery.message.priority);
        await end(delivery);
        taker.credit(1);
      }
      const places = order.flatMap((priority, at) => (priority === "high" ? [] : [at]));
      assert.deepEqual(
        places.map((at) => order[at]),
        ["low", "normal", "normal", "normal", "background"],
      );
      for (const [at, place] of places.entries()) {
        assert.ok(place - (places[at - 1] ?? -1) <= AGING_PERIOD, "of 16 hand-offs one goes to those that wait");
        assert.ok(place - (places[at - 1] ?? -1) > 2, "the higher priority keeps its preference");
      }
    },
  },
  {
    name: "counts aging over large groups of deliveries too",
    verifies: ["order.aging"],
    async run(trial) {
      await trial.declare("inbox");
      await trial.sendMany("inbox", 4, { priority: "background" });
      await trial.sendMany("inbox", 80, { priority: "critical" });
      const taker = await trial.take("inbox", { credit: 200 });
      await taker.take(84);
      for (let from = 0; from + AGING_PERIOD <= 64; from++) {
        const stretch = taker.given.slice(from, from + AGING_PERIOD).map((delivery) => delivery.message.priority);
        assert.ok(
          stretch.includes("background"),
          `hand-offs ${from} to ${from + AGING_PERIOD - 1} include a lower one`,
        );
      }
      await endAll(taker.given);
    },
  },
  {
    name: "counts aging over all consumers of an inbox",
    verifies: ["aging.shared"],
    async run(trial) {
      await trial.declare("inbox");
      const other = await trial.connect();
      const low = await trial.send("inbox", { priority: "low" });
      await trial.sendMany("inbox", 3 * AGING_PERIOD, { priority: "high" });
      const takers = [
        await trial.take("inbox", { credit: 0 }),
        await trial.take("inbox", { credit: 0, broker: other.broker }),
      ];
      const order: string[] = [];
      for (let turn = 0; turn < AGING_PERIOD; turn++) {
        const taker = takers[turn % 2] as (typeof takers)[number];
        taker.credit(1);
        const delivery = await taker.next();
        order.push(delivery.message.id);
        await end(delivery);
      }
      assert.ok(order.includes(low.id), `of ${AGING_PERIOD} hand-offs to two consumers one goes to the lower priority`);
    },
  },
];
