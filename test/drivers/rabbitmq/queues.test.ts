import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { DriverContext, DriverEvent } from "../../../src/broker/driver.ts";
import type { Arrival, NewCopy, Source } from "../../../src/drivers/ledger/engine.ts";
import { MemoryEngine } from "../../../src/drivers/memory/index.ts";
import { RabbitmqEngine } from "../../../src/drivers/rabbitmq/engine.ts";
import { parseOptions } from "../../../src/drivers/rabbitmq/options.ts";
import { Session } from "../../../src/drivers/rabbitmq/session.ts";
import { systemClock } from "../../../src/internal/clock.ts";
import { jsonCodec } from "../../../src/message/codec-json.ts";
import { FaultProxy } from "../../../src/testing/fault-proxy.ts";
import { describeOn } from "../../support/servers.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Opened {
  readonly engine: RabbitmqEngine;
  readonly lost: Arrival[];
  readonly events: DriverEvent[];
  readonly heard: string[];
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
};

describeOn("rabbitmq", "the queues of an inbox", (server) => {
  let store: MemoryEngine;
  let scope: string;
  beforeEach(() => {
    store = new MemoryEngine(systemClock);
    scope = `test/${randomBytes(6).toString("hex")}`;
  });

  async function open(url = server.url): Promise<Opened> {
    const events: DriverEvent[] = [];
    const report = (event: DriverEvent): void => void events.push(event);
    const context: DriverContext = { clock: systemClock, codec: jsonCodec, scope, instance: "one", report };
    const own = store.driver(context).store;
    if (!own) throw new Error("memory has a store");
    await own.open();
    const engine = new RabbitmqEngine(new Session(parseOptions(url), context), own);
    const [lost, heard]: [Arrival[], string[]] = [[], []];
    await engine.open({
      lost: (arrivals) => void lost.push(...arrivals),
      signalled: (topic, data) => void heard.push(`${topic} ${data}`),
      restored: () => {},
      unclaimed: () => 0,
    });
    closing.push(() => engine.close());
    return { engine, lost, events, heard };
  }

  const copies = (count: number, level = 2, inbox = "inbox"): NewCopy[] =>
    Array.from({ length: count }, (_, at) => ({ inbox, level, body: `${level}-${at}` }));

  async function take(
    { engine }: Opened,
    { window, inbox = "inbox" }: { readonly window?: number; readonly inbox?: string } = {},
  ): Promise<{ source: Source; got: Arrival[]; bodies(): unknown[] }> {
    const got: Arrival[] = [];
    const onArrivals = (arrivals: readonly Arrival[]): void => void got.push(...arrivals);
    const source = await engine.take(inbox, window === undefined ? { onArrivals } : { window, onArrivals });
    return { source, got, bodies: () => got.map(({ body }) => body) };
  }

  it("gives as many as are wanted, higher levels first, each in its order, and the rest to others", async () => {
    const [one, other] = [await open(), await open()];
    for (const level of [4, 2, 0]) expect(await one.engine.put(copies(3, level))).not.toContain(undefined);
    const taking = await take(one);
    taking.source.want(5);
    await taking.source.tried();
    expect(taking.bodies()).toEqual(["0-0", "0-1", "0-2", "2-0", "2-1"]);
    expect(new Set(taking.got.map(({ mark }) => mark)).size).toBe(5);
    const rest = await take(other);
    await taking.source.tried();
    rest.source.want(10);
    await rest.source.tried();
    expect(rest.bodies()).toEqual(["2-2", "4-0", "4-1", "4-2"]);
    await one.engine.acknowledge(taking.got);
    await taking.source.close();
    await other.engine.giveBack([...rest.got].reverse());
    rest.source.want(0);
    await rest.source.tried();
    expect(await one.engine.count(["inbox", "none"])).toEqual([{ ready: 4 }, { ready: 0 }]);
  });

  it("hands over the more urgent one of two that are both on their way", async () => {
    const proxy = await FaultProxy.open(server.url);
    closing.push(() => proxy.close());
    const [one, other] = [await open(proxy.url), await open()];
    await other.engine.put([...copies(1, 0), ...copies(1, 4)]);
    const taking = await take(one, { window: 4 });
    taking.source.want(2);
    await taking.source.tried();
    await one.engine.acknowledge(taking.got);
    proxy.set({ delay: 100 });
    await other.engine.put([{ inbox: "inbox", level: 4, body: "low" }]);
    await other.engine.put([{ inbox: "inbox", level: 0, body: "urgent" }]);
    taking.source.want(1);
    await until(() => taking.got.length > 2);
    expect(taking.bodies().slice(2)).toEqual(["urgent"]);
  });

  it("gives the higher of two levels first, also when the one before of that level is not acknowledged", async () => {
    const one = await open();
    for (const level of [2, 0]) await one.engine.put(copies(2, level));
    const taking = await take(one);
    for (let number = 0; number < 3; number++) {
      taking.source.want(1);
      await taking.source.tried();
    }
    expect(taking.bodies()).toEqual(["0-0", "0-1", "2-0"]);
    await one.engine.acknowledge(taking.got);
  });

  it("gives back, in their old order, what was given back together, and marks it", async () => {
    const one = await open();
    await one.engine.put(copies(5));
    const first = await take(one, { window: 3 });
    first.source.want(3);
    await first.source.tried();
    const [a, b, c] = first.got;
    expect(first.got.map(({ doubt }) => doubt)).toEqual(["none", "none", "none"]);
    await one.engine.giveBack([c, a, b] as Arrival[]);
    await first.source.close();
    const second = await take(one);
    second.source.want(5);
    await second.source.tried();
    expect(second.bodies()).toEqual(["2-0", "2-1", "2-2", "2-3", "2-4"]);
    expect(second.got.map(({ mark }) => mark).slice(0, 3)).toEqual([a, b, c].map((one) => one?.mark));
    expect(second.got.map(({ doubt }) => doubt)).toEqual(["ended", "ended", "ended", "none", "none"]);
    expect(second.got[0]?.order).toBeGreaterThan(Date.now() * 1_000);
    expect([...second.got].sort((x, y) => x.order - y.order)).toEqual(second.got);
  });

  it("gives to another what was held when its connection is cut, and takes again by itself", async () => {
    const proxy = await FaultProxy.open(server.url);
    closing.push(() => proxy.close());
    const one = await open(proxy.url);
    await one.engine.put(copies(2));
    const taking = await take(one);
    taking.source.want(10);
    await until(() => taking.got.length === 2);
    const sending = one.engine.put(copies(1, 1));
    proxy.cut();
    const [answer] = await sending;
    expect(typeof answer === "string" || answer?.code === "INDETERMINATE").toBe(true);
    await until(() => one.lost.length === 2);
    expect(one.lost).toEqual(taking.got.slice(0, 2));
    await until(() => one.events.some(({ type }) => type === "driver.restored"));
    await until(() => taking.got.filter(({ level }) => level === 2).length === 4);
    const [, , ...again] = taking.got.filter(({ level }) => level === 2);
    expect(again.map(({ body, doubt }) => [body, doubt])).toEqual([
      ["2-0", "ended"],
      ["2-1", "ended"],
    ]);
    await one.engine.acknowledge(again);
  });

  it("deletes the queues of an inbox, and makes them anew when they are used again", async () => {
    const [one, other] = [await open(), await open()];
    await one.engine.put(copies(3));
    const taking = await take(other);
    await one.engine.clear("inbox");
    expect(await other.engine.count(["inbox"])).toEqual([{ ready: 0 }]);
    taking.source.want(5);
    const fresh = await other.engine.put(copies(2, 3));
    expect(fresh.every((mark) => typeof mark === "string")).toBe(true);
    await until(() => taking.got.length === 2);
    expect(await one.engine.fetch("inbox", 3, 5)).toEqual([]);
    await other.engine.acknowledge(taking.got);
    await one.engine.put(copies(2, 3));
    await until(() => taking.got.length === 4);
  });

  it("hears signals of other processes, and its own, until it no longer listens", async () => {
    const [one, other] = [await open(), await open()];
    await Promise.all([one.engine.hear("topic"), other.engine.hear("topic")]);
    one.engine.signal("topic", "1");
    await until(() => one.heard.length > 0 && other.heard.length > 0);
    expect([one.heard, other.heard]).toEqual([["topic 1"], ["topic 1"]]);
    other.engine.unhear("topic");
    one.engine.signal("topic", "2");
    await until(() => one.heard.length === 2);
    expect(other.heard).toEqual(["topic 1"]);
  });
});
