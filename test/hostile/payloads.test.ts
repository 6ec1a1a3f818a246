import { expect, it } from "vitest";
import { onEmbeddedDrivers } from "../support/buses.ts";
import { Anything, victimOn } from "./victim.ts";

class Account {
  get balance(): number {
    throw new Error("secret balance");
  }
}

const MiB = 1024 * 1024;

onEmbeddedDrivers("a hostile payload", (buses) => {
  const NOT_JSON: readonly (readonly [string, unknown])[] = [
    ["B1 undefined", undefined],
    ["B1 a function", () => 1],
    ["B1 a symbol", Symbol("s")],
    ["B1 an instance whose getter throws", new Account()],
    [
      "B1 a plain object whose getter throws",
      {
        get bomb() {
          throw new Error("secret");
        },
      },
    ],
    ["B1 a function inside", { a: [{ f: () => 1 }] }],
    ["B1 an undefined item", [1, undefined]],
    ["B2 a BigInt", 1n],
    ["B2 NaN", { deep: { n: Number.NaN } }],
    ["B2 Infinity", [Number.POSITIVE_INFINITY]],
    ["B2 a Date", { at: new Date(0) }],
    ["B2 an invalid Date", new Date(Number.NaN)],
    ["B2 a Map", new Map([["a", 1]])],
    ["B2 a boxed string", new String("x")],
    ["B2 a RegExp", /x/],
    ["B2 an Error", new Error("x")],
    [
      "B2 a proxy that throws at everything",
      new Proxy(
        {},
        {
          get: () => {
            throw new Error("secret");
          },
          getPrototypeOf: () => {
            throw new Error("secret");
          },
        },
      ),
    ],
    [
      "B2 a proxy that throws when its keys are listed",
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error("secret");
          },
        },
      ),
    ],
    [
      "B2 a list that throws when it is read",
      new Proxy([1], {
        get: (list, name) => {
          if (name === "0") throw new Error("secret");
          return Reflect.get(list, name);
        },
      }),
    ],
    ["B5 a lone surrogate", { text: "a\ud800b" }],
    ["B5 a lone surrogate in a name", { ["\udc00"]: 1 }],
    ["B5 bytes", Buffer.from([0xff, 0xfe])],
    ["B5 an ArrayBuffer", new ArrayBuffer(4)],
  ];
  it.each(NOT_JSON)("%s is PAYLOAD_INVALID", async (_name, payload) => {
    const victim = await victimOn(await buses.open());
    const error = await victim.refuses(() => victim.bus.send(Anything, payload, { to: "victim" }), "PAYLOAD_INVALID");
    expect(JSON.stringify(error)).not.toContain("secret");
  });

  it("B2 a circular object is PAYLOAD_INVALID, whichever way round it goes", async () => {
    const victim = await victimOn(await buses.open());
    const ring: Record<string, unknown> = { a: [{}] };
    (ring["a"] as Record<string, unknown>[])[0] = ring;
    const list: unknown[] = [];
    list.push([list]);
    for (const payload of [ring, list])
      await victim.refuses(() => victim.bus.send(Anything, payload, { to: "victim" }), "PAYLOAD_INVALID");
  });

  it("B2 what cannot travel is refused, never changed: a toJSON is not called", async () => {
    const victim = await victimOn(await buses.open());
    await victim.refuses(
      () => victim.bus.send(Anything, { n: 1, toJSON: () => "changed" }, { to: "victim" }),
      "PAYLOAD_INVALID",
    );
  });

  it("B3 nesting is allowed to 64 levels; beyond it is PAYLOAD_TOO_DEEP, at 100,000 levels too", async () => {
    const victim = await victimOn(await buses.open());
    const nested = (depth: number): unknown => {
      let value: unknown = 1;
      for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
      return value;
    };
    await (await victim.bus.send(Anything, nested(64), { to: "victim" })).settled();
    expect(victim.handled).toEqual([nested(64)]);
    for (const depth of [65, 100_000])
      await victim.refuses(() => victim.bus.send(Anything, nested(depth), { to: "victim" }), "PAYLOAD_TOO_DEEP");
  });

  it("B4 a payload over the limit is PAYLOAD_TOO_LARGE before it is copied", async () => {
    const victim = await victimOn(await buses.open());
    const large = "a".repeat(64 * MiB);
    const many = new Array<number>(10_000_000).fill(1);
    for (const payload of [
      "a".repeat(10 * MiB + 1),
      large,
      { deep: [large] },
      many,
      { a: "b".repeat(6 * MiB), c: "d".repeat(6 * MiB) },
    ]) {
      const before = process.memoryUsage().rss;
      await victim.refuses(() => victim.bus.send(Anything, payload, { to: "victim" }), "PAYLOAD_TOO_LARGE");
      expect(process.memoryUsage().rss - before).toBeLessThan(64 * MiB);
    }
  });

  it("B4 the limit is one of bytes: text of three bytes a character does not get three times the room", async () => {
    const victim = await victimOn(await buses.open());
    await victim.refuses(() => victim.bus.send(Anything, "€".repeat(4 * MiB), { to: "victim" }), "PAYLOAD_TOO_LARGE");
  });

  it("B4 nor does text of six, and a payload that just fits is delivered", async () => {
    const victim = await victimOn(await buses.open());
    await victim.refuses(
      () => victim.bus.send(Anything, "\u0001".repeat(2 * MiB), { to: "victim" }),
      "PAYLOAD_TOO_LARGE",
    );
    const numbers = new Array<number>(5 * MiB - 2).fill(1);
    await (await victim.bus.send(Anything, numbers, { to: "victim" })).settled();
    await (await victim.bus.send(Anything, "a".repeat(10 * MiB - 2), { to: "victim" })).settled();
    expect(victim.handled.slice(1).map((payload) => (payload as string).length)).toEqual([5 * MiB - 2, 10 * MiB - 2]);
  });

  it("B5 a NUL in a text travels unchanged", async () => {
    const victim = await victimOn(await buses.open());
    const payload = { "a\0b": "c\0d\u2028\u2029\ufeff" };
    await (await victim.bus.send(Anything, payload, { to: "victim" })).settled();
    expect(victim.handled).toEqual([payload]);
  });

  it("B6 names that reach for a prototype are plain data, at any depth", async () => {
    const victim = await victimOn(await buses.open());
    const source =
      '{"__proto__":{"polluted":1},"a":[{"constructor":{"prototype":{"polluted":1}}},{"__proto__":{"polluted":1}}],"prototype":{"polluted":1}}';
    await (await victim.bus.send(Anything, JSON.parse(source), { to: "victim" })).settled();
    expect(JSON.stringify(victim.handled[0])).toBe(source);
    expect(Object.getPrototypeOf(victim.handled[0])).toBe(Object.prototype);
    await victim.isUnharmed();
  });
});
