import fc from "fast-check";
import pg from "pg";
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from "vitest";
import type { Consumer, Delivery } from "../../../src/broker/consumer.ts";
import type { Driver } from "../../../src/broker/driver.ts";
import type { Publication } from "../../../src/broker/publication.ts";
import { type Envelope, PRIORITIES } from "../../../src/message/envelope.ts";
import { FaultProxy } from "../../../src/testing/fault-proxy.ts";
import { describeOn } from "../../support/servers.ts";
import { connectPostgres, newScope } from "./engine.ts";

const INBOX = "$reply.owner";
const WITHIN = { timeout: 10_000, interval: 5 };

/** What is done with the inbox, by its owner or by another process; numbers choose among what there is. */
type Step =
  | { readonly do: "send"; readonly by: "owner" | "other"; readonly what: readonly Kind[] }
  | { readonly do: "acknowledge" | "release" | "retry"; readonly nth: number }
  | { readonly do: "pause" | "resume" | "starve" | "feed" };
type Kind = "small" | "large" | "delayed" | "expired";

const kind: fc.Arbitrary<Kind> = fc.constantFrom("small", "small", "small", "large", "delayed", "expired");
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      by: fc.constantFrom("other" as const, "other" as const, "owner" as const),
      what: fc.array(kind, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom("acknowledge", "release", "retry"), nth: fc.nat(20) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("pause", "resume", "starve", "feed") }) },
) as fc.Arbitrary<Step>;

function publication(id: string, what: Kind, at: number): Publication {
  const message: Envelope = {
    ...{ v: 1, id, type: "note", version: 1, from: "sender", priority: PRIORITIES[at % PRIORITIES.length] ?? "normal" },
    ...{ createdAt: 1, conversationId: id, headers: {}, payload: { text: "x".repeat(what === "large" ? 10_000 : 10) } },
    ...(what === "expired" ? { expiresAt: Date.now() - 1 } : {}),
  };
  return { message, to: [INBOX], ...(what === "delayed" ? { dueAt: Date.now() + 10 } : {}) };
}

function acknowledge(delivery: Delivery): Promise<string> | string {
  const { message, inbox, attempt, offeredAt } = delivery;
  const of = { id: message.id, recipient: inbox, at: Date.now(), offeredAt, instance: "owner", attempt };
  return delivery.settle({ outcome: "end", record: { ...of, end: "acknowledged" } });
}

const idsOf = (deliveries: readonly Delivery[]): string[] => deliveries.map(({ message }) => message.id);

