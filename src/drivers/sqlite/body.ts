import type { Value } from "./connection.ts";

/** What a copy's row has for a body: the stored form of its envelope, or the key of the journal's entry that has it. */
export type StoredBody = string | Uint8Array | bigint;

// Names of inboxes have nothing to escape, so this is found before anything of the message itself.
const BEFORE = ',"message":';
const AFTER = "}]";

/** A message as one value of the journal, its stored form last. */
export function journaledBody(
  body: string,
  about: { readonly at: number; readonly recipients: readonly string[]; readonly dueAt: number | undefined },
): string {
  const due = about.dueAt === undefined ? "" : `,"dueAt":${about.dueAt}`;
  return `[{"kind":"message","at":${about.at},"recipients":${listed(about.recipients)}${due}${BEFORE}${body}${AFTER}`;
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? "[]" : `["${names.join('","')}"]`;
}

/** The stored form of an envelope, taken out of the journal's entry if it was found there. */
export function bodyIn(value: Value | undefined): Value | undefined {
  // An envelope is an object, an entry of the journal an array.
  if (typeof value !== "string" || !value.startsWith("[")) return value;
  return value.slice(value.indexOf(BEFORE) + BEFORE.length, -AFTER.length);
}

/** SQL for the body of a row of `table`, or for the journal's entry that has it. `largest`: null above so many bytes. */
export function bodyOf(table: string, { largest }: { readonly largest?: number } = {}): string {
  const small = (column: string): string => (largest === undefined ? "" : ` AND octet_length(${column}) <= ${largest}`);
  return `CASE WHEN typeof(${table}.body) = 'integer'
    THEN (SELECT value FROM log_entry WHERE log_entry.k = ${table}.body${small("value")})
    ELSE CASE WHEN true${small(`${table}.body`)} THEN ${table}.body END END AS body`;
}

/** SQL for the body of a row of `table` as it is stored where no journal has it. */
export function ownBody(table: string): string {
  const at = `instr(value, '${BEFORE}')`;
  return `CASE WHEN typeof(${table}.body) = 'integer' THEN (
      SELECT substr(value, ${at} + ${BEFORE.length}, length(value) - ${at} - ${BEFORE.length + AFTER.length - 1})
      FROM log_entry WHERE log_entry.k = ${table}.body)
    ELSE ${table}.body END`;
}

/** SQL that gives the copies of `table` in a range whose bodies are among some of the journal's entries bodies of their own. */
export function ownBodies(table: string, range: string): string {
  return `UPDATE ${table} SET body = ${ownBody(table)}
    WHERE ${range} AND typeof(body) = 'integer' AND body BETWEEN ? AND ?`;
}
