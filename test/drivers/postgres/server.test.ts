import { spawnSync } from "node:child_process";
import pg from "pg";
import { afterEach, expect, it, onTestFinished, vi } from "vitest";
import type { Delivery } from "../../../src/broker/consumer.ts";
import type { Driver, DriverContext, DriverEvent } from "../../../src/broker/driver.ts";
import { JOURNAL_LOG } from "../../../src/broker/journal-log.ts";
import { type JournaledHandOffs, unpackHandOffs } from "../../../src/broker/journaled-hand-offs.ts";
import { connect } from "../../../src/connect.ts";
import { postgresDriver } from "../../../src/drivers/postgres/index.ts";
import { systemClock } from "../../../src/internal/clock.ts";
import { jsonCodec } from "../../../src/message/codec-json.ts";
import type { Envelope } from "../../../src/message/envelope.ts";
import { end, giveUp } from "../../../src/testing/conformance/broker/taker.ts";
import { describeOn } from "../../support/servers.ts";
import { connectPostgres, kill, newScope } from "./engine.ts";

const drivers: Driver[] = [];

async function opened(url: string, given: Partial<DriverContext> = {}): Promise<Driver> {
  const driver = await connectPostgres(url, given);
  drivers.push(driver);
  return driver;
}

afterEach(async () => {
  for (const { broker, store } of drivers.splice(0)) {
    await broker.close();
    await store?.close();
  }
});

let messages = 0;

function message(fields: Partial<Envelope> = {}): Envelope {
  const id = `01900000-0000-7000-8000-${String(++messages).padStart(12, "0")}`;
  const rest = { type: "note", version: 1, from: "sender", priority: "normal", createdAt: 1, headers: {} } as const;
  return { v: 1, id, conversationId: id, payload: { n: messages }, ...rest, ...fields };
}

/** Takes from an inbox; the deliveries come into the array that is returned. */
async function take({ broker }: Driver, inbox: string, credit = 1_000): Promise<Delivery[]> {
  const given: Delivery[] = [];
  const consumer = await broker.consume(inbox, {
    instance: "taker",
    lease: 30_000,
    renew: true,
    onDeliveries: (deliveries) => given.push(...deliveries),
  });
  consumer.credit(credit);
  return given;
}

