import { describe, expect, it } from "vitest";
import { DriverHealth } from "../../src/observe/driver-health.ts";
import { EventHub } from "../../src/observe/event-hub.ts";
import { Health } from "../../src/observe/health.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";

describe("health", () => {
  it("is ok, degraded with names, or down with reasons", async () => {
    const health = new Health(new FakeClock());
    health.add("store", () => ({ status: "ok" }));
    expect(await health.report()).toEqual({
      live: true,
      ready: true,
      status: "ok",
      degraded: [],
      parts: [{ name: "store", status: "ok", optional: false }],
    });
    const remove = health.add("search", () => Promise.reject(new Error("no index")), { optional: true });
    expect(await health.report()).toMatchObject({ ready: true, status: "degraded", degraded: ["search"] });
    health.add("broker", () => ({ status: "down", reason: "gone" }));
    const report = await health.report();
    expect(report).toMatchObject({ live: true, ready: false, status: "down", degraded: ["search", "broker"] });
    expect(report.parts[1]).toEqual({ name: "search", status: "down", optional: true, reason: "no index" });
    remove();
    expect((await health.report()).degraded).toEqual(["broker"]);
  });

  it("gives a part that does not answer five seconds", async () => {
    const clock = new FakeClock();
    const health = new Health(clock);
    health.add("store", () => new Promise(() => {}));
    const report = health.report();
    await clock.advance(5_000);
    expect((await report).parts[0]).toMatchObject({ status: "down", reason: "store has not answered for 5000 ms" });
    expect(clock.pending).toBe(0);
  });

  it("follows what a driver reports", () => {
    const events = new EventHub();
    const drivers = new DriverHealth(events);
    const tell = (type: "driver.lost" | "driver.restored" | "driver.fault") =>
      events.emit({ type, at: 1, driver: "sqlite", message: "m" });
    expect(drivers.of("sqlite")).toEqual({ status: "ok" });
    tell("driver.lost");
    expect(drivers.of("sqlite")).toEqual({ status: "down", reason: "m" });
    tell("driver.restored");
    expect(drivers.of("sqlite")).toEqual({ status: "ok" });
    tell("driver.fault");
    expect(drivers.of("sqlite").status).toBe("degraded");
    drivers.close();
    expect(events.active).toBe(false);
  });
});
