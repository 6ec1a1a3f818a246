import assert from "node:assert/strict";
import type { ConformanceCase } from "../suite.ts";
import { end, idsOf } from "./taker.ts";
import type { BrokerTrial } from "./trial.ts";

/** Messages withdrawn, purged or superseded. */
export const cancelCases: readonly ConformanceCase<BrokerTrial>[] = [
  {
    name: "ends a waiting or delayed message by id at once, and never hands it out",
    verifies: ["cancel.waiting", "receipt.ends"],
    async run(trial) {
      await trial.declare("inbox");
      const messages = await trial.sendMany("inbox", 100);
      const delayed = await trial.send("inbox", {}, { dueAt: trial.now() + 60_000 });
      const cancelled = [messages[0], messages[50], messages[99], delayed].map((message) => message?.id ?? "");
      for (const id of cancelled) {
        assert.deepEqual(await trial.broker.cancel("inbox", { id }, "withdrawn"), { ended: 1, held: 0 });
        assert.deepEqual(await trial.broker.cancel("inbox", { id }, "withdrawn"), { ended: 0, held: 0 });
      }
      assert.equal((await trial.ended(delayed)).end, "withdrawn");
      const taker = await trial.take("inbox");
      assert.deepEqual(
        idsOf(await taker.take(97)),
        idsOf(messages).filter((id) => !cancelled.includes(id)),
      );
      await taker.nothing();
      assert.equal((await trial.status("inbox")).ended.withdrawn, 4);
      assert.deepEqual(await trial.broker.cancel("nobody", { all: true }, "dropped"), { ended: 0, held: 0 });
    },
  },
  {
    name: "cancels all of one sender's order, or everything",
    verifies: ["cancel.waiting"],
    async run(trial) {
      await trial.declare("inbox");
      const mine = [await trial.send("inbox", { key: "o" }), await trial.send("inbox", { key: "o", priority: "high" })];
      const others = [
        await trial.send("inbox", { key: "p" }),
        await trial.send("inbox", { key: "o", from: "another" }),
        await trial.send("inbox"),
      ];
      assert.deepEqual(await trial.broker.cancel("inbox", { sender: "sender", key: "o" }, "withdrawn"), {
        ended: 2,
        held: 0,
      });
      for (const message of mine) assert.equal((await trial.ended(message)).end, "withdrawn");
      assert.deepEqual(await trial.broker.cancel("inbox", { all: true }, "dropped"), { ended: 3, held: 0 });
      for (const message of others) assert.equal((await trial.ended(message)).end, "dropped");
      assert.equal((await trial.status("inbox")).waiting, 0);
    },
  },
  {
    name: "tells the holder of a cancelled message, and lets it end the message itself",
    verifies: ["cancel.held", "receipt.ends"],
    async run(trial) {
      await trial.declare("inbox");
      const message = await trial.send("inbox");
      const other = await trial.connect();
      const taker = await trial.take("inbox", { broker: other.broker });
      const held = await taker.next();
      assert.deepEqual(await trial.broker.cancel("inbox", { id: message.id }, "withdrawn"), { ended: 0, held: 1 });
      await trial.until("the holder is told", () => taker.revoked.length > 0);
      assert.deepEqual(taker.revoked, [{ id: message.id, why: "withdrawn" }]);
      assert.equal((await trial.ends(message.id)).length, 0, "the holder decides");
      assert.equal(await end(held), "settled");
      assert.equal((await trial.ended(message)).end, "acknowledged");
    },
  },
  {
    name: "ends a cancelled message when its holder gives it back or loses it",
    verifies: ["cancel.held", "receipt.ends"],
    async run(trial) {
      await trial.declare("inbox");
      const [released, retried, lapsed] = await trial.sendMany("inbox", 3);
      assert.ok(released && retried && lapsed);
      const taker = await trial.take("inbox", { credit: 2 });
      const [first, second] = await taker.take(2);
      const silent = await trial.take("inbox", { credit: 1, renew: false, lease: 300 });
      await silent.next();
      await trial.broker.cancel("inbox", { all: true }, "withdrawn");
      assert.equal(await first?.settle({ outcome: "release" }), "settled");
      assert.equal(await second?.settle({ outcome: "retry", delay: 0 }), "settled");
      for (const message of [released, retried, lapsed]) assert.equal((await trial.ended(message)).end, "withdrawn");
      taker.credit(10);
      await taker.nothing();
      assert.equal((await trial.status("inbox")).waiting, 0);
    },
  },
  {
    name: "lets a newer message end the sender's waiting earlier ones, by id or by key, for the same recipient only",
    verifies: ["cancel.supersede", "receipt.ends"],
    async run(trial) {
      await trial.declare("a");
      await trial.declare("b");
      const byId = await trial.send("a");
      const byKey = [await trial.send("a", { key: "o" }), await trial.send("a", { key: "o" })];
      const kept = [await trial.send("a", { key: "o", from: "another" }), await trial.send("a", { key: "p" })];
      const elsewhere = await trial.send("b", { key: "o" });
      const newer = [
        await trial.send("a", {}, { supersedes: { id: byId.id } }),
        await trial.send("a", { key: "o" }, { supersedes: { key: "o" } }),
        await trial.send("a", {}, { supersedes: { id: kept[0]?.id ?? "" } }),
      ];
      for (const message of [byId, ...byKey]) assert.equal((await trial.ended(message)).end, "superseded");
      const taker = await trial.take("a");
      assert.deepEqual(idsOf(await taker.take(5)), idsOf([...kept, ...newer]));
      assert.equal((await trial.status("b")).waiting, 1);
      assert.deepEqual(await trial.ends(elsewhere.id), []);
    },
  },
  {
    name: "tells the holder of a superseded message",
    verifies: ["cancel.supersede", "cancel.held"],
    async run(trial) {
      await trial.declare("inbox");
      const old = await trial.send("inbox", { key: "o" });
      const taker = await trial.take("inbox", { credit: 1 });
      const held = await taker.next();
      const newer = await trial.send("inbox", { key: "o" }, { supersedes: { key: "o" } });
      await trial.until("the holder is told", () => taker.revoked.length > 0);
      assert.deepEqual(taker.revoked, [{ id: old.id, why: "superseded" }]);
      await held.settle({ outcome: "release" });
      assert.equal((await trial.ended(old)).end, "superseded");
      taker.credit(5);
      assert.equal((await taker.next()).message.id, newer.id);
      await taker.nothing();
    },
  },
  {
    name: "makes room in a full inbox for a message by what it supersedes",
    verifies: ["cancel.supersede", "inbox.capacity"],
    async run(trial) {
      await trial.declare("inbox", { capacity: 1 });
      const old = await trial.send("inbox", { key: "o" });
      await trial.send("inbox", { key: "o" }, { supersedes: { key: "o" } });
      assert.equal((await trial.ended(old)).end, "superseded");
      assert.equal((await trial.status("inbox")).waiting, 1);
    },
  },
];
