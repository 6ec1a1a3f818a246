import type { Client, Notification } from "pg";
import { readAuthorities } from "../certificates.ts";
import type { ClientLibrary } from "./client-library.ts";
import type { PostgresOptions } from "./options.ts";

/** A row as it is read: numbers and arrays of numbers as numbers, JSON as data. */
export type Row = Readonly<Record<string, unknown>>;

/** One statement. With a name it is prepared once for each session. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** One session on the server. Statements may be sent before earlier ones are answered; each is a transaction of its own. */
export interface Session {
  /** Its process on the server. */
  readonly backend: number;
  /** It is not the server's own: something between shares sessions out. */
  readonly isPooled: boolean;
  query(statement: Statement): Promise<{ readonly rows: readonly Row[] }>;
  /** Says goodbye. */
  end(): Promise<void>;
  /** Cuts the connection: whatever is under way fails. */
  destroy(): void;
}

/** What is heard of a session that nobody asked for. */
export interface SessionEvents {
  lost(cause: unknown): void;
  /** `isOwn`: this session sent it. */
  notified(channel: string, data: string, isOwn: boolean): void;
}

const CONNECT_WITHIN = 10_000;
/** The server gives a statement up before this process does, so that what failed has failed for certain. */
const STATEMENT_WITHIN = "8s";
/** A peer that has vanished is noticed within twice this, as the operating system's probes follow each other by 1 s. */
const PROBE_AFTER = 10_000;

const INT8 = 20;
const INT8_ARRAY = 1016;
const INT4_ARRAY = 1007;
const INT2_ARRAY = 1005;

// Every statement walks an index in its order. Statistics of tables that fill and empty all the time only mislead the planner.
const SETTINGS = `
SET statement_timeout = '${STATEMENT_WITHIN}'; SET plan_cache_mode = force_generic_plan; SET jit = off;
SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
SET client_min_messages = warning`;

/** Opens a session in the driver's schema. */
export async function openSession(
  library: ClientLibrary,
  { url, schema, ca }: PostgresOptions,
  events: SessionEvents,
): Promise<Session> {
  const { Client } = library;
  const client = new Client({
    connectionString: url,
    ...(ca === undefined ? {} : { ssl: { ca: await readAuthorities(ca) } }),
    application_name: "agentwire",
    pipeline: true,
    keepAlive: true,
    keepAliveInitialDelayMillis: PROBE_AFTER,
    connectionTimeoutMillis: CONNECT_WITHIN,
  });
  client.setTypeParser(INT8, Number);
  for (const oid of [INT2_ARRAY, INT4_ARRAY, INT8_ARRAY]) client.setTypeParser(oid, numbersIn);
  client.on("error", (error) => events.lost(error));
  client.on("end", () => events.lost(new Error("the server closed the connection")));
  let backend = 0;
  client.on("notification", ({ channel, payload = "", processId }: Notification) =>
    events.notified(channel, payload, processId === backend),
  );
  await client.connect();
  try {
    const done = await client.query(`SET search_path = ${schema}; ${SETTINGS}; SELECT pg_backend_pid() AS backend`);
    backend = (done as unknown as { rows: { backend: number }[] }[]).at(-1)?.rows[0]?.backend ?? 0;
  } catch (error) {
    destroy(client);
    throw error;
  }
  (client as unknown as { unref(): void }).unref();
  return {
    backend,
    // A pooler has numbers of its own.
    isPooled: backend !== (client as unknown as { processID: number }).processID,
    query: (statement) => client.query(statement as { text: string; values?: unknown[] }) as Promise<{ rows: Row[] }>,
    end: () => client.end(),
    destroy: () => destroy(client),
  };
}

function destroy(client: Client): void {
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}

function numbersIn(text: string): number[] {
  return text === "{}" ? [] : text.slice(1, -1).split(",").map(Number);
}
