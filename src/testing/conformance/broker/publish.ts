import assert from "node:assert/strict";
import type { ConformanceCase } from "../suite.ts";
import { end } from "./taker.ts";
import type { BrokerTrial } from "./trial.ts";

/** Storing messages. */
export const publishCases: readonly ConformanceCase<BrokerTrial>[] = [
  {
    name: "hands a message over as it was published, to another process",
    verifies: ["G1", "G2", "send.results"],
    async run(trial) {
      await trial.declare("inbox");
      const message = trial.message({
        payload: {
          text: "grüße, 世界 \u0000 \u{1f680}",
          list: [1, -0.5, 1e21, true, null],
          nested: { "": {}, a: { b: [] } },
        },
        headers: { traceparent: "00-1" },
        key: "order-1",
        depth: 3,
        path: ["x"],
        replyInbox: "$reply.1",
        causationId: "c",
        expiresAt: trial.now() + 600_000,
        priority: "high",
        to: "inbox",
      });
      assert.deepEqual(await trial.publish({ message, to: ["inbox"] }), {
        status: "accepted",
        id: message.id,
        duplicate: false,
        copies: [{ inbox: "inbox", state: "accepted" }],
      });
      const other = await trial.connect();
      const delivery = await (await trial.take("inbox", { broker: other.broker })).next();
      assert.deepEqual(delivery.message, message);
      assert.ok(Object.isFrozen(delivery.message), "messages are frozen");
      assert.equal(delivery.inbox, "inbox");
      assert.equal(delivery.attempt, 1);
      assert.equal(delivery.redelivered, false);
      assert.deepEqual(delivery.failures, []);
      assert.ok(Math.abs(delivery.offeredAt - trial.now()) < 60_000, "offeredAt is wall time");
    },
  },
  {
    name: "refuses an unknown inbox, and then stores nothing for the known ones",
    verifies: ["G3", "send.unknown", "send.atomic"],
    async run(trial) {
      await trial.declare("known");
      await trial.refuse({ message: trial.message(), to: ["nobody"] }, "AGENT_NOT_FOUND");
      await trial.refuse({ message: trial.message(), to: ["known", "nobody"] }, "AGENT_NOT_FOUND");
      const status = await trial.status("known");
      assert.equal(status.accepted, 0);
      assert.equal(status.waiting, 0);
    },
  },
  {
    name: "answers each message of a batch in its place",
    verifies: ["send.results", "send.atomic"],
    async run(trial) {
      await trial.declare("a");
      await trial.declare("b");
      const batch = [
        { message: trial.message(), to: ["a"] },
        { message: trial.message(), to: ["nobody"] },
        { message: trial.message(), to: ["b", "a"], fanOut: true },
        { message: trial.message(), to: [] },
      ];
      const results = await trial.broker.publish(batch);
      assert.deepEqual(
        results.map((result) => result.status),
        ["accepted", "failed", "accepted", "accepted"],
      );
      const copies = results.map((result) =>
        result.status === "accepted" ? result.copies.map((copy) => copy.inbox) : [],
      );
      assert.deepEqual(copies, [["a"], [], ["b", "a"], []]);
      const ids = results.map((result) => (result.status === "accepted" ? result.id : undefined));
      assert.deepEqual(ids, [batch[0]?.message.id, undefined, batch[2]?.message.id, batch[3]?.message.id]);
      assert.deepEqual(await trial.broker.publish([]), []);
    },
  },
  {
    name: "goes on counting the hand-offs of a message that comes from another engine, where it says that it does",
    verifies: ["G4"],
    async run(trial) {
      const before = trial.broker.capabilities.attempts ? 3 : 0;
      await trial.declare("inbox");
      const message = await trial.send("inbox", {}, { attempt: 3 });
      const later = await trial.send("inbox", {}, { attempt: 3, dueAt: trial.now() + 1_000 });
      if (!trial.gaps.has("inbox.find")) {
        const waiting = await Promise.all([message.id, later.id].map((id) => trial.broker.find(id)));
        assert.deepEqual(
          waiting.flat().map(({ attempt }) => attempt),
          [before, before],
        );
      }
      const other = await trial.connect();
      const taker = await trial.take("inbox", { broker: other.broker });
      const delivery = await taker.next();
      assert.deepEqual([delivery.message.id, delivery.attempt], [message.id, before + 1]);
      assert.equal(await delivery.settle({ outcome: "retry", delay: 0 }), "settled");
      assert.equal((await taker.next()).attempt, before + 2);
      await trial.pass(1_000);
      assert.equal((await taker.next()).attempt, before + 1);
    },
  },
  {
    name: "loses, doubles and invents nothing over two sending and two taking processes",
    verifies: ["G1", "G2", "G4", "G5", "take.share"],
    async run(trial) {
      await trial.declare("inbox");
      const other = await trial.connect();
      const sent: string[] = [];
      const takers = [await trial.take("inbox"), await trial.take("inbox", { broker: other.broker })];
      for (let round = 0; round < 10; round++) {
        for (const broker of [trial.broker, other.broker]) {
          const batch = Array.from({ length: 10 }, () => ({ message: trial.message(), to: ["inbox"] }));
          sent.push(...batch.map((publication) => publication.message.id));
          await broker.publish(batch);
        }
        for (const taker of takers) for (const delivery of taker.given.slice(-5)) await end(delivery);
      }
      await trial.until("all are handed out", () => takers.flatMap((taker) => taker.ids).length >= sent.length);
      const got = takers.flatMap((taker) => taker.ids);
      assert.deepEqual([...got].sort(), [...sent].sort());
      for (const taker of takers) for (const delivery of taker.given) await end(delivery);
      const status = await trial.status("inbox", other.broker);
      assert.equal(status.waiting, 0);
      assert.equal(status.ended.acknowledged, sent.length);
    },
  },
];
