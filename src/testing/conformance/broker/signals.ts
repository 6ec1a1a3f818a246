import assert from "node:assert/strict";
import type { BrokerCapabilities } from "../../../broker/capabilities.ts";
import type { GuaranteeId } from "../../guarantees.ts";
import type { ConformanceCase } from "../suite.ts";
import type { BrokerTrial } from "./trial.ts";

/** Signals, and what a driver tells of itself. */
export const signalCases: readonly ConformanceCase<BrokerTrial>[] = [
  {
    name: "carries a signal to all who listen to its topic, this process included",
    verifies: ["signal.reach"],
    async run(trial) {
      const other = await trial.connect();
      const heard: string[] = [];
      trial.broker.onSignal("topic", (data) => heard.push(`own ${JSON.stringify(data)}`));
      other.broker.onSignal("topic", (data) => heard.push(`other ${JSON.stringify(data)}`));
      other.broker.onSignal("elsewhere", () => heard.push("elsewhere"));
      // Signals may be lost, so they are repeated until both have heard one.
      await trial.until("both have heard", () => {
        trial.broker.signal("topic", { n: [1, "zwei"] });
        return new Set(heard).size >= 2;
      });
      assert.deepEqual([...new Set(heard)].sort(), ['other {"n":[1,"zwei"]}', 'own {"n":[1,"zwei"]}']);
    },
  },
  {
    name: "tells nobody who stopped listening, and survives a listener that throws",
    verifies: ["signal.reach"],
    async run(trial) {
      let stopped = 0;
      let others = 0;
      trial.broker.onSignal("topic", () => {
        throw new Error("a listener's own fault");
      });
      const stop = trial.broker.onSignal("topic", () => stopped++);
      trial.broker.onSignal("topic", () => others++);
      stop();
      stop();
      trial.broker.signal("topic", null);
      await trial.until("the other listener has heard", () => others > 0);
      assert.equal(stopped, 0);
    },
  },
  {
    name: "signals nothing once closed, and throws nothing either",
    verifies: ["signal.reach"],
    async run(trial) {
      const other = await trial.connect();
      const heard: unknown[] = [];
      other.broker.onSignal("topic", (data) => heard.push(data));
      await other.broker.close();
      other.broker.signal("topic", 1);
      let control = 0;
      trial.broker.onSignal("topic", () => control++);
      trial.broker.signal("topic", 2);
      await trial.until("the signal went round", () => control > 0);
      assert.deepEqual(heard, []);
    },
  },
  {
    name: "reports its durability class, and how it was found out",
    verifies: ["G15"],
    async run(trial) {
      const { durability, driver } = trial.broker.capabilities;
      assert.ok(["none", "process", "power", "replicated"].includes(durability.class));
      assert.ok(durability.reason.length > 10, "says why");
      assert.ok(driver.length > 0);
    },
  },
  {
    name: "declares what it lacks alike in its capabilities and in its gaps",
    verifies: ["capability.declared"],
    async run(trial) {
      const { capabilities } = trial.broker;
      for (const [name, id] of Object.entries(PROVEN_BY))
        assert.equal(capabilities[name as keyof typeof PROVEN_BY], !trial.gaps.has(id), `${name} goes with ${id}`);
      const { leaseLoss } = capabilities;
      assert.ok(leaseLoss === undefined || (Number.isFinite(leaseLoss) && leaseLoss > 0), "leaseLoss is a time");
    },
  },
];

/** What a driver with the capability keeps, and one without it declares as a gap. */
const PROVEN_BY = {
  atomicSettle: "settle.atomic",
  transactionalRouting: "route.stale",
  peek: "inbox.peek",
  selective: "take.selective",
  cancelWaiting: "cancel.waiting",
  sharedAging: "aging.shared",
  keyLocks: "order.key",
  releasesInPlace: "order.release",
  limits: "inbox.limit",
} as const satisfies Partial<Record<keyof BrokerCapabilities, GuaranteeId>>;
