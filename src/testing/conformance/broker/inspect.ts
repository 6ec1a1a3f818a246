import assert from "node:assert/strict";
import { ENDS } from "../../../message/receipt-record.ts";
import type { ConformanceCase } from "../suite.ts";
import { end, idsOf } from "./taker.ts";
import type { BrokerTrial } from "./trial.ts";

/** Looking into inboxes. */
export const inspectCases: readonly ConformanceCase<BrokerTrial>[] = [
  {
    name: "tells the state of inboxes alike in all processes",
    verifies: ["inbox.inspect", "receipt.account"],
    async run(trial) {
      await trial.declare("inbox", { capacity: 50 });
      await trial.declare("empty");
      const other = await trial.connect();
      const created = 1_700_000_000_000;
      await trial.send("inbox", { createdAt: created });
      await trial.sendMany("inbox", 4);
      await trial.send("inbox", {}, { dueAt: trial.now() + 600_000 });
      const taker = await trial.take("inbox", { credit: 2 });
      const [first] = await taker.take(2);
      const before = await trial.status("inbox", other.broker);
      // Where nobody can look into the engine, it may tell no more than what is delayed.
      const seesAll = trial.broker.capabilities.peek;
      if (seesAll) assert.equal(before.oldest, created);
      assert.ok(first);
      await end(first);
      for (const broker of [trial.broker, other.broker]) {
        const { oldest, ...status } = await trial.status("inbox", broker);
        if (seesAll) assert.ok(oldest !== undefined && oldest > created);
        const ended = { ...Object.fromEntries(ENDS.map((one) => [one, 0])), acknowledged: 1 };
        assert.deepEqual(status, {
          name: "inbox",
          capacity: 50,
          overflow: "reject",
          paused: false,
          waiting: 5,
          held: 1,
          delayed: 1,
          accepted: 6,
          ended,
          consumers: 1,
        });
        const names = (await broker.inspect()).map((one) => one.name);
        assert.deepEqual([...names].sort(), ["empty", "inbox"]);
        assert.deepEqual(
          (await broker.inspect(["nobody", "empty"])).map((one) => one.name),
          ["empty"],
        );
        assert.equal((await trial.status("empty", broker)).oldest, undefined);
      }
    },
  },
  {
    name: "peeks in the order of hand-off, held ones first, and takes nothing",
    verifies: ["inbox.peek"],
    async run(trial) {
      await trial.declare("inbox");
      const held = await trial.send("inbox");
      const taker = await trial.take("inbox", { credit: 1, instance: "holder" });
      await taker.next();
      const later = await trial.send("inbox", {}, { dueAt: trial.now() + 600_000 });
      const low = await trial.send("inbox", { priority: "low" });
      const normal = await trial.send("inbox");
      const high = await trial.send("inbox", { priority: "high" });
      const other = await trial.connect();
      for (let look = 0; look < 2; look++) {
        const [status] = await other.broker.inspect(["inbox"], { peek: 10 });
        const messages = status?.messages ?? [];
        assert.deepEqual(
          messages.map((one) => one.message.id),
          idsOf([held, high, normal, low, later]),
        );
        assert.deepEqual(
          messages.map((one) => one.state),
          ["held", "ready", "ready", "ready", "delayed"],
        );
        assert.deepEqual(
          messages.map((one) => one.attempt),
          [1, 0, 0, 0, 0],
        );
        assert.deepEqual(messages[1]?.message, high);
        assert.equal(messages[0]?.instance, "holder");
        assert.equal(typeof messages[0]?.offeredAt, "number");
        assert.deepEqual(
          messages.map((one) => one.priority),
          ["normal", "high", "normal", "low", "normal"],
        );
      }
      const [two] = await other.broker.inspect(["inbox"], { peek: 2 });
      assert.equal(two?.messages?.length, 2);
      taker.credit(5);
      const rest = await taker.take(3);
      assert.deepEqual(
        rest.map((delivery) => [delivery.attempt, delivery.redelivered]),
        [
          [1, false],
          [1, false],
          [1, false],
        ],
      );
    },
  },
  {
    name: "finds where copies of a message wait",
    verifies: ["inbox.find"],
    async run(trial) {
      for (const name of ["a", "b", "c"]) await trial.declare(name);
      await trial.sendMany("a", 100);
      const message = await trial.send(["a", "b"], {}, { fanOut: true });
      const delivery = await (await trial.take("b", { instance: "holder" })).next();
      const other = await trial.connect();
      const found = [...(await other.broker.find(message.id))].sort((x, y) => (x.inbox < y.inbox ? -1 : 1));
      assert.deepEqual(
        found.map((one) => [one.inbox, one.state, one.attempt, one.instance]),
        [
          ["a", "ready", 0, undefined],
          ["b", "held", 1, "holder"],
        ],
      );
      assert.deepEqual(found[0]?.message, message);
      await end(delivery);
      assert.deepEqual(
        (await trial.broker.find(message.id)).map((one) => one.inbox),
        ["a"],
      );
      assert.deepEqual(await trial.broker.find(trial.message().id), []);
    },
  },
];
