import pg from "pg";
import { afterEach, expect, it, onTestFinished, vi } from "vitest";
import type { Server } from "../../../../scripts/servers/server.ts";
import type { Delivery } from "../../../../src/broker/consumer.ts";
import type { Driver, DriverEvent } from "../../../../src/broker/driver.ts";
import type { PublishResult } from "../../../../src/broker/publication.ts";
import { connect } from "../../../../src/connect.ts";
import { type Clock, systemClock } from "../../../../src/internal/clock.ts";
import type { Envelope } from "../../../../src/message/envelope.ts";
import { FaultProxy } from "../../../../src/testing/fault-proxy.ts";
import { describeWithServers } from "../../../support/servers.ts";
import { connectPostgres, newScope } from "../engine.ts";

const WITHIN = { timeout: 15_000, interval: 20 };

const drivers: Driver[] = [];
afterEach(async () => {
  for (const { broker, store } of drivers.splice(0)) {
    await broker.close();
    await store?.close();
  }
});

let messages = 0;
function message(): Envelope {
  const id = `01900000-0000-7000-8000-${String(++messages).padStart(12, "0")}`;
  const rest = { type: "note", version: 1, from: "sender", priority: "normal", createdAt: 1, headers: {} } as const;
  return { v: 1, id, conversationId: id, payload: { n: messages }, ...rest };
}

/** A driver whose events are kept. */
async function watched(
  url: string,
  scope: string,
  clock: Clock = systemClock,
): Promise<Driver & { readonly events: DriverEvent[] }> {
  const events: DriverEvent[] = [];
  const driver = await connectPostgres(url, { scope, clock, report: (event) => events.push(event) });
  drivers.push(driver);
  return { ...driver, events };
}

async function take({ broker }: Driver, credit: number): Promise<Delivery[]> {
  const given: Delivery[] = [];
  const onDeliveries = (deliveries: readonly Delivery[]): number => given.push(...deliveries);
  const consumer = await broker.consume("inbox", { instance: "taker", lease: 60_000, renew: true, onDeliveries });
  consumer.credit(credit);
  return given;
}

