import assert from "node:assert/strict";
import type { ConformanceCase } from "../suite.ts";
import { end, idsOf } from "./taker.ts";
import type { BrokerTrial } from "./trial.ts";

/** Messages of one order key, where the engine locks it. */
export const orderKeyCases: readonly ConformanceCase<BrokerTrial>[] = [
  {
    name: "hands out one message of an order key at a time, over processes, and lets all others pass",
    verifies: ["order.key"],
    async run(trial) {
      await trial.declare("inbox");
      await trial.declare("other");
      const keyed = (orderKey: string) => trial.send("inbox", { orderKey });
      const [first, second, b, third] = [await keyed("a"), await keyed("a"), await keyed("b"), await keyed("a")];
      const free = await trial.send("inbox");
      const elsewhere = await trial.send("other", { orderKey: "a" });
      const taker = await trial.take("inbox", { credit: 1 });
      let held = await taker.next();
      assert.equal(held.message.id, first.id);
      const process = await trial.connect();
      const others = await trial.take("inbox", { broker: process.broker });
      assert.deepEqual(idsOf(await others.take(2)), idsOf([b, free]));
      await others.nothing();
      assert.equal((await (await trial.take("other")).next()).message.id, elsewhere.id, "a key is an inbox's own");
      for (const next of [second, third]) {
        assert.equal(await end(held), "settled");
        held = await others.next();
        assert.equal(held.message.id, next.id);
        await others.nothing();
      }
    },
  },
  {
    name: "keeps an order key waiting with a message that is retried, released or lapsed",
    verifies: ["order.key", "order.release"],
    async run(trial) {
      await trial.declare("inbox");
      const [first, second] = await trial.sendMany("inbox", 2, { orderKey: "a" });
      assert.ok(first && second);
      const taker = await trial.take("inbox", { renew: false, lease: 300 });
      await (await taker.next()).settle({ outcome: "retry", delay: 200 });
      await taker.nothing();
      await (await taker.next()).settle({ outcome: "retry", delay: 0 });
      await (await taker.next()).settle({ outcome: "release" });
      await taker.next();
      const again = await taker.next();
      assert.deepEqual(
        taker.given.map((delivery) => [delivery.message.id, delivery.attempt]),
        [1, 2, 3, 3, 4].map((attempt) => [first.id, attempt]),
      );
      assert.equal(await end(again), "settled");
      assert.equal((await taker.next()).message.id, second.id);
    },
  },
];
