import assert from "node:assert/strict";
import type { ConformanceCase } from "../suite.ts";
import { end, idsOf } from "./taker.ts";
import type { BrokerTrial } from "./trial.ts";

/** Full inboxes. */
export const capacityCases: readonly ConformanceCase<BrokerTrial>[] = [
  {
    name: "refuses what a full inbox cannot hold, counting held and delayed messages, and takes it when there is room",
    verifies: ["inbox.capacity", "G14", "G3"],
    async run(trial) {
      await trial.declare("inbox", { capacity: 3 });
      await trial.send("inbox");
      const taker = await trial.take("inbox");
      const held = await taker.next();
      await taker.close();
      await trial.send("inbox", {}, { dueAt: trial.now() + 600_000 });
      await trial.send("inbox");
      await trial.refuse({ message: trial.message(), to: ["inbox"] }, "INBOX_FULL");
      const status = await trial.status("inbox");
      assert.deepEqual([status.waiting, status.accepted], [3, 3]);
      assert.equal(await end(held), "settled");
      await trial.send("inbox");
      assert.equal((await trial.status("inbox")).accepted, 4);
    },
  },
  {
    name: "holds to the capacity within one batch, and stores nothing for others when one recipient is full",
    verifies: ["inbox.capacity", "send.atomic", "G14"],
    async run(trial) {
      await trial.declare("small", { capacity: 2 });
      await trial.declare("large");
      const results = await trial.broker.publish(
        Array.from({ length: 4 }, () => ({ message: trial.message(), to: ["small"] })),
      );
      assert.deepEqual(
        results.map((result) => result.status),
        ["accepted", "accepted", "failed", "failed"],
      );
      await trial.refuse({ message: trial.message(), to: ["large", "small"] }, "INBOX_FULL");
      assert.equal((await trial.status("large")).accepted, 0);
    },
  },
  {
    name: "drops the oldest of the lowest priority to make room",
    verifies: ["inbox.drop-oldest", "receipt.ends", "G14"],
    async run(trial) {
      await trial.declare("inbox", { capacity: 4, overflow: "drop-oldest" });
      const high = await trial.send("inbox", { priority: "high" });
      const low1 = await trial.send("inbox", { priority: "low" });
      const low2 = await trial.send("inbox", { priority: "low" });
      const normal = await trial.send("inbox");
      const more = await trial.sendMany("inbox", 3, { priority: "high" });
      assert.deepEqual((await trial.ended(low1)).end, "dropped");
      assert.deepEqual((await trial.ended(low2)).end, "dropped");
      assert.deepEqual((await trial.ended(normal)).end, "dropped");
      const taker = await trial.take("inbox");
      assert.deepEqual(idsOf(await taker.take(4)), idsOf([high, ...more]));
      await taker.nothing();
      await trial.refuse({ message: trial.message(), to: ["inbox"] }, "INBOX_FULL");
      const status = await trial.status("inbox");
      assert.deepEqual([status.accepted, status.waiting, status.ended.dropped], [7, 4, 3]);
    },
  },
  {
    name: "holds to a limit on messages of one kind, counting held, delayed and retried ones, and leaves others alone",
    verifies: ["inbox.limit", "fan-out.full"],
    async run(trial) {
      await trial.declare("inbox");
      const limit = { name: "kind.*", capacity: 3, overflow: "reject" } as const;
      await trial.sendMany("inbox", 3);
      await trial.send("inbox", { priority: "high" }, { limit });
      const taker = await trial.take("inbox");
      const held = await taker.next();
      await trial.send("inbox", {}, { limit, dueAt: trial.now() + 600_000 });
      await trial.send("inbox", {}, { limit });
      await trial.refuse({ message: trial.message(), to: ["inbox"], limit }, "INBOX_FULL");
      assert.equal(await held.settle({ outcome: "retry", delay: 600_000 }), "settled");
      const over = await trial.send("inbox", {}, { limit, fanOut: true });
      const { end: how, reason } = await trial.ended(over);
      assert.deepEqual([how, reason], ["dead-lettered", "INBOX_FULL"]);
      await trial.send("inbox");
      await trial.send("inbox", {}, { limit: { ...limit, name: "kind.other" } });
      const status = await trial.status("inbox");
      assert.deepEqual([status.accepted, status.waiting, status.ended["dead-lettered"]], [9, 8, 1]);
      await trial.broker.cancel("inbox", { id: held.message.id }, "withdrawn");
      await trial.send("inbox", {}, { limit });
      await trial.refuse({ message: trial.message(), to: ["inbox"], limit }, "INBOX_FULL");
      await taker.close();
    },
  },
  {
    name: "drops the oldest of the lowest priority of one kind, and nothing else",
    verifies: ["inbox.limit", "receipt.ends"],
    async run(trial) {
      await trial.declare("inbox", { capacity: 6 });
      const limit = { name: "kind", capacity: 3, overflow: "drop-oldest" } as const;
      const other = await trial.send("inbox", { priority: "background" });
      const high = await trial.send("inbox", { priority: "high" }, { limit });
      const low1 = await trial.send("inbox", { priority: "low" }, { limit });
      const low2 = await trial.send("inbox", { priority: "low" }, { limit });
      const more = await trial.send("inbox", { priority: "low" }, { limit, fanOut: true });
      assert.equal((await trial.ended(low1)).end, "dropped");
      const results = await trial.broker.publish(
        [trial.message(), trial.message()].map((message) => ({ message, to: ["inbox"], limit })),
      );
      assert.deepEqual(
        results.map((result) => result.status),
        ["accepted", "accepted"],
      );
      assert.equal((await trial.ended(low2)).end, "dropped");
      assert.equal((await trial.ended(more)).end, "dropped");
      const taker = await trial.take("inbox");
      const [first, ...rest] = await taker.take(4);
      assert.equal(first?.message.id, high.id);
      assert.equal(rest.at(-1)?.message.id, other.id);
      await trial.refuse({ message: trial.message(), to: ["inbox"], limit }, "INBOX_FULL");
      await taker.close();
    },
  },
];
