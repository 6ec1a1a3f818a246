import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { extname } from "node:path";
import { pathToFileURL } from "node:url";
import { describeThrown } from "../agent/error-text.ts";
import { Issues } from "./issues.ts";
import { parseJson } from "./json-text.ts";
import { Unreadable } from "./text-value.ts";
import { parseYaml } from "./yaml-text.ts";

/** Largest configuration file, in bytes. */
const LARGEST = 1024 * 1024;
const NO_TYPESCRIPT = /Unknown file extension "\.m?ts"/;
const MODULES = [".ts", ".mts", ".js", ".mjs"];

/** What a configuration file holds. */
export interface ConfigFile {
  readonly value: unknown;
  /** Faults found so far; none. It knows the lines. */
  readonly issues: Issues;
}

/** Reads a configuration file; its ending names the format. @throws CONFIG_INVALID, DRIVER_MISSING */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  const issues = new Issues();
  try {
    const value = await valueOf(path, issues);
    if (issues.count === 0) return { value, issues };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    issues.add(error.path, error.message, error.line);
    throw issues.error(path, error.cause);
  }
  throw issues.error(path);
}

async function valueOf(path: string, issues: Issues): Promise<unknown> {
  const ending = extname(path).toLowerCase();
  if (MODULES.includes(ending)) return importModule(path, await readBytes(path));
  if (ending === ".json") return parseJson(textOf(await readBytes(path)), issues);
  if (ending === ".yaml" || ending === ".yml") return parseYaml(textOf(await readBytes(path)), issues);
  throw new Unreadable(`is of no known format: name it .json, .yaml, .yml, ${MODULES.join(", ")}`);
}

async function readBytes(path: string): Promise<Buffer> {
  let bytes: Buffer | undefined;
  try {
    // Anything else may never end, or never begin.
    const found = await stat(path);
    if (found.isFile() && found.size <= LARGEST) bytes = await readFile(path);
    else if (!found.isFile()) throw new Unreadable("is no plain file");
  } catch (error) {
    if (error instanceof Unreadable) throw error;
    throw new Unreadable(`cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  if (bytes && bytes.length <= LARGEST) return bytes;
  throw new Unreadable(`is larger than ${LARGEST} bytes`);
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Unreadable("is not UTF-8 text");
  }
}

async function importModule(path: string, bytes: Buffer): Promise<unknown> {
  // Another text is another module: Node keeps what it has once loaded.
  const version = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  let module: { readonly default?: unknown };
  try {
    module = (await import(`${pathToFileURL(path).href}?version=${version}`)) as typeof module;
  } catch (cause) {
    const { message } = describeThrown(cause);
    const reason = NO_TYPESCRIPT.test(message)
      ? "this Node runs no TypeScript; start it with `node --import tsx`, or write JavaScript"
      : message;
    throw new Unreadable(`cannot be loaded: ${reason}`, { cause });
  }
  if (module.default === undefined) throw new Unreadable("has no default export");
  return module.default;
}
