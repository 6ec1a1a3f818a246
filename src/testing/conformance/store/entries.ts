import assert from "node:assert/strict";
import type { ConformanceCase } from "../suite.ts";
import type { StoreTrial } from "./trial.ts";

/** Reading, writing, comparing, expiring. */
export const entryCases: readonly ConformanceCase<StoreTrial>[] = [
  {
    name: "reads back what was written, in any process, and keeps it from later changes of the object",
    verifies: ["store.read"],
    async run({ store }) {
      const value = { text: "ä\u0000\u{1f680}", list: [1, 0.1, null, true, ""], nested: { a: { b: [{}] } } };
      await store.put("state/a", value);
      value.list.push(2);
      const entry = await store.get("state/a");
      assert.deepEqual(entry?.value, { ...value, list: [1, 0.1, null, true, ""] });
      assert.equal(entry?.key, "state/a");
      assert.equal(entry?.expiresAt, undefined);
      for (const simple of [null, 0, "", false, [], "x", -1.5e300]) {
        await store.put("state/b", simple);
        assert.deepEqual((await store.get("state/b"))?.value, simple);
      }
      assert.equal(await store.get("state/none"), undefined);
    },
  },
  {
    name: "shows every process the same",
    verifies: ["store.read"],
    async run(trial) {
      const other = await trial.connect();
      await trial.store.put("state/a", 1);
      assert.equal(await trial.value("state/a", other), 1);
      await other.put("state/a", 2);
      assert.equal(await trial.value("state/a"), 2);
      assert.equal(await other.delete("state/a"), true);
      assert.equal(await trial.store.get("state/a"), undefined);
      assert.equal(await trial.store.delete("state/a"), false);
    },
  },
  {
    name: "treats keys as plain text, whatever characters they have",
    verifies: ["store.read", "store.list"],
    async run({ store }) {
      const keys = [
        "s/100%",
        "s/100_",
        "s/1000",
        "s/a*b",
        "s/a?b",
        "s/[x]",
        "s/ä",
        "s/'q'",
        "s/A",
        "s/a",
        "s/\\",
        "s/$reply.1",
      ];
      for (const key of keys) await store.put(key, key);
      for (const key of keys) assert.equal((await store.get(key))?.value, key);
      assert.deepEqual(
        (await store.list("s/100%")).map((entry) => entry.key),
        ["s/100%"],
      );
      assert.deepEqual(
        (await store.list("s/100_")).map((entry) => entry.key),
        ["s/100_"],
      );
      assert.deepEqual(
        (await store.list("s/a")).map((entry) => entry.key),
        ["s/a", "s/a*b", "s/a?b"],
      );
      assert.equal((await store.list("s/")).length, keys.length);
    },
  },
  {
    name: "writes only at the expected revision",
    verifies: ["store.compare"],
    async run({ store }) {
      const first = await store.put("state/a", 1, { ifRevision: 0 });
      assert.ok(first !== undefined && first > 0);
      assert.equal(await store.put("state/a", 2, { ifRevision: 0 }), undefined);
      assert.equal((await store.get("state/a"))?.revision, first);
      const second = await store.put("state/a", 3, { ifRevision: first, relaxed: true });
      assert.ok(second !== undefined && second > first);
      assert.equal(await store.put("state/a", 4, { ifRevision: first }), undefined);
      assert.equal(await store.delete("state/a", { ifRevision: first }), false);
      assert.equal((await store.get("state/a"))?.value, 3);
      assert.equal(await store.delete("state/a", { ifRevision: second }), true);
      assert.equal(await store.put("state/a", 5, { ifRevision: second }), undefined);
      assert.ok(await store.put("state/a", 6, { ifRevision: 0 }));
    },
  },
  {
    name: "lets one of many concurrent writers win, and loses no increment",
    verifies: ["store.compare"],
    async run(trial) {
      const stores = [trial.store, await trial.connect(), await trial.connect()];
      const wins = await Promise.all(
        stores.flatMap((store) => [1, 2, 3].map((n) => store.put("lock/a", n, { ifRevision: 0 }))),
      );
      assert.equal(wins.filter((revision) => revision !== undefined).length, 1);
      const increment = async (store: StoreTrial["store"]): Promise<void> => {
        for (let done = 0; done < 10; ) {
          const entry = await store.get("count/a");
          const next = ((entry?.value as number | undefined) ?? 0) + 1;
          if ((await store.put("count/a", next, { ifRevision: entry?.revision ?? 0 })) !== undefined) done++;
        }
      };
      await Promise.all(stores.map(increment));
      assert.equal(await trial.value("count/a"), 30);
    },
  },
  {
    name: "gives growing revisions, per bucket and never twice, deletions included",
    verifies: ["store.revision"],
    async run({ store }) {
      assert.equal(await store.revision("a"), 0);
      const seen: number[] = [];
      for (let round = 0; round < 3; round++) {
        const revision = await store.put("a/x", round);
        assert.ok(revision !== undefined);
        seen.push(revision);
        assert.equal(await store.revision("a"), revision);
        await store.put("b/x", round);
        await store.put("ab/x", round);
        assert.equal(await store.revision("a"), revision, "another bucket does not count");
        await store.delete("a/x");
        seen.push(await store.revision("a"));
        await store.delete("a/x");
        assert.equal(await store.revision("a"), seen.at(-1), "deleting nothing changes nothing");
      }
      assert.deepEqual(
        seen,
        [...new Set(seen)].sort((x, y) => x - y),
      );
    },
  },
  {
    name: "lets a value vanish after its time to live, for all that ask",
    verifies: ["store.expire"],
    async run(trial) {
      const { store } = trial;
      const before = trial.now();
      await store.put("p/brief", 1, { ttl: 400 });
      await store.put("p/lasting", 1, { ttl: 600_000 });
      await store.put("p/renewed", 1, { ttl: 400 });
      await store.put("p/renewed", 2);
      const entry = await store.get("p/brief");
      assert.ok(entry?.expiresAt !== undefined && entry.expiresAt >= before + 399);
      await trial.until("it has vanished", async () => (await store.get("p/brief")) === undefined);
      assert.ok(trial.now() >= entry.expiresAt, "not before its time");
      assert.deepEqual(
        (await store.list("p/")).map((one) => one.key),
        ["p/lasting", "p/renewed"],
      );
      assert.equal(await store.delete("p/brief"), false);
      assert.ok(await store.put("p/brief", 2, { ifRevision: 0 }), "a vanished key counts as absent");
    },
  },
];
