import assert from "node:assert/strict";
import type { ConformanceCase } from "../suite.ts";
import type { StoreTrial } from "./trial.ts";

/** Lists and watchers. */
export const listCases: readonly ConformanceCase<StoreTrial>[] = [
  {
    name: "lists by prefix in order, from a key, in both directions, up to a limit",
    verifies: ["store.list"],
    async run({ store }) {
      for (const key of ["l/c", "l/a", "l/b/1", "l/b", "l/d", "m/a", "l"]) await store.put(key, key);
      const keys = async (prefix: string, options = {}): Promise<string[]> =>
        (await store.list(prefix, options)).map((entry) => entry.key);
      assert.deepEqual(await keys("l/"), ["l/a", "l/b", "l/b/1", "l/c", "l/d"]);
      assert.deepEqual(await keys("l/b"), ["l/b", "l/b/1"]);
      assert.deepEqual(await keys("l/", { limit: 2 }), ["l/a", "l/b"]);
      assert.deepEqual(await keys("l/", { after: "l/b", limit: 2 }), ["l/b/1", "l/c"]);
      assert.deepEqual(await keys("l/", { reverse: true, limit: 2 }), ["l/d", "l/c"]);
      assert.deepEqual(await keys("l/", { reverse: true, after: "l/b/1" }), ["l/b", "l/a"]);
      assert.deepEqual(await keys("l/", { reverse: true, after: "l/bb", limit: 2 }), ["l/b/1", "l/b"]);
      assert.deepEqual(await keys("l/", { after: "l/bb" }), ["l/c", "l/d"]);
      assert.deepEqual(await keys("none/"), []);
      const [entry] = await store.list("l/c");
      assert.deepEqual(entry, await store.get("l/c"));
    },
  },
  {
    name: "tells watchers of writes and deletions, in every process, under their prefix only",
    verifies: ["store.watch"],
    async run(trial) {
      const other = await trial.connect();
      const own = trial.watch("w/");
      const others = trial.watch("w/", other);
      const none = trial.watch("v/");
      await trial.store.put("w/kept", { n: 1 });
      await trial.store.put("w/gone", 1);
      await trial.store.delete("w/gone");
      const revision = await other.put("w/other", 3);
      for (const seen of [own, others]) {
        await trial.until(
          "all changes are told",
          () =>
            seen.has("w/kept") && seen.has("w/other") && seen.get("w/gone")?.value === undefined && seen.has("w/gone"),
        );
        assert.deepEqual(seen.get("w/kept")?.value, { n: 1 });
        assert.equal(seen.get("w/other")?.revision, revision);
        assert.equal("value" in (seen.get("w/gone") ?? {}), false, "a deletion has no value");
      }
      assert.equal(none.size, 0);
    },
  },
  {
    name: "tells a burst at least as its last state, and nothing to those who stopped",
    verifies: ["store.watch"],
    async run(trial) {
      const other = await trial.connect();
      const stopped = trial.watch("w/", other);
      const seen = trial.watch("w/", other);
      stopped.stop();
      for (let n = 1; n <= 50; n++) await trial.store.put("w/a", n);
      await trial.until("the last state is told", () => seen.get("w/a")?.value === 50);
      assert.equal(stopped.size, 0);
    },
  },
  {
    name: "goes on telling a watcher that throws, and the others",
    verifies: ["store.watch"],
    async run(trial) {
      const throwing: string[] = [];
      const stop = trial.store.watch("w/", (changes) => {
        throwing.push(...changes.map((change) => change.key));
        throw new Error("a watcher's own fault");
      });
      const seen = trial.watch("w/");
      for (const key of ["w/a", "w/b"]) {
        assert.ok(await trial.store.put(key, 1), "the writer does not notice");
        await trial.until("both are told", () => throwing.includes(key) && seen.has(key));
      }
      stop();
    },
  },
  {
    name: "tells watchers of values that vanish",
    verifies: ["store.watch", "store.expire"],
    async run(trial) {
      const other = await trial.connect();
      const seen = trial.watch("w/", other);
      await trial.store.put("w/a", 1, { ttl: 300 });
      await trial.until("the value is told", () => seen.get("w/a")?.value === 1);
      await trial.until("its end is told", () => seen.has("w/a") && seen.get("w/a")?.value === undefined);
    },
  },
];
