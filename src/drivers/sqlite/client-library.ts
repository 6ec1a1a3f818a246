import { createRequire } from "node:module";
import { AgentwireError } from "../../errors.ts";
import type { ClientLibrary, Connection } from "./connection.ts";

const require = createRequire(import.meta.url);

/** `a.b.c` as comparable numbers. */
function parts(version: string): [number, number, number] {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  return [major, minor, patch];
}

function atLeast(version: string, least: string): boolean {
  const have = parts(version);
  const want = parts(least);
  for (let at = 0; at < 3; at++) {
    const difference = (have[at] as number) - (want[at] as number);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/**
 * Whether several connections may share a file with this version of SQLite: older ones can lose a WAL's last
 * frames when it is reset, and 3.52.0 was withdrawn.
 */
export function isSafeSqlite(version: string): boolean {
  return atLeast(version, "3.51.3") && parts(version).slice(0, 2).join(".") !== "3.52";
}

/** How better-sqlite3 is installed for a version of Node. */
function install(node: string): string {
  return `npm install better-sqlite3@${atLeast(node, "22.0.0") ? "^13" : "^12.11.1"}`;
}

/**
 * What is wrong with a version of better-sqlite3 on a version of Node; undefined: nothing.
 * Its 13th major crashes the process on Node 20, so this is asked before it is loaded. Its 12th one, built with the
 * headers of Node 24.19 or later, aborts the process when a statement is collected as garbage (nodejs/node#65446).
 */
export function betterSqliteFault(version: string, node: string): string | undefined {
  if (!atLeast(version, "12.11.1")) return `better-sqlite3 ${version} has an older SQLite library; ${install(node)}`;
  if (atLeast(version, "13.0.0") && !atLeast(node, "22.0.0"))
    return `better-sqlite3 ${version} does not run on Node ${node}; ${install(node)}`;
  if (!atLeast(version, "13.0.0") && atLeast(node, "24.0.0"))
    return `better-sqlite3 ${version} can abort the process on Node ${node}; ${install(node)}`;
  return undefined;
}

/** better-sqlite3, if it is installed and runs here; otherwise what is wrong with it. */
function betterSqlite(node: string): ClientLibrary | string {
  let version: string;
  try {
    version = (require("better-sqlite3/package.json") as { version: string }).version;
  } catch {
    return `better-sqlite3 is not installed; ${install(node)}`;
  }
  const fault = betterSqliteFault(version, node);
  if (fault !== undefined) return fault;
  try {
    const Database = require("better-sqlite3") as typeof import("better-sqlite3");
    return {
      name: `better-sqlite3 ${version}`,
      module: require.resolve("better-sqlite3"),
      open: (path, { readonly }) => new Database(path, { readonly, timeout: 0 }) as unknown as Connection,
    };
  } catch (cause) {
    return `better-sqlite3 ${version} cannot be loaded (${(cause as Error).message.split("\n")[0]}); npm rebuild better-sqlite3`;
  }
}

interface NodeSqlite {
  readonly DatabaseSync: new (path: string, options: { readOnly: boolean; timeout: number }) => Connection;
}

/** The SQLite built into Node, where it is there and new enough; otherwise what is wrong with it. */
export function nodeSqlite(node: string = process.versions.node): ClientLibrary | string {
  if (!atLeast(node, "22.13.0")) return `Node ${node} has no SQLite of its own`;
  const version = process.versions["sqlite"] ?? "0";
  if (!isSafeSqlite(version)) return `Node ${node} has SQLite ${version}; 3.51.3 or later is needed`;
  const { DatabaseSync } = require("node:sqlite") as NodeSqlite;
  return {
    name: `node:sqlite ${node}`,
    module: "node:sqlite",
    open: (path, { readonly }) => new DatabaseSync(path, { readOnly: readonly, timeout: 0 }),
  };
}

/**
 * Loads better-sqlite3, else the SQLite built into Node.
 * @throws DRIVER_MISSING with the install command
 */
export function loadClientLibrary(node: string = process.versions.node): ClientLibrary {
  const better = betterSqlite(node);
  if (typeof better !== "string") return better;
  const builtIn = nodeSqlite(node);
  if (typeof builtIn !== "string") return builtIn;
  throw new AgentwireError("DRIVER_MISSING", `The sqlite driver has no client library: ${better} (${builtIn})`);
}
