import assert from "node:assert/strict";
import type { ConformanceCase } from "../suite.ts";
import type { BrokerTrial } from "./trial.ts";

/** Decisions made while publishing. */
export const routingCases: readonly ConformanceCase<BrokerTrial>[] = [
  {
    name: "picks the least loaded candidate, the earlier one in a tie, and spreads a burst",
    verifies: ["route.pick"],
    async run(trial) {
      for (const name of ["busy", "wide", "free"]) await trial.declare(name);
      await trial.sendMany("busy", 3);
      const pick = [
        { inbox: "busy", concurrency: 1 },
        { inbox: "wide", concurrency: 2 },
        { inbox: "free", concurrency: 1 },
      ];
      const batch = Array.from({ length: 6 }, () => ({ message: trial.message(), to: { pick } }));
      const results = await trial.broker.publish(batch);
      const picked = results.map((result) =>
        result.status === "accepted" ? result.copies.map((copy) => copy.inbox).join() : result.status,
      );
      // Loads before each: 3/0/0, 3/.5/0, 3/.5/1, 3/1/1, 3/1.5/1, 3/1.5/2.
      assert.deepEqual(picked, ["wide", "free", "wide", "wide", "free", "wide"]);
      assert.equal((await trial.status("wide")).waiting, 4);
    },
  },
  {
    name: "counts what is held as load, and refuses when no candidate exists",
    verifies: ["route.pick", "send.unknown"],
    async run(trial) {
      await trial.declare("a");
      await trial.declare("b");
      await trial.send("a");
      await (await trial.take("a")).next();
      const { copies } = await trial.accept({
        message: trial.message(),
        to: {
          pick: [
            { inbox: "a", concurrency: 1 },
            { inbox: "b", concurrency: 1 },
          ],
        },
      });
      assert.deepEqual(copies, [{ inbox: "b", state: "accepted" }]);
      await trial.refuse(
        { message: trial.message(), to: { pick: [{ inbox: "gone", concurrency: 1 }] } },
        "AGENT_NOT_FOUND",
      );
    },
  },
  {
    name: "refuses recipients decided at an old revision of the registry, and stores nothing",
    verifies: ["route.stale"],
    async run(trial) {
      await trial.declare("inbox");
      await trial.store.put("registry/agents/a", { name: "a" });
      const routedAt = await trial.store.revision("registry");
      await trial.store.put("elsewhere/x", 1);
      assert.equal((await trial.publish({ message: trial.message(), to: ["inbox"], routedAt })).status, "accepted");
      const other = await trial.connect();
      await other.store.put("registry/agents/b", { name: "b" });
      assert.deepEqual(await trial.publish({ message: trial.message(), to: ["inbox"], routedAt }), { status: "stale" });
      assert.equal((await trial.status("inbox")).accepted, 1);
      const fresh = await trial.store.revision("registry");
      assert.equal(
        (await trial.publish({ message: trial.message(), to: ["inbox"], routedAt: fresh })).status,
        "accepted",
      );
    },
  },
];
