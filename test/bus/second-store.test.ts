import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bus, connect, defineAgent, defineMessage } from "agentwire";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import type { Driver, DriverContext } from "../../src/broker/driver.ts";
import { assemble } from "../../src/connect.ts";
import type { ConnectOptions } from "../../src/connect-options.ts";
import { MemoryEngine } from "../../src/drivers/memory/index.ts";
import { loadDriver } from "../../src/drivers.ts";
import { systemClock } from "../../src/internal/clock.ts";
import type { DurabilityReport } from "../../src/store/durability.ts";
import { ledgerDriver } from "../drivers/ledger/engine.ts";
import { QueueServer } from "../drivers/ledger/queues.ts";
import { failure } from "../support/buses.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "agentwire-test-"));
  folders.push(folder);
  return join(folder, "bus.db");
}

/** Two engines that only tell what is done with them: `messages:` keeps no state, `state:` does. */
function engines(classes: {
  readonly messages?: DurabilityReport["class"];
  readonly state?: DurabilityReport["class"];
}) {
  const told: string[] = [];
  const contexts = new Map<string, DriverContext>();
  const load = async (url: string, context: DriverContext): Promise<Driver> => {
    contexts.set(url, context);
    const { broker, store } = new MemoryEngine(context.clock).driver(context);
    const part = <T extends object>(target: T, name: string, durability: DurabilityReport): T =>
      new Proxy(target, {
        get(_, member) {
          const value = Reflect.get(target, member) as unknown;
          if (member === "capabilities") return { ...(value as object), driver: name, durability };
          if (typeof value !== "function") return value;
          return (...given: unknown[]): unknown => {
            if (member === "open" || member === "close") told.push(`${member} ${name}`);
            return (value as (...values: unknown[]) => unknown).apply(target, given);
          };
        },
      });
    const report = (name: "messages" | "state"): DurabilityReport => ({
      class: classes[name] ?? "none",
      reason: `as ${name} says`,
    });
    if (url === "messages:") return { broker: part(broker, "messages", report("messages")) };
    if (store === undefined) throw new Error("memory has a store");
    return {
      broker: part(broker, "state's messages", report("messages")),
      store: part(store, "state", report("state")),
    };
  };
  return {
    told,
    contexts,
    open: (url: string, options: ConnectOptions, loader = load) =>
      assemble(url, { logger: false, ...options }, { clock: systemClock, random: Math.random, loadDriver: loader }),
    load,
  };
}

describe("a second engine for the state", () => {
  it.each(["memory:", "sqlite:"])(
    "is refused by %s, which has a store of its own, before a file is made",
    async (scheme) => {
      const first = newFile();
      const second = newFile();
      const url = scheme === "memory:" ? scheme : `${scheme}${first}`;
      expect(await failure(connect(url, { store: `sqlite:${second}`, logger: false }))).toMatchObject({
        code: "UNSUPPORTED",
        message: `${scheme.slice(0, -1)} has a store of its own; leave out \`store\``,
      });
      expect([existsSync(first), existsSync(second)]).toEqual([false, false]);
    },
  );

  it("is required where the first carries messages only, and has to keep state itself", async () => {
    const { open, told } = engines({});
    expect(await failure(open("messages:", {}))).toMatchObject({
      code: "STORE_REQUIRED",
      message: "messages carries messages only; pass `store` with a second URL",
    });
    expect(await failure(open("messages:", { store: "messages:" }))).toMatchObject({
      code: "STORE_REQUIRED",
      message: expect.stringContaining("so does messages") as string,
    });
    expect(told).toEqual([]);
  });

  it("is given to the first, opened before it and closed after it", async () => {
    const { open, told, contexts } = engines({});
    const bus = await open("messages:", { store: "state:" });
    expect(told).toEqual(["open state", "open messages"]);
    expect(contexts.get("messages:")?.store?.capabilities.driver).toBe("state");
    expect(contexts.get("state:")?.store).toBeUndefined();
    await bus.close();
    expect(told.slice(2)).toEqual(["close messages", "close state"]);
  });

  it("is closed again where the first cannot be opened", async () => {
    const { open, told, load } = engines({});
    const opening = open("messages:", { store: "state:" }, async (url, context) => {
      const driver = await load(url, context);
      if (url !== "messages:") return driver;
      const open = () => Promise.reject(new Error("no engine"));
      const broker = new Proxy(driver.broker, {
        get: (target, member) => (member === "open" ? open : Reflect.get(target, member)),
      });
      return { broker };
    });
    expect(await failure(opening)).toMatchObject({ message: "no engine" });
    expect(told).toEqual(["open state", "close messages", "close state"]);
  });

  it.each([
    { messages: "replicated", state: "power", weaker: "power", reason: "as state says" },
    { messages: "process", state: "power", weaker: "process", reason: "as messages says" },
  ] as const)(
    "makes the class in force the weaker of the two: $messages and $state are $weaker [durable.weaker]",
    async ({ messages, state, weaker, reason }) => {
      const { open } = engines({ messages, state });
      const bus = await open("messages:", { store: "state:" });
      expect(bus.guarantees()).toEqual({ driver: "messages", store: "state", durability: { class: weaker, reason } });
      await bus.close();
      expect(await failure(open("messages:", { store: "state:", require: "replicated" }))).toMatchObject({
        code: "DURABILITY_UNMET",
        details: { required: "replicated", found: weaker, reason },
      });
    },
  );

  it("is the engine itself where there is one", async () => {
    const bus = await assemble(
      `sqlite:${newFile()}?synchronous=normal`,
      { logger: false },
      { clock: systemClock, random: Math.random, loadDriver },
    );
    expect(bus.guarantees()).toMatchObject({ driver: "sqlite", store: "sqlite", durability: { class: "process" } });
    await bus.close();
  });
});

