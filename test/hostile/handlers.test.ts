import { type Bus, type Delivery, defineAgent, defineMessage, jsonSchema } from "agentwire";
import { expect, it } from "vitest";
import { failure, gate, onEmbeddedDrivers } from "../support/buses.ts";
import { Anything, victimOn } from "./victim.ts";

const Work = defineMessage("work", jsonSchema<unknown>({}));
const Ball = defineMessage("ball", jsonSchema<number>({}));

/** An error at which every look throws. */
class Trap extends Error {
  override get message(): string {
    throw new Error("secret");
  }
  override get stack(): string {
    throw new Error("secret");
  }
}

const THROWN: readonly (readonly [string, () => unknown])[] = [
  ["null", () => null],
  ["undefined", () => undefined],
  ["a string", () => "broken"],
  ["a number", () => 5],
  ["a symbol", () => Symbol("s")],
  ["a BigInt", () => 5n],
  ["a function", () => () => 1],
  ["an object without a prototype", () => Object.create(null)],
  [
    "a circular object",
    () => {
      const ring: Record<string, unknown> = {};
      ring["ring"] = ring;
      return ring;
    },
  ],
  ["a frozen error", () => Object.freeze(new Error("frozen"))],
  ["an error with a text of 10 MiB", () => new Error("x".repeat(10 * 1024 * 1024))],
  ["an error whose getters throw", () => new Trap()],
  [
    "an error whose message is no text",
    () =>
      Object.assign(new Error(), {
        message: {
          toString: () => {
            throw new Error("secret");
          },
        },
      }),
  ],
  ["an error with a negative time to wait", () => Object.assign(new Error("later"), { retryAfter: -5 })],
  [
    "an error with a time to wait that is no number",
    () => Object.assign(new Error("later"), { retryAfter: Number.NaN }),
  ],
  [
    "a proxy that throws at everything",
    () =>
      new Proxy(
        {},
        {
          get: () => {
            throw new Error("secret");
          },
          has: () => {
            throw new Error("secret");
          },
          getPrototypeOf: () => {
            throw new Error("secret");
          },
        },
      ),
  ],
  ["an object that is nearly ours", () => ({ [Symbol.for("agentwire.error")]: true })],
  [
    "a revoked proxy",
    () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    },
  ],
];

