import assert from "node:assert/strict";
import { deadLetterKey } from "../../../broker/receipt-log.ts";
import type { DeadLetter } from "../../../message/receipt-record.ts";
import type { ConformanceCase } from "../suite.ts";
import { end } from "./taker.ts";
import type { BrokerTrial } from "./trial.ts";

/** One message for several inboxes. */
export const fanOutCases: readonly ConformanceCase<BrokerTrial>[] = [
  {
    name: "gives each recipient a copy of one id, acknowledged on its own",
    verifies: ["fan-out.copies", "receipt.ends"],
    async run(trial) {
      for (const name of ["a", "b", "c"]) await trial.declare(name);
      const message = await trial.send(["a", "b", "c"], {}, { fanOut: true });
      const first = await (await trial.take("a")).next();
      const second = await (await trial.take("b")).next();
      assert.deepEqual([first.message.id, second.message.id], [message.id, message.id]);
      assert.equal(await end(first), "settled");
      assert.deepEqual(
        (await trial.ends(message.id)).map((record) => record.recipient),
        ["a"],
      );
      assert.equal((await trial.status("b")).held, 1);
      assert.equal((await trial.status("c")).waiting, 1);
      assert.equal(await end(second), "settled");
      assert.deepEqual((await trial.ends(message.id)).map((record) => record.recipient).sort(), ["a", "b"]);
    },
  },
  {
    name: "ends only the copy whose inbox is full",
    verifies: ["fan-out.full", "dead-letter.kept"],
    async run(trial) {
      await trial.declare("full", { capacity: 1 });
      await trial.declare("free");
      await trial.send("full");
      const message = trial.message();
      const { copies } = await trial.accept({ message, to: ["full", "free"], fanOut: true });
      assert.deepEqual(copies, [
        { inbox: "full", state: "dead-lettered" },
        { inbox: "free", state: "accepted" },
      ]);
      assert.equal((await (await trial.take("free")).next()).message.id, message.id);
      const record = await trial.ended(message);
      assert.equal(record.end, "dead-lettered");
      assert.equal(record.recipient, "full");
      assert.equal(record.reason, "INBOX_FULL");
      const kept = (await trial.store.get(deadLetterKey("full", message.id)))?.value as DeadLetter<unknown>;
      assert.equal(kept.code, "INBOX_FULL");
      assert.equal((await trial.status("full")).waiting, 1);
    },
  },
];
