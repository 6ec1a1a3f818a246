import assert from "node:assert/strict";
import type { ConformanceCase } from "../suite.ts";
import { end, idsOf } from "./taker.ts";
import type { BrokerTrial } from "./trial.ts";

/** The end of consumers and connections. */
export const closingCases: readonly ConformanceCase<BrokerTrial>[] = [
  {
    name: "releases what a closing connection holds, at once",
    verifies: ["close.release", "G4"],
    async run(trial) {
      await trial.declare("inbox");
      const ids = idsOf(await trial.sendMany("inbox", 4));
      const leaving = await trial.connect();
      const taker = await trial.take("inbox", { broker: leaving.broker, credit: 2 });
      const held = await taker.take(2);
      const closedAt = trial.now();
      await leaving.broker.close();
      await leaving.broker.close();
      const rest = await trial.take("inbox");
      firstsFirst(trial, { got: idsOf(await rest.take(4)), sent: ids, firsts: 2 });
      assert.ok(trial.now() - closedAt < 10_000, "long before the lease lapses");
      assert.deepEqual(
        rest.given.map((delivery) => delivery.attempt),
        [1, 1, 1, 1],
      );
      for (const delivery of held) {
        const result = await end(delivery).catch(() => "refused");
        assert.notEqual(result, "settled", "a closed connection settles nothing");
      }
      assert.equal((await trial.status("inbox")).ended.acknowledged, 0);
    },
  },
  {
    name: "lets a closed consumer settle what it holds, and gives it nothing new",
    verifies: ["close.drain"],
    async run(trial) {
      await trial.declare("inbox");
      await trial.sendMany("inbox", 2);
      const taker = await trial.take("inbox", { credit: 1 });
      const held = await taker.next();
      await taker.close();
      taker.credit(10);
      const next = await trial.take("inbox");
      await next.next();
      await next.nothing();
      assert.equal(taker.given.length, 1);
      assert.equal((await trial.status("inbox")).held, 2);
      assert.equal(await end(held), "settled");
      assert.equal((await trial.status("inbox")).consumers, 1);
    },
  },
  {
    name: "releases what a closing consumer holds, where asked",
    verifies: ["close.release"],
    async run(trial) {
      await trial.declare("inbox");
      const ids = idsOf(await trial.sendMany("inbox", 3));
      const taker = await trial.take("inbox", { credit: 2 });
      const held = await taker.take(2);
      await taker.close({ release: true });
      assert.equal((await trial.status("inbox")).held, 0);
      for (const delivery of held) assert.notEqual(await end(delivery), "settled");
      const next = await trial.take("inbox");
      firstsFirst(trial, { got: idsOf(await next.take(3)), sent: ids, firsts: 2 });
      assert.deepEqual(
        next.given.map((delivery) => delivery.attempt),
        [1, 1, 1],
      );
    },
  },
  {
    name: "keeps messages while nobody is connected",
    verifies: ["durable.reopen", "G1"],
    async run(trial) {
      await trial.declare("inbox", { capacity: 7 });
      const sent = await trial.sendMany("inbox", 5);
      const taker = await trial.take("inbox", { credit: 2 });
      const [first] = await taker.take(2);
      assert.ok(first);
      await end(first);
      await trial.broker.close();
      await trial.store.close();
      const later = await trial.connect();
      const rest = await trial.take("inbox", { broker: later.broker });
      assert.deepEqual(idsOf(await rest.take(4)), idsOf(sent).slice(1));
      const status = await trial.status("inbox", later.broker);
      assert.deepEqual([status.accepted, status.ended.acknowledged, status.capacity], [5, 1, 7]);
      assert.equal((await trial.ends(first.message.id, later.store)).length, 1);
    },
  },
];

/** What was given back comes first, and in its old order where the driver keeps places. */
function firstsFirst(
  trial: BrokerTrial,
  { got, sent, firsts }: { readonly got: string[]; readonly sent: readonly string[]; readonly firsts: number },
): void {
  if (!trial.broker.capabilities.releasesInPlace) {
    assert.deepEqual(got.splice(0, firsts).sort(), sent.slice(0, firsts).sort());
    assert.deepEqual(got, sent.slice(firsts));
  } else assert.deepEqual(got, sent);
}