onEmbeddedDrivers("a hostile handler", (buses) => {
  it.each(THROWN)(
    "B15 throws %s: a failed attempt with a text of at most 2 KiB, and no crash",
    async (_name, thrown) => {
      const victim = await victimOn(await buses.open());
      const handlerTold: number[] = [];
      await victim.bus.join(
        defineAgent({
          name: "thrower",
          retry: { attempts: 2, backoff: "immediate" },
          onError: () => {
            handlerTold.push(1);
            throw thrown();
          },
        }).on(Work, async ({ payload }) => {
          if (payload === "late") await new Promise((resolve) => setImmediate(resolve));
          throw thrown();
        }),
      );
      for (const payload of ["now", "late"]) {
        const receipt = await victim.bus.send(Work, payload, { to: "thrower" });
        expect((await receipt.settled({ timeout: "8s" })).ends).toEqual({ thrower: "dead-lettered" });
        const letter = await victim.bus.deadLetters.get(receipt.id);
        expect(letter).toMatchObject({ recipient: "thrower" });
        expect(typeof letter?.reason).toBe("string");
        expect(letter?.reason.length).toBeLessThanOrEqual(2_048);
        expect(letter?.reason).not.toContain("secret");
        expect(letter?.attempts.length).toBe(2);
      }
      expect(handlerTold.length).toBe(4);
      await victim.isUnharmed();
    },
  );

  it.each(THROWN)("B15 throws %s at a request: its caller is told at once", async (_name, thrown) => {
    const victim = await victimOn(await buses.open());
    await victim.bus.join(
      defineAgent({ name: "thrower", retry: { attempts: 1 } }).on(Work, () => {
        throw thrown();
      }),
    );
    const error = (await failure(victim.bus.request(Work, 1, { to: "thrower", timeout: "8s" }))) as {
      code: string;
      message: string;
    };
    expect(error.code).toBe("REMOTE_FAILED");
    expect(error.message.length).toBeLessThan(4_096);
    expect(JSON.stringify(error)).not.toMatch(/secret|at Object\.|\.ts:\d/);
    await victim.isUnharmed();
  });

  it("B16 a second ack, and an ack after reject, do nothing", async () => {
    const victim = await victimOn(await buses.open());
    const puller = await victim.bus.join(defineAgent({ name: "puller", receives: [Work] }));
    const first = await victim.bus.send(Work, 1, { to: "puller" });
    const second = await victim.bus.send(Work, 2, { to: "puller" });
    const [one, two] = await puller.receive({ limit: 2, wait: "5s" });
    await one?.ack();
    await one?.ack();
    await one?.reject("too late");
    await one?.retry();
    await two?.reject("no");
    await two?.ack();
    expect((await first.settled()).ends).toEqual({ puller: "acknowledged" });
    expect((await second.settled()).ends).toEqual({ puller: "dead-lettered" });
    expect(await puller.receive({ limit: 2 })).toEqual([]);
    await victim.isUnharmed();
  });

  it("B16 an ack after the lease went to another is LEASE_LOST and changes nothing", async () => {
    const victim = await victimOn(await buses.open());
    const puller = await victim.bus.join(defineAgent({ name: "puller", receives: [Work], lease: 100 }));
    const receipt = await victim.bus.send(Work, 1, { to: "puller" });
    const [old] = await puller.receive({ wait: "5s" });
    const [current] = await puller.receive({ wait: "5s" });
    expect(current).toMatchObject({ attempt: 2, redelivered: true });
    expect(await failure((old as Delivery<typeof Work>).ack())).toMatchObject({ code: "LEASE_LOST" });
    expect((await victim.bus.inboxes.get("puller"))?.waiting).toBe(1);
    await current?.ack();
    expect((await receipt.settled()).ends).toEqual({ puller: "acknowledged" });
    await victim.isUnharmed();
  });

  it("B16 an ack after the agent has left, or the bus has closed, settles nothing", async () => {
    const bus = await buses.open();
    const puller = await bus.join(defineAgent({ name: "puller", receives: [Work], lease: "1h" }));
    await bus.send(Work, 1, { to: "puller" });
    const [held] = await puller.receive({ wait: "5s" });
    await puller.leave();
    expect(await failure((held as Delivery<typeof Work>).ack())).toMatchObject({
      code: expect.stringMatching(/LEASE_LOST|UNKNOWN_DELIVERY|CLOSED/) as string,
    });
    expect(await failure(puller.receive())).toMatchObject({ code: "CLOSED" });
    expect((await bus.inboxes.get("puller"))?.waiting).toBe(1);
    await bus.close();
    expect(await failure((held as Delivery<typeof Work>).extend(1_000))).toMatchObject({
      code: expect.stringMatching(/LEASE_LOST|UNKNOWN_DELIVERY|CLOSED/) as string,
    });
  });

  it("B19 two agents that forward to each other end in a dead letter with HOPS_EXCEEDED", async () => {
    const victim = await victimOn(await buses.open());
    const passes: number[] = [];
    const ended = gate<string>();
    victim.bus.events.on("message.dead-lettered", (event) => ended.open(event.code));
    for (const [name, other] of [
      ["ping", "pong"],
      ["pong", "ping"],
    ] as const) {
      await victim.bus.join(
        defineAgent({ name, sends: [Ball] }).on(Ball, async ({ payload }, ctx) => {
          passes.push(payload);
          await ctx.send(Ball, payload + 1, { to: other });
        }),
      );
    }
    await victim.bus.send(Ball, 0, { to: "ping" });
    expect(await ended.promise).toBe("HOPS_EXCEEDED");
    await victim.bus.settled({ timeout: "5s" });
    expect(passes).toEqual(Array.from({ length: 17 }, (_, hop) => hop));
    expect((await victim.bus.deadLetters.list()).map((letter) => [letter.code, letter.message.payload])).toEqual([
      ["HOPS_EXCEEDED", 17],
    ]);
    await victim.isUnharmed();
  });

  it("B19 agents that forward the very same message end sooner, with LOOP_DETECTED", async () => {
    const victim = await victimOn(await buses.open());
    const ended = gate<string>();
    let passes = 0;
    victim.bus.events.on("message.dead-lettered", (event) => ended.open(event.code));
    await victim.bus.join(
      defineAgent({ name: "echo", sends: [Ball] }).on(Ball, async ({ payload }, ctx) => {
        passes++;
        await ctx.send(Ball, payload, { to: "echo" });
      }),
    );
    await victim.bus.send(Ball, 0, { to: "echo" });
    expect(await ended.promise).toBe("LOOP_DETECTED");
    await victim.bus.settled({ timeout: "5s" });
    expect(passes).toBeLessThanOrEqual(9);
    await victim.isUnharmed();
  });

  it("B18 nobody sends in another's name: `from` is written by the bus", async () => {
    const victim = await victimOn(await buses.open());
    await victim.refuses(
      () => victim.bus.send(Anything, 1, { to: "victim", from: "boss" } as never),
      "ARGUMENT_INVALID",
    );
    expect(await senderOf(victim.bus)).toBe("bus");
  });
});

async function senderOf(bus: Bus): Promise<string> {
  const seen = gate<string>();
  await bus.join(defineAgent({ name: "reader" }).on(Work, (message) => seen.open(message.from)));
  await bus.send(Work, { from: "boss" }, { to: "reader", headers: { from: "boss" } });
  return seen.promise;
}