/** Ends a delivery, again and again while the server is out of reach. */
async function end(delivery: Delivery): Promise<string> {
  const { message: of, inbox, attempt, offeredAt } = delivery;
  const at = offeredAt + 1;
  const record = {
    id: of.id,
    recipient: inbox,
    end: "acknowledged",
    at,
    offeredAt,
    instance: "taker",
    attempt,
  } as const;
  for (;;) {
    try {
      return await delivery.settle({ outcome: "end", record });
    } catch (error) {
      expect(["INDETERMINATE", "ENGINE_STATE"]).toContain((error as { code: string }).code);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

const outcome = (result: PublishResult): string => (result.status === "failed" ? result.error.code : result.status);

describeWithServers("postgres", "the postgres driver in outages", (start) => {
  let server: Server | undefined;
  const shared = async (): Promise<Server> => (server ??= await start());

  it("loses nothing when the server is killed and started again, and goes on by itself", async () => {
    const own = await shared();
    const scope = newScope();
    const sender = await watched(own.url, scope);
    const taker = await watched(own.url, scope);
    await sender.broker.declareInbox({ name: "inbox" });
    const given = await take(taker, 10_000);
    const heard: unknown[] = [];
    await new Promise<void>((resolve) => void taker.broker.onSignal("topic", (data) => heard.push(data), resolve));
    const changed: string[] = [];
    taker.store?.watch("state/", (changes) => changed.push(...changes.map(({ key }) => key)));

    const sent = new Map<string, string>();
    const send = async (): Promise<void> => {
      const one = message();
      const [result] = await sender.broker.publish([{ message: one, to: ["inbox"] }]);
      sent.set(one.id, outcome(result as PublishResult));
    };
    for (let n = 0; n < 50; n++) await send();
    const sending = Promise.all(Array.from({ length: 50 }, send));
    await own.kill();
    await sending;
    await own.start();
    await vi.waitFor(async () => {
      await send();
      expect([...sent.values()].at(-1)).toBe("accepted");
    }, WITHIN);
    for (const how of sent.values()) expect(["accepted", "REJECTED", "INDETERMINATE"]).toContain(how);
    const accepted = [...sent].filter(([, how]) => how === "accepted").map(([id]) => id);
    await vi.waitFor(
      () => expect(given.map((delivery) => delivery.message.id)).toEqual(expect.arrayContaining(accepted)),
      WITHIN,
    );
    const ids = given.map((delivery) => delivery.message.id);
    expect(new Set(ids).size, "nothing twice: its holders live").toBe(ids.length);
    expect(ids.filter((id) => !sent.has(id))).toEqual([]);
    for (const result of await Promise.all(given.map(end))) expect(result).toBe("settled");
    for (const { events } of [sender, taker])
      await vi.waitFor(
        () =>
          expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(["driver.lost", "driver.restored"])),
        WITHIN,
      );
    await sender.store?.put("state/key", 1);
    await vi.waitFor(() => {
      sender.broker.signal("topic", 1);
      expect(heard).toContain(1);
      expect(changed).toContain("state/key");
    }, WITHIN);
    const [status] = await sender.broker.inspect(["inbox"]);
    expect(status).toMatchObject({ waiting: 0, held: 0, accepted: ids.length, ended: { acknowledged: ids.length } });
  });

  it("keeps what it holds over a cut, and gives back what it was handed without learning of it", async () => {
    const own = await shared();
    const proxy = await FaultProxy.open(own.url);
    onTestFinished(() => proxy.close());
    const scope = newScope();
    const other = await watched(own.url, scope);
    const driver = await watched(proxy.url, scope);
    await other.broker.declareInbox({ name: "inbox" });
    const sent = [message(), message()];
    await other.broker.publish(sent.map((one) => ({ message: one, to: ["inbox"] })));
    const given: Delivery[] = [];
    const onDeliveries = (deliveries: readonly Delivery[]): number => given.push(...deliveries);
    const consumer = await driver.broker.consume("inbox", {
      instance: "taker",
      lease: 60_000,
      renew: true,
      onDeliveries,
    });
    consumer.credit(1);
    await vi.waitFor(() => expect(given).toHaveLength(1), WITHIN);
    proxy.set({ hold: "to-client" });
    consumer.credit(1);
    const held = async (): Promise<unknown> => (await other.broker.inspect(["inbox"]))[0]?.held;
    await vi.waitFor(async () => expect(await held()).toBe(2), WITHIN);
    expect(given).toHaveLength(1);
    proxy.cut();
    proxy.heal();
    await vi.waitFor(() => expect(given).toHaveLength(2), WITHIN);
    expect(given.map((delivery) => [delivery.message.id, delivery.attempt])).toEqual(sent.map(({ id }) => [id, 1]));
    expect(await Promise.all(given.map(end))).toEqual(["settled", "settled"]);
  });

  it("answers a settle whose answer was lost as what it was, when it is settled again", async () => {
    const own = await shared();
    const proxy = await FaultProxy.open(own.url);
    onTestFinished(() => proxy.close());
    const scope = newScope();
    const other = await watched(own.url, scope);
    const driver = await watched(proxy.url, scope);
    await other.broker.declareInbox({ name: "inbox" });
    const sent = [message(), message()];
    await other.broker.publish(sent.map((one) => ({ message: one, to: ["inbox"] })));
    const given = await take(driver, 2);
    await vi.waitFor(() => expect(given).toHaveLength(2), WITHIN);
    const [ended, retried] = given as [Delivery, Delivery];
    proxy.set({ hold: "to-client" });
    const settling = [
      end(ended),
      Promise.resolve(retried.settle({ outcome: "retry", delay: 60_000 })).catch(
        (error: { code: string }) => error.code,
      ),
    ];
    await vi.waitFor(
      async () => expect((await other.broker.inspect(["inbox"]))[0]).toMatchObject({ held: 0, delayed: 1 }),
      WITHIN,
    );
    proxy.cut();
    proxy.heal();
    expect(await Promise.all(settling)).toEqual(["settled", "INDETERMINATE"]);
    await vi.waitFor(
      async () => expect(await retried.settle({ outcome: "retry", delay: 60_000 })).toBe("settled"),
      WITHIN,
    );
    expect((await other.broker.inspect(["inbox"]))[0]).toMatchObject({
      waiting: 1,
      delayed: 1,
      ended: { acknowledged: 1 },
    });
  });

  it("takes nothing from holders that live when the server stood still for longer than their leases", async () => {
    const own = await shared();
    const scope = newScope();
    const revoked: string[] = [];
    const options = { lease: 1_000, renew: true, onRevoked: (_: Delivery, why: string) => revoked.push(why) };
    const given: Delivery[] = [];
    const onDeliveries = (deliveries: readonly Delivery[]): number => given.push(...deliveries);
    const takers = await Promise.all(Array.from({ length: 4 }, () => watched(own.url, scope)));
    await takers[0]?.broker.declareInbox({ name: "inbox" });
    const consumers = await Promise.all(
      takers.map(({ broker }, at) => broker.consume("inbox", { instance: `taker-${at}`, ...options, onDeliveries })),
    );
    const sent = Array.from({ length: 40 }, message);
    await takers[0]?.broker.publish(sent.map((one) => ({ message: one, to: ["inbox"] })));
    for (const consumer of consumers) {
      consumer.credit(10);
      await consumer.tried();
    }
    await vi.waitFor(() => expect(given).toHaveLength(sent.length), WITHIN);
    // All of them wait for more, and look for what others have lost when the leases run out.
    for (const consumer of consumers) consumer.credit(10);
    await Promise.all(consumers.map((consumer) => consumer.tried()));
    own.freeze();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    own.thaw();
    // Their renewals have been heard once this is answered behind them.
    await Promise.all(consumers.map((consumer) => consumer.tried()));
    expect(await Promise.all(given.map(end))).toEqual(sent.map(() => "settled"));
    expect(revoked).toEqual([]);
    expect(given.map(({ attempt }) => attempt)).toEqual(sent.map(() => 1));
  });

  it("gives a holder that lives but could not be heard a grace, and no second one", async () => {
    const own = await shared();
    const proxy = await FaultProxy.open(own.url);
    onTestFinished(() => proxy.close());
    const scope = newScope();
    const other = await watched(own.url, scope);
    const driver = await watched(proxy.url, scope);
    await other.broker.declareInbox({ name: "inbox" });
    await other.broker.publish([{ message: message(), to: ["inbox"] }]);
    const first: Delivery[] = [];
    const onDeliveries = (deliveries: readonly Delivery[]): number => first.push(...deliveries);
    const mine = await driver.broker.consume("inbox", { instance: "first", lease: 2_000, renew: true, onDeliveries });
    mine.credit(1);
    await vi.waitFor(() => expect(first).toHaveLength(1), WITHIN);
    const second = await take(other, 1);
    const program = new pg.Client(own.url);
    await program.connect();
    onTestFinished(() => program.end());
    const inGrace = async (): Promise<unknown> =>
      (
        await program.query(
          "SELECT h.in_grace FROM agentwire.held h JOIN agentwire.inbox i ON i.id = h.inbox WHERE i.scope = $1",
          [scope],
        )
      ).rows[0]?.in_grace;
    proxy.set({ hold: "to-server" });
    await vi.waitFor(async () => expect(await inGrace()).toBe(true), WITHIN);
    proxy.heal();
    await vi.waitFor(async () => expect(await inGrace()).toBe(false), WITHIN);
    expect(second).toEqual([]);
    proxy.set({ hold: "to-server" });
    await vi.waitFor(() => expect(second.map(({ attempt }) => attempt)).toEqual([2]), WITHIN);
    proxy.heal();
    expect(await end(first[0] as Delivery)).toBe("lost");
  });

  it("says that what was to be stored was not, while the server is gone for long", async () => {
    const own = await start();
    const hasty = { ...systemClock, after: (delay: number, ring: () => void) => systemClock.after(delay / 20, ring) };
    const driver = await watched(own.url, newScope(), hasty);
    await driver.broker.declareInbox({ name: "inbox" });
    await own.kill();
    await vi.waitFor(() => expect(driver.events.map(({ type }) => type)).toContain("driver.lost"), WITHIN);
    const [result] = await driver.broker.publish([{ message: message(), to: ["inbox"] }]);
    expect(result).toMatchObject({ status: "failed", error: { code: "REJECTED", retryable: true } });
  });

  it("asks for a password, and refuses a wrong one in words that do not repeat it", async () => {
    const own = await start({ password: "opensesame" });
    const bus = await connect(own.url, { logger: false });
    await bus.close();
    const wrong = own.url.replace("opensesame", "mistaken");
    const error = await connect(wrong, { logger: false }).then(
      () => expect.fail("it was let in"),
      (failure: Error & { code: string }) => failure,
    );
    expect(error).toMatchObject({
      code: "ENGINE_STATE",
      message: expect.stringContaining("password authentication failed"),
    });
    expect(JSON.stringify([error, error.message, String(error.cause)])).not.toMatch(/mistaken|opensesame/);
  });

  it("reads the class from the server, and refuses to start on less than is asked for", async () => {
    const own = await start({ settings: { synchronous_commit: "off" } });
    const driver = await watched(own.url, newScope());
    expect(driver.broker.capabilities.durability).toMatchObject({
      class: "none",
      reason: expect.stringContaining("synchronous_commit=off"),
    });
    await expect(connect(own.url, { require: "process", logger: false })).rejects.toMatchObject({
      code: "DURABILITY_UNMET",
    });
  });
});
