import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { JOURNAL_LOG } from "../../../src/broker/journal-log.ts";
import type { Envelope } from "../../../src/message/envelope.ts";
import type { ConformanceEngine } from "../../../src/testing/conformance/suite.ts";
import { openSqlite } from "./engine.ts";
import { acknowledge, Collected, message, type SqliteDriver } from "./setup.ts";

describe("trimming a journal that has the bodies of what waits", () => {
  let engine: ConformanceEngine;
  let driver: SqliteDriver;
  beforeEach(async () => {
    engine = await openSqlite();
    driver = (await engine.connect({ journal: true })) as SqliteDriver;
    await driver.broker.declareInbox({ name: "inbox" });
  });
  afterEach(async () => {
    await driver.broker.close();
    await driver.store.close();
    await engine.dispose();
  });

  async function publish(prefix: string, count: number, dueAt?: number): Promise<Envelope[]> {
    const messages = Array.from({ length: count }, (_, at) => message(`${prefix}${at}`));
    const due = dueAt === undefined ? {} : { dueAt };
    for (const result of await driver.broker.publish(messages.map((one) => ({ message: one, to: ["inbox"], ...due }))))
      expect(result.status).toBe("accepted");
    return messages;
  }

  async function consume(credit: number): Promise<Collected> {
    const collected = new Collected();
    const consumer = await driver.broker.consume("inbox", {
      instance: "here",
      lease: 30_000,
      renew: true,
      onDeliveries: collected.take,
    });
    consumer.credit(credit);
    return collected;
  }

  it("lets others have their turn between its steps", async () => {
    await publish("m", 1_500);
    const done: string[] = [];
    const trimmed = driver.store.trim(JOURNAL_LOG).then(() => done.push("trimmed"));
    await Promise.all([trimmed, driver.store.put("other/key", 1).then(() => done.push("put"))]);
    expect(done).toEqual(["put", "trimmed"]);
    expect(await driver.store.logs(JOURNAL_LOG)).toEqual([]);
  });

  it("loses nothing that moves between its steps, and keeps what comes meanwhile", async () => {
    // The first step goes through the delayed ones and no further.
    const delayed = await publish("delayed", 7 * 64, Date.now() + 1_500);
    const ready = await publish("ready", 200);
    const first = await consume(100);
    await first.reach(100);
    const trimmed = driver.store.trim(JOURNAL_LOG, { upTo: 1_000_000 });
    const retried = first.deliveries
      .splice(0)
      .map(async (delivery, at) => delivery.settle({ outcome: "retry", delay: at % 2 }));
    const fresh = await publish("fresh", 100);
    await Promise.all([trimmed, ...retried]);
    const kept = (await driver.store.read(JOURNAL_LOG)).flatMap(({ value }) => value as { message?: Envelope }[]);
    expect(kept.flatMap(({ message: one }) => one?.id ?? [])).toEqual(fresh.map(({ id }) => id));

    const all = [...delayed, ...ready, ...fresh];
    const rest = await consume(1_000);
    const given = await rest.reach(all.length);
    const byId = (a: Envelope, b: Envelope): number => a.id.localeCompare(b.id);
    expect(given.map((delivery) => delivery.message).sort(byId)).toEqual(all.sort(byId));
    for (const delivery of given) expect(await acknowledge(delivery)).toBe("settled");
  });
});
