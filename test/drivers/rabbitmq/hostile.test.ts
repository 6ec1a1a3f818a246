import { gzipSync } from "node:zlib";
import { type ConfirmChannel, connect, type Options } from "amqplib";
import { afterEach, describe, expect, it } from "vitest";
import type { Delivery } from "../../../src/broker/consumer.ts";
import type { DriverEvent } from "../../../src/broker/driver.ts";
import { MemoryEngine } from "../../../src/drivers/memory/index.ts";
import { systemClock } from "../../../src/internal/clock.ts";
import type { Priority } from "../../../src/message/envelope.ts";
import { failure } from "../../support/buses.ts";
import { acknowledge, idsOf, message, send, taking, until } from "../../support/deliveries.ts";
import { describeWithServers } from "../../support/servers.ts";
import { freshScope, openDriver, type RabbitmqDriver } from "./engine.ts";

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
}, 30_000);

/** A bus on a server, and a program that does to its queues what it likes. */
interface Victim {
  readonly driver: RabbitmqDriver;
  readonly events: DriverEvent[];
  /** Another process of the same bus. */
  beside(): Promise<RabbitmqDriver>;
  queue(inbox: string, priority?: Priority): string;
  /** A channel of the program, on a connection of its own. */
  channel(): Promise<ConfirmChannel>;
}

async function victim(url: string): Promise<Victim> {
  const scope = freshScope();
  const events: DriverEvent[] = [];
  const state = new MemoryEngine(systemClock);
  const open = async (): Promise<RabbitmqDriver> => {
    const opened = await openDriver(url, state, { context: { scope }, events });
    closing.push(async () => {
      await opened.broker.close();
      await opened.store.close();
    });
    return opened;
  };
  const driver = await open();
  for (const name of ["ann", "bob"]) await driver.broker.declareInbox({ name });
  return {
    driver,
    events,
    beside: open,
    queue: (inbox, priority = "normal") => `agentwire/${scope}/${inbox}/${priority}`,
    channel: async () => {
      const program = await connect(url);
      closing.push(() => program.close().catch(() => {}));
      return program.createConfirmChannel();
    },
  };
}

/** How the server ends the channel on which a program publishes something. */
async function refusalOf(
  channel: ConfirmChannel,
  queue: string,
  about: Options.Publish & { readonly body?: Buffer },
): Promise<unknown> {
  const refused = new Promise((resolve) => channel.once("error", resolve));
  channel.publish("", queue, about.body ?? Buffer.from(JSON.stringify(message())), about);
  return refused;
}

const faultsIn = (events: readonly DriverEvent[]): DriverEvent[] =>
  events.filter(({ type }) => type === "driver.fault");
const cutsIn = (events: readonly DriverEvent[]): DriverEvent[] => events.filter(({ type }) => type === "driver.lost");

