import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compilePattern } from "../../src/message/pattern.ts";
import { agent, Registries } from "./registries.ts";

let processes: Registries;
beforeEach(() => {
  processes = new Registries();
});
afterEach(() => processes.stop());

const pattern = fc.constantFrom("a", "b", "a.b", "a.*", "*.b", "*", "**", "a.**", "b.a.*");
const channel = fc.constantFrom("a", "b", "a.b", "b.a", "a.a", "b.a.c", "c");

describe("the directory", () => {
  it("gives the subscribers that a plain search gives, each once", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uniqueArray(pattern), { maxLength: 5 }), channel, async (subscriptions, asked) => {
        const own = new Registries();
        const registry = await own.start("one");
        for (const [at, subscribes] of subscriptions.entries())
          await registry.register(agent(`agent-${at}`, { subscribes }));
        const found = registry.directory.subscribers(asked).map((entry) => entry.record.name);
        const expected = subscriptions.flatMap((subscribes, at) =>
          subscribes.some((one) => compilePattern(one).matches(asked)) ? [`agent-${at}`] : [],
        );
        await own.stop();
        expect([...found].sort()).toEqual(expected);
        expect(registry.directory.subscribers(asked)).toBe(registry.directory.subscribers(asked));
      }),
      { numRuns: 50 },
    );
  });

  it("leads to whom a plain walk along the routes leads, and knows no way that was taken back", async () => {
    const rules = fc.uniqueArray(fc.tuple(pattern, fc.uniqueArray(channel, { minLength: 1, maxLength: 3 })), {
      maxLength: 5,
      selector: ([source]) => source,
    });
    await fc.assert(
      fc.asyncProperty(rules, channel, fc.nat({ max: 4 }), async (routes, asked, gone) => {
        const own = new Registries();
        const [one, two] = [await own.start("one"), await own.start("two")];
        for (const [source, targets] of routes) await one.channels.route(source, targets);
        const left = routes.filter((_, at) => at !== gone);
        const taken = routes[gone];
        if (taken) await two.channels.unroute(taken[0]);
        await one.directory.refresh();
        const expected = [asked];
        for (const at of expected) {
          for (const [source, targets] of left) {
            if (!compilePattern(source).matches(at)) continue;
            expected.push(...targets.filter((target) => !expected.includes(target)));
          }
        }
        expect([...one.directory.channelsFrom(asked)].sort()).toEqual(expected.sort());
        await own.stop();
      }),
      { numRuns: 50 },
    );
  });

  it("counts a channel under the most exact limit that matches", async () => {
    const registry = await processes.start("one");
    const limits = ["**", "a.**", "a.*", "*.b", "a.b", "c.*.d"];
    for (const [at, name] of limits.entries()) await registry.channels.declare(name, { capacity: at + 1 });
    const limited = ["a.b", "a.c", "a.b.c", "c.b", "c.x.d", "z"].map((name) => registry.directory.limitOf(name)?.name);
    expect(limited).toEqual(["a.b", "a.*", "a.**", "*.b", "c.*.d", "**"]);
    await registry.channels.remove("a.b");
    expect(registry.directory.limitOf("a.b")).toEqual({ name: "a.*", capacity: 3, overflow: "reject" });
  });

  it("follows changes of subscriptions, roles, capabilities and types", async () => {
    const registry = await processes.start("one");
    const names = (entries: readonly { readonly record: { readonly name: string } }[]) =>
      entries.map((entry) => entry.record.name);
    await registry.register(
      agent("ada", { role: "clerk", receives: ["a"], capabilities: [{ name: "add", version: "1" }] }),
    );
    const { directory } = registry;
    expect(names(directory.match({ role: "clerk" }))).toEqual(["ada"]);
    expect(names(directory.match({ capability: "add@1" }))).toEqual(["ada"]);
    expect(names(directory.match({ capability: "add", role: "clerk" }))).toEqual(["ada"]);
    expect(names(directory.match({ capability: "add", role: "chief" }))).toEqual([]);
    expect(names(directory.match({ region: "eu" }))).toEqual([]);
    expect(names(directory.match({}))).toEqual(["ada"]);
    expect(directory.subscribers("news")).toEqual([]);
    await registry.subscribe("ada", "news");
    expect(names(directory.subscribers("news"))).toEqual(["ada"]);
    await registry.register(agent("ada", { role: "chief", receives: ["b"] }));
    expect(names(directory.match({ role: "clerk" }))).toEqual([]);
    expect(names(directory.match({ capability: "add" }))).toEqual([]);
    expect(names(directory.takers("a"))).toEqual([]);
    expect(names(directory.takers("b"))).toEqual(["ada"]);
    await registry.remove("ada");
    expect(directory.all()).toEqual([]);
    expect(directory.subscribers("news")).toEqual([]);
  });

  it("remembers a bounded number of channels", async () => {
    const registry = await processes.start("one");
    await registry.register(agent("ada", { subscribes: ["s.*"] }));
    const first = registry.directory.subscribers("s.0");
    for (let at = 1; at <= 10_000; at++) registry.directory.subscribers(`s.${at}`);
    expect(registry.directory.subscribers("s.0")).not.toBe(first);
    expect(registry.directory.subscribers("s.0")).toEqual(first);
  });

  it("suggests near names, nearest first", async () => {
    const registry = await processes.start("one");
    for (const name of ["writer", "waiter", "Writers", "writer-2", "planner"]) await registry.register(agent(name));
    expect(registry.directory.suggest("wirter")).toEqual(["writer", "Writers", "waiter"]);
    expect(registry.directory.suggest("zzz")).toEqual([]);
  });

  it("takes 1,000 agents, one after the other, and finds each", async () => {
    const registry = await processes.start("one");
    for (let at = 0; at < 1_000; at++)
      await registry.register(agent(`agent-${at}`, { receives: [`type-${at % 10}`], firstSeen: at }));
    expect(registry.directory.all()).toHaveLength(1_000);
    expect(registry.directory.takers("type-3")).toHaveLength(100);
    expect(registry.directory.all()[999]?.record.name).toBe("agent-999");
  });
});
