import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import {
  betterSqliteFault,
  isSafeSqlite,
  loadClientLibrary,
  nodeSqlite,
} from "../../../src/drivers/sqlite/client-library.ts";

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

  it.each([
    ["13.2.0", "20.20.2", "npm install better-sqlite3@^12.11.1"],
    ["13.2.0", "22.13.0", undefined],
    ["13.2.0", "24.21.0", undefined],
    ["12.11.1", "20.20.2", undefined],
    ["12.11.1", "22.23.3", undefined],
    ["12.11.1", "24.21.0", "npm install better-sqlite3@^13"],
    ["11.9.0", "20.20.2", "npm install better-sqlite3@^12.11.1"],
    ["11.9.0", "22.13.0", "npm install better-sqlite3@^13"],
  ])("knows before it is loaded what is wrong with better-sqlite3 %s on Node %s: %s", (version, node, hint) => {
    const fault = betterSqliteFault(version, node);
    if (hint === undefined) expect(fault).toBeUndefined();
    else expect(fault?.endsWith(`; ${hint}`), fault).toBe(true);
  });

  it("loads better-sqlite3 where the one that is installed runs, else the one built into Node", () => {
    const version = installed();
    const runs = version !== undefined && betterSqliteFault(version, process.versions.node) === undefined;
    expect(loadClientLibrary().name).toBe(runs ? `better-sqlite3 ${version}` : `node:sqlite ${process.versions.node}`);
  });

  it("says why Node has no SQLite to offer", () => {
    expect(nodeSqlite("20.20.2")).toBe("Node 20.20.2 has no SQLite of its own");
  });
});

/** The version of better-sqlite3 that is there, whether it runs or not. */
function installed(): string | undefined {
  try {
    return (createRequire(import.meta.url)("better-sqlite3/package.json") as { version: string }).version;
  } catch {
    return undefined;
  }
}
