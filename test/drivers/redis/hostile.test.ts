import { createClient } from "@redis/client";
import { afterEach, expect, it } from "vitest";
import type { DriverEvent } from "../../../src/broker/driver.ts";
import { acknowledge, idsOf, message, send, taking, until } from "../../support/deliveries.ts";
import { describeWithServers } from "../../support/servers.ts";
import { freshScope, openDriver, type RedisDriver } from "./engine.ts";

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A bus on a server, and a program that does to its keys what it likes. */
interface Victim {
  readonly driver: RedisDriver;
  readonly events: DriverEvent[];
  /** A key of the bus. */
  key(kind: string): string;
  /** Runs a command of another program. */
  command(...args: (string | Buffer)[]): Promise<unknown>;
}

async function victim(url: string): Promise<Victim> {
  const scope = freshScope();
  const events: DriverEvent[] = [];
  const driver = await openDriver(url, { scope }, events);
  closing.push(async () => {
    await driver.broker.close();
    await driver.store.close();
  });
  await driver.broker.declareInbox({ name: "inbox" });
  const program = await createClient({ url }).connect();
  closing.push(async () => program.destroy());
  return {
    driver,
    events,
    key: (kind) => `agentwire:{${scope}}:${kind}`,
    command: (...args) => program.sendCommand(args),
  };
}

const faultsIn = (events: readonly DriverEvent[]): DriverEvent[] =>
  events.filter(({ type }) => type === "driver.fault");

describeWithServers("redis", "B57 what other programs do to the keys of a bus", (start) => {
  let url: Promise<string> | undefined;
  const shared = (): Promise<string> => (url ??= start().then((server) => server.url));

  it("puts what cannot be read among the dead letters, whatever it is, and goes on", async () => {
    const { driver, key, command } = await victim(await shared());
    const { given } = await taking(driver.broker, "inbox");
    const good = message();
    const texts = [
      JSON.stringify({ ...good, unknown: { more: [1] } }),
      JSON.stringify({ ...message(), id: undefined }),
      JSON.stringify({ ...message(), payload: undefined, from: 7 }),
      JSON.stringify("no message"),
      "[".repeat(100_000),
      Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
      `{"id":"large","type":"x","payload":"${"x".repeat(50 * 1024 * 1024)}`,
    ];
    for (const text of texts) await command("RPUSH", key("f:inbox"), text);
    await command("PUBLISH", key("f"), "inbox");
    await until(async () => (await driver.broker.inspect(["inbox"]))[0]?.ended["dead-lettered"] === texts.length - 1);
    expect(idsOf(given)).toEqual([good.id]);
    const letters = await driver.store.list("dead-letters/inbox/");
    for (const { value } of letters) {
      expect(["DECODE_FAILED", "ENVELOPE_INVALID"]).toContain((value as { code: string }).code);
      expect(JSON.stringify(value).length).toBeLessThan(200_000);
    }
    const ids = await send(driver.broker, "inbox", 1);
    await until(() => given.length === 2);
    expect(idsOf(given).slice(1)).toEqual(ids);
  }, 30_000);

  it("says that a message was taken away, and goes on with the others", async () => {
    const { driver, events, key, command } = await victim(await shared());
    const [waiting = "", held = "", ...others] = await send(driver.broker, "inbox", 4);
    await command("HDEL", key("b:inbox"), waiting);
    const { given } = await taking(driver.broker, "inbox");
    await until(() => given.length === 3);
    expect(idsOf(given)).toEqual([held, ...others]);
    await command("HDEL", key("b:inbox"), held);
    for (const delivery of given) expect(await acknowledge(delivery)).toBe("settled");
    const [status] = await driver.broker.inspect(["inbox"]);
    expect(status).toMatchObject({ waiting: 0 });
    expect(faultsIn(events)).toMatchObject([
      { message: expect.stringContaining(waiting), details: { code: "ENGINE_STATE", inbox: "inbox", id: waiting } },
    ]);
  });

  it("says that a key is of another kind, once, and goes on when it is right again", async () => {
    const { driver, events, key, command } = await victim(await shared());
    const ids = await send(driver.broker, "inbox", 1);
    await command("RENAME", key("b:inbox"), key("kept"));
    await command("SET", key("b:inbox"), "another program's");
    const { given } = await taking(driver.broker, "inbox");
    await until(() => faultsIn(events).length === 1);
    expect(faultsIn(events)).toMatchObject([
      { message: expect.stringContaining("WRONGTYPE"), details: { code: "ENGINE_STATE", inbox: "inbox" } },
    ]);
    await command("RENAME", key("kept"), key("b:inbox"));
    await until(() => given.length === 1);
    expect(idsOf(given)).toEqual(ids);
    expect(faultsIn(events)).toHaveLength(1);
  });

  it("says that all is gone after FLUSHALL", async () => {
    const server = await start();
    const { driver, events, command } = await victim(server.url);
    const { given } = await taking(driver.broker, "inbox");
    await send(driver.broker, "inbox", 1);
    await until(() => given.length === 1);
    await command("FLUSHALL");
    const [result] = await driver.broker.publish([{ message: message(), to: ["inbox"] }]);
    expect(result).toMatchObject({ status: "failed" });
    // With the next heartbeat, at the latest.
    await until(() => faultsIn(events).length > 0);
    expect(faultsIn(events)).toMatchObject([
      { message: expect.stringContaining("FLUSHALL"), details: { code: "ENGINE_STATE" } },
    ]);
    expect(await given[0]?.settle({ outcome: "release" })).toBe("lost");
  }, 30_000);

  it("reads what is left of a log that was trimmed or taken away", async () => {
    const { driver, key, command } = await victim(await shared());
    await driver.store.append("log", [0, 1, 2, 3, 4]);
    const last = (await driver.store.read("log")).at(-1)?.position ?? 0;
    await command("XTRIM", key("g:log"), "MAXLEN", "2");
    expect((await driver.store.read("log")).map(({ value }) => value)).toEqual([3, 4]);
    await command("DEL", key("g:log"));
    expect(await driver.store.read("log")).toEqual([]);
    await driver.store.append("log", ["new"]);
    const [entry] = await driver.store.read("log");
    expect(entry?.position).toBeGreaterThan(last);
  });
});
