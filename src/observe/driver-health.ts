import type { DriverEvent } from "../broker/driver.ts";
import type { EventHub } from "./event-hub.ts";
import type { PartHealth } from "./health.ts";

/** How a driver is doing, from what it reported last. */
export class DriverHealth {
  readonly #found = new Map<string, PartHealth>();
  readonly #stops: (() => void)[];

  constructor(events: EventHub) {
    const set =
      (status: PartHealth["status"]) =>
      (event: DriverEvent): void => {
        this.#found.set(event.driver, status === "ok" ? { status } : { status, reason: event.message });
      };
    this.#stops = [
      events.on("driver.opened", set("ok")),
      events.on("driver.restored", set("ok")),
      events.on("driver.repaired", set("ok")),
      events.on("driver.lost", set("down")),
      events.on("driver.closed", set("down")),
      events.on("driver.fault", set("degraded")),
      events.on("driver.quarantined", set("degraded")),
    ];
  }

  /** A driver that has reported nothing is well. */
  of(driver: string): PartHealth {
    return this.#found.get(driver) ?? { status: "ok" };
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }
}
