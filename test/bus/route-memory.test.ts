import { describe, expect, it } from "vitest";
import type { Route } from "../../src/bus/route.ts";
import { RouteMemory } from "../../src/bus/route-memory.ts";

const to = (name: string): Route => ({ to: [name], fanOut: true, skipped: [] });

describe("remembered routes", () => {
  it("are told apart by channel, type and sender", () => {
    const memory = new RouteMemory();
    const keys = ["a", "b"].flatMap((channel) =>
      ["x", "y"].flatMap((type) => ["", "agent"].map((sender) => [channel, type, sender] as const)),
    );
    for (const key of keys) memory.set(1, ...key, to(key.join("/")));
    for (const key of keys) expect(memory.get(1, ...key)).toEqual(to(key.join("/")));
    expect(memory.get(1, "a", "x", "other")).toBeUndefined();
  });

  it("are forgotten when the registry changes", () => {
    const memory = new RouteMemory();
    memory.set(1, "a", "x", "", to("old"));
    expect(memory.get(2, "a", "x", "")).toBeUndefined();
    memory.set(2, "b", "x", "", to("new"));
    expect(memory.get(2, "a", "x", "")).toBeUndefined();
    expect(memory.get(2, "b", "x", "")).toEqual(to("new"));
  });

  it("are bounded", () => {
    const memory = new RouteMemory();
    for (let at = 0; at <= 10_000; at++) memory.set(1, `channel-${at}`, "x", "", to("agent"));
    expect(memory.get(1, "channel-0", "x", "")).toBeUndefined();
    expect(memory.get(1, "channel-10000", "x", "")).toBeDefined();
  });
});
