/*
 * Tables that fill and empty all the time have statistics of another moment, by which the planner may match the last part
 * of a key row by row, over all of an inbox. These forms leave it no choice but to look up whole keys.
 */

/** The hand-out of the copy in row `x`; null where nobody holds it. */
export function holdOf(x: string): string {
  return `(SELECT y.token FROM held y WHERE y.inbox = ${x}.inbox AND y.level = ${x}.level AND y.place = ${x}.place)`;
}

/** One row of a table by the key in row `k`, as the row `name`; `inbox` is the key's first part. */
export function rowAt(
  table: "copy" | "held",
  name: string,
  { inbox, k }: { readonly inbox: string; readonly k: string },
): string {
  return `LATERAL (SELECT y.* FROM ${table} y WHERE y.inbox = ${inbox} AND y.level = ${k}.level AND y.place = ${k}.place LIMIT 1) ${name}`;
}

/** Where a row of a table is by the key in row `k`. It stays there while its inbox is locked. */
export function spotOf(
  table: "copy" | "held",
  { inbox, k, and = "" }: { readonly inbox: string; readonly k: string; readonly and?: string },
): string {
  return `(SELECT y.ctid FROM ${table} y WHERE y.inbox = ${inbox} AND y.level = ${k}.level AND y.place = ${k}.place${and})`;
}
