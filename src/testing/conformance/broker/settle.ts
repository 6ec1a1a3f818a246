import assert from "node:assert/strict";
import type { ConformanceCase } from "../suite.ts";
import { end, idsOf } from "./taker.ts";
import type { BrokerTrial } from "./trial.ts";

/** How deliveries are given up. */
export const settleCases: readonly ConformanceCase<BrokerTrial>[] = [
  {
    name: "ends a delivery once; a second settle through it changes nothing",
    verifies: ["settle.once", "G5", "receipt.ends"],
    async run(trial) {
      await trial.declare("inbox");
      const message = await trial.send("inbox");
      const taker = await trial.take("inbox");
      const delivery = await taker.next();
      assert.equal(await end(delivery, { reply: { ok: true } }), "settled");
      assert.equal(await end(delivery, { end: "dead-lettered" }), "already");
      assert.equal(await delivery.settle({ outcome: "retry", delay: 0 }), "already");
      assert.equal(await delivery.settle({ outcome: "release" }), "already");
      const record = await trial.ended(message);
      assert.equal(record.end, "acknowledged");
      assert.deepEqual(record.reply, { ok: true });
      assert.equal(record.attempt, 1);
      await taker.nothing();
      assert.equal((await trial.status("inbox")).waiting, 0);
    },
  },
  {
    name: "never hands off again what was acknowledged, whoever asks",
    verifies: ["G5"],
    async run(trial) {
      await trial.declare("inbox");
      await trial.sendMany("inbox", 20);
      const taker = await trial.take("inbox");
      for (const delivery of await taker.take(20)) assert.equal(await end(delivery), "settled");
      await taker.close({ release: true });
      const other = await trial.connect();
      await (await trial.take("inbox", { broker: other.broker })).nothing();
      await (await trial.take("inbox")).nothing();
    },
  },
  {
    name: "hands a retried message off again after its delay, with its failures",
    verifies: ["settle.retry", "G4", "G7"],
    async run(trial) {
      await trial.declare("inbox");
      const message = await trial.send("inbox");
      const taker = await trial.take("inbox");
      const first = await taker.next();
      const failure = {
        attempt: 1,
        at: Math.floor(trial.now()),
        instance: "taker",
        code: "HANDLER_FAILED",
        message: "it broke",
      };
      const retriedAt = trial.now();
      assert.equal(await first.settle({ outcome: "retry", delay: 400, failure }), "settled");
      await taker.nothing();
      assert.equal((await trial.status("inbox")).delayed, 1);
      const second = await taker.next();
      assert.ok(trial.now() - retriedAt >= 399, "not before its delay");
      assert.equal(second.message.id, message.id);
      assert.equal(second.attempt, 2);
      assert.deepEqual(second.failures, [failure]);
      const again = { ...failure, attempt: 2 };
      await second.settle({ outcome: "retry", delay: 0, failure: again });
      const third = await taker.next();
      assert.equal(third.attempt, 3);
      assert.deepEqual(third.failures, [failure, again]);
      assert.equal(await end(third), "settled");
      assert.equal((await trial.ended(message)).attempt, 3);
    },
  },
  {
    name: "puts a retried message behind what waits by then",
    verifies: ["order.retry"],
    async run(trial) {
      await trial.declare("inbox");
      const [first, second, third] = idsOf(await trial.sendMany("inbox", 3));
      const taker = await trial.take("inbox", { credit: 1 });
      await (await taker.next()).settle({ outcome: "retry", delay: 0 });
      taker.credit(10);
      assert.deepEqual(idsOf(await taker.take(3)), [second, third, first]);
    },
  },
  {
    name: "puts a released message back into its old place, and counts no attempt",
    verifies: ["order.release"],
    async run(trial) {
      await trial.declare("inbox");
      const ids = idsOf(await trial.sendMany("inbox", 5));
      const taker = await trial.take("inbox", { credit: 3 });
      const [first, second, third] = await taker.take(3);
      assert.ok(first && second && third);
      assert.equal(await second.settle({ outcome: "release" }), "settled");
      assert.equal(await second.settle({ outcome: "release" }), "already");
      assert.equal(await third.settle({ outcome: "release" }), "settled");
      assert.equal(await first.settle({ outcome: "release" }), "settled");
      taker.credit(10);
      const again = await taker.take(5);
      assert.deepEqual(idsOf(again), ids);
      assert.deepEqual(
        again.map((delivery) => delivery.attempt),
        [1, 1, 1, 1, 1],
      );
      assert.deepEqual(
        again.map((delivery) => delivery.redelivered),
        [false, false, false, false, false],
      );
    },
  },
  {
    name: "settles out of order without touching the others",
    verifies: ["settle.once", "receipt.account"],
    async run(trial) {
      await trial.declare("inbox");
      await trial.sendMany("inbox", 6);
      const taker = await trial.take("inbox");
      const deliveries = await taker.take(6);
      for (const at of [4, 1, 5]) assert.equal(await end(deliveries[at] as (typeof deliveries)[number]), "settled");
      const status = await trial.status("inbox");
      assert.deepEqual([status.waiting, status.held, status.ended.acknowledged], [3, 3, 3]);
      await taker.close({ release: true });
      const rest = await (await trial.take("inbox")).take(3);
      assert.deepEqual(idsOf(rest).sort(), [0, 2, 3].map((at) => deliveries[at]?.message.id).sort());
    },
  },
];
