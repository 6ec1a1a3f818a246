import assert from "node:assert/strict";
import type { ConformanceCase } from "../suite.ts";
import { end, idsOf } from "./taker.ts";
import type { BrokerTrial } from "./trial.ts";

/** Declaring, pausing and removing inboxes. */
export const inboxCases: readonly ConformanceCase<BrokerTrial>[] = [
  {
    name: "changes only what is declared again, and loses nothing",
    verifies: ["inbox.declare"],
    async run(trial) {
      await trial.declare("inbox");
      const initial = await trial.status("inbox");
      assert.deepEqual([initial.capacity, initial.overflow, initial.paused], [1_000_000, "reject", false]);
      await trial.send("inbox");
      await trial.declare("inbox", { capacity: 5, overflow: "drop-oldest" });
      await trial.declare("inbox", { paused: true });
      const other = await trial.connect();
      const status = await trial.status("inbox", other.broker);
      assert.deepEqual([status.capacity, status.overflow, status.paused], [5, "drop-oldest", true]);
      assert.deepEqual([status.waiting, status.accepted], [1, 1]);
    },
  },
  {
    name: "hands out nothing while paused, in any process, and goes on after",
    verifies: ["inbox.pause"],
    async run(trial) {
      await trial.declare("inbox", { paused: true });
      const other = await trial.connect();
      const takers = [await trial.take("inbox"), await trial.take("inbox", { broker: other.broker })];
      const ids = idsOf(await trial.sendMany("inbox", 5));
      for (const taker of takers) await taker.nothing();
      assert.equal((await trial.status("inbox")).waiting, 5);
      await other.broker.declareInbox({ name: "inbox", paused: false });
      await trial.until("all are handed out", () => takers.flatMap((taker) => taker.ids).length === 5);
      assert.deepEqual(takers.flatMap((taker) => taker.ids).sort(), [...ids].sort());
    },
  },
  {
    name: "lets holders settle while paused",
    verifies: ["inbox.pause"],
    async run(trial) {
      await trial.declare("inbox");
      await trial.send("inbox");
      const taker = await trial.take("inbox");
      const held = await taker.next();
      await trial.declare("inbox", { paused: true });
      assert.equal(await end(held), "settled");
    },
  },
  {
    name: "ends what waits in a removed inbox as dropped",
    verifies: ["inbox.delete", "receipt.ends", "G1"],
    async run(trial) {
      await trial.declare("inbox");
      const waiting = await trial.sendMany("inbox", 3);
      const delayed = await trial.send("inbox", {}, { dueAt: trial.now() + 60_000 });
      assert.equal(await trial.broker.deleteInbox("inbox"), 4);
      assert.equal(await trial.broker.deleteInbox("inbox"), 0);
      for (const message of [...waiting, delayed]) assert.equal((await trial.ended(message)).end, "dropped");
      assert.deepEqual(await trial.broker.inspect(["inbox"]), []);
      await trial.refuse({ message: trial.message(), to: ["inbox"] }, "AGENT_NOT_FOUND");
    },
  },
  {
    name: "ends what is held in a removed inbox once, whatever its holder does",
    verifies: ["inbox.delete", "receipt.ends"],
    async run(trial) {
      await trial.declare("inbox");
      const [first, second, third] = await trial.sendMany("inbox", 3);
      assert.ok(first && second && third);
      const own = await trial.take("inbox", { credit: 1 });
      const other = await trial.connect();
      const others = await trial.take("inbox", { credit: 1, broker: other.broker });
      const held = [await own.next(), await others.next()];
      assert.equal(await trial.broker.deleteInbox("inbox"), 3);
      for (const message of [first, second, third]) assert.equal((await trial.ended(message)).end, "dropped");
      await trial.until("both holders are told", () => own.revoked.length + others.revoked.length === 2);
      assert.deepEqual(
        [...own.revoked, ...others.revoked],
        held.map(({ message }) => ({ id: message.id, why: "dropped" })),
      );
      for (const delivery of held) assert.equal(await end(delivery), "lost");
      await trial.declare("inbox");
      await (await trial.take("inbox")).nothing();
      assert.equal((await trial.status("inbox")).accepted, 0, "an inbox of the same name begins anew");
      for (const { message } of held) assert.equal((await trial.ends(message.id)).length, 1);
    },
  },
  {
    name: "removes an expiring inbox some time after its process is gone, not before",
    verifies: ["inbox.expire"],
    async run(trial) {
      const owner = await trial.connect();
      await owner.broker.declareInbox({ name: "$reply.1", expiresAfter: 500 });
      await trial.pass(800);
      assert.equal((await trial.broker.inspect(["$reply.1"])).length, 1);
      const passing = await trial.connect();
      await passing.broker.declareInbox({ name: "$reply.1", capacity: 10 });
      await passing.broker.close();
      await trial.pass(800);
      assert.equal(
        (await trial.broker.inspect(["$reply.1"])).length,
        1,
        "who changes a setting does not become its owner",
      );
      const message = await trial.send("$reply.1");
      await owner.broker.close();
      await trial.until("the inbox is gone", async () => (await trial.broker.inspect(["$reply.1"])).length === 0);
      assert.equal((await trial.ended(message)).end, "dropped");
    },
  },
];
