import assert from "node:assert/strict";
import type { ConformanceCase } from "../suite.ts";
import type { StoreTrial } from "./trial.ts";

/** Append-only logs. */
export const logCases: readonly ConformanceCase<StoreTrial>[] = [
  {
    name: "keeps the order of appending over processes, and reads from any position",
    verifies: ["store.log"],
    async run(trial) {
      const other = await trial.connect();
      assert.deepEqual(await trial.store.read("log/none"), []);
      for (let n = 0; n < 20; n += 2) await (n % 4 ? other : trial.store).append("log/a", [{ n }, { n: n + 1 }]);
      await trial.store.append("log/b", ["other"]);
      const entries = await other.read("log/a");
      assert.deepEqual(
        entries.map((entry) => entry.value),
        Array.from({ length: 20 }, (_, n) => ({ n })),
      );
      assert.ok(
        entries.every((entry, at) => at === 0 || entry.position > (entries[at - 1]?.position ?? 0)),
        "positions grow",
      );
      assert.ok((entries[0]?.position ?? 0) > 0, "position 0 is before the first entry");
      const part = await trial.store.read("log/a", { after: entries[4]?.position ?? 0, limit: 3 });
      assert.deepEqual(part, entries.slice(5, 8));
      assert.deepEqual(await trial.store.read("log/a", { after: entries.at(-1)?.position ?? 0 }), []);
    },
  },
  {
    name: "reads everything once, page by page, while more is appended",
    verifies: ["store.log"],
    async run(trial) {
      const other = await trial.connect();
      let next = 0;
      const append = async (): Promise<void> => {
        await Promise.all([trial.store.append("log/a", [next++, next++]), other.append("log/a", [next++])]);
      };
      for (let round = 0; round < 20; round++) await append();
      const before = next;
      const read: number[] = [];
      for (let after = 0; ; ) {
        const page = await trial.store.read("log/a", { after, limit: 7 });
        if (page.length === 0) break;
        assert.ok((page[0]?.position ?? 0) > after, "a page begins after the position asked for");
        read.push(...page.map((entry) => entry.value as number));
        after = page.at(-1)?.position ?? after;
        if (next < before + 30) await append();
      }
      assert.deepEqual(
        [...read].sort((a, b) => a - b),
        Array.from({ length: next }, (_, n) => n),
      );
      assert.deepEqual(await trial.values("log/a"), read, "the order is the same for all who read");
    },
  },
  {
    name: "keeps all entries of a long log, each once and in order",
    verifies: ["G13"],
    async run({ store }) {
      for (let n = 0; n < 15; n++)
        await store.append(
          "log/a",
          Array.from({ length: 1_000 }, (_, at) => n * 1_000 + at),
        );
      const first = await store.read("log/a", { limit: 10_000 });
      const rest = await store.read("log/a", { after: first.at(-1)?.position ?? 0, limit: 10_000 });
      assert.deepEqual(
        [...first, ...rest].map((entry) => entry.value),
        Array.from({ length: 15_000 }, (_, n) => n),
      );
      assert.equal((await store.read("log/a")).length, 1_000);
    },
  },
  {
    name: "names the logs by prefix, in order",
    verifies: ["store.log"],
    async run({ store }) {
      for (const log of ["x/b", "x/a", "x/c/1", "y/a"]) await store.append(log, [1]);
      assert.deepEqual(await store.logs("x/"), ["x/a", "x/b", "x/c/1"]);
      assert.deepEqual(await store.logs("z/"), []);
    },
  },
  {
    name: "trims up to a position or altogether, and never uses a position twice",
    verifies: ["store.trim", "store.log"],
    async run({ store }) {
      await store.append("log/a", [0, 1, 2, 3, 4]);
      const entries = await store.read("log/a");
      await store.trim("log/a", { upTo: entries[1]?.position ?? 0 });
      assert.deepEqual(await store.read("log/a"), entries.slice(2));
      const last = entries.at(-1)?.position ?? 0;
      await store.trim("log/a");
      assert.deepEqual(await store.read("log/a"), []);
      assert.deepEqual(await store.logs("log/"), []);
      await store.trim("log/none");
      await store.append("log/a", ["new"]);
      assert.deepEqual(
        (await store.read("log/a", { after: last })).map((entry) => entry.value),
        ["new"],
      );
    },
  },
];
