import { connect } from "amqplib";
import { afterEach, describe, expect, it } from "vitest";
import type { Delivery } from "../../../src/broker/consumer.ts";
import type { DriverEvent } from "../../../src/broker/driver.ts";
import { MemoryEngine } from "../../../src/drivers/memory/index.ts";
import { loadDriver } from "../../../src/drivers.ts";
import { systemClock } from "../../../src/internal/clock.ts";
import { jsonCodec } from "../../../src/message/codec-json.ts";
import { msgpackCodec } from "../../../src/message/codec-msgpack.ts";
import { FaultProxy } from "../../../src/testing/fault-proxy.ts";
import { failure } from "../../support/buses.ts";
import { acknowledge, idsOf, message, send, taking, until } from "../../support/deliveries.ts";
import { describeWithServers } from "../../support/servers.ts";
import { freshScope, openDriver, type RabbitmqDriver } from "./engine.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
}, 30_000);

/** Processes over one store, which meet on servers. */
class Team {
  readonly scope = freshScope();
  readonly #state = new MemoryEngine(systemClock);

  async open(url: string, events: DriverEvent[] = [], codec = jsonCodec): Promise<RabbitmqDriver> {
    const driver = await openDriver(url, this.#state, { context: { scope: this.scope, codec }, events });
    closing.push(async () => {
      await driver.broker.close();
      await driver.store.close();
    });
    return driver;
  }
}

async function proxyFor(url: string): Promise<FaultProxy> {
  const proxy = await FaultProxy.open(url);
  closing.push(() => proxy.close());
  return proxy;
}

describeWithServers("rabbitmq", "the rabbitmq driver", (start) => {
  describe("on one server", () => {
    let url: Promise<string> | undefined;
    const shared = (): Promise<string> => (url ??= start().then((server) => server.url));

    it("refuses a wrong password, a host that is not there and a server out of reach, and tells no password", {
      timeout: 60_000,
    }, async () => {
      const team = new Team();
      const wrong = await failure(team.open((await shared()).replace(":guest@", ":s3cret@")));
      expect(wrong).toMatchObject({
        code: "ENGINE_STATE",
        message: expect.stringContaining("refused the user or password"),
      });
      const host = await failure(team.open(`${await shared()}/nowhere`));
      expect(host).toMatchObject({ code: "ENGINE_STATE", message: expect.stringContaining("no such virtual host") });
      const gone = await failure(team.open("amqp://user:s3cret@127.0.0.1:9"));
      expect(gone).toMatchObject({ code: "ENGINE_STATE", message: expect.stringContaining("cannot be reached") });
      for (const error of [wrong, gone]) expect(JSON.stringify(error) + String(error)).not.toContain("s3cret");
    });

    it("is refused without a second engine, and reports what its queues survive", async () => {
      const context = { clock: systemClock, codec: jsonCodec, scope: "a/b", instance: "one", report: () => {} };
      expect(await failure(loadDriver(await shared(), context))).toMatchObject({ code: "STORE_REQUIRED" });
      expect((await new Team().open(await shared())).broker.capabilities).toMatchObject({
        driver: "rabbitmq",
        durability: { class: "power", reason: expect.stringContaining("quorum queues") },
      });
    });

    it("keeps two namespaces apart", async () => {
      const [one, other] = [await new Team().open(await shared()), await new Team().open(await shared())];
      for (const { broker } of [one, other]) await broker.declareInbox({ name: "inbox" });
      const heard: unknown[] = [];
      other.broker.onSignal("topic", (data) => heard.push(data));
      await send(one.broker, "inbox", 2);
      one.broker.signal("topic", 1);
      const { given } = await taking(other.broker, "inbox");
      const [id] = await send(other.broker, "inbox", 1);
      await until(() => given.length > 0);
      expect([idsOf(given), heard]).toEqual([[id], []]);
      expect((await one.broker.inspect())[0]).toMatchObject({ accepted: 2, waiting: 2 });
    });

    it("goes on by itself after its connections were cut, with consumers and signals, and doubles nothing", async () => {
      const team = new Team();
      const proxy = await proxyFor(await shared());
      const events: DriverEvent[] = [];
      const [cut, other] = [await team.open(proxy.url, events), await team.open(await shared())];
      await cut.broker.declareInbox({ name: "inbox" });
      const { given } = await taking(cut.broker, "inbox");
      const heard: unknown[] = [];
      const begun: string[] = [];
      cut.broker.onSignal(
        "topic",
        (data) => heard.push(data),
        () => begun.push("begun"),
      );
      const before = await send(other.broker, "inbox", 3);
      await until(() => given.length === 3 && begun.length === 1);
      const [acknowledged] = given as [Delivery];
      expect(await acknowledge(acknowledged)).toBe("settled");
      proxy.cut();
      await until(() => events.some(({ type }) => type === "driver.lost"));
      const after = await send(other.broker, "inbox", 3);
      await until(() => begun.length > 1 && [...before.slice(1), ...after].every((id) => idsOf(given).includes(id)));
      await until(() => given.length === 8);
      // What it held when it was cut was the server's to give again; the one that had ended was not.
      const again = given.slice(3).filter(({ message: { id } }) => before.includes(id));
      expect(idsOf(again)).toEqual(before.slice(1));
      expect(again.map(({ attempt, redelivered }) => [attempt, redelivered])).toEqual([
        [2, true],
        [2, true],
      ]);
      other.broker.signal("topic", 7);
      await until(() => heard.length > 0);
      expect(heard).toEqual([7]);
      for (const delivery of given.slice(1, 3)) expect(await acknowledge(delivery)).toBe("lost");
      for (const delivery of given.slice(3)) expect(await acknowledge(delivery)).toBe("settled");
      await until(async () => (await other.broker.inspect(["inbox"]))[0]?.ended.acknowledged === 6);
      expect(events.map(({ type }) => type)).toEqual(["driver.opened", "driver.lost", "driver.restored"]);
    });

    it("takes in what another program puts into its queue, and puts what is no message among the dead letters", async () => {
      const team = new Team();
      const events: DriverEvent[] = [];
      const driver = await team.open(await shared(), events);
      await driver.broker.declareInbox({ name: "inbox" });
      const { given } = await taking(driver.broker, "inbox");
      const program = await connect(await shared());
      closing.push(() => program.close());
      const channel = await program.createConfirmChannel();
      const foreign = message();
      for (const text of [JSON.stringify(foreign), "no JSON {", '{"id":"half","v":1}'])
        channel.publish("", `agentwire/${team.scope}/inbox/normal`, Buffer.from(text), { persistent: true });
      await channel.waitForConfirms();
      await until(async () => (await driver.broker.inspect(["inbox"]))[0]?.ended["dead-lettered"] === 2);
      await until(() => given.length === 1);
      expect(given[0]?.message).toEqual(foreign);
      const letters = await driver.store.list("dead-letters/inbox/");
      expect(letters.map(({ value }) => (value as { code: string }).code).sort()).toEqual([
        "DECODE_FAILED",
        "ENVELOPE_INVALID",
      ]);
      expect(events.filter(({ type }) => type === "driver.quarantined").length).toBe(2);
      expect((await driver.broker.inspect(["inbox"]))[0]).toMatchObject({ accepted: 3, waiting: 1 });
    });

    it("carries messages in MessagePack, retries included", async () => {
      const driver = await new Team().open(await shared(), [], msgpackCodec());
      await driver.broker.declareInbox({ name: "inbox" });
      const one = message({ payload: { text: "ä\u0000\u{1f680}", list: [] } });
      await driver.broker.publish([{ message: one, to: ["inbox"] }]);
      const { given } = await taking(driver.broker, "inbox");
      for (const delay of [0, 50]) {
        await until(() => given.length > 0);
        await given.at(-1)?.settle({ outcome: "retry", delay });
        const seen = given.length;
        await until(() => given.length > seen);
      }
      expect(given.map((delivery) => [delivery.message, delivery.attempt])).toEqual([1, 2, 3].map((n) => [one, n]));
    });
  });

  it("goes on by itself when the server was killed and has come back: nothing is lost, ended messages stay so", {
    timeout: 90_000,
  }, async () => {
    const server = await start();
    const team = new Team();
    const events: DriverEvent[] = [];
    const driver = await team.open(server.url, events);
    await driver.broker.declareInbox({ name: "inbox" });
    const sent = await send(driver.broker, "inbox", 50);
    const { given } = await taking(driver.broker, "inbox");
    await until(() => given.length === 50);
    for (const delivery of given.splice(0, 20)) expect(await acknowledge(delivery)).toBe("settled");
    given.length = 0;
    // The server writes every 5 s which queues it has; one that it finds in no such list gets its leader after a minute.
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    await server.kill();
    await until(() => events.some(({ type }) => type === "driver.lost"));
    await server.start();
    await until(() => events.some(({ type }) => type === "driver.restored"));
    const more = await send(driver.broker, "inbox", 5);
    await until(() => given.length >= 35);
    expect(idsOf(given).sort()).toEqual([...sent.slice(20), ...more].sort());
    for (const delivery of given) expect(await acknowledge(delivery)).toBe("settled");
    await until(async () => (await driver.broker.inspect(["inbox"]))[0]?.ended.acknowledged === 55);
    expect((await driver.broker.inspect(["inbox"]))[0]).toMatchObject({ accepted: 55, waiting: 0 });
  });

  it("refuses what is sent while the server is short of memory, and says so", {
    timeout: 90_000,
  }, async () => {
    const server = await start({ settings: { "vm_memory_high_watermark.absolute": "1KB" } });
    const events: DriverEvent[] = [];
    const driver = await new Team().open(server.url, events);
    await driver.broker.declareInbox({ name: "inbox" });
    const { given } = await taking(driver.broker, "inbox");
    const [first] = await driver.broker.publish([{ message: message(), to: ["inbox"] }]);
    await until(() => events.some(({ type, message: text }) => type === "driver.fault" && text.includes("memory")));
    expect(first).toMatchObject({ status: "failed" });
    const [second] = await driver.broker.publish([{ message: message(), to: ["inbox"] }]);
    expect(second).toMatchObject({ status: "failed", error: { code: "BACKPRESSURE", retryable: true } });
    expect(given).toEqual([]);
  });
});
