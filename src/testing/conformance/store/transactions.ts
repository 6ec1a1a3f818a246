import assert from "node:assert/strict";
import type { ConformanceCase } from "../suite.ts";
import type { StoreTrial } from "./trial.ts";

/** Several steps as one. */
export const transactionCases: readonly ConformanceCase<StoreTrial>[] = [
  {
    name: "does all steps of a transaction",
    verifies: ["store.transaction"],
    async run(trial) {
      const revision = await trial.store.put("t/old", 1);
      assert.ok(revision !== undefined);
      const other = await trial.connect();
      const seen = trial.watch("t/", other);
      const done = await trial.store.transaction([
        { put: "t/new", value: { n: 1 }, ifRevision: 0 },
        { put: "t/brief", value: 1, ttl: 600_000 },
        { delete: "t/old", ifRevision: revision },
        { append: "log/t", values: ["a", "b"] },
      ]);
      assert.equal(done, true);
      assert.deepEqual(await trial.value("t/new", other), { n: 1 });
      assert.ok((await other.get("t/brief"))?.expiresAt);
      assert.equal(await other.get("t/old"), undefined);
      assert.deepEqual(await trial.values("log/t", other), ["a", "b"]);
      await trial.until("watchers are told", () => seen.has("t/new") && seen.has("t/old"));
    },
  },
  {
    name: "does nothing when one step's revision does not hold, wherever it stands",
    verifies: ["store.transaction", "store.compare"],
    async run(trial) {
      const { store } = trial;
      await store.put("t/a", 1);
      const before = await store.revision("t");
      const steps = [
        { put: "t/a", value: 2 },
        { append: "log/t", values: [1] },
        { delete: "t/a" },
        { put: "t/b", value: 1, ifRevision: 999_999 },
      ] as const;
      assert.equal(await store.transaction(steps), false);
      assert.equal(await store.transaction([...steps].reverse()), false);
      assert.equal(
        await store.transaction([
          { append: "log/t", values: [1] },
          { delete: "t/a", ifRevision: before + 1 },
        ]),
        false,
      );
      assert.equal(await trial.value("t/a"), 1);
      assert.equal(await store.get("t/b"), undefined);
      assert.deepEqual(await store.read("log/t"), []);
      assert.equal(await store.revision("t"), before);
    },
  },
  {
    name: "lets one of two conflicting transactions win",
    verifies: ["store.transaction", "store.compare"],
    async run(trial) {
      const other = await trial.connect();
      const results = await Promise.all(
        [trial.store, other].map((store, n) =>
          store.transaction([
            { put: "t/owner", value: n, ifRevision: 0 },
            { append: "log/t", values: [n] },
          ]),
        ),
      );
      assert.deepEqual([...results].sort(), [false, true]);
      assert.deepEqual(await trial.values("log/t"), [results.indexOf(true)]);
    },
  },
];
