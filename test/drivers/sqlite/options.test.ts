import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parseOptions } from "../../../src/drivers/sqlite/options.ts";

describe("parseOptions", () => {
  it.each([
    ["sqlite:", resolve(".agentwire/agentwire.db")],
    ["file:", resolve(".agentwire/agentwire.db")],
    ["sqlite:bus.db", resolve("bus.db")],
    ["file:data/bus.db", resolve("data/bus.db")],
    ["sqlite:/var/bus.db", "/var/bus.db"],
    ["sqlite:///var/bus.db", "/var/bus.db"],
    ["sqlite:with%20space.db", resolve("with space.db")],
  ])("reads %s", (url, path) => {
    expect(parseOptions(url)).toEqual({ path, synchronous: "full" });
  });

  it("reads the class of durability", () => {
    expect(parseOptions("sqlite:bus.db?synchronous=normal").synchronous).toBe("normal");
    expect(parseOptions("sqlite:bus.db?synchronous=full").synchronous).toBe("full");
  });

  it.each([
    "redis:bus.db",
    "sqlite:bus.db?synchronous=off",
    "sqlite:bus.db?mode=ro",
    "sqlite:bus.db#part",
    "sqlite://host/bus.db",
    "sqlite::memory:",
    "sqlite:%zz",
  ])("refuses %s", (url) => {
    expect(() => parseOptions(url)).toThrow(expect.objectContaining({ code: "URL_INVALID" }));
  });
});
