import { spawnSync } from "node:child_process";
import { createClient } from "@redis/client";
import { afterEach, describe, expect, it } from "vitest";
import type { Consumer, Delivery } from "../../../src/broker/consumer.ts";
import type { DriverEvent } from "../../../src/broker/driver.ts";
import { AgentwireError } from "../../../src/errors.ts";
import { msgpackCodec } from "../../../src/message/codec-msgpack.ts";
import { FaultProxy } from "../../../src/testing/fault-proxy.ts";
import { failure } from "../../support/buses.ts";
import { acknowledge, idsOf, message, send, taking, until } from "../../support/deliveries.ts";
import { describeWithServers } from "../../support/servers.ts";
import { freshScope, openDriver, type RedisDriver } from "./engine.ts";

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(url: string, scope: string, events: DriverEvent[] = []): Promise<RedisDriver> {
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

describeWithServers("redis", "the redis driver", (start) => {
  it("refuses a wrong password and an unreachable server, and tells no password", async () => {
    const server = await start({ password: "open sesame" });
    await open(server.url, freshScope());
    const wrong = await failure(openDriver(server.url.replace("open%20sesame", "s3cret"), {}));
    expect(wrong).toMatchObject({
      code: "ENGINE_STATE",
      message: expect.stringContaining("refused the user or password"),
    });
    const gone = await failure(openDriver("redis://user:s3cret@127.0.0.1:9/0", {}));
    expect(gone).toMatchObject({ code: "ENGINE_STATE", message: expect.stringContaining("cannot be reached") });
    for (const error of [wrong, gone]) expect(JSON.stringify(error) + String(error)).not.toContain("s3cret");
  });

  it("reads its class from the server, and refuses one that would throw messages away", async () => {
    const classOf = async (settings: Record<string, string>): Promise<string> => {
      const server = await start({ settings });
      return (await open(server.url, freshScope())).broker.capabilities.durability.class;
    };
    expect(await classOf({})).toBe("power");
    expect(await classOf({ appendfsync: "everysec" })).toBe("none");
    expect(await classOf({ appendonly: "no" })).toBe("none");
    const guarded = await start();
    const admin = await createClient({ url: guarded.url }).connect();
    await admin.sendCommand(["ACL", "SETUSER", "limited", "on", ">secret", "~*", "&*", "+@all", "-config"]);
    admin.destroy();
    const { durability } = (await open(guarded.url.replace("//", "//limited:secret@"), freshScope())).broker
      .capabilities;
    expect(durability).toEqual({ class: "none", reason: expect.stringContaining("CONFIG GET is refused") });
    const evicting = await start({ settings: { maxmemory: "100mb", "maxmemory-policy": "allkeys-lru" } });
    expect(await failure(openDriver(evicting.url, {}))).toMatchObject({
      code: "ENGINE_STATE",
      details: { "maxmemory-policy": "allkeys-lru" },
    });
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

    it("hears a topic again that it has just stopped to hear", async () => {
      const scope = freshScope();
      const [one, other] = [await open(await shared(), scope), await open(await shared(), scope)];
      const heard: unknown[] = [];
      const listen = (): { stop: () => void; begun: Promise<void> } => {
        let stop = (): void => {};
        const begun = new Promise<void>((resolve) => {
          stop = one.broker.onSignal("topic", (data) => heard.push(data), resolve);
        });
        return { stop, begun };
      };
      for (let round = 0; round < 5; round++) {
        const before = listen();
        await before.begun;
        before.stop();
        listen().stop();
        const { stop, begun } = listen();
        await begun;
        // One that was on its way to its end when this one began has come to it by now.
        await one.store.get("state/a");
        other.broker.signal("topic", round);
        await until(() => heard.length > round);
        stop();
      }
      expect(heard).toEqual([0, 1, 2, 3, 4]);
    });

    it("goes on by itself after its connections were cut, with consumers, signals and watches", async () => {
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

    it("takes in what another program leaves in the wire form, and puts what is none among the dead letters", async () => {
      const scope = freshScope();
      const events: DriverEvent[] = [];
      const driver = await open(await shared(), scope, events);
      await driver.broker.declareInbox({ name: "inbox" });
      const { given } = await taking(driver.broker, "inbox");
      const program = await createClient({ url: await shared() }).connect();
      closing.push(async () => program.destroy());
      const [urgent, expired] = [message({ priority: "high" }), message({ expiresAt: 1 })];
      const texts = [
        JSON.stringify(message()),
        JSON.stringify(urgent),
        JSON.stringify(expired),
        "no JSON {",
        '{"id":"half","v":1}',
      ];
      await program.sendCommand(["RPUSH", `agentwire:{${scope}}:f:inbox`, ...texts]);
      await program.sendCommand(["PUBLISH", `agentwire:{${scope}}:f`, "inbox"]);
      await until(async () => (await driver.broker.inspect(["inbox"]))[0]?.ended["dead-lettered"] === 2);
      expect(given.map((one) => one.message)).toEqual([urgent, JSON.parse(texts[0] as string)]);
      const letters = await driver.store.list("dead-letters/inbox/");
      expect(letters.map(({ value }) => value)).toMatchObject([
        { code: "ENVELOPE_INVALID", raw: { text: texts[4] }, message: { id: "half" } },
        { code: "DECODE_FAILED", raw: { text: texts[3] } },
      ]);
      expect(events.filter(({ type }) => type === "driver.quarantined").length).toBe(2);
      const [status] = await driver.broker.inspect(["inbox"]);
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

    it("hands the successor of a process that died on this machine first what that held, in order", async () => {
      const scope = freshScope();
      const proxy = await proxyFor(await shared());
      const dying = await open(proxy.url, scope);
      await dying.broker.declareInbox({ name: "inbox" });
      const ids = await send(dying.broker, "inbox", 6);
      const before = await taking(dying.broker, "inbox", { credit: 3 });
      await until(() => before.given.length === 3);
      proxy.set({ refuse: true });
      proxy.cut();
      const program = await createClient({ url: await shared() }).connect();
      closing.push(async () => program.destroy());
      const marks = `agentwire:{${scope}}:k`;
      const [[peer, mark] = ["", "{}"]] = Object.entries(await program.hGetAll(marks));
      const { pid } = spawnSync(process.execPath, ["--version"]);
      await program.hSet(marks, peer, JSON.stringify({ ...JSON.parse(mark), pid }));
      const successor = await open(await shared(), scope);
      const after = await taking(successor.broker, "inbox");
      await until(() => after.given.length >= 3);
      expect(idsOf(after.given.slice(0, 3))).toEqual(ids.slice(0, 3));
      await until(() => after.given.length === 6);
      expect(idsOf(after.given)).toEqual(ids);
      expect(after.given.map(({ attempt }) => attempt)).toEqual([2, 2, 2, 1, 1, 1]);
      expect(await program.hLen(marks)).toBe(1);
    });

    it("leaves what a process of another machine holds to its lease", async () => {
      const scope = freshScope();
      const holder = await open(await shared(), scope);
      await holder.broker.declareInbox({ name: "inbox" });
      const ids = await send(holder.broker, "inbox", 3);
      const { given } = await taking(holder.broker, "inbox", { credit: 1 });
      await until(() => given.length === 1);
      const program = await createClient({ url: await shared() }).connect();
      closing.push(async () => program.destroy());
      const marks = `agentwire:{${scope}}:k`;
      const [[peer, mark] = ["", "{}"]] = Object.entries(await program.hGetAll(marks));
      const { pid } = spawnSync(process.execPath, ["--version"]);
      await program.hSet(marks, peer, JSON.stringify({ ...JSON.parse(mark), pid, boot: "elsewhere" }));
      const other = await open(await shared(), scope);
      const rest = await taking(other.broker, "inbox");
      await until(() => rest.given.length === 2);
      await rest.consumer.tried();
      expect(idsOf(rest.given)).toEqual(ids.slice(1));
      expect(await acknowledge(given[0] as Delivery)).toBe("settled");
    });

    it("buries a process whose time is over only when it is not heard of in the grace that follows", async () => {
      const scope = freshScope();
      await open(await shared(), scope);
      const program = await createClient({ url: await shared() }).connect();
      closing.push(async () => program.destroy());
      const [marks, alive] = ["k", "a"].map((kind) => `agentwire:{${scope}}:${kind}`) as [string, string];
      const [peer = ""] = await program.hKeys(marks);
      const look = async (): Promise<string[]> => {
        await open(await shared(), scope);
        return program.hKeys(marks);
      };
      await program.zAdd(alive, { value: peer, score: 1 });
      expect(await look()).toContain(peer);
      expect((await program.zScore(alive, `?${peer}`)) ?? 0).toBeGreaterThan(Date.now());
      await program.zAdd(alive, { value: `?${peer}`, score: 1 });
      expect(await look()).not.toContain(peer);
    });

    it("gives back what a claim took whose answer was lost, uncounted", async () => {
      const scope = freshScope();
      const proxy = await proxyFor(await shared());
      const cut = await open(proxy.url, scope);
      const other = await open(await shared(), scope);
      await other.broker.declareInbox({ name: "inbox" });
      const [id] = await send(other.broker, "inbox", 1);
      const onDeliveries = (deliveries: readonly Delivery[]): void => void given.push(...deliveries);
      const given: Delivery[] = [];
      const consumer = await cut.broker.consume("inbox", {
        instance: "taker",
        lease: 30_000,
        renew: true,
        onDeliveries,
      });
      proxy.set({ drop: "to-client" });
      consumer.credit(1);
      await until(async () => (await other.broker.inspect(["inbox"]))[0]?.held === 1);
      proxy.cut();
      proxy.heal();
      await until(() => given.length === 1);
      expect(given.map(({ message: { id: got }, attempt, redelivered }) => [got, attempt, redelivered])).toEqual([
        [id, 1, false],
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
      proxy.set({ drop: "to-client" });
      const settles = [acknowledge(first), second.settle({ outcome: "retry", delay: 600_000 })];
      const publish = cut.broker.publish([{ message: message(), to: ["inbox"] }]);
      await until(async () => {
        const [status] = await other.broker.inspect(["inbox"]);
        return status?.accepted === 3 && status.ended.acknowledged === 1 && status.delayed === 1;
      });
      proxy.cut();
      for (const settle of settles)
        expect(await failure(Promise.resolve(settle))).toMatchObject({ code: "INDETERMINATE" });
      expect(await publish).toMatchObject([{ status: "failed", error: { code: "INDETERMINATE" } }]);
      proxy.heal();
      await until(() => given.length === 3);
      expect(await acknowledge(first)).toBe("settled");
      expect(await second.settle({ outcome: "retry", delay: 600_000 })).toBe("settled");
      const [status] = await other.broker.inspect(["inbox"]);
      expect(status).toMatchObject({ waiting: 2, held: 1, ended: { acknowledged: 1 } });
    });
  });

  it("takes nothing from those who live when the server stood still for longer than their leases", async () => {
    const server = await start();
    const scope = freshScope();
    const first = await open(server.url, scope);
    await first.broker.declareInbox({ name: "inbox" });
    const drivers = [first];
    while (drivers.length < 8) drivers.push(await open(server.url, scope));
    await send(first.broker, "inbox", drivers.length);
    const held: Delivery[] = [];
    const again: Delivery[] = [];
    const consumers: Consumer[] = [];
    for (const { broker } of drivers) {
      const onDeliveries = (given: readonly Delivery[]): void =>
        void (given[0]?.redelivered ? again : held).push(...given);
      const options = { instance: "holder", lease: 300, renew: true, onDeliveries };
      const consumer = await broker.consume("inbox", options);
      consumer.credit(1);
      await consumer.tried();
      consumers.push(consumer);
    }
    expect(held).toHaveLength(drivers.length);
    for (const consumer of consumers) consumer.credit(drivers.length);
    server.freeze();
    await new Promise((resolve) => setTimeout(resolve, 700));
    server.thaw();
    // Each is held for three more leases.
    for (const delivery of held) expect(await delivery.extend(300)).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 900));
    expect(again).toEqual([]);
    for (const delivery of held) expect(await acknowledge(delivery)).toBe("settled");
  });

  it("loses nothing that was accepted when the server is killed and started again", async () => {
    const server = await start();
    const scope = freshScope();
    const driver = await open(server.url, scope);
    await driver.broker.declareInbox({ name: "inbox" });
    const { given } = await taking(driver.broker, "inbox");
    const accepted: string[] = [];
    const done = new Set<string>();
    let sending = true;
    const sender = (async () => {
      while (sending) {
        const one = message();
        const [result] = await driver.broker.publish([{ message: one, to: ["inbox"] }]);
        if (result?.status === "accepted") accepted.push(one.id);
        else expect(AgentwireError.is(result?.status === "failed" && result.error)).toBe(true);
      }
    })();
    for (let round = 1; round <= 3; round++) {
      await until(() => accepted.length >= 20 * round);
      await server.kill();
      await server.start();
    }
    const known = accepted.length;
    await until(() => accepted.length > known);
    sending = false;
    await sender;
    // Those of which it was not known may be there as well.
    await until(async () => (await driver.broker.inspect(["inbox"]))[0]?.waiting === given.length);
    const got = new Set(idsOf(given));
    expect(accepted.filter((id) => !got.has(id))).toEqual([]);
    for (const delivery of given) {
      expect(done.has(delivery.message.id), "handed out once").toBe(false);
      expect(await acknowledge(delivery)).toBe("settled");
      done.add(delivery.message.id);
    }
    const [status] = await driver.broker.inspect(["inbox"]);
    expect(status).toMatchObject({ waiting: 0, held: 0, ended: { acknowledged: done.size }, accepted: done.size });
  }, 30_000);
});
