import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Delivery } from "../../../src/broker/consumer.ts";
import type { Driver, DriverEvent } from "../../../src/broker/driver.ts";
import { sqliteDriver } from "../../../src/drivers/sqlite/index.ts";
import { systemClock } from "../../../src/internal/clock.ts";
import { jsonCodec } from "../../../src/message/codec-json.ts";
import type { Envelope } from "../../../src/message/envelope.ts";
import type { Store } from "../../../src/store/store.ts";

/** A driver of this engine, which always has a store. */
export type SqliteDriver = Driver & { readonly store: Store };

/** A driver on a file, not yet open; its events go into `events`. */
export function driverOn(path: string, instance = "one", events: DriverEvent[] = []): SqliteDriver {
  const report = (event: DriverEvent): void => void events.push(event);
  return sqliteDriver(`sqlite:${path}`, {
    clock: systemClock,
    codec: jsonCodec,
    scope: "test/default",
    instance,
    report,
  }) as SqliteDriver;
}

/** A plain message. */
export function message(id: string, fields: Partial<Envelope> = {}): Envelope {
  return {
    v: 1,
    id,
    type: "test.note",
    version: 1,
    from: "sender",
    priority: "normal",
    createdAt: Date.now(),
    conversationId: id,
    headers: {},
    payload: { text: id },
    ...fields,
  };
}

/** Deliveries as they come, with a way to wait for them. */
export class Collected {
  readonly deliveries: Delivery[] = [];
  readonly revoked: { readonly id: string; readonly why: string }[] = [];
  #waiting: (() => void)[] = [];

  readonly take = (deliveries: readonly Delivery[]): void => {
    this.deliveries.push(...deliveries);
    for (const resolve of this.#waiting.splice(0)) resolve();
  };

  readonly revoke = (delivery: Delivery, why: string): void => {
    this.revoked.push({ id: delivery.message.id, why });
  };

  get ids(): string[] {
    return this.deliveries.map((delivery) => delivery.message.id);
  }

  /** Resolves when so many have come in all. */
  async reach(count: number): Promise<Delivery[]> {
    while (this.deliveries.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.deliveries;
  }
}

/** Acknowledges a delivery. */
export async function acknowledge(delivery: Delivery): Promise<string> {
  const { id } = delivery.message;
  const record = {
    id,
    recipient: delivery.inbox,
    end: "acknowledged",
    at: Date.now(),
    attempt: delivery.attempt,
  } as const;
  return delivery.settle({ outcome: "end", record });
}

/** Resolves when a condition holds, looking every few milliseconds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A folder that is removed at the end, and everything to be closed before. */
export class Workbench {
  readonly folder = mkdtempSync(join(tmpdir(), "agentwire-sqlite-"));
  readonly path = join(this.folder, "bus.db");
  readonly #cleanups: (() => Promise<unknown>)[] = [];

  /** Remembers something to close. */
  onEnd(cleanup: () => Promise<unknown>): void {
    this.#cleanups.push(cleanup);
  }

  /** An open driver on the file. */
  async open(instance = "one", events: DriverEvent[] = []): Promise<SqliteDriver> {
    const driver = driverOn(this.path, instance, events);
    await driver.broker.open();
    await driver.store.open();
    this.onEnd(async () => {
      await driver.broker.close();
      await driver.store.close();
    });
    return driver;
  }

  async dispose(): Promise<void> {
    for (const cleanup of this.#cleanups.reverse()) await cleanup();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