describeOn("postgres", "messages that travel with their wake-up over PostgreSQL", (server) => {
  const drivers: Driver[] = [];
  let scope: string;
  let other: Driver;

  async function opened(url: string): Promise<Driver> {
    const driver = await connectPostgres(url, { scope });
    drivers.push(driver);
    return driver;
  }

  beforeEach(async () => {
    scope = newScope();
    other = await opened(server.url);
  });
  afterEach(async () => {
    for (const { broker, store } of drivers.splice(0)) {
      await broker.close();
      await store?.close();
    }
  });

  async function consume(
    { broker }: Driver,
    take: (deliveries: readonly Delivery[]) => void,
    { credit = 1_000, isOwn = true }: { readonly credit?: number; readonly isOwn?: boolean } = {},
  ): Promise<Consumer> {
    await broker.declareInbox(isOwn ? { name: INBOX, expiresAfter: 60_000 } : { name: INBOX });
    const options = { instance: "owner", lease: 30_000, renew: true, exclusive: isOwn };
    const before = (await waiting()).length;
    const consumer = await broker.consume(INBOX, { ...options, onDeliveries: take });
    consumer.credit(credit);
    await vi.waitFor(async () => expect(await waiting()).toHaveLength(before + 1), WITHIN);
    return consumer;
  }

  async function read<T>(select: string): Promise<T[]> {
    const program = new pg.Client(server.url);
    await program.connect();
    const from = "agentwire.inbox i ON i.id = x.inbox WHERE i.scope = $1";
    const { rows } = await program.query<{ value: T }>(select.replace("{inbox}", from), [scope]);
    await program.end();
    return rows.map(({ value }) => value);
  }

  /** The tokens of what is held: of what was forwarded they are negative. */
  const tokens = (): Promise<number[]> =>
    read("SELECT x.token::integer AS value FROM agentwire.held x JOIN {inbox} ORDER BY x.place");
  /** Consumers that wait for more. */
  const waiting = (): Promise<number[]> =>
    read("SELECT x.id::integer AS value FROM agentwire.consumer x JOIN {inbox} AND x.hungry");

  it("are their owner's without its asking", async () => {
    const given: Delivery[] = [];
    await consume(await opened(server.url), (deliveries) => given.push(...deliveries));
    await other.broker.publish([publication("a", "small", 1), publication("b", "small", 0)]);
    await vi.waitFor(() => expect(idsOf(given)).toEqual(["b", "a"]), WITHIN);
    await other.broker.publish([publication("c", "large", 0)]);
    await vi.waitFor(() => expect(idsOf(given)).toEqual(["b", "a", "c"]), WITHIN);
    await other.broker.publish([publication("d", "small", 0)]);
    await vi.waitFor(() => expect(given).toHaveLength(4), WITHIN);
    expect((await tokens()).map(Math.sign)).toEqual([-1, -1, 1, -1]);
    expect(await Promise.all(given.map(acknowledge))).toEqual(given.map(() => "settled"));
    expect(given.map(({ attempt, redelivered }) => [attempt, redelivered])).toEqual(given.map(() => [1, false]));
  });

  it("are for the only one that waits, as many as it has asked for", async () => {
    const given: Delivery[] = [];
    const take = (deliveries: readonly Delivery[]): void => void given.push(...deliveries);
    const consumer = await consume(await opened(server.url), take, { credit: 2, isOwn: false });
    for (const id of ["a", "b", "c"]) await other.broker.publish([publication(id, "small", 0)]);
    await vi.waitFor(() => expect(idsOf(given)).toEqual(["a", "b"]), WITHIN);
    expect((await tokens()).map(Math.sign)).toEqual([-1, -1]);
    consumer.credit(3);
    await vi.waitFor(() => expect(idsOf(given)).toEqual(["a", "b", "c"]), WITHIN);
    await vi.waitFor(async () => expect(await waiting()).toHaveLength(1), WITHIN);
    await other.broker.publish([publication("d", "small", 0)]);
    await vi.waitFor(() => expect(given).toHaveLength(4), WITHIN);
    expect((await tokens()).map(Math.sign)).toEqual([-1, -1, 1, -1]);
    expect(await Promise.all(given.map(acknowledge))).toEqual(given.map(() => "settled"));
  });

  it("are nobody's yet where several wait", async () => {
    const given: Delivery[] = [];
    const take = (deliveries: readonly Delivery[]): void => void given.push(...deliveries);
    for (let one = 0; one < 2; one++) await consume(await opened(server.url), take, { isOwn: false });
    await other.broker.publish([publication("a", "small", 0)]);
    await vi.waitFor(() => expect(idsOf(given)).toEqual(["a"]), WITHIN);
    expect((await tokens()).map(Math.sign)).toEqual([1]);
  });

  it("come again where the notification was lost with its connection, as if for the first time", async () => {
    const proxy = await FaultProxy.open(server.url);
    onTestFinished(() => proxy.close());
    const given: Delivery[] = [];
    await consume(await opened(proxy.url), (deliveries) => given.push(...deliveries));
    proxy.set({ hold: "to-client" });
    await other.broker.publish([publication("a", "small", 0), publication("b", "small", 0)]);
    expect((await tokens()).map(Math.sign)).toEqual([-1, -1]);
    proxy.cut();
    proxy.heal();
    await vi.waitFor(() => expect(idsOf(given)).toEqual(["a", "b"]), WITHIN);
    expect(given.map(({ attempt }) => attempt)).toEqual([1, 1]);
    expect(await Promise.all(given.map(acknowledge))).toEqual(["settled", "settled"]);
    await other.broker.publish([publication("c", "small", 0)]);
    await vi.waitFor(() => expect(idsOf(given)).toEqual(["a", "b", "c"]), WITHIN);
    expect((await tokens()).map(Math.sign)).toEqual([-1]);
  });

  it("are given back by an owner that stops taking", async () => {
    const proxy = await FaultProxy.open(server.url);
    onTestFinished(() => proxy.close());
    const given: Delivery[] = [];
    const owner = await opened(proxy.url);
    const consumer = await consume(owner, (deliveries) => given.push(...deliveries));
    proxy.set({ hold: "to-client" });
    const sent = other.broker.publish([publication("a", "small", 0)]);
    await sent;
    const closing = consumer.close();
    proxy.heal();
    await closing;
    expect(given).toEqual([]);
    expect(await tokens()).toEqual([]);
    await consume(owner, (deliveries) => given.push(...deliveries));
    await vi.waitFor(() => expect(given.map(({ attempt }) => attempt)).toEqual([1]), WITHIN);
  });

  it.each([
    { isOwn: true, credit: 1_000 },
    { isOwn: false, credit: 3 },
  ])("are each handed out and ended once, whatever else happens to the inbox: %j", { timeout: 120_000 }, async (of) => {
    const owner = await opened(server.url);
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const run = ++runs;
        const acknowledged: string[] = [];
        const held = new Map<string, Delivery>();
        const doubled: string[] = [];
        const consumer = await consume(
          owner,
          (deliveries) => {
            for (const delivery of deliveries) {
              const { id } = delivery.message;
              if (held.has(id) || acknowledged.includes(id)) doubled.push(id);
              held.set(id, delivery);
            }
          },
          of,
        );
        const acknowledgeOne = async ([id, delivery]: [string, Delivery]): Promise<void> => {
          held.delete(id);
          acknowledged.push(id);
          expect(await acknowledge(delivery)).toBe("settled");
        };
        const wanted: string[] = [];
        let sent = 0;
        for (const one of steps) {
          if (one.do === "send") {
            const batch = one.what.map((what) => {
              const id = `${run}.${++sent}`;
              if (what !== "expired") wanted.push(id);
              return publication(id, what, sent);
            });
            await (one.by === "owner" ? owner : other).broker.publish(batch);
          } else if (one.do === "pause" || one.do === "resume")
            await other.broker.declareInbox({ name: INBOX, paused: one.do === "pause" });
          else if (one.do === "starve" || one.do === "feed") consumer.credit(one.do === "feed" ? of.credit : 0);
          else if ("nth" in one) {
            const chosen = [...held][one.nth % Math.max(held.size, 1)];
            if (!chosen) continue;
            if (one.do === "acknowledge") await acknowledgeOne(chosen);
            else {
              held.delete(chosen[0]);
              await chosen[1].settle(one.do === "release" ? { outcome: "release" } : { outcome: "retry", delay: 0 });
            }
          }
        }
        await owner.broker.declareInbox({ name: INBOX, paused: false });
        consumer.credit(1_000);
        await vi.waitFor(async () => {
          for (const entry of [...held]) await acknowledgeOne(entry);
          consumer.credit(of.credit);
          const [status] = await owner.broker.inspect([INBOX]);
          expect(status?.waiting).toBe(0);
        }, WITHIN);
        expect(doubled).toEqual([]);
        expect(acknowledged.sort()).toEqual(wanted.sort());
        await consumer.close();
        await owner.broker.deleteInbox(INBOX);
      }),
      { numRuns: 60 },
    );
  });

  it("keep the order of the inbox among those that are asked for", { timeout: 60_000 }, async () => {
    const given: Delivery[] = [];
    await consume(await opened(server.url), (deliveries) => given.push(...deliveries));
    const ids = Array.from({ length: 300 }, (_, at) => `m${at}`);
    // Of one priority, some too large to travel, in batches that follow each other without a pause.
    for (let at = 0; at < ids.length; at += 3) {
      const batch = ids.slice(at, at + 3).map((id, n) => publication(id, (at + n) % 7 === 0 ? "large" : "small", 0));
      await other.broker.publish(batch);
    }
    await vi.waitFor(() => expect(given).toHaveLength(ids.length), WITHIN);
    expect(idsOf(given)).toEqual(ids);
    const forwarded = (await tokens()).filter((token) => token < 0);
    expect(forwarded.length, "some travelled").toBeGreaterThan(0);
    expect(forwarded.length, "and some did not").toBeLessThan(ids.length);
  });
});
