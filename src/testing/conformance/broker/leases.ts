import assert from "node:assert/strict";
import type { ConformanceCase } from "../suite.ts";
import { end, endAll, idsOf } from "./taker.ts";
import type { BrokerTrial } from "./trial.ts";

const LEASE = 300;

/** Who may work on a delivery, and for how long. */
export const leaseCases: readonly ConformanceCase<BrokerTrial>[] = [
  {
    name: "gives what a silent holder had to another when the lease lapses, marked",
    verifies: ["lease.lapse", "G4", "G7"],
    async run(trial) {
      await trial.declare("inbox");
      const message = await trial.send("inbox");
      const other = await trial.connect();
      const silent = await trial.take("inbox", { renew: false, lease: LEASE, credit: 1, instance: "silent" });
      const first = await silent.next();
      const offeredAt = trial.now();
      const second = await (await trial.take("inbox", { broker: other.broker, instance: "second" })).next();
      assert.ok(trial.now() - offeredAt >= LEASE * 0.9, "not before the lease lapsed");
      assert.equal(second.message.id, message.id);
      assert.equal(first.attempt, 1);
      assert.equal(second.attempt, 2);
      assert.equal(second.redelivered, true);
      await trial.until("the old holder is told", () => silent.revoked.length > 0);
      assert.deepEqual(silent.revoked, [{ id: message.id, why: "lease-lost" }]);
    },
  },
  {
    name: "lets only the holder of the lease settle",
    verifies: ["lease.fence", "G12", "G5"],
    async run(trial) {
      await trial.declare("inbox");
      const message = await trial.send("inbox");
      const other = await trial.connect();
      const silent = await trial.take("inbox", { renew: false, lease: LEASE, credit: 1 });
      const first = await silent.next();
      const taker = await trial.take("inbox", { broker: other.broker });
      const second = await taker.next();
      assert.equal(await end(first, { end: "dead-lettered", reason: "late" }), "lost");
      assert.equal(await first.settle({ outcome: "retry", delay: 0 }), "lost");
      assert.equal(await first.settle({ outcome: "release" }), "lost");
      assert.equal(await first.extend(60_000), false);
      assert.equal((await trial.ends(message.id)).length, 0, "the late settle wrote nothing");
      assert.equal((await trial.status("inbox")).held, 1);
      assert.equal(await end(second), "settled");
      assert.equal(await end(first), "lost");
      assert.equal((await trial.ended(message)).end, "acknowledged");
      await taker.nothing();
    },
  },
  {
    name: "stays fenced when the same consumer gets the message again",
    verifies: ["lease.fence", "G12"],
    async run(trial) {
      await trial.declare("inbox");
      const message = await trial.send("inbox");
      const taker = await trial.take("inbox", { renew: false, lease: LEASE });
      const first = await taker.next();
      const second = await taker.next();
      assert.equal(await end(first), "lost");
      assert.equal(second.attempt, 2);
      assert.equal(await end(second), "settled");
      assert.equal((await trial.ended(message)).attempt, 2);
    },
  },
  {
    name: "keeps a lease that its holder renews or extends",
    verifies: ["lease.renew", "G12"],
    async run(trial) {
      await trial.declare("inbox");
      await trial.sendMany("inbox", 2);
      const renewing = await trial.take("inbox", { renew: true, lease: 3 * LEASE, credit: 1 });
      const renewed = await renewing.next();
      const extending = await trial.take("inbox", { renew: false, lease: 3 * LEASE, credit: 1 });
      const extended = await extending.next();
      const [renewedUntil, extendedUntil] = [renewed.leaseEnds, extended.leaseEnds];
      assert.ok(extendedUntil !== undefined, "a lease that nobody renews ends");
      assert.equal(await extended.extend(60_000), true);
      assert.ok((extended.leaseEnds ?? 0) - extendedUntil >= 60_000 - 3 * LEASE, "it says when it ends now");
      const other = await trial.connect();
      const waiting = await trial.take("inbox", { broker: other.broker });
      await trial.pass(5 * LEASE);
      await waiting.nothing();
      if (renewedUntil !== undefined) assert.ok((renewed.leaseEnds ?? 0) > renewedUntil, "it was made longer");
      assert.equal(await end(renewed), "settled");
      assert.equal(await end(extended), "settled");
      assert.equal(await extended.extend(1_000), false);
    },
  },
  {
    name: "puts a lapsed message back into its old place",
    verifies: ["lease.lapse", "G8"],
    async run(trial) {
      await trial.declare("inbox");
      const [first, second, third] = await trial.sendMany("inbox", 3);
      const silent = await trial.take("inbox", { renew: false, lease: LEASE, credit: 1 });
      await silent.next();
      await trial.until("the lease lapses", async () => (await trial.status("inbox")).held === 0);
      const taker = await trial.take("inbox");
      await taker.take(3);
      assert.deepEqual(taker.ids, [first?.id, second?.id, third?.id]);
      assert.deepEqual(
        taker.given.map((delivery) => delivery.redelivered),
        [true, false, false],
      );
    },
  },
  {
    name: "lets others flow past a message that two holders have lost, and hands that out though its consumer is never idle",
    verifies: ["lease.suspect"],
    async run(trial) {
      await trial.declare("inbox");
      await trial.send("inbox");
      const busy = await trial.take("inbox", { credit: 1, lease: 3 * LEASE });
      const open = [await busy.next()];
      const suspect = await trial.send("inbox");
      const silent = await trial.take("inbox", { renew: false, lease: LEASE, credit: 1 });
      await trial.until("it was lost once", () => silent.revoked.length === 1);
      silent.credit(1);
      await trial.until("it was lost twice", () => silent.revoked.length === 2);

      const others = await trial.sendMany("inbox", 3);
      busy.credit(1_000);
      await trial.until("the others are handed out", () => others.every(({ id }) => busy.ids.includes(id)));
      // From now on it holds something whenever anything is left to be handed out.
      for (let seen = 1; !busy.ids.includes(suspect.id); ) {
        assert.ok(busy.given.length < 150, "it is not passed over for ever");
        await trial.send("inbox");
        await trial.pass(LEASE / 10);
        await busy.consumer.tried();
        const fresh = busy.given.slice(seen);
        seen = busy.given.length;
        await endAll(open.splice(0));
        open.push(...fresh);
      }
      const again = busy.given.find(({ message }) => message.id === suspect.id);
      assert.deepEqual([again?.attempt, again?.redelivered], [3, true]);
    },
  },
  {
    name: "gives what a dead holder had to another, marked: within `leaseLoss`, or when the lease lapses",
    needs: "kill",
    verifies: ["lease.lapse", "lease.fence", "G4", "G7"],
    async run(trial) {
      await trial.declare("inbox");
      const message = await trial.send("inbox");
      const dying = await trial.connect();
      // Where death is seen, the lease is longer than the case would wait.
      const lease = trial.broker.capabilities.leaseLoss === undefined ? LEASE : 600_000;
      const first = await (await trial.take("inbox", { broker: dying.broker, lease })).next();
      await trial.kill(dying);
      const second = await (await trial.take("inbox")).next();
      assert.equal(second.message.id, message.id);
      assert.deepEqual([second.attempt, second.redelivered], [2, true]);
      assert.notEqual(await end(first).catch(() => "failed"), "settled");
      assert.equal(await end(second), "settled");
      assert.equal((await trial.ended(message)).attempt, 2);
    },
  },
  {
    name: "lets another exclusive consumer take over from a dead one, beginning with what that held",
    needs: "kill",
    verifies: ["order.exclusive", "lease.lapse"],
    async run(trial) {
      await trial.declare("inbox");
      const dying = await trial.connect();
      const lease = trial.broker.capabilities.leaseLoss === undefined ? LEASE : 600_000;
      const active = await trial.take("inbox", { exclusive: true, broker: dying.broker, credit: 2, lease });
      const messages = await trial.sendMany("inbox", 4);
      await active.take(2);
      const standby = await trial.take("inbox", { exclusive: true });
      await standby.nothing();
      await trial.kill(dying);
      assert.deepEqual(idsOf(await standby.take(4)), idsOf(messages));
    },
  },
];
