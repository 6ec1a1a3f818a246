/** What SQLite gives as one column. */
export type Value = string | number | Uint8Array | null;

/** One row, by column name. */
export type Row = Readonly<Record<string, Value>>;

/** A prepared statement of either client library. Parameters are bound by position; numbers must be safe integers or doubles. */
export interface Statement {
  run(...parameters: (Value | bigint)[]): { readonly changes: number | bigint };
  get(...parameters: Value[]): unknown;
  all(...parameters: Value[]): unknown[];
}

/** Makes a statement answer with arrays in place of objects, which takes a fifth less time a row. */
export function inArrays(statement: Statement): Statement {
  const either = statement as { raw?(on: boolean): unknown; setReturnArrays?(on: boolean): unknown };
  if (either.raw) either.raw(true);
  else either.setReturnArrays?.(true);
  return statement;
}

/** One synchronous connection to a database file: all that this driver needs of a client library. */
export interface Connection {
  prepare(sql: string): Statement;
  exec(sql: string): unknown;
  close(): unknown;
}

/** How a connection is opened. */
export interface OpenOptions {
  readonly readonly: boolean;
}

/** A client library that runs here. */
export interface ClientLibrary {
  readonly name: string;
  /** What a thread loads it by. */
  readonly module: string;
  open(path: string, options: OpenOptions): Connection;
}

/** Runs a pragma that answers with one value. */
export function pragma(connection: Connection, text: string): Value | undefined {
  const row = connection.prepare(`PRAGMA ${text}`).get() as Row | undefined;
  return row === undefined ? undefined : Object.values(row)[0];
}