describeWithServers("rabbitmq", "what other programs do to the queues of a bus", (start) => {
  let url: Promise<string> | undefined;
  const shared = (): Promise<string> => (url ??= start().then((server) => server.url));

  describe("B58 by what they send", () => {
    it("puts what cannot be read among the dead letters, whatever it is, and goes on", {
      timeout: 60_000,
    }, async () => {
      const { driver, events, queue, channel } = await victim(await shared());
      const { given } = await taking(driver.broker, "ann");
      const program = await channel();
      const texts = [
        Buffer.from("no JSON {"),
        Buffer.from(JSON.stringify({ ...message(), id: undefined })),
        // What is no UTF-8 must not be mended into another text.
        Buffer.concat([
          Buffer.from(JSON.stringify(message({ payload: "" })).slice(0, -2)),
          Buffer.from([0xff, 0x22, 0x7d]),
        ]),
        gzipSync(JSON.stringify(message())),
        Buffer.from("[".repeat(100_000)),
        Buffer.from(`{"id":"large","type":"x","payload":"${"x".repeat(50 * 1024 * 1024)}`),
      ];
      for (const text of texts)
        program.sendToQueue(queue("ann"), text, { contentEncoding: "gzip", contentType: "text/odd" });
      await program.waitForConfirms();
      await until(async () => (await driver.broker.inspect(["ann"]))[0]?.ended["dead-lettered"] === texts.length);
      await until(async () => (await driver.store.list("dead-letters/ann/")).length === texts.length);
      for (const { value } of await driver.store.list("dead-letters/ann/")) {
        expect(["DECODE_FAILED", "ENVELOPE_INVALID"]).toContain((value as { code: string }).code);
        expect(JSON.stringify(value).length).toBeLessThan(200_000);
      }
      const ids = await send(driver.broker, "ann", 1);
      await until(() => given.length === 1);
      expect(idsOf(given)).toEqual(ids);
      expect([faultsIn(events), cutsIn(events)]).toEqual([[], []]);
    });

    it("takes a message for what its body says, whatever its properties claim", async () => {
      const { driver, events, queue, channel } = await victim(await shared());
      const { given } = await taking(driver.broker, "ann");
      const program = await channel();
      const claims: readonly Options.Publish[] = [
        {},
        { contentType: "application/msgpack" },
        { contentType: "image/png", contentEncoding: "utf-16", type: "x", appId: "agentwire" },
        { priority: 255, messageId: "same" },
        { priority: 255, messageId: "same" },
        { headers: { "x-delivery-count": 1_000_000, "x-death": [{ count: 1_000_000, reason: "rejected" }] } },
        { headers: { "agentwire-head": '{"a":"1","f":7}' }, messageId: "AAAAAAAAAAAA.-1" },
        { headers: { "agentwire-head": "null" }, messageId: "AAAAAAAAAAAA.zzzzzzzzzzzzzz" },
      ];
      const sent = claims.map(() => message());
      for (const [at, claim] of claims.entries())
        program.sendToQueue(queue("ann"), Buffer.from(JSON.stringify(sent[at])), claim);
      await program.waitForConfirms();
      await until(() => given.length === sent.length);
      expect(given.map(({ message: { id }, attempt, redelivered }) => [id, attempt, redelivered])).toEqual(
        sent.map(({ id }) => [id, 1, false]),
      );
      await given[5]?.settle({ outcome: "retry", delay: 0 });
      await until(() => given.length > sent.length);
      expect(given.at(-1)?.attempt).toBe(2);
      for (const delivery of given.filter((_, at) => at !== 5)) expect(await acknowledge(delivery)).toBe("settled");
      await until(async () => (await driver.broker.inspect(["ann"]))[0]?.waiting === 0);
      expect([faultsIn(events), cutsIn(events)]).toEqual([[], []]);
    });

    it("sees nothing of what the server refuses", { timeout: 60_000 }, async () => {
      const { driver, events, queue, channel } = await victim(await shared());
      const { given } = await taking(driver.broker, "ann");
      for (const about of [
        { userId: "somebody" },
        { expiration: "abc" },
        { body: Buffer.alloc(128 * 1024 * 1024 + 1) },
      ])
        expect(await refusalOf(await channel(), queue("ann"), about)).toMatchObject({ code: 406 });
      const ids = await send(driver.broker, "ann", 1);
      await until(() => given.length === 1);
      expect(idsOf(given)).toEqual(ids);
      expect([faultsIn(events), cutsIn(events)]).toEqual([[], []]);
    });
  });

  describe("B59 to the queues themselves", () => {
    it("names the argument by which a queue is another, goes on with the others, and with it when it is gone", async () => {
      const { driver, events, queue, channel } = await victim(await shared());
      const program = await channel();
      await program.assertQueue(queue("ann"), { durable: true, arguments: { "x-queue-type": "classic" } });
      const others = await taking(driver.broker, "bob");
      const batch = ["ann", "bob", "ann"].map((to) => ({ message: message(), to: [to] }));
      const named = {
        code: "ENGINE_STATE",
        message: expect.stringContaining("x-queue-type"),
        details: { argument: "x-queue-type" },
      };
      const failed = { status: "failed", error: named };
      expect(await driver.broker.publish(batch)).toMatchObject([failed, { status: "accepted" }, failed]);
      expect(await failure(taking(driver.broker, "ann"))).toMatchObject(named);
      await until(() => others.given.length === 1);
      await program.deleteQueue(queue("ann"));
      const ids = await send(driver.broker, "ann", 1);
      const { given } = await taking(driver.broker, "ann");
      await until(() => given.length === 1);
      expect(idsOf(given)).toEqual(ids);
      expect(cutsIn(events)).toEqual([]);
    });

    it("says once that one level is another's, and takes from the rest meanwhile", async () => {
      const { driver, events, beside, queue, channel } = await victim(await shared());
      await driver.broker.publish([{ message: message({ priority: "high" }), to: ["ann"] }]);
      const program = await channel();
      await program.deleteQueue(queue("ann", "high"));
      await program.assertQueue(queue("ann", "high"), { durable: true });
      const { broker } = await beside();
      const { given } = await taking(broker, "ann");
      const ids = await send(broker, "ann", 2);
      await until(() => given.length === 2);
      expect(idsOf(given)).toEqual(ids);
      await until(() => faultsIn(events).some(({ message: text }) => text.includes("x-queue-type")));
      await program.deleteQueue(queue("ann", "high"));
      const urgent = message({ priority: "high" });
      expect(await broker.publish([{ message: urgent, to: ["ann"] }])).toMatchObject([{ status: "accepted" }]);
      await until(() => idsOf(given).includes(urgent.id));
      expect(cutsIn(events)).toEqual([]);
    });

    it("says that a queue was deleted, and makes it again", async () => {
      const { driver, events, queue, channel } = await victim(await shared());
      const { given } = await taking(driver.broker, "ann");
      await send(driver.broker, "ann", 1);
      await until(() => given.length === 1);
      const program = await channel();
      await program.deleteQueue(queue("ann"));
      const told = { code: "ENGINE_STATE", inbox: "ann", queue: queue("ann") };
      await until(() => faultsIn(events).length > 0);
      expect(faultsIn(events)).toMatchObject([
        { message: expect.stringContaining("was deleted by another program"), details: told },
      ]);
      expect(await acknowledge(given[0] as Delivery)).toBe("settled");
      const ids = await send(driver.broker, "ann", 1);
      await until(() => given.length === 2);
      expect(idsOf(given).slice(1)).toEqual(ids);
      expect(cutsIn(events)).toEqual([]);
    });

    it("finds a queue that was deleted while nothing was taken from it, without losing its connection", async () => {
      const { driver, events, queue, channel } = await victim(await shared());
      const others = await taking(driver.broker, "bob");
      const { given, consumer } = await taking(driver.broker, "ann", { credit: 1 });
      const [first] = await send(driver.broker, "ann", 1);
      await until(() => given.length === 1);
      const program = await channel();
      // While nothing more is wanted, nothing is taken in the place of what is settled.
      expect(await acknowledge(given[0] as Delivery)).toBe("settled");
      await until(async () => (await program.checkQueue(queue("ann"))).consumerCount === 0);
      await program.deleteQueue(queue("ann"));
      consumer.credit(10);
      await until(() => faultsIn(events).length > 0);
      const ids = [...(await send(driver.broker, "ann", 2)), ...(await send(driver.broker, "bob", 1))];
      await until(() => given.length === 3 && others.given.length === 1);
      expect([...idsOf(given), ...idsOf(others.given)]).toEqual([first, ...ids]);
      expect(cutsIn(events)).toEqual([]);
    });

    it("says that a queue is locked by another connection, and goes on when that is gone", async () => {
      const { driver, events, queue } = await victim(await shared());
      const program = await connect(await shared());
      await (await program.createChannel()).assertQueue(queue("ann"), { exclusive: true, durable: false });
      const locked = { code: "ENGINE_STATE", message: expect.stringContaining("RESOURCE_LOCKED") };
      expect(await driver.broker.publish([{ message: message(), to: ["ann"] }])).toMatchObject([
        { status: "failed", error: locked },
      ]);
      expect(await failure(taking(driver.broker, "ann"))).toMatchObject(locked);
      await program.close();
      const ids = await send(driver.broker, "ann", 1);
      const { given } = await taking(driver.broker, "ann");
      await until(() => given.length === 1);
      expect(idsOf(given)).toEqual(ids);
      expect(cutsIn(events)).toEqual([]);
    });
  });
});
