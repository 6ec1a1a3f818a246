import { AgentwireError, defineAgent, defineMessage, type ErrorCode } from "agentwire";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { compilePattern } from "../../src/message/pattern.ts";
import { onEachDriver } from "../support/buses.ts";
import { fastest } from "../support/fastest.ts";
import { Anything, victimOn } from "./victim.ts";

const BAD_NAMES = [
  "",
  "a".repeat(10_240),
  "a".repeat(129),
  "../x",
  "a/b",
  "a b",
  "*",
  "a.*",
  ">",
  "#",
  "a..b",
  ".a",
  "a.",
  "$SYS",
  "$reply.x",
  "$JS.API",
  "a\nb",
  "a\n",
  "\u202eevil",
  "аgent",
  "a\0b",
  "a:b",
  "a{b}",
  "a'b",
  'a"b',
  "a;drop table",
  "%00",
  "é",
  "😀",
  "a\\b",
  "a,b",
  "a=b",
  "a|b",
  "a`b`",
  "toString()",
];
const NOT_NAMES = [undefined, null, 5, {}, ["victim"], { toString: () => "victim" }, Symbol("victim"), 5n, true];

const codeOf = (call: () => unknown): ErrorCode | undefined => {
  try {
    call();
  } catch (error) {
    return AgentwireError.is(error) ? error.code : undefined;
  }
  return undefined;
};

describe("B8 a hostile name", () => {
  it("is NAME_INVALID for an agent and for a message type", () => {
    for (const name of [...BAD_NAMES, ...NOT_NAMES]) {
      expect(
        codeOf(() => defineAgent({ name: name as string })),
        String(name).slice(0, 40),
      ).toBe("NAME_INVALID");
      expect(
        codeOf(() => defineMessage(name as string, z.object({}))),
        String(name).slice(0, 40),
      ).toBe("NAME_INVALID");
    }
  });

  it.each(["a", "Z9_-", "a.b.c", "a".repeat(128), "_INBOX.x", "-", "__proto__", "constructor", "toString"])(
    "%j is a name like any other",
    async (name) => {
      expect(codeOf(() => defineAgent({ name }))).toBeUndefined();
    },
  );
});

onEachDriver("a hostile name", (buses) => {
  it("B8 is NAME_INVALID as an address and as a channel, and reaches no engine", async () => {
    const victim = await victimOn(await buses.open());
    for (const name of BAD_NAMES) {
      await victim.refuses(() => victim.bus.send(Anything, 1, { to: name, ifUnknown: "hold" }), "NAME_INVALID");
      await victim.refuses(() => victim.bus.publish(Anything, 1, { channel: name }), "NAME_INVALID");
    }
    expect((await victim.bus.inboxes.list()).map((inbox) => inbox.name)).toEqual(["victim"]);
  });

  it("B8 names of object members are only names", async () => {
    const bus = await buses.open();
    const victim = await victimOn(bus);
    const handled: string[] = [];
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      await bus.join(defineAgent({ name, subscribes: [name] }).on(Anything, () => void handled.push(name)));
      await (await bus.send(Anything, 1, { to: name })).settled({ timeout: "5s" });
      await (await bus.publish(Anything, 1, { channel: name })).settled({ timeout: "5s" });
    }
    expect(handled).toEqual(["__proto__", "constructor", "toString", "hasOwnProperty"].flatMap((name) => [name, name]));
    await victim.isUnharmed();
  });

  it("B8 an error about a name shows a piece of it, with control characters escaped", async () => {
    const victim = await victimOn(await buses.open());
    const error = await victim.refuses(
      () => victim.bus.send(Anything, 1, { to: `\n{"level":"info"}\u001b[31m${"a".repeat(10_000)}` }),
      "NAME_INVALID",
    );
    expect(error.message).not.toMatch(/[\u0000-\u001f]/);
    expect(error.message.length).toBeLessThan(200);
  });

  it("B8 a homoglyph of a known agent is no agent", async () => {
    const victim = await victimOn(await buses.open());
    await victim.refuses(() => victim.bus.send(Anything, 1, { to: "vіctim" }), "NAME_INVALID");
  });
});

describe("B9 a hostile channel pattern", () => {
  it.each([
    ["1,000 wildcards", new Array(1_000).fill("*").join(".")],
    ["500 levels", new Array(500).fill("a").join(".")],
    ["** in the middle", "a.**.b"],
    ["** twice", "**.**"],
    ["part of a segment", "a*.b"],
    ["an engine's wildcard", "a.>"],
    ["another engine's wildcard", "a.#"],
    ["an empty segment", "a..b"],
    ["nothing", ""],
    ["a line break", "a\n.b"],
    ["no text", 5],
  ])("%s is PATTERN_INVALID", (_name, pattern) => {
    expect(codeOf(() => compilePattern(pattern as string))).toBe("PATTERN_INVALID");
  });

  it("is matched in linear time: twice the segments cost about twice as much", () => {
    const cost = (segments: number): number => {
      const pattern = compilePattern([...new Array(segments - 1).fill("*"), "**"].join("."));
      const name = new Array(segments).fill("aaaaaaa").join(".");
      return fastest(() => {
        for (let at = 0; at < 20_000; at++) pattern.matches(name);
      });
    };
    expect(cost(16) / cost(8)).toBeLessThan(3);
  });
});

onEachDriver("hostile subscriptions", (buses) => {
  it("B9 a bad pattern is refused at join and at subscribe", async () => {
    const victim = await victimOn(await buses.open());
    const agent = await victim.bus.join(defineAgent({ name: "fan" }).on(Anything, () => {}));
    await victim.refuses(() => agent.subscribe(new Array(1_000).fill("*").join(".")), "PATTERN_INVALID");
    await victim.refuses(
      async () => victim.bus.join(defineAgent({ name: "other-fan", subscribes: ["a.**.b"] }).on(Anything, () => {})),
      "PATTERN_INVALID",
    );
  });

  it("B17 an agent's 1,001st subscription is LIMIT_EXCEEDED, at join too", async () => {
    const victim = await victimOn(await buses.open());
    const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `topic.${index}`);
    await victim.refuses(
      async () => victim.bus.join(defineAgent({ name: "greedy", subscribes: many(100_000) }).on(Anything, () => {})),
      "LIMIT_EXCEEDED",
    );
    const agent = await victim.bus.join(defineAgent({ name: "keen", subscribes: many(1_000) }).on(Anything, () => {}));
    await victim.refuses(() => agent.subscribe("one.more"), "LIMIT_EXCEEDED");
  });
});
