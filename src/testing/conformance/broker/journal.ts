import assert from "node:assert/strict";
import { JOURNAL_LOG, type JournaledMessage } from "../../../broker/journal-log.ts";
import { type JournaledHandOffs, type ReadHandOff, unpackHandOffs } from "../../../broker/journaled-hand-offs.ts";
import type { Store } from "../../../store/store.ts";
import type { ConformanceCase } from "../suite.ts";
import { end, recordOf } from "./taker.ts";
import type { BrokerTrial } from "./trial.ts";

/** What the driver itself keeps where its context asks for a journal. */
export const journalCases: readonly ConformanceCase<BrokerTrial>[] = [
  {
    name: "keeps what was accepted, whole, once, with its recipients, when the publish has resolved",
    verifies: ["history.journal"],
    async run(trial) {
      const { broker, store } = await trial.connect({ journal: true });
      for (const inbox of ["a", "b"]) await trial.declare(inbox);
      const message = trial.message({ payload: { text: '],"message":{' }, channel: "news" });
      const delayed = trial.message();
      const dueAt = trial.now() + 60_000;
      const dedupe = { key: "k", fingerprint: "f", window: 60_000 };
      await broker.publish([
        { message, to: ["a", "b"], fanOut: true, dedupe },
        { message: trial.message(), to: ["nobody"] },
        { message: delayed, to: ["a"], dueAt },
      ]);
      await trial.accept({ message: trial.message(), to: ["a"], dedupe }, broker);
      assert.deepEqual(
        (await messagesIn(store)).map(({ at: _, ...entry }) => entry),
        [
          { kind: "message", message, recipients: ["a", "b"] },
          { kind: "message", message: delayed, recipients: ["a"], dueAt },
        ],
      );
      const refused = trial.message();
      await trial.accept({ message: refused, to: ["a"], refused: { code: "NO_HANDLER", reason: "no" } }, broker);
      assert.deepEqual((await messagesIn(store)).at(-1)?.message, refused);
    },
  },
  {
    name: "keeps every hand-off that is over, behind its message, and what a settle emitted",
    verifies: ["history.journal"],
    async run(trial) {
      const { broker, store } = await trial.connect({ journal: true });
      for (const inbox of ["a", "b"]) await trial.declare(inbox);
      const message = trial.message({ causationId: "cause", conversationId: "talk", channel: "news" });
      await broker.publish([{ message, to: ["a"] }]);
      const taker = await trial.take("a", { broker });
      const first = await taker.next();
      await first.settle({ outcome: "retry", delay: 0 });
      const second = await taker.next();
      const reply = trial.message({ inReplyTo: message.id });
      const record = recordOf(second);
      await second.settle({ outcome: "end", record, emit: [{ message: reply, to: ["b"] }] });
      const about = {
        id: message.id,
        message: message.type,
        from: message.from,
        conversation: "talk",
        cause: "cause",
        channel: "news",
        recipient: "a",
        instance: "taker",
      };
      assert.deepEqual(
        (await handOffsIn(store)).map(({ at: _, ...rest }) => rest),
        [
          { ...about, attempt: 1, offeredAt: first.offeredAt, acknowledged: false },
          { ...about, attempt: 2, offeredAt: second.offeredAt, acknowledged: true },
        ],
      );
      assert.equal((await handOffsIn(store)).at(-1)?.at, record.at);
      assert.deepEqual(
        (await messagesIn(store)).map((entry) => [entry.message, entry.recipients]),
        [
          [message, ["a"]],
          [reply, ["b"]],
        ],
      );
      const kinds = (await entriesIn(store)).map((entry) => entry.kind);
      assert.ok(kinds.indexOf("message") < kinds.indexOf("hand-offs"));
    },
  },
  {
    name: "hands out what waits when the journal no longer has it, in other processes too",
    verifies: ["history.journal"],
    async run(trial) {
      const { broker, store } = await trial.connect({ journal: true });
      await trial.declare("a");
      const ready = trial.message({ payload: { text: 'é]],"message":\u{1F600}' } });
      const delayed = trial.message();
      await broker.publish([
        { message: ready, to: ["a"] },
        { message: delayed, to: ["a"], dueAt: trial.now() + 50 },
      ]);
      await store.trim(JOURNAL_LOG);
      assert.deepEqual(await messagesIn(store), []);
      await trial.accept({ message: trial.message(), to: ["a"] }, broker);
      assert.equal((await messagesIn(store)).length, 1);
      const taker = await trial.take("a");
      const given = await taker.next();
      assert.deepEqual(given.message, ready);
      await end(given);
      await trial.pass(60);
      // On a slow engine the delayed one was due before the last was accepted.
      const rest = await taker.take(2);
      assert.deepEqual(rest.find(({ message }) => message.id === delayed.id)?.message, delayed);
    },
  },
  {
    name: "keeps nothing for those who did not ask",
    verifies: ["history.journal"],
    async run(trial) {
      const { store } = await trial.connect();
      await trial.declare("a");
      await trial.send("a");
      await end(await (await trial.take("a")).next());
      assert.deepEqual(await entriesIn(store), []);
    },
  },
];

async function entriesIn(store: Store): Promise<(JournaledMessage | JournaledHandOffs)[]> {
  const values = await store.read(JOURNAL_LOG, { limit: 10_000 });
  return values.flatMap(({ value }) => value as (JournaledMessage | JournaledHandOffs)[]);
}

async function messagesIn(store: Store): Promise<JournaledMessage[]> {
  return (await entriesIn(store)).filter((entry) => entry.kind === "message");
}

async function handOffsIn(store: Store): Promise<ReadHandOff[]> {
  return (await entriesIn(store)).flatMap((entry) => (entry.kind === "hand-offs" ? unpackHandOffs(entry) : []));
}
