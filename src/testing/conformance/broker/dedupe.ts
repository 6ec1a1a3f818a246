import assert from "node:assert/strict";
import type { ConformanceCase } from "../suite.ts";
import { end } from "./taker.ts";
import type { BrokerTrial } from "./trial.ts";

const dedupe = { key: "k-1", fingerprint: "f", window: 600_000 };

/** Sends repeated under one key. */
export const dedupeCases: readonly ConformanceCase<BrokerTrial>[] = [
  {
    name: "stores a repeated key once and answers the first result, in any process, also after the first has ended",
    verifies: ["G11"],
    async run(trial) {
      await trial.declare("a");
      await trial.declare("b");
      const first = await trial.accept({ message: trial.message(), to: ["a", "b"], fanOut: true, dedupe });
      assert.equal(first.duplicate, false);
      const other = await trial.connect();
      for (const broker of [trial.broker, other.broker]) {
        const again = await trial.accept({ message: trial.message(), to: ["a"], dedupe }, broker);
        assert.deepEqual(again, { ...first, duplicate: true });
      }
      const taker = await trial.take("a");
      await end(await taker.next());
      assert.equal((await trial.accept({ message: trial.message(), to: ["a"], dedupe })).duplicate, true);
      await taker.nothing();
      assert.deepEqual([(await trial.status("a")).accepted, (await trial.status("b")).accepted], [1, 1]);
    },
  },
  {
    name: "finds doubles within one batch",
    verifies: ["G11"],
    async run(trial) {
      await trial.declare("inbox");
      const results = await trial.broker.publish([
        { message: trial.message(), to: ["inbox"], dedupe },
        { message: trial.message(), to: ["inbox"], dedupe },
        { message: trial.message(), to: ["inbox"], dedupe: { ...dedupe, fingerprint: "g" } },
      ]);
      assert.deepEqual(
        results.map((result) => (result.status === "accepted" ? result.duplicate : result.status)),
        [false, true, "failed"],
      );
      assert.equal((await trial.status("inbox")).accepted, 1);
    },
  },
  {
    name: "refuses a key repeated with another payload",
    verifies: ["G11", "G3"],
    async run(trial) {
      await trial.declare("inbox");
      await trial.accept({ message: trial.message(), to: ["inbox"], dedupe });
      await trial.refuse(
        { message: trial.message(), to: ["inbox"], dedupe: { ...dedupe, fingerprint: "g" } },
        "ID_CONFLICT",
      );
      assert.equal((await trial.status("inbox")).accepted, 1);
    },
  },
  {
    name: "keeps the keys of two senders apart",
    verifies: ["dedupe.sender"],
    async run(trial) {
      await trial.declare("inbox");
      for (const from of ["one", "two"]) {
        assert.equal(
          (await trial.accept({ message: trial.message({ from }), to: ["inbox"], dedupe })).duplicate,
          false,
        );
      }
      assert.equal((await trial.status("inbox")).accepted, 2);
    },
  },
  {
    name: "frees a key after its window",
    verifies: ["dedupe.window"],
    async run(trial) {
      await trial.declare("inbox");
      const brief = { ...dedupe, window: 400 };
      await trial.accept({ message: trial.message(), to: ["inbox"], dedupe: brief });
      await trial.until(
        "the key is free again",
        async () => !(await trial.accept({ message: trial.message(), to: ["inbox"], dedupe: brief })).duplicate,
      );
      assert.equal((await trial.status("inbox")).accepted, 2);
    },
  },
  {
    name: "does not remember a key whose message was not stored",
    verifies: ["G11", "G3"],
    async run(trial) {
      await trial.refuse({ message: trial.message(), to: ["inbox"], dedupe }, "AGENT_NOT_FOUND");
      await trial.declare("inbox");
      assert.equal((await trial.accept({ message: trial.message(), to: ["inbox"], dedupe })).duplicate, false);
    },
  },
  {
    name: "takes equal messages without a key as different ones",
    verifies: ["dedupe.content"],
    async run(trial) {
      await trial.declare("inbox");
      for (let round = 0; round < 3; round++) await trial.send("inbox", { payload: { same: true } });
      assert.equal((await trial.status("inbox")).accepted, 3);
    },
  },
];
