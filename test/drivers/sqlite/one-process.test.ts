import { execFile } from "node:child_process";
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Consumer, Delivery } from "../../../src/broker/consumer.ts";
import type { DriverEvent } from "../../../src/broker/driver.ts";
import { systemClock } from "../../../src/internal/clock.ts";
import { type Envelope, PRIORITIES } from "../../../src/message/envelope.ts";
import { IdGenerator } from "../../../src/message/id.ts";
import { openDatabase } from "../../support/database-file.ts";
import { acknowledge, Collected, message, type SqliteDriver, until, Workbench } from "./setup.ts";

describe("the sqlite driver in one process", () => {
  let bench: Workbench;

  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.dispose());

  async function publish({ broker }: SqliteDriver, messages: readonly Envelope[]): Promise<void> {
    for (const result of await broker.publish(messages.map((one) => ({ message: one, to: ["inbox"] }))))
      expect(result.status).toBe("accepted");
  }

  async function consume({ broker }: SqliteDriver, collected: Collected, credit = 100): Promise<Consumer> {
    const consumer = await broker.consume("inbox", {
      instance: "one",
      lease: 30_000,
      renew: true,
      onDeliveries: collected.take,
      onRevoked: collected.revoke,
    });
    consumer.credit(credit);
    await consumer.tried();
    return consumer;
  }

  const ids = (deliveries: readonly Delivery[]): string[] => deliveries.map((delivery) => delivery.message.id);
  const keyed = (id: string, orderKey: string): Envelope => message(id, { orderKey });

  it("hands out nothing of a transaction that was undone in the place of what came after it", async () => {
    const driver = await bench.open();
    await driver.broker.declareInbox({ name: "inbox" });
    const collected = new Collected();
    const consumer = await consume(driver, collected);
    const file = openDatabase(bench.path);
    file.exec(`CREATE TRIGGER refuse BEFORE INSERT ON ready WHEN NEW.id = 'refused'
      BEGIN SELECT RAISE(ABORT, 'refused'); END`);
    file.close();
    // It is known again that nothing else waits.
    await publish(driver, [message("first")]);
    await consumer.tried();
    const batch = ["undone", "refused"].map((id) => ({ message: message(id), to: ["inbox"] }));
    expect((await driver.broker.publish(batch)).map(({ status }) => status)).toEqual(["failed", "failed"]);
    await publish(driver, [message("accepted")]);
    await consumer.tried();
    expect(collected.deliveries.map(({ message: { id, payload } }) => [id, payload])).toEqual([
      ["first", { text: "first" }],
      ["accepted", { text: "accepted" }],
    ]);
  });

  it("finds a message by its id in a long inbox, also one that was moved behind the others", async () => {
    const driver = await bench.open();
    await driver.broker.declareInbox({ name: "inbox" });
    const made = new IdGenerator({ clock: systemClock });
    const sent = Array.from({ length: 6_000 }, (_, at) => message(made.next(), { priority: PRIORITIES[at % 5]! }));
    await publish(driver, sent);
    const collected = new Collected();
    const consumer = await consume(driver, collected, 1);
    const [first] = collected.deliveries;
    consumer.credit(0);
    await first?.settle({ outcome: "retry", delay: 0 });
    const moved = first?.message.id ?? "";
    expect(await driver.broker.find(moved)).toMatchObject([{ inbox: "inbox", attempt: 1, state: "ready" }]);
    for (const place of [1, 2, 2_999, 5_999]) {
      const id = sent[place]?.id ?? "";
      expect(await driver.broker.find(id)).toMatchObject([{ message: { id } }]);
      expect(await driver.broker.cancel("inbox", { id }, "withdrawn")).toEqual({ ended: 1, held: 0 });
      expect(await driver.broker.find(id)).toEqual([]);
    }
    expect(await driver.broker.cancel("inbox", { id: moved }, "withdrawn")).toEqual({ ended: 1, held: 0 });
    expect((await driver.broker.inspect(["inbox"]))[0]).toMatchObject({ waiting: 5_995, ended: { withdrawn: 5 } });
  });

  describe("order keys", () => {
    it("keep the messages of one key one after the other, and let other keys pass", async () => {
      const driver = await bench.open();
      await driver.broker.declareInbox({ name: "inbox" });
      await publish(driver, [keyed("a1", "a"), keyed("a2", "a"), keyed("b1", "b"), keyed("a3", "a"), message("free")]);
      const collected = new Collected();
      await consume(driver, collected);
      expect(collected.ids).toEqual(["a1", "b1", "free"]);
      await acknowledge(collected.deliveries[0]!);
      await collected.reach(4);
      expect(collected.ids.slice(3)).toEqual(["a2"]);
    });

    it("hold while a message waits for its next attempt, which comes first", async () => {
      const driver = await bench.open();
      await driver.broker.declareInbox({ name: "inbox" });
      await publish(driver, [keyed("a1", "a"), keyed("a2", "a")]);
      const collected = new Collected();
      const consumer = await consume(driver, collected);
      await collected.deliveries[0]!.settle({ outcome: "retry", delay: 200 });
      await consumer.tried();
      expect(collected.ids).toEqual(["a1"]);
      await collected.reach(2);
      expect(collected.ids).toEqual(["a1", "a1"]);
      await collected.deliveries[1]!.settle({ outcome: "retry", delay: 0 });
      await collected.reach(3);
      expect(collected.deliveries[2]).toMatchObject({ attempt: 3, message: { id: "a1" } });
      await acknowledge(collected.deliveries[2]!);
      await collected.reach(4);
      expect(collected.ids.at(-1)).toBe("a2");
    });

    it("hold over several processes", async () => {
      const one = await bench.open("one");
      const two = await bench.open("two");
      await one.broker.declareInbox({ name: "inbox" });
      await publish(one, [keyed("a1", "a"), keyed("a2", "a"), keyed("b1", "b")]);
      const first = new Collected();
      await consume(one, first, 1);
      expect(first.ids).toEqual(["a1"]);
      const second = new Collected();
      const consumer = await consume(two, second);
      await consumer.tried();
      expect(second.ids).toEqual(["b1"]);
      await acknowledge(first.deliveries[0]!);
      await second.reach(2);
      expect(second.ids).toEqual(["b1", "a2"]);
    });
  });

  it("takes a held copy away when a pulled lease runs out, and tells the holder", async () => {
    const driver = await bench.open();
    await driver.broker.declareInbox({ name: "inbox" });
    await publish(driver, [message("a")]);
    const collected = new Collected();
    const consumer = await driver.broker.consume("inbox", {
      instance: "one",
      lease: 150,
      renew: false,
      onDeliveries: collected.take,
      onRevoked: collected.revoke,
    });
    consumer.credit(2);
    await collected.reach(2);
    expect(collected.deliveries.map(({ attempt, redelivered }) => [attempt, redelivered])).toEqual([
      [1, false],
      [2, true],
    ]);
    expect(collected.revoked).toEqual([{ id: "a", why: "lease-lost" }]);
    expect(await acknowledge(collected.deliveries[0]!)).toBe("lost");
    expect(await collected.deliveries[1]!.extend(10_000)).toBe(true);
    expect(await acknowledge(collected.deliveries[1]!)).toBe("settled");
  });

  it("hands out more than fits one transaction or window, in order", async () => {
    const driver = await bench.open();
    await driver.broker.declareInbox({ name: "inbox" });
    const sent = Array.from({ length: 6000 }, (_, at) => message(`m${at}`));
    const collected = new Collected();
    const consumer = await consume(driver, collected, 0);
    await publish(driver, sent);
    consumer.credit(10_000);
    await consumer.tried();
    expect(collected.ids).toEqual(sent.map(({ id }) => id));
    await Promise.all(collected.deliveries.map(acknowledge));
    expect((await driver.broker.inspect(["inbox"]))[0]).toMatchObject({
      waiting: 0,
      held: 0,
      ended: { acknowledged: 6000 },
    });
  });

  it("goes on when a listener throws, and reports it", async () => {
    const events: DriverEvent[] = [];
    const driver = await bench.open("one", events);
    await driver.broker.declareInbox({ name: "inbox" });
    const consumer = await driver.broker.consume("inbox", {
      instance: "one",
      lease: 30_000,
      renew: true,
      onDeliveries: () => {
        throw new Error("no good");
      },
    });
    consumer.credit(1);
    await publish(driver, [message("a"), message("b")]);
    await until(() => events.some(({ type }) => type === "driver.fault"));
    const collected = new Collected();
    await consume(driver, collected);
    expect(collected.ids).toEqual(["b"]);
  });

  it("delivers the very envelope that was published here", async () => {
    const driver = await bench.open();
    await driver.broker.declareInbox({ name: "inbox" });
    const collected = new Collected();
    await consume(driver, collected);
    const sent = message("a");
    await publish(driver, [sent]);
    const [delivery] = await collected.reach(1);
    expect(delivery!.message).toBe(sent);
  });

  it("keeps scopes on one file apart", async () => {
    const one = await bench.open();
    await one.broker.declareInbox({ name: "inbox" });
    await one.store.put("k/a", 1);
    const { sqliteDriver } = await import("../../../src/drivers/sqlite/index.ts");
    const { systemClock } = await import("../../../src/internal/clock.ts");
    const { jsonCodec } = await import("../../../src/message/codec-json.ts");
    const other = sqliteDriver(`sqlite:${bench.path}`, {
      clock: systemClock,
      codec: jsonCodec,
      scope: "other/default",
      instance: "two",
      report: () => {},
    });
    await other.broker.open();
    bench.onEnd(() => other.broker.close());
    expect(await other.broker.inspect()).toEqual([]);
    await other.store?.open();
    bench.onEnd(async () => other.store?.close());
    expect(await other.store?.get("k/a")).toBeUndefined();
    expect(await other.store?.list("k/")).toEqual([]);
  });

  it("writes nothing while it is idle", async () => {
    const driver = await bench.open();
    await driver.broker.declareInbox({ name: "inbox" });
    await consume(driver, new Collected());
    const written = () => [statSync(bench.path).mtimeMs, statSync(`${bench.path}-wal`).mtimeMs];
    const before = written();
    const end = performance.now() + 1500;
    await until(() => performance.now() > end);
    expect(written()).toEqual(before);
  });

  it("keeps no finished process alive", { timeout: 30_000 }, async () => {
    const script = fileURLToPath(new URL("unclosed-main.ts", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", script, bench.path], {
      timeout: 20_000,
    });
    expect(stdout.trim()).toBe("delivered a");
    // What it held when it ended without taking leave goes to the next one.
    const driver = await bench.open();
    const collected = new Collected();
    await consume(driver, collected);
    expect(ids(await collected.reach(1))).toEqual(["a"]);
    expect(collected.deliveries[0]).toMatchObject({ attempt: 2, redelivered: true });
  });
});
