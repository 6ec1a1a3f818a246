import { describe, expect, it } from "vitest";
import { betterSqliteFault, isSafeSqlite, loadClientLibrary } from "../../../src/drivers/sqlite/client-library.ts";

describe("client libraries", () => {
  it.each([
    ["3.51.2", false],
    ["3.51.3", true],
    ["3.52.0", false],
    ["3.53.2", true],
    ["4.0.0", true],
    ["3.9.0", false],
  ])("knows whether SQLite %s is safe for several processes: %s", (version, safe) => {
    expect(isSafeSqlite(version)).toBe(safe);
  });

  it("refuses a major that crashes the process before it is loaded, with the install command", () => {
    expect(betterSqliteFault("13.2.0", "20.20.2")).toContain("npm install better-sqlite3@");
    expect(betterSqliteFault("13.2.0", "22.13.0")).toBeUndefined();
    expect(betterSqliteFault("12.11.1", "20.20.2")).toBeUndefined();
    expect(betterSqliteFault("11.9.0", "20.20.2")).toContain("npm install better-sqlite3@");
  });

  it("loads the one that is installed", () => {
    expect(loadClientLibrary().name).toMatch(/^better-sqlite3 12\./);
  });
});
