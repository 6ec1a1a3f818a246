import assert from "node:assert/strict";
import { deadLetterKey } from "../../../broker/receipt-log.ts";
import type { ConformanceCase } from "../suite.ts";
import { recordOf } from "./taker.ts";
import type { BrokerTrial } from "./trial.ts";

/** Messages published together with a settle. */
export const emitCases: readonly ConformanceCase<BrokerTrial>[] = [
  {
    name: "publishes what a settle emits, in order, and leaves out unknown inboxes",
    verifies: ["settle.emit"],
    async run(trial) {
      await trial.declare("inbox");
      await trial.declare("$reply.1");
      await trial.send("inbox");
      const delivery = await (await trial.take("inbox")).next();
      const [reply, second, lost] = [
        trial.message({ from: "inbox", inReplyTo: delivery.message.id }),
        trial.message(),
        trial.message(),
      ];
      const emit = [
        { message: reply, to: ["$reply.1"] },
        { message: lost, to: ["$reply.gone"] },
        { message: second, to: ["$reply.gone", "$reply.1"], fanOut: true },
      ];
      assert.equal(await delivery.settle({ outcome: "end", record: recordOf(delivery), emit }), "settled");
      const taker = await trial.take("$reply.1");
      const [first, next] = await taker.take(2);
      assert.deepEqual(first?.message, reply);
      assert.equal(next?.message.id, second.id);
      await taker.nothing();
    },
  },
  {
    name: "dead-letters what a settle emits to a full inbox, and ends the delivery all the same",
    verifies: ["settle.emit", "dead-letter.kept", "receipt.ends"],
    async run(trial) {
      await trial.declare("inbox");
      await trial.declare("full", { capacity: 1 });
      await trial.send("full");
      const handled = await trial.send("inbox");
      const delivery = await (await trial.take("inbox")).next();
      const emitted = trial.message();
      assert.equal(
        await delivery.settle({
          outcome: "end",
          record: recordOf(delivery),
          emit: [{ message: emitted, to: ["full"] }],
        }),
        "settled",
      );
      assert.equal((await trial.ended(handled)).end, "acknowledged");
      const record = await trial.ended(emitted);
      assert.deepEqual([record.end, record.reason, record.recipient], ["dead-lettered", "INBOX_FULL", "full"]);
    },
  },
  {
    name: "emits nothing with a settle that did nothing",
    verifies: ["settle.emit", "lease.fence", "settle.once"],
    async run(trial) {
      await trial.declare("inbox");
      await trial.declare("reply");
      await trial.send("inbox");
      const silent = await trial.take("inbox", { renew: false, lease: 300, credit: 1 });
      const late = await silent.next();
      const second = await (await trial.take("inbox")).next();
      const emit = () => [{ message: trial.message(), to: ["reply"] }];
      assert.equal(await late.settle({ outcome: "end", record: recordOf(late), emit: emit() }), "lost");
      assert.equal(await second.settle({ outcome: "end", record: recordOf(second), emit: emit() }), "settled");
      assert.equal(await second.settle({ outcome: "end", record: recordOf(second), emit: emit() }), "already");
      assert.equal((await trial.status("reply")).accepted, 1);
    },
  },
  {
    name: "shows a record only together with its dead letter and what was emitted",
    verifies: ["settle.atomic"],
    async run(trial) {
      await trial.declare("inbox");
      await trial.declare("reply");
      const other = await trial.connect();
      const taker = await trial.take("inbox");
      for (let round = 1; round <= 10; round++) {
        const message = await trial.send("inbox");
        const delivery = await taker.next();
        const { inbox } = delivery;
        const record = recordOf(delivery, { end: "dead-lettered", reason: "E" });
        const deadLetter = { message, recipient: inbox, code: "E", reason: "no", at: record.at, attempts: [] };
        const emit = [{ message: trial.message(), to: ["reply"] }];
        const settled = Promise.resolve(delivery.settle({ outcome: "end", record, deadLetter, emit }));
        // Its failure counts when it is awaited.
        settled.catch(() => {});
        await trial.until("its record is there", async () => (await trial.ends(message.id, other.store)).length > 0);
        assert.equal((await trial.status("reply", other.broker)).accepted, round, "what was emitted is there by then");
        assert.ok(await other.store.get(deadLetterKey(inbox, message.id)), "so is the dead letter");
        assert.equal(await settled, "settled");
      }
    },
  },
];
