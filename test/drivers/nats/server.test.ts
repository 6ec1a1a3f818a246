import { connect } from "@nats-io/transport-node";
import { afterEach, describe, expect, it } from "vitest";
import type { Delivery } from "../../../src/broker/consumer.ts";
import type { DriverEvent } from "../../../src/broker/driver.ts";
import { msgpackCodec } from "../../../src/message/codec-msgpack.ts";
import type { Envelope } from "../../../src/message/envelope.ts";
import { FaultProxy } from "../../../src/testing/fault-proxy.ts";
import { failure } from "../../support/buses.ts";
import { acknowledge, idsOf, message, send, taking, until } from "../../support/deliveries.ts";
import { describeWithServers } from "../../support/servers.ts";
import { freshScope, type NatsDriver, openDriver } from "./engine.ts";

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(url: string, scope: string, events: DriverEvent[] = []): Promise<NatsDriver> {
  const driver = await openDriver(url, { scope }, events);
  closing.push(async () => {
    await driver.broker.close();
    await driver.store.close();
  });
  return driver;
}

async function proxyFor(url: string): Promise<FaultProxy> {
  const proxy = await FaultProxy.open(url);
  closing.push(() => proxy.close());
  return proxy;
}

describeWithServers("nats", "the nats driver", (start) => {
  it("refuses a wrong password and an unreachable server, and tells no password", async () => {
    const server = await start({ password: "open sesame" });
    await open(server.url, freshScope());
    const wrong = await failure(openDriver(server.url.replace("open%20sesame", "s3cret"), {}));
    expect(wrong).toMatchObject({ code: "ENGINE_STATE", message: expect.stringContaining("refused the user") });
    const gone = await failure(openDriver("nats://user:s3cret@127.0.0.1:9", {}));
    expect(gone).toMatchObject({ code: "ENGINE_STATE", message: expect.stringContaining("cannot be reached") });
    for (const error of [wrong, gone]) expect(JSON.stringify(error) + String(error)).not.toContain("s3cret");
  });

  it("promises that what it answered survives the server's death, and not the loss of power", async () => {
    const { broker, store } = await open((await start()).url, freshScope());
    const durability = { class: "process", reason: expect.stringContaining("loss of power is not promised") };
    expect([broker.capabilities.durability, store.capabilities.durability]).toEqual([durability, durability]);
  });

  describe("on one server", () => {
    let url: Promise<string> | undefined;
    const shared = (): Promise<string> => (url ??= start().then((server) => server.url));

    it("keeps two namespaces apart", async () => {
      const [one, other] = [await open(await shared(), freshScope()), await open(await shared(), freshScope())];
      await one.broker.declareInbox({ name: "inbox" });
      await one.store.put("state/a", 1);
      const heard: unknown[] = [];
      other.broker.onSignal("topic", (data) => heard.push(data));
      one.broker.signal("topic", 1);
      expect(await other.broker.inspect()).toEqual([]);
      expect(await other.store.get("state/a")).toBeUndefined();
      const [result] = await other.broker.publish([{ message: message(), to: ["inbox"] }]);
      expect(result).toMatchObject({ status: "failed", error: { code: "AGENT_NOT_FOUND" } });
      expect(heard).toEqual([]);
    });

    it("goes on by itself after its connection was cut, with consumers, signals and watches", async () => {
      const scope = freshScope();
      const proxy = await proxyFor(await shared());
      const events: DriverEvent[] = [];
      const cut = await open(proxy.url, scope, events);
      const other = await open(await shared(), scope);
      await cut.broker.declareInbox({ name: "inbox" });
      const { given } = await taking(cut.broker, "inbox");
      const heard: unknown[] = [];
      const begun: string[] = [];
      cut.broker.onSignal(
        "topic",
        (data) => heard.push(data),
        () => begun.push("begun"),
      );
      const seen = new Map<string, unknown>();
      cut.store.watch("state/", (changes) => {
        for (const { key, value } of changes) seen.set(key, value);
      });
      const before = await send(other.broker, "inbox", 3);
      await until(() => given.length === 3 && begun.length === 1);
      proxy.cut();
      await until(() => events.some(({ type }) => type === "driver.lost"));
      await other.store.put("state/a", 1);
      const after = await send(other.broker, "inbox", 3);
      await until(() => given.length === 6 && seen.get("state/a") === 1 && begun.length > 1);
      expect(idsOf(given)).toEqual([...before, ...after]);
      expect(given.map(({ attempt, redelivered }) => [attempt, redelivered])).toEqual(given.map(() => [1, false]));
      other.broker.signal("topic", 7);
      await until(() => heard.length > 0);
      expect(heard).toEqual([7]);
      for (const delivery of given) expect(await acknowledge(delivery)).toBe("settled");
      const [status] = await other.broker.inspect(["inbox"]);
      expect(status).toMatchObject({ waiting: 0, held: 0, ended: { acknowledged: 6 } });
      expect(events.map(({ type }) => type)).toEqual(["driver.opened", "driver.lost", "driver.restored"]);
    });

    it("takes in what another program stores in the wire form, and puts what is none among the dead letters", async () => {
      const scope = freshScope();
      const events: DriverEvent[] = [];
      const driver = await open(await shared(), scope, events);
      await driver.broker.declareInbox({ name: "an inbox" });
      const { given } = await taking(driver.broker, "an inbox");
      const program = await connect({ servers: (await shared()).slice("nats://".length) });
      closing.push(() => program.close());
      const [urgent, expired] = [message({ priority: "high" }), message({ createdAt: 1, expiresAt: 2 })];
      const texts = [JSON.stringify(message()), JSON.stringify(expired), "no JSON {", '{"id":"half","v":1}'];
      const subject = (level: number): string => `agentwire.${scope.replace("/", "=2f")}.inbox.an=20inbox.${level}`;
      for (const text of texts) await program.request(subject(2), text);
      await program.request(subject(1), JSON.stringify(urgent));
      await until(async () => (await driver.broker.inspect(["an inbox"]))[0]?.ended["dead-lettered"] === 2);
      await until(() => given.length === 2);
      expect(idsOf(given).sort()).toEqual([urgent.id, (JSON.parse(texts[0] as string) as Envelope).id].sort());
      // They are written once that was decided.
      await until(async () => (await driver.store.list("dead-letters/an inbox/")).length === 2);
      const letters = await driver.store.list("dead-letters/an inbox/");
      expect(letters.map(({ value }) => value)).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ code: "ENVELOPE_INVALID", raw: { text: texts[3] } }),
          expect.objectContaining({ code: "DECODE_FAILED", raw: { text: texts[2] } }),
        ]),
      );
      expect(events.filter(({ type }) => type === "driver.quarantined").length).toBe(2);
      const [status] = await driver.broker.inspect(["an inbox"]);
      expect(status).toMatchObject({ accepted: 5, waiting: 2, ended: { expired: 1, "dead-lettered": 2 } });
    });

    it("carries messages in MessagePack, with dead letters and journal to be read as ever", async () => {
      const context = { scope: freshScope(), codec: msgpackCodec(), journal: true };
      const driver = await openDriver(await shared(), context);
      closing.push(
        () => driver.broker.close(),
        () => driver.store.close(),
      );
      await driver.broker.declareInbox({ name: "inbox" });
      const [one, refused] = [message({ payload: { text: "ä\u0000\u{1f680}", list: [] } }), message()];
      await driver.broker.publish([
        { message: one, to: ["inbox"] },
        { message: refused, to: ["inbox"], refused: { code: "NO_HANDLER", reason: "no" } },
      ]);
      const [status] = await driver.broker.inspect(["inbox"], { peek: 5 });
      expect(status?.messages).toMatchObject([{ message: one, state: "ready", attempt: 0 }]);
      const { given } = await taking(driver.broker, "inbox");
      await until(() => given.length === 1);
      await given[0]?.settle({ outcome: "retry", delay: 0 });
      await until(() => given.length === 2);
      expect(given.map((delivery) => [delivery.message, delivery.attempt])).toEqual([
        [one, 1],
        [one, 2],
      ]);
      expect(await driver.broker.find(one.id)).toMatchObject([{ inbox: "inbox", state: "held", instance: "taker" }]);
      expect((await driver.store.list("dead-letters/")).map(({ value }) => value)).toMatchObject([
        { message: refused },
      ]);
      const journal = await driver.store.read("journal/entries");
      expect(journal.flatMap(({ value }) => value)).toMatchObject([
        { kind: "message", message: one },
        { kind: "message", message: refused },
        { kind: "hand-offs" },
      ]);
    });

    it("finds that a settle had counted whose answer was lost, and says of a publish that it may have", async () => {
      const scope = freshScope();
      const proxy = await proxyFor(await shared());
      const cut = await open(proxy.url, scope);
      const other = await open(await shared(), scope);
      await other.broker.declareInbox({ name: "inbox" });
      await send(other.broker, "inbox", 2);
      const { given } = await taking(cut.broker, "inbox");
      await until(() => given.length === 2);
      const [first, second] = given as [Delivery, Delivery];
      // What it knows of the room there need not be asked for.
      await cut.broker.declareInbox({ name: "other" });
      await send(cut.broker, "other", 1);
      proxy.set({ drop: "to-client" });
      const settles = [acknowledge(first), second.settle({ outcome: "retry", delay: 600_000 })];
      const publish = cut.broker.publish([{ message: message(), to: ["other"] }]);
      // Decided, but nothing more: the rest follows when it is tried again.
      await until(async () => (await other.broker.inspect(["inbox"]))[0]?.ended.acknowledged === 1);
      await until(async () => (await other.broker.inspect(["inbox"]))[0]?.held === 0);
      proxy.cut();
      for (const settle of settles)
        expect(await failure(Promise.resolve(settle))).toMatchObject({ code: "INDETERMINATE" });
      expect(await publish).toMatchObject([{ status: "failed", error: { code: "INDETERMINATE" } }]);
      proxy.heal();
      // Waits for the connection.
      await cut.broker.inspect(["inbox"]);
      expect(await acknowledge(first)).toBe("settled");
      expect(await second.settle({ outcome: "retry", delay: 600_000 })).toBe("settled");
      const [status] = await other.broker.inspect(["inbox"]);
      expect(status).toMatchObject({ accepted: 2, waiting: 1, held: 0, delayed: 1, ended: { acknowledged: 1 } });
    });
  });

  it("loses nothing when the server is killed, and hands nothing out again that was acknowledged", async () => {
    const server = await start();
    const scope = freshScope();
    const [sender, taker] = [await open(server.url, scope), await open(server.url, scope)];
    await sender.broker.declareInbox({ name: "inbox" });
    const ended: string[] = [];
    const seen = new Map<string, number>();
    let isOver = false;
    const onDeliveries = (deliveries: readonly Delivery[]): void => {
      for (const delivery of deliveries) {
        const { id } = delivery.message;
        seen.set(id, (seen.get(id) ?? 0) + 1);
        void settleFor(delivery);
      }
      consumer.credit(64);
    };
    // As agents do: until the server is there again.
    const settleFor = async (delivery: Delivery): Promise<void> => {
      while (!isOver) {
        const result = await Promise.resolve(acknowledge(delivery)).catch(() => undefined);
        if (result === "settled" || result === "already") return void ended.push(delivery.message.id);
        if (result === "lost") return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    const options = { instance: "taker", lease: 30_000, renew: true, onDeliveries };
    const consumer = await taker.broker.consume("inbox", options);
    consumer.credit(64);
    const accepted = new Set<string>();
    const sending = (async () => {
      for (let round = 0; round < 150; round++) {
        const batch = Array.from({ length: 10 }, () => message());
        const results = await sender.broker.publish(batch.map((one) => ({ message: one, to: ["inbox"] })));
        for (const result of results) if (result.status === "accepted") accepted.add(result.id);
      }
    })();
    for (const count of [200, 600]) {
      await until(() => ended.length >= count);
      await server.kill();
      await server.start();
    }
    await sending;
    await until(() => [...accepted].every((id) => ended.includes(id)));
    const twice = [...seen].filter(([, times]) => times > 1);
    expect(twice).toEqual([]);
    // Also what the server had forgotten to be acknowledged.
    await until(async () => {
      const [status] = await sender.broker.inspect(["inbox"]);
      return status?.waiting === 0 && status.held === 0;
    });
    isOver = true;
    await consumer.close();
  });
});
