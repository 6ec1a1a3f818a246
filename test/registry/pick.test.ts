import { describe, expect, it } from "vitest";
import { Picker, type PickStrategy } from "../../src/registry/pick.ts";
import type { AgentInfo } from "../../src/registry/record.ts";
import { agent } from "./registries.ts";

function info(name: string, given: Partial<AgentInfo> = {}): AgentInfo {
  return { ...agent(name), status: "online", instances: [], running: 0, load: 0, lastSeen: 0, ...given };
}

describe("picking", () => {
  it.each<[PickStrategy, string]>([
    ["least-load", "c"],
    ["round-robin", "a"],
    ["rank", "b"],
    ["first", "a"],
    [(agents) => agents.at(-1), "d"],
  ])("picks by %s", (strategy, expected) => {
    const agents = [
      info("a", { load: 2 }),
      info("b", { load: 3, metadata: { rank: 7 } }),
      info("c", { load: 1, metadata: { rank: "high" } }),
      info("d", { load: 0, status: "away" }),
    ];
    expect(new Picker().pick(agents, { strategy })?.name).toBe(expected);
  });

  it("takes turns among equals, and in turn over all with round-robin", () => {
    for (const strategy of ["least-load", "round-robin"] as const) {
      const picker = new Picker();
      const agents = ["a", "b", "c"].map((name, at) => info(name, { load: strategy === "round-robin" ? at : 0 }));
      const names = Array.from({ length: 7 }, () => picker.pick(agents, { strategy })?.name);
      expect(names.join("")).toBe("abcabca");
    }
  });

  it("prefers those at work to those away, draining, stale, offline", () => {
    const order = ["offline", "stale", "draining", "away", "busy"] as const;
    const agents = order.map((status, at) => info(status, { status, load: at }));
    const picker = new Picker();
    const picked: string[] = [];
    for (let left = agents; left.length > 0; left = left.filter((one) => !picked.includes(one.name))) {
      picked.push(picker.pick(left, {})?.name ?? "");
    }
    expect(picked).toEqual(["busy", "away", "draining", "stale", "offline"]);
  });

  it("prefers the given region, and takes another when there is none", () => {
    const agents = [info("us", { region: "us" }), info("eu", { region: "eu", load: 5 })];
    expect(new Picker().pick(agents, { strategy: "same-region", region: "eu" })?.name).toBe("eu");
    expect(new Picker().pick(agents, { strategy: "same-region", region: "asia" })?.name).toBe("us");
    expect(() => new Picker().pick(agents, { strategy: "same-region" })).toThrow(
      expect.objectContaining({ code: "ARGUMENT_INVALID" }),
    );
  });

  it("refuses an unknown strategy and finds none among none", () => {
    expect(() => new Picker().pick([], { strategy: "best" as PickStrategy })).toThrow(
      expect.objectContaining({ code: "OUT_OF_RANGE" }),
    );
    expect(new Picker().pick([], {})).toBeUndefined();
  });
});
