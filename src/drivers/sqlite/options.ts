import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { AgentwireError } from "../../errors.ts";

/** What a URL of this driver says. */
export interface SqliteOptions {
  /** Absolute path of the database file. */
  readonly path: string;
  /** `full` syncs every commit (class `power`), `normal` only checkpoints (class `process`). */
  readonly synchronous: "full" | "normal";
}

const DEFAULT_FILE = ".agentwire/agentwire.db";

function invalid(why: string): AgentwireError {
  // The URL itself is not told: it may have a password, meant for another engine.
  return new AgentwireError("URL_INVALID", `The SQLite URL cannot be used: ${why}`, {
    hint: "Use sqlite:PATH, sqlite:///absolute/path or file:PATH, with ?synchronous=full or ?synchronous=normal.",
  });
}

function pathOf(location: string): string {
  if (location === "") return resolve(DEFAULT_FILE);
  if (location === ":memory:") throw invalid("a database in memory is not durable; use memory:");
  try {
    if (location.startsWith("//")) return fileURLToPath(new URL(`file:${location}`));
    return resolve(decodeURIComponent(location));
  } catch (cause) {
    throw invalid((cause as Error).message);
  }
}

/** Reads a `sqlite:` or `file:` URL. @throws URL_INVALID */
export function parseOptions(url: string): SqliteOptions {
  const match = /^(?:sqlite|file):([^?#]*)(?:\?([^#]*))?$/.exec(url);
  if (!match) throw invalid("it is not of the form sqlite:PATH");
  const path = pathOf(match[1] as string);
  let synchronous: SqliteOptions["synchronous"] = "full";
  for (const [name, value] of new URLSearchParams(match[2] ?? "")) {
    if (name !== "synchronous") throw invalid(`the option "${name}" is unknown`);
    if (value !== "full" && value !== "normal") throw invalid(`synchronous is full or normal, not "${value}"`);
    synchronous = value;
  }
  return { path, synchronous };
}
