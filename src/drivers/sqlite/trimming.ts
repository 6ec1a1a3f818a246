import type { RowKeys } from "./log-table.ts";
import type { ReadyPlace } from "./ready-table.ts";
import type { Transaction } from "./transaction.ts";

/** What to trim. */
export interface TrimOptions {
  /** The log's name, prefixed. */
  readonly log: string;
  /** Position of the last entry to go; absent: all, and the log itself. */
  readonly upTo: number | undefined;
  /** Copies may have their bodies in the log. */
  readonly hasBodies: boolean;
}

/** How far a trim has come. */
export interface Trim extends TrimOptions {
  readonly keys: RowKeys;
  readonly next:
    | { readonly table: "delayed"; readonly after?: number }
    | { readonly table: "ready"; readonly after?: ReadyPlace }
    | { readonly table: "entries" };
}

/** A transaction of a trim looks at so many rows at a time, until it has seen this many or has lasted this long. */
const CHUNK = 64;
const MOST_ROWS = 512;
const LONGEST = 4;

/** Begins a trim; undefined if there is no such log. */
export function beginTrim(tx: Transaction, options: TrimOptions): Trim | undefined {
  const keys = tx.tables.logs.keys(options.log, options.upTo);
  return keys && { ...options, keys, next: { table: options.hasBodies ? "delayed" : "entries" } };
}

/**
 * Goes on with a trim; returns how far it is then, undefined when it is done. Copies get bodies of their own before the
 * entries go. The delayed ones come first: what is delayed from then on has its own already, so none slips past.
 */
export function trimStep(tx: Transaction, from: Trim): Trim | undefined {
  const start = performance.now();
  let trim: Trim | undefined = from;
  for (let rows = 0; trim && rows < MOST_ROWS && performance.now() - start < LONGEST; rows += CHUNK) {
    trim = trimChunk(tx, trim);
    tx.rows += CHUNK;
  }
  return trim;
}

function trimChunk(tx: Transaction, trim: Trim): Trim | undefined {
  const { logs, ready, delayed } = tx.tables;
  const { keys, next } = trim;
  if (next.table === "delayed") {
    const after = delayed.ownBodies(keys, { after: next.after, count: CHUNK });
    return { ...trim, next: after === undefined ? { table: "ready" } : { table: "delayed", after } };
  }
  if (next.table === "ready") {
    const after = ready.ownBodies(keys, { after: next.after, count: CHUNK });
    return { ...trim, next: after === undefined ? { table: "entries" } : { table: "ready", after } };
  }
  if (logs.trim(keys, CHUNK)) return trim;
  if (trim.upTo === undefined) logs.drop(trim.log, keys);
  return undefined;
}
