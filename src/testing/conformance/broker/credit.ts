import assert from "node:assert/strict";
import { PRIORITIES } from "../../../message/envelope.ts";
import type { ConformanceCase } from "../suite.ts";
import { end, endAll, idsOf } from "./taker.ts";
import type { BrokerTrial } from "./trial.ts";

/** How many deliveries a consumer is given, and which. */
export const creditCases: readonly ConformanceCase<BrokerTrial>[] = [
  {
    name: "hands out nothing before the first credit, and never more than the credit",
    verifies: ["take.credit", "G14"],
    async run(trial) {
      await trial.declare("inbox");
      await trial.sendMany("inbox", 10);
      const taker = await trial.take("inbox", { credit: 0 });
      await taker.nothing();
      taker.credit(3);
      await taker.take(3);
      await taker.nothing();
      taker.credit(2);
      taker.credit(1);
      await taker.take(1);
      await taker.nothing();
      assert.ok(
        taker.groups.every((size) => size > 0),
        "no empty group is handed out",
      );
    },
  },
  {
    name: "pauses at a credit of 0, and goes on with the next",
    verifies: ["take.credit"],
    async run(trial) {
      await trial.declare("inbox");
      const taker = await trial.take("inbox", { credit: 5 });
      taker.credit(0);
      await trial.sendMany("inbox", 2);
      await taker.nothing();
      taker.credit(5);
      await taker.take(2);
    },
  },
  {
    name: "hands out nothing once the credit has fallen to 0, and gives others what it had claimed, uncounted",
    verifies: ["take.credit", "G4"],
    async run(trial) {
      await trial.declare("inbox");
      const messages = await trial.sendMany("inbox", 5);
      const fickle = await trial.take("inbox", { credit: 0 });
      fickle.credit(5);
      fickle.credit(0);
      const before = fickle.given.length;
      await fickle.consumer.tried();
      assert.equal(fickle.given.length, before);
      const other = await trial.connect();
      const taker = await trial.take("inbox", { broker: other.broker });
      const got = await taker.take(5 - before);
      assert.deepEqual(idsOf(got), idsOf(messages).slice(before));
      assert.deepEqual(
        got.map((delivery) => [delivery.attempt, delivery.redelivered]),
        got.map(() => [1, false]),
      );
    },
  },
  {
    name: "fills a window again and again, whatever priority the messages have",
    verifies: ["take.credit", "G14"],
    async run(trial) {
      await trial.declare("inbox");
      const window = 4;
      const taker = await trial.take("inbox", { credit: window, window });
      const kinds = [...PRIORITIES, ...PRIORITIES];
      for (const priority of kinds) {
        await trial.sendMany("inbox", window, { priority });
        const held = await taker.take(window);
        await taker.nothing();
        await endAll(held.slice(0, 2));
        taker.credit(2);
        await trial.sendMany("inbox", 2, { priority });
        await endAll([...held.slice(2), ...(await taker.take(2))]);
        taker.credit(window);
      }
      assert.equal(taker.given.length, kinds.length * (window + 2));
    },
  },
  {
    name: "gives what arrives later to a consumer with credit left, from another process too",
    verifies: ["take.credit", "G4"],
    async run(trial) {
      await trial.declare("inbox");
      const other = await trial.connect();
      const taker = await trial.take("inbox", { credit: 2 });
      const message = trial.message();
      await trial.accept({ message, to: ["inbox"] }, other.broker);
      assert.equal((await taker.next()).message.id, message.id);
    },
  },
  {
    name: "tells an empty inbox by `tried`",
    verifies: ["take.tried"],
    async run(trial) {
      await trial.declare("inbox");
      const messages = await trial.sendMany("inbox", 20);
      const taker = await trial.take("inbox", { credit: 50 });
      await taker.consumer.tried();
      assert.deepEqual(taker.ids, idsOf(messages));
      await taker.consumer.tried();
      assert.equal(taker.given.length, 20);
    },
  },
  {
    name: "shares an inbox among consumers, each message once",
    verifies: ["take.share", "G12"],
    async run(trial) {
      await trial.declare("inbox");
      const other = await trial.connect();
      const takers = [
        await trial.take("inbox", { credit: 10 }),
        await trial.take("inbox", { credit: 10, broker: other.broker }),
      ];
      const messages = await trial.sendMany("inbox", 20);
      await trial.until("all are handed out", () => takers.flatMap((taker) => taker.ids).length === 20);
      assert.deepEqual(takers.flatMap((taker) => taker.ids).sort(), idsOf(messages).sort());
      assert.deepEqual(
        takers.map((taker) => taker.given.length),
        [10, 10],
      );
    },
  },
  {
    name: "gives a selective consumer its types only, and the rest to others",
    verifies: ["take.selective"],
    async run(trial) {
      await trial.declare("inbox");
      const kinds = ["a", "b", "a", "c", "b", "a"];
      for (const type of kinds) await trial.send("inbox", { type });
      const onlyA = await trial.take("inbox", { types: ["a"] });
      await onlyA.take(3);
      await onlyA.nothing();
      const notC = await trial.take("inbox", { exceptTypes: ["a", "c"] });
      await notC.take(2);
      await notC.nothing();
      await trial.send("inbox", { type: "a" });
      await onlyA.next();
      assert.deepEqual(
        onlyA.given.map((delivery) => delivery.message.type),
        ["a", "a", "a", "a"],
      );
      assert.deepEqual(
        notC.given.map((delivery) => delivery.message.type),
        ["b", "b"],
      );
      const rest = await trial.take("inbox");
      assert.equal((await rest.next()).message.type, "c");
      await rest.nothing();
    },
  },
  {
    name: "keeps one exclusive consumer active, and lets the next take over",
    verifies: ["order.exclusive"],
    async run(trial) {
      await trial.declare("inbox");
      const other = await trial.connect();
      const active = await trial.take("inbox", { exclusive: true });
      const first = await trial.sendMany("inbox", 6);
      const deliveries = await active.take(6);
      assert.deepEqual(idsOf(deliveries), idsOf(first));
      const standby = await trial.take("inbox", { exclusive: true, broker: other.broker });
      const second = await trial.sendMany("inbox", 6);
      await active.take(6);
      await standby.nothing();
      await endAll(deliveries.slice(1));
      await active.close({ release: true });
      const taken = await standby.take(7);
      assert.deepEqual(idsOf(taken), [deliveries[0]?.message.id, ...idsOf(second)]);
      assert.equal(await end(deliveries[0] as (typeof deliveries)[number]), "lost");
    },
  },
  {
    name: "hands whoever takes over what the one before held first, when its connection closes",
    verifies: ["order.exclusive", "close.release"],
    async run(trial) {
      await trial.declare("inbox");
      const leaving = await trial.connect();
      const active = await trial.take("inbox", { exclusive: true, broker: leaving.broker, credit: 3 });
      // The first to ask is active.
      await active.consumer.tried();
      const standby = await trial.take("inbox", { exclusive: true });
      const messages = await trial.sendMany("inbox", 6);
      const [first] = await active.take(3);
      assert.ok(first);
      await first.settle({ outcome: "retry", delay: 0 });
      await standby.nothing();
      await leaving.broker.close();
      const rest = idsOf(messages.slice(1));
      assert.deepEqual(idsOf(await standby.take(6)), [...rest, first.message.id]);
    },
  },
];
