import { describe, expect, it } from "vitest";
import type { InboxStatus } from "../../src/broker/inbox.ts";
import { EventHub } from "../../src/observe/event-hub.ts";
import { accounting, MessageStats } from "../../src/observe/stats.ts";

const none = { acknowledged: 0, expired: 0, "dead-lettered": 0, superseded: 0, withdrawn: 0, dropped: 0 };

describe("statistics", () => {
  it("count messages by type and outcome", () => {
    const events = new EventHub();
    const stats = new MessageStats(events);
    const about = { at: 1, id: "m", message: "greet", from: "bob", conversation: "m", recipient: "ada", attempt: 1 };
    events.emit({ ...about, type: "message.accepted", recipients: ["ada"] });
    events.emit({ ...about, type: "message.offered" });
    events.emit({ ...about, type: "message.retried", delay: 1, code: "X", reason: "r" });
    events.emit({ ...about, type: "message.progress", fraction: 0.5 });
    events.emit({ ...about, type: "message.acknowledged", duration: 7 });
    events.emit({ ...about, type: "message.dead-lettered", code: "X", reason: "r" });
    events.emit({ ...about, type: "message.late", message: "other" });
    events.emit({ type: "agent.joined", at: 1, agent: "ada", instance: "i" });
    events.emit({ type: "driver.fault", at: 1, driver: "memory", message: "greet" });
    expect(stats.byType()).toEqual({
      greet: {
        accepted: 1,
        duplicate: 0,
        unrouted: 0,
        skipped: 0,
        late: 0,
        offered: 1,
        retried: 1,
        handling: 7,
        ended: { ...none, acknowledged: 1, "dead-lettered": 1 },
      },
      other: {
        accepted: 0,
        duplicate: 0,
        unrouted: 0,
        skipped: 0,
        late: 1,
        offered: 0,
        retried: 0,
        handling: 0,
        ended: none,
      },
    });
    stats.close();
    expect(events.active).toBe(false);
  });

  it("stay bounded when types are made up", () => {
    const events = new EventHub();
    const stats = new MessageStats(events);
    for (let at = 0; at < 10_010; at++)
      events.emit({ type: "message.unrouted", at: 1, id: "m", message: `t${at}`, from: "bob", conversation: "m" });
    expect(Object.keys(stats.byType())).toHaveLength(10_001);
    expect(stats.byType()["(others)"]?.unrouted).toBe(10);
  });

  it("add inboxes up and say whether they balance", () => {
    const inbox = (accepted: number, waiting: number, acknowledged: number): InboxStatus => ({
      name: "i",
      capacity: 1,
      overflow: "reject",
      paused: false,
      waiting,
      held: 0,
      delayed: 0,
      accepted,
      ended: { ...none, acknowledged },
      consumers: 0,
    });
    expect(accounting([inbox(5, 2, 3), inbox(1, 0, 1)])).toEqual({
      accepted: 6,
      waiting: 2,
      ended: { ...none, acknowledged: 4 },
      balanced: true,
    });
    expect(accounting([inbox(5, 2, 2)]).balanced).toBe(false);
  });
});
