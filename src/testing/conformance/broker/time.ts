import assert from "node:assert/strict";
import type { ConformanceCase } from "../suite.ts";
import { end, idsOf } from "./taker.ts";
import type { BrokerTrial } from "./trial.ts";

/** Delay and expiry. */
export const timeCases: readonly ConformanceCase<BrokerTrial>[] = [
  {
    name: "holds a delayed message back until it is due, behind what was accepted by then",
    verifies: ["time.delay"],
    async run(trial) {
      await trial.declare("inbox");
      const dueAt = trial.now() + 1_000;
      const late = trial.message();
      const { copies } = await trial.accept({ message: late, to: ["inbox"], dueAt });
      assert.deepEqual(copies, [{ inbox: "inbox", state: "queued" }]);
      const early = await trial.send("inbox");
      const [waiting] = await trial.broker.find(late.id);
      assert.deepEqual([waiting?.state, waiting?.dueAt], ["delayed", dueAt]);
      const taker = await trial.take("inbox");
      assert.deepEqual(idsOf(await taker.take(2)), idsOf([early, late]));
      assert.ok((taker.given[1]?.offeredAt ?? 0) >= dueAt - 1, "not handed out before it is due");
    },
  },
  {
    name: "hands delayed messages out in the order of their due times",
    verifies: ["time.delay"],
    async run(trial) {
      await trial.declare("inbox");
      const dueAt = trial.now() + 300;
      const third = await trial.send("inbox", {}, { dueAt: dueAt + 40 });
      const first = await trial.send("inbox", {}, { dueAt });
      const second = await trial.send("inbox", {}, { dueAt: dueAt + 20 });
      await trial.until(
        "all are due",
        async () => (await trial.status("inbox")).delayed === 0 && trial.now() > dueAt + 40,
      );
      const taker = await trial.take("inbox");
      assert.deepEqual(idsOf(await taker.take(3)), idsOf([first, second, third]));
    },
  },
  {
    name: "takes a due time that has passed as no delay",
    verifies: ["time.delay"],
    async run(trial) {
      await trial.declare("inbox");
      const { copies } = await trial.accept({ message: trial.message(), to: ["inbox"], dueAt: trial.now() - 1 });
      assert.equal(copies[0]?.state, "accepted");
      await (await trial.take("inbox")).next();
    },
  },
  {
    name: "ends a message that has no time left, without handing it out",
    verifies: ["time.expired", "G10"],
    async run(trial) {
      await trial.declare("inbox");
      const taker = await trial.take("inbox");
      const message = await trial.send("inbox", { expiresAt: Math.floor(trial.now()) });
      const record = await trial.ended(message);
      assert.deepEqual([record.end, record.attempt, record.offeredAt], ["expired", 0, undefined]);
      await taker.nothing();
      const status = await trial.status("inbox");
      assert.deepEqual([status.accepted, status.ended.expired, status.waiting], [1, 1, 0]);
    },
  },
  {
    name: "ends a waiting message at its time, though nobody consumes",
    verifies: ["time.unattended", "G10", "receipt.ends"],
    async run(trial) {
      await trial.declare("inbox");
      const expiresAt = Math.floor(trial.now()) + 400;
      const ready = await trial.send("inbox", { expiresAt });
      const delayed = await trial.send("inbox", { expiresAt }, { dueAt: expiresAt + 60_000 });
      const lasting = await trial.send("inbox");
      for (const message of [ready, delayed]) {
        const record = await trial.ended(message);
        assert.equal(record.end, "expired");
        assert.ok(record.at >= expiresAt, "not before its time");
      }
      const status = await trial.status("inbox");
      assert.deepEqual([status.waiting, status.delayed, status.ended.expired], [1, 0, 2]);
      assert.equal((await (await trial.take("inbox")).next()).message.id, lasting.id);
    },
  },
  {
    name: "never hands out an expired message between others",
    verifies: ["G10"],
    async run(trial) {
      await trial.declare("inbox", { paused: true });
      const expiresAt = Math.floor(trial.now()) + 200;
      const kept: string[] = [];
      for (let round = 0; round < 5; round++) {
        await trial.send("inbox", { expiresAt });
        kept.push((await trial.send("inbox")).id);
      }
      const taker = await trial.take("inbox");
      await trial.pass(250);
      await trial.declare("inbox", { paused: false });
      assert.deepEqual(idsOf(await taker.take(5)), kept);
      await taker.nothing();
    },
  },
  {
    name: "lets a holder finish a message that expires meanwhile, but does not hand it out again",
    verifies: ["G10", "receipt.ends"],
    async run(trial) {
      await trial.declare("inbox");
      const expiresAt = Math.floor(trial.now()) + 1_000;
      const finished = await trial.send("inbox", { expiresAt });
      const released = await trial.send("inbox", { expiresAt });
      const retried = await trial.send("inbox", { expiresAt });
      const taker = await trial.take("inbox");
      const [first, second, third] = await taker.take(3);
      assert.ok(first && second && third);
      await trial.pass(1_100);
      assert.equal(await end(first), "settled");
      assert.equal(await second.settle({ outcome: "release" }), "settled");
      assert.equal(await third.settle({ outcome: "retry", delay: 0 }), "settled");
      assert.equal((await trial.ended(finished)).end, "acknowledged");
      assert.equal((await trial.ended(released)).end, "expired");
      assert.equal((await trial.ended(retried)).end, "expired");
      await taker.nothing();
    },
  },
];
