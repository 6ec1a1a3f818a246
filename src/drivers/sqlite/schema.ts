import { AgentwireError } from "../../errors.ts";
import { type Connection, pragma } from "./connection.ts";

/** Marks a file as ours in its header: "AGWR". */
export const APPLICATION_ID = 0x41475752;

/** The columns that a copy keeps wherever it waits. */
const COPY = `
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 0,  -- hand-offs that are over
  crashes INTEGER NOT NULL DEFAULT 0,  -- of these, ended by a dead process or a lapsed lease
  cancelled TEXT,                      -- how it ends once its holder gives it back
  failures TEXT,                       -- failed attempts as JSON
  offered_at INTEGER,                  -- when its last hand-off that is over began
  holder TEXT,                         -- the instance it went to
  expires_at INTEGER,
  sender TEXT,                         -- only beside order_name
  order_name TEXT,                     -- the envelope's key, which a newer message can supersede
  order_key TEXT,                      -- the envelope's orderKey, handled one after the other
  body`;

/**
 * Each entry brings the file from the version that is its position to the next. Never changed once released.
 *
 * 1: the first form.
 *    `ready` has no index beside its key, because every index is paid three times per message: the key is
 *    inbox << 45 | priority << 42 | sequence, so one walk of the tree is the order of hand-off. The sequence is
 *    the inbox's own, because SQLite gives a deleted highest rowid away again. Rare columns have partial indexes,
 *    which cost nothing to messages without them. A claim is one row per consumer, so that handing out a batch
 *    writes one row instead of one per message. Logs are packed into a key in the same way: log << 37 | position.
 *
 * 2: copies know the limit that they count under.
 */
const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counter VALUES ('revision', 0), ('takeovers', 0), ('position', 0);

CREATE TABLE peer (
  id TEXT PRIMARY KEY, instance TEXT NOT NULL, pid INTEGER NOT NULL, namespace TEXT NOT NULL, boot TEXT NOT NULL,
  started TEXT NOT NULL, socket TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE inbox (
  id INTEGER PRIMARY KEY, scope TEXT NOT NULL, name TEXT NOT NULL,
  seq INTEGER NOT NULL DEFAULT 0, handed INTEGER NOT NULL DEFAULT 0, keyed INTEGER NOT NULL DEFAULT 0,
  capacity INTEGER NOT NULL, overflow TEXT NOT NULL, paused INTEGER NOT NULL,
  expires_after INTEGER, owner TEXT, orphan_since INTEGER,
  waiting INTEGER NOT NULL DEFAULT 0, accepted INTEGER NOT NULL DEFAULT 0,
  acknowledged INTEGER NOT NULL DEFAULT 0, expired INTEGER NOT NULL DEFAULT 0, dead_lettered INTEGER NOT NULL DEFAULT 0,
  superseded INTEGER NOT NULL DEFAULT 0, withdrawn INTEGER NOT NULL DEFAULT 0, dropped INTEGER NOT NULL DEFAULT 0,
  UNIQUE (scope, name)
);

CREATE TABLE ready (k INTEGER PRIMARY KEY, ${COPY}
);
CREATE INDEX ready_expiry ON ready (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX ready_order ON ready (sender, order_name) WHERE order_name IS NOT NULL;

CREATE TABLE delayed (
  n INTEGER PRIMARY KEY AUTOINCREMENT, due_at INTEGER NOT NULL, inbox INTEGER NOT NULL, priority INTEGER NOT NULL,
  slot INTEGER,                        -- the place it returns to, if its order key keeps it
  ${COPY}
);
CREATE INDEX delayed_due ON delayed (due_at);
CREATE INDEX delayed_inbox ON delayed (inbox, due_at);
CREATE INDEX delayed_expiry ON delayed (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX delayed_order ON delayed (sender, order_name) WHERE order_name IS NOT NULL;
CREATE INDEX delayed_key ON delayed (inbox, order_key) WHERE order_key IS NOT NULL;

CREATE TABLE claim (
  id INTEGER PRIMARY KEY AUTOINCREMENT, inbox INTEGER NOT NULL, peer TEXT NOT NULL, instance TEXT NOT NULL,
  exclusive INTEGER NOT NULL, lease REAL NOT NULL, held BLOB NOT NULL
);
CREATE INDEX claim_inbox ON claim (inbox);
CREATE INDEX claim_peer ON claim (peer);

CREATE TABLE dedupe (key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, id TEXT NOT NULL, copies TEXT NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX dedupe_expiry ON dedupe (expires_at);

CREATE TABLE bucket (name TEXT PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT NOT NULL, revision INTEGER NOT NULL, expires_at INTEGER);
CREATE INDEX kv_expiry ON kv (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, position INTEGER NOT NULL DEFAULT 0);
CREATE TABLE log_entry (k INTEGER PRIMARY KEY, value TEXT NOT NULL);
`,
  `
ALTER TABLE ready ADD COLUMN limited TEXT;
ALTER TABLE delayed ADD COLUMN limited TEXT;
CREATE INDEX ready_limited ON ready (limited) WHERE limited IS NOT NULL;
CREATE INDEX delayed_limited ON delayed (inbox, limited) WHERE limited IS NOT NULL;
`,
];

/**
 * The version of the file's form that this release writes. Only what an older release could not go on with raises it.
 * Anything else a release may add to a file without raising it, where it is missing: a table, an index, a column with a
 * default. So statements name the columns that they write, and a file with more in it than is known here is opened.
 */
const SCHEMA_VERSION = MIGRATIONS.length;

/** @throws VERSION_UNSUPPORTED when a newer release has raised the version of the file's form */
export function checkForm(version: number, path: string): void {
  if (version <= SCHEMA_VERSION) return;
  throw new AgentwireError(
    "VERSION_UNSUPPORTED",
    `${path} has form ${version}; this release knows ${SCHEMA_VERSION} and earlier`,
    { details: { path, version, supported: SCHEMA_VERSION }, hint: "Update this program; the file was not changed." },
  );
}

/**
 * Brings the tables to this release's form, all or nothing. Runs inside a transaction of the caller's.
 * @throws VERSION_UNSUPPORTED when a newer release wrote the file
 */
export function migrate(connection: Connection, path: string): void {
  const version = Number(pragma(connection, "user_version"));
  checkForm(version, path);
  for (const step of MIGRATIONS.slice(version)) connection.exec(step);
  if (version < SCHEMA_VERSION) connection.exec(`PRAGMA user_version=${SCHEMA_VERSION}`);
}