const Add = defineMessage("add", z.object({ a: z.number(), b: z.number() }), { reply: z.object({ sum: z.number() }) });
const News = defineMessage("news", z.object({ n: z.number() }));

describe.each(["memory:", "sqlite:"])("a bus whose messages have no engine but the state in %s", (scheme) => {
  const buses: Bus[] = [];
  afterEach(async () => {
    for (const bus of buses.splice(0).reverse()) await bus.close({ grace: 100 });
  });

  let server: QueueServer;
  beforeEach(() => {
    server = new QueueServer(systemClock, { isOpen: true });
  });
  const open = async (store: string): Promise<Bus> => {
    const load = async (url: string, context: DriverContext): Promise<Driver> =>
      url === "queues:" ? ledgerDriver(server, context) : loadDriver(url, context);
    const surroundings = { clock: systemClock, random: Math.random, loadDriver: load };
    const bus = await assemble("queues:", { store, logger: false }, surroundings);
    buses.push(bus);
    return bus;
  };
  const url = (): string => (scheme === "memory:" ? scheme : `sqlite:${newFile()}`);
  const adder = defineAgent({ name: "adder" }).on(Add, ({ payload }) => ({ sum: payload.a + payload.b }));

  it("requests and replies", async () => {
    const bus = await open(url());
    expect(bus.guarantees()).toMatchObject({ driver: "queues", store: scheme.slice(0, -1) });
    await bus.join(adder);
    expect(await bus.request(Add, { a: 1, b: 2 })).toEqual({ sum: 3 });
  });

  it("refuses what the engine of the messages cannot count", async () => {
    const bus = await open(url());
    expect(await failure(bus.channels.declare("news", { capacity: 5 }))).toMatchObject({ code: "UNSUPPORTED" });
    await bus.channels.declare("news");
    expect(await bus.channels.status("news")).toMatchObject({ declared: true });
  });

  it("keeps the order of a key at any concurrency", async () => {
    const bus = await open(url());
    const seen: number[] = [];
    await bus.join(
      defineAgent({ name: "reader", orderKey: () => "one", concurrency: 4 }).on(News, async ({ payload }) => {
        await Promise.resolve();
        seen.push(payload.n);
      }),
    );
    const receipts = [];
    for (const n of [1, 2, 3, 4, 5]) receipts.push(await bus.send(News, { n }, { to: "reader" }));
    for (const receipt of receipts) await receipt.settled({ timeout: "10s" });
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });

  it("tells how messages ended, keeps dead letters and withdraws", async () => {
    const bus = await open(url());
    await bus.join(
      defineAgent({ name: "reader", subscribes: ["news.*"], retry: { attempts: 1 } }).on(News, () => {
        throw new Error("no");
      }),
    );
    const receipt = await bus.publish(News, { n: 1 }, { channel: "news.today" });
    expect((await receipt.settled({ timeout: "10s" })).ends).toEqual({ reader: "dead-lettered" });
    expect((await bus.deadLetters.list())[0]).toMatchObject({ recipient: "reader", code: "HANDLER_FAILED" });
    const late = await bus.send(News, { n: 2 }, { to: "reader", delay: "1h" });
    expect(await bus.withdraw(late.id)).toEqual({ ended: 1, held: 0 });
    expect((await late.settled({ timeout: "10s" })).ends).toEqual({ reader: "withdrawn" });
  });

  it.skipIf(scheme === "memory:")("is shared by several processes", async () => {
    const store = url();
    const [one, two] = [await open(store), await open(store)];
    await one.join(adder);
    expect(await two.request(Add, { a: 2, b: 2 }, { to: "adder" })).toEqual({ sum: 4 });
    await one.close({ grace: 100 });
    const receipt = await two.send(Add, { a: 1, b: 1 }, { to: "adder" });
    await two.join(adder);
    expect((await receipt.settled({ timeout: "10s" })).ends).toEqual({ adder: "acknowledged" });
  });

  it("is taken from the environment together with the first URL, and never with another one", async () => {
    vi.stubEnv("AGENTWIRE_URL", "memory:");
    vi.stubEnv("AGENTWIRE_STORE", "memory:");
    try {
      expect(await failure(connect())).toMatchObject({ code: "UNSUPPORTED" });
      await (await connect("memory:")).close();
    } finally {
      vi.unstubAllEnvs();
    }
  });
});
