import { AgentwireError } from "../../errors.ts";
import type { Session } from "./connection.ts";
import { BASICS } from "./procedures/basics.ts";
import { CLAIM } from "./procedures/claim.ts";
import { ENDS } from "./procedures/ends.ts";
import { INBOXES } from "./procedures/inboxes.ts";
import { PUBLISH } from "./procedures/publish.ts";
import { SETTLE } from "./procedures/settle.ts";
import { STORE } from "./procedures/store.ts";
import { TABLES } from "./tables.ts";

/** Each entry brings a schema from the version that is its position to the next. Never changed once released. */
const MIGRATIONS: readonly string[] = [[TABLES, BASICS, ENDS, PUBLISH, CLAIM, SETTLE, INBOXES, STORE].join("\n")];

/** Locked while one process makes or changes the tables: "AGWR". */
const MIGRATION_LOCK = 0x41475752;

/**
 * Brings the tables of a schema to this release's form, all or nothing; creates the schema where it is missing.
 * @throws VERSION_UNSUPPORTED when a newer release wrote it
 */
export async function migrate(session: Session, schema: string): Promise<void> {
  const { rows } = await session.query({
    text: "SELECT to_regclass($1) IS NOT NULL AS there",
    values: [`${schema}.form`],
  });
  const version = rows[0]?.["there"] === true ? await versionOf(session) : 0;
  if (version > MIGRATIONS.length)
    throw new AgentwireError(
      "VERSION_UNSUPPORTED",
      `The schema ${schema} has form ${version}; this release knows ${MIGRATIONS.length} and earlier`,
      {
        details: { schema, version, supported: MIGRATIONS.length },
        hint: "Update this program; the data was not changed.",
      },
    );
  if (version === MIGRATIONS.length) return;
  await session.query({ text: "BEGIN" });
  try {
    await session.query({ text: `SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})` });
    await session.query({ text: `CREATE SCHEMA IF NOT EXISTS ${schema}` });
    await session.query({ text: "CREATE TABLE IF NOT EXISTS form (version integer NOT NULL)" });
    // Another process may have been first.
    const found = await versionOf(session);
    for (const step of MIGRATIONS.slice(found)) await session.query({ text: step });
    if (found < MIGRATIONS.length)
      await session.query({ text: `DELETE FROM form; INSERT INTO form VALUES (${MIGRATIONS.length})` });
    await session.query({ text: "COMMIT" });
  } catch (error) {
    await session.query({ text: "ROLLBACK" }).catch(() => {});
    throw error;
  }
}

async function versionOf(session: Session): Promise<number> {
  const { rows } = await session.query({ text: "SELECT max(version) AS version FROM form" });
  return (rows[0]?.["version"] as number | null) ?? 0;
}