/** A session of another program. */
async function session(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  client.on("error", () => {});
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

/** Has the only process of a scope marked as another. */
async function mark(
  program: pg.Client,
  scope: string,
  as: { readonly pid: number; readonly boot?: string },
): Promise<void> {
  const text = "UPDATE agentwire.peer SET mark = mark || $2 WHERE scope = $1";
  expect((await program.query(text, [scope, JSON.stringify(as)])).rowCount).toBe(1);
}

/** The error that opening a driver fails with. */
async function failureOf(url: string): Promise<Error & { code: string; hint: string }> {
  const context = { clock: systemClock, codec: jsonCodec, scope: "x/y", instance: "i", report: () => {} };
  const opening = Promise.resolve(postgresDriver(url, context).broker.open());
  return opening.then(
    () => expect.fail("it was opened"),
    (error: Error & { code: string; hint: string }) => error,
  );
}

describeOn("postgres", "the postgres driver", (server) => {
  it("hands out what another program puts into an inbox, in the order of its transaction", async () => {
    const scope = newScope();
    const driver = await opened(server.url, { scope });
    await driver.broker.declareInbox({ name: "inbox" });
    const given = await take(driver, "inbox");
    const foreign = await session(server.url);
    const first = message({ payload: { text: "grüße \u0000", list: [1, null] } });
    const urgent = message({ priority: "high", orderKey: "k", key: "o" });
    await foreign.query("BEGIN");
    for (const one of [first, urgent])
      await foreign.query("SELECT agentwire.put($1, 'inbox', $2)", [scope, JSON.stringify(one)]);
    expect(given).toEqual([]);
    await foreign.query("COMMIT");
    await vi.waitFor(() => expect(given.map((delivery) => delivery.message)).toEqual([urgent, first]));
    expect(await driver.broker.cancel("inbox", { sender: "sender", key: "o" }, "withdrawn")).toEqual({
      ended: 0,
      held: 1,
    });
    await expect(
      foreign.query("SELECT agentwire.put($1, 'nobody', $2)", [scope, JSON.stringify(message())]),
    ).rejects.toThrow("AGENT_NOT_FOUND");
  });

  it("settles what goes together with a dead letter that cannot be written", async () => {
    const scope = newScope();
    const driver = await opened(server.url, { scope });
    await driver.broker.declareInbox({ name: "inbox" });
    const given = await take(driver, "inbox");
    const sent = [message(), message(), message()];
    await driver.broker.publish(sent.map((one) => ({ message: one, to: ["inbox"] })));
    await vi.waitFor(() => expect(given).toHaveLength(3));
    const foreign = await session(server.url);
    const [full, trigger] = ["agentwire.full_up", `full_up_${Date.now()}`];
    await foreign.query(`CREATE FUNCTION ${full}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'dead letters are full' USING ERRCODE = 'disk_full'; END $$;
      CREATE TRIGGER ${trigger} BEFORE INSERT ON agentwire.kv
        FOR EACH ROW WHEN (NEW.key LIKE '${scope}:dead-letters/%') EXECUTE FUNCTION ${full}()`);
    const [one, other, third] = given as [Delivery, Delivery, Delivery];
    const refused = giveUp(other, "REJECTED", "no use").catch((error: { code: string }) => error.code);
    expect(await Promise.all([end(one), refused, end(third)])).toEqual(["settled", "STORAGE_FULL", "settled"]);
    await foreign.query(`DROP FUNCTION ${full} CASCADE`);
    expect(await giveUp(other, "REJECTED", "no use")).toBe("settled");
    const [status] = await driver.broker.inspect(["inbox"]);
    expect(status).toMatchObject({ waiting: 0, ended: { acknowledged: 2, "dead-lettered": 1 } });
  });

  it("puts what cannot be read among the dead letters, with the reason, and lets the others go on", async () => {
    const scope = newScope();
    const events: DriverEvent[] = [];
    const driver = await opened(server.url, { scope, report: (event) => events.push(event) });
    await driver.broker.declareInbox({ name: "inbox" });
    const foreign = await session(server.url);
    const whole = message();
    for (const text of [JSON.stringify({ id: "broken", type: "note", v: 1 }), JSON.stringify(whole)])
      await foreign.query("SELECT agentwire.put($1, 'inbox', $2)", [scope, text]);
    const given = await take(driver, "inbox");
    await vi.waitFor(() => expect(given.map((delivery) => delivery.message.id)).toEqual([whole.id]));
    await vi.waitFor(() => expect(events.map(({ type }) => type)).toContain("driver.quarantined"));
    const letter = await driver.store?.get("dead-letters/inbox/broken");
    expect(letter?.value).toMatchObject({
      message: { id: "broken", type: "note" },
      code: "ENVELOPE_INVALID",
      recipient: "inbox",
    });
    const [status] = await driver.broker.inspect(["inbox"]);
    expect(status).toMatchObject({ accepted: 2, waiting: 1, ended: { "dead-lettered": 1 } });
  });

  it("keeps two namespaces of one database apart, and two schemas", async () => {
    const url = `${server.url}?schema=another`;
    const one = await opened(server.url, { scope: "one/default" });
    const others = [await opened(server.url, { scope: "two/default" }), await opened(url, { scope: "one/default" })];
    const heard: unknown[] = [];
    for (const { broker } of others) broker.onSignal("topic", (data) => heard.push(data));
    let begun = false;
    one.broker.onSignal(
      "topic",
      () => {},
      () => (begun = true),
    );
    await one.broker.declareInbox({ name: "inbox" });
    await one.broker.publish([{ message: message(), to: ["inbox"] }]);
    await one.store?.put("state/key", 1);
    await vi.waitFor(() => expect(begun).toBe(true));
    one.broker.signal("topic", 1);
    for (const other of others) {
      expect(await other.broker.inspect()).toEqual([]);
      expect(await other.store?.list("")).toEqual([]);
      const [result] = await other.broker.publish([{ message: message(), to: ["inbox"] }]);
      expect(result).toMatchObject({ status: "failed", error: { code: "AGENT_NOT_FOUND" } });
    }
    expect(heard).toEqual([]);
  });

  it("carries signals that are too long for a notification, and those of other characters", async () => {
    const scope = newScope();
    const [one, other] = [await opened(server.url, { scope }), await opened(server.url, { scope })];
    const heard: unknown[] = [];
    const data = { text: `${"x".repeat(20_000)}\u0000 \u{1f680}` };
    await new Promise<void>((resolve) => void other.broker.onSignal("topic", (told) => heard.push(told), resolve));
    one.broker.signal("topic", data);
    one.broker.signal("topic", "é".repeat(3_000));
    await vi.waitFor(() => expect(heard).toHaveLength(2));
    expect(heard).toEqual(expect.arrayContaining([data, "é".repeat(3_000)]));
  });

  it("keeps a hand-off whose lease ran out in the journal", async () => {
    const driver = await opened(server.url, { journal: true });
    await driver.broker.declareInbox({ name: "inbox" });
    const sent = message({ conversationId: "talk", causationId: "cause" });
    const told = vi.fn();
    const options = { instance: "silent", lease: 50, renew: false, onDeliveries: () => {}, onRevoked: told };
    (await driver.broker.consume("inbox", options)).credit(1);
    await driver.broker.publish([{ message: sent, to: ["inbox"] }]);
    await vi.waitFor(() => expect(told).toHaveBeenCalledWith(expect.anything(), "lease-lost"));
    const entries = (await driver.store?.read(JOURNAL_LOG)) ?? [];
    const kept = entries
      .flatMap(({ value }) => value as JournaledHandOffs[])
      .filter(({ kind }) => kind === "hand-offs");
    expect(kept.flatMap(unpackHandOffs)).toEqual([
      {
        ...{ id: sent.id, message: "note", from: "sender", recipient: "inbox", instance: "silent" },
        ...{ conversation: "talk", cause: "cause", attempt: 1, acknowledged: false },
        ...{ at: expect.any(Number), offeredAt: expect.any(Number) },
      },
    ]);
  });

  it("goes on taking from an inbox that was removed and declared anew", async () => {
    const driver = await opened(server.url);
    await driver.broker.declareInbox({ name: "inbox" });
    const given = await take(driver, "inbox");
    await driver.broker.deleteInbox("inbox");
    await driver.broker.declareInbox({ name: "inbox" });
    const sent = message();
    await driver.broker.publish([{ message: sent, to: ["inbox"] }]);
    await vi.waitFor(() => expect(given.map((delivery) => delivery.message)).toEqual([sent]));
  });

  it("hands the successor of a process that died on this machine first what that held, in order", async () => {
    const scope = newScope();
    const dying = await opened(server.url, { scope });
    await dying.broker.declareInbox({ name: "inbox" });
    const sent = Array.from({ length: 6 }, () => message());
    await dying.broker.publish(sent.map((one) => ({ message: one, to: ["inbox"] })));
    const before = await take(dying, "inbox", 3);
    await vi.waitFor(() => expect(before).toHaveLength(3));
    kill(dying);
    await mark(await session(server.url), scope, { pid: spawnSync(process.execPath, ["--version"]).pid });
    const after = await take(await opened(server.url, { scope }), "inbox");
    await vi.waitFor(() => expect(after).toHaveLength(6));
    expect(after.map((delivery) => delivery.message)).toEqual(sent);
    expect(after.map(({ attempt }) => attempt)).toEqual([2, 2, 2, 1, 1, 1]);
    expect(after.map(({ redelivered }) => redelivered)).toEqual([true, true, true, false, false, false]);
  });

  it("leaves what a process of another machine holds to its lease", async () => {
    const scope = newScope();
    const holder = await opened(server.url, { scope });
    await holder.broker.declareInbox({ name: "inbox" });
    const sent = [message(), message(), message()];
    await holder.broker.publish(sent.map((one) => ({ message: one, to: ["inbox"] })));
    const given = await take(holder, "inbox", 1);
    await vi.waitFor(() => expect(given).toHaveLength(1));
    const { pid } = spawnSync(process.execPath, ["--version"]);
    await mark(await session(server.url), scope, { pid, boot: "elsewhere" });
    const rest = await take(await opened(server.url, { scope }), "inbox");
    await vi.waitFor(() => expect(rest).toHaveLength(2));
    expect(rest.map((delivery) => delivery.message)).toEqual(sent.slice(1));
    expect(await given[0]?.extend(30_000)).toBe(true);
  });

  it("spoils no neighbour with what a database's text cannot hold", async () => {
    const driver = await opened(server.url);
    await driver.broker.declareInbox({ name: "inbox" });
    const results = await driver.broker.publish([
      { message: message(), to: ["inbox"] },
      { message: message({ type: "no\u0000te" }), to: ["inbox"] },
      { message: message({ key: "a\u0000b", orderKey: "\u0000" }), to: ["inbox"] },
    ]);
    expect(results.map(({ status }) => status)).toEqual(["accepted", "failed", "accepted"]);
  });

  it("refuses a schema that a newer release wrote, and changes nothing", async () => {
    const url = `${server.url}?schema=newer`;
    const { broker, store } = await connectPostgres(url);
    await broker.close();
    await store?.close();
    const foreign = await session(server.url);
    await foreign.query("UPDATE newer.form SET version = 99");
    const error = await failureOf(url);
    expect(error.code).toBe("VERSION_UNSUPPORTED");
    expect((await foreign.query("SELECT version FROM newer.form")).rows).toEqual([{ version: 99 }]);
  });

  it("says what is wrong where the database cannot be used, without the password", async () => {
    const { port } = new URL(server.url);
    const wrong = [
      [`postgres://agentwire:secret@127.0.0.1:1/postgres`, /127\.0\.0\.1:1\/postgres.*ECONNREFUSED/],
      [`postgres://agentwire:secret@127.0.0.1:${port}/nothing`, /database "nothing" does not exist/],
      [`postgres://nobody:secret@127.0.0.1:${port}/postgres`, /nobody/],
    ] as const;
    for (const [url, text] of wrong) {
      const error = await failureOf(url);
      expect(error).toMatchObject({ code: "ENGINE_STATE", message: expect.stringMatching(text) });
      expect(`${error.message}${error.hint}${JSON.stringify(error)}`).not.toContain("secret");
    }
  });

  it("names the install command where the client library is missing", async () => {
    vi.doMock("pg", () => {
      throw new Error("Cannot find package 'pg'");
    });
    onTestFinished(() => vi.doUnmock("pg"));
    const error = await failureOf(server.url);
    expect(error).toMatchObject({ code: "DRIVER_MISSING", message: expect.stringContaining("npm install pg") });
  });

  it("is one of the engines that a bus connects to", async () => {
    const bus = await connect(server.url, { namespace: "whole-bus", require: "power", logger: false });
    onTestFinished(() => bus.close());
    expect(bus.guarantees()).toMatchObject({ durability: { class: "power" } });
  });
});
