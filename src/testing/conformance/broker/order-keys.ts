import assert from "node:assert/strict";
import type { Delivery } from "../../../broker/consumer.ts";
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
  {
    name: "keeps an order key waiting with a message that two holders have lost, and lets all others pass",
    verifies: ["order.key", "lease.suspect"],
    async run(trial) {
      await trial.declare("inbox");
      await trial.send("inbox");
      const busy = await trial.take("inbox", { credit: 1, lease: 600_000 });
      const open = [await busy.next()];
      const [first, second] = await trial.sendMany("inbox", 2, { orderKey: "a" });
      assert.ok(first && second);
      const silent = await trial.take("inbox", { renew: false, lease: 300, credit: 1 });
      await trial.until("it was lost once", () => silent.revoked.length === 1);
      silent.credit(1);
      await trial.until("it was lost twice", () => silent.revoked.length === 2);
      const others = [await trial.send("inbox", { orderKey: "b" }), await trial.send("inbox")];
      busy.credit(1_000);
      await trial.until("the others are handed out", () => others.every(({ id }) => busy.ids.includes(id)));
      assert.ok(!busy.ids.includes(second.id), "its key waits");
      // Those handed out so far end; where it had to wait for that, the first of the key comes then.
      for (const delivery of [...open, ...busy.given.slice(1)])
        if (delivery.message.id !== first.id) assert.equal(await end(delivery), "settled");
      await trial.until("the first of the key is handed out", () => busy.ids.includes(first.id));
      assert.ok(!busy.ids.includes(second.id), "its key still waits");
      assert.equal(await end(busy.given.find(({ message }) => message.id === first.id) as Delivery), "settled");
      await trial.until("the next of the key is handed out", () => busy.ids.includes(second.id));
    },
  },
];
