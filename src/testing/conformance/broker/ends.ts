import assert from "node:assert/strict";
import type { Broker } from "../../../broker/broker.ts";
import { receiptsIn } from "../../../broker/packed-receipts.ts";
import { DEAD_LETTER_PREFIX, deadLetterKey, RECEIPT_SIGNAL, receiptLog } from "../../../broker/receipt-log.ts";
import type { DeadLetter, ReceiptRecord } from "../../../message/receipt-record.ts";
import type { ConformanceCase } from "../suite.ts";
import { end, giveUp, recordOf } from "./taker.ts";
import type { BrokerTrial } from "./trial.ts";

/** Listens for records; resolves once signals reach the listener. */
async function hearRecords(
  trial: BrokerTrial,
  broker: Broker,
  listener: (record: ReceiptRecord) => void,
): Promise<void> {
  let isHeard = false;
  broker.onSignal(RECEIPT_SIGNAL, (data) => {
    isHeard = true;
    for (const record of data as ReceiptRecord[]) listener(record);
  });
  await trial.until("signals of records are heard", () => {
    trial.broker.signal(RECEIPT_SIGNAL, []);
    return isHeard;
  });
}

/** Records of ends, and dead letters. */
export const endCases: readonly ConformanceCase<BrokerTrial>[] = [
  {
    name: "writes the holder's record to the log of the message's minute, for any process to read",
    verifies: ["receipt.ends"],
    async run(trial) {
      await trial.declare("inbox");
      const message = await trial.send("inbox");
      const delivery = await (await trial.take("inbox")).next();
      const record = recordOf(delivery, { reply: { n: 1 }, instance: "me" });
      await delivery.settle({ outcome: "end", record });
      const other = await trial.connect();
      const entries = await other.store.read(receiptLog(message.id));
      assert.ok(
        entries.every((entry) => receiptsIn(entry.value).length > 0),
        "an entry is an array of records, or packed ones",
      );
      assert.deepEqual(await trial.ends(message.id, other.store), [record]);
      assert.ok((await other.store.logs("receipts/")).includes(receiptLog(message.id)));
    },
  },
  {
    name: "signals records to those who listen, in other processes too, once they can be read",
    verifies: ["receipt.signal", "receipt.ends"],
    async run(trial) {
      await trial.declare("inbox");
      const other = await trial.connect();
      const heard: string[] = [];
      await hearRecords(trial, other.broker, (record) => heard.push(`${record.id} ${record.end}`));
      const taker = await trial.take("inbox");
      const acknowledged = await trial.send("inbox");
      await end(await taker.next());
      taker.credit(0);
      const withdrawn = await trial.send("inbox", {}, { dueAt: trial.now() + 600_000 });
      await trial.broker.cancel("inbox", { id: withdrawn.id }, "withdrawn");
      const expected = [`${acknowledged.id} acknowledged`, `${withdrawn.id} withdrawn`];
      await trial.until("both ends are heard", () => expected.every((one) => heard.includes(one)));
      assert.equal(heard.length, 2);
      assert.equal((await trial.ends(withdrawn.id, other.store)).length, 1);
    },
  },
  {
    name: "signals every record of a step that ends several messages",
    verifies: ["receipt.signal"],
    async run(trial) {
      await trial.declare("inbox");
      const other = await trial.connect();
      const heard = new Set<string>();
      await hearRecords(trial, other.broker, (record) => heard.add(record.id));
      const messages = await trial.sendMany("inbox", 5);
      await trial.broker.cancel("inbox", { all: true }, "dropped");
      await trial.until("all ends are heard", () => messages.every((message) => heard.has(message.id)));
    },
  },
  {
    name: "tells in the record who held the message last, and how often it was handed off",
    verifies: ["receipt.ends"],
    async run(trial) {
      await trial.declare("inbox");
      const message = await trial.send("inbox");
      const taker = await trial.take("inbox", { instance: "first", credit: 1 });
      const delivery = await taker.next();
      await delivery.settle({ outcome: "retry", delay: 600_000 });
      await trial.broker.cancel("inbox", { id: message.id }, "withdrawn");
      const record = await trial.ended(message);
      assert.deepEqual(
        [record.end, record.attempt, record.instance, record.offeredAt],
        ["withdrawn", 1, "first", delivery.offeredAt],
      );
    },
  },
  {
    name: "keeps a dead letter with the message, the reason and every failed attempt",
    verifies: ["dead-letter.kept", "receipt.ends"],
    async run(trial) {
      await trial.declare("inbox");
      const message = await trial.send("inbox", { payload: { card: 1 } });
      const taker = await trial.take("inbox");
      const failure = { attempt: 1, at: 5, instance: "taker", code: "HANDLER_FAILED", message: "no" };
      await (await taker.next()).settle({ outcome: "retry", delay: 0, failure });
      assert.equal(await giveUp(await taker.next(), "HANDLER_FAILED", "it broke"), "settled");
      const other = await trial.connect();
      const kept = (await other.store.get(deadLetterKey("inbox", message.id)))?.value as DeadLetter<unknown>;
      assert.deepEqual(kept.message, message);
      assert.deepEqual([kept.recipient, kept.code, kept.reason], ["inbox", "HANDLER_FAILED", "it broke"]);
      assert.deepEqual(kept.attempts, [failure]);
      assert.equal((await trial.ended(message)).end, "dead-lettered");
      assert.equal((await trial.status("inbox")).ended["dead-lettered"], 1);
    },
  },
  {
    name: "sends a refused message to the dead letters of its recipients, and to no handler",
    verifies: ["send.refused", "dead-letter.kept", "receipt.account"],
    async run(trial) {
      await trial.declare("a");
      await trial.declare("b");
      const taker = await trial.take("a");
      const message = trial.message();
      const refused = { code: "NO_HANDLER", reason: "a does not take it" };
      const { copies } = await trial.accept({ message, to: ["a", "b"], fanOut: true, refused });
      assert.deepEqual(
        copies.map((copy) => copy.state),
        ["dead-lettered", "dead-lettered"],
      );
      await taker.nothing();
      const ends = await trial.ends(message.id);
      assert.deepEqual(ends.map((record) => [record.recipient, record.end, record.reason, record.attempt]).sort(), [
        ["a", "dead-lettered", "NO_HANDLER", 0],
        ["b", "dead-lettered", "NO_HANDLER", 0],
      ]);
      const letters = await trial.store.list(DEAD_LETTER_PREFIX);
      assert.deepEqual(
        letters.map((entry) => entry.key),
        [deadLetterKey("a", message.id), deadLetterKey("b", message.id)],
      );
      const kept = letters[0]?.value as DeadLetter<unknown>;
      assert.deepEqual([kept.code, kept.reason, kept.attempts], ["NO_HANDLER", "a does not take it", []]);
      const status = await trial.status("a");
      assert.deepEqual([status.accepted, status.waiting, status.ended["dead-lettered"]], [1, 0, 1]);
    },
  },
];
