/**
 * The tables. Names without a schema: each connection has the driver's schema as its search path.
 *
 * - `copy` holds what waits, is delayed or is held: levels 0 to 4 are the priorities, 8 and more those of delayed copies.
 *   Its key is the order of hand-off, so that one index finds the next and needs no sort.
 * - `held` says who has what. A row of its own, so that handing out does not write the message anew.
 * - Whoever changes the copies of an inbox has its row locked until the commit. So places are given in the order of
 *   commits, and counts are exact. Positions of logs and revisions of buckets are given in the same way.
 * - Rare columns have partial indexes, which cost nothing to messages without them.
 */
export const TABLES = `
CREATE TABLE peer (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, scope text NOT NULL, instance text NOT NULL,
  journal boolean NOT NULL,                -- keeps a journal
  mark jsonb NOT NULL                      -- which process of which machine it is
);

CREATE TABLE inbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  scope text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL,
  capacity bigint NOT NULL DEFAULT 1000000, overflow text NOT NULL DEFAULT 'reject', paused boolean NOT NULL DEFAULT false,
  expires_after bigint, owner integer, orphan_since bigint,
  sequence bigint NOT NULL DEFAULT 0,      -- the last place that was given
  passed_over integer NOT NULL DEFAULT 0,  -- the aging guard's count
  lows bigint[] NOT NULL DEFAULT '{0,0,0,0,0}',  -- for each level a place before which no copy is left
  lows_at bigint NOT NULL DEFAULT 0,       -- how much had been put in and had ended when they were looked for
  lapse_at bigint,                         -- no lease ends before; null: nothing is held
  keyed boolean NOT NULL DEFAULT false,    -- order keys have been seen
  hungry boolean NOT NULL DEFAULT false,   -- a consumer waits for more
  waiting bigint NOT NULL DEFAULT 0, accepted bigint NOT NULL DEFAULT 0,
  acknowledged bigint NOT NULL DEFAULT 0, expired bigint NOT NULL DEFAULT 0, dead_lettered bigint NOT NULL DEFAULT 0,
  superseded bigint NOT NULL DEFAULT 0, withdrawn bigint NOT NULL DEFAULT 0, dropped bigint NOT NULL DEFAULT 0,
  UNIQUE (scope, name)
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

CREATE TABLE copy (
  inbox bigint NOT NULL, level smallint NOT NULL, place bigint NOT NULL,
  id text COLLATE "C" NOT NULL, type text COLLATE "C" NOT NULL, sender text COLLATE "C" NOT NULL,
  attempt integer NOT NULL DEFAULT 0,      -- hand-offs that are over
  crashes integer NOT NULL DEFAULT 0,      -- of these, ended by a lapsed lease
  expires_at bigint, due_at bigint,
  kept_place bigint,                       -- the place that a delayed copy returns to, if its order key keeps it
  order_name text COLLATE "C",             -- the envelope's key, which a newer message can supersede
  order_key text COLLATE "C",              -- the envelope's orderKey, handled one after the other
  limited text COLLATE "C",                -- the limit that it counts under
  cancelled text,                          -- how it ends once its holder gives it back
  failures text,                           -- failed attempts as JSON
  offered_at bigint, holder text,          -- its last hand-off that is over
  body text NOT NULL,
  PRIMARY KEY (inbox, level, place)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX copy_id ON copy (id, inbox);
CREATE INDEX copy_expiry ON copy (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX copy_due ON copy (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX copy_order ON copy (inbox, order_name) WHERE order_name IS NOT NULL;
CREATE INDEX copy_key ON copy (inbox, order_key) WHERE order_key IS NOT NULL AND kept_place IS NOT NULL;
CREATE INDEX copy_limited ON copy (inbox, limited) WHERE limited IS NOT NULL;

CREATE TABLE held (
  inbox bigint NOT NULL, level smallint NOT NULL, place bigint NOT NULL,
  consumer bigint NOT NULL, peer integer NOT NULL, instance text NOT NULL,
  token bigint NOT NULL,                   -- the hand-out's number in its process; with the consumer, the fence
  offered_at bigint NOT NULL, until bigint NOT NULL, order_key text COLLATE "C",
  grace integer NOT NULL,                  -- what a holder gets beyond its lease, in milliseconds, if it renews
  in_grace boolean NOT NULL DEFAULT false, -- has it: until is its end
  PRIMARY KEY (inbox, level, place)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE consumer (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, inbox bigint NOT NULL, peer integer NOT NULL,
  instance text NOT NULL, exclusive boolean NOT NULL, closing boolean NOT NULL DEFAULT false, hungry boolean NOT NULL DEFAULT false,
  lease bigint, grace integer,             -- for what may be sent to it unasked; null: it asks for everything
  begun integer NOT NULL DEFAULT 0,        -- how often its connection was made again
  open boolean NOT NULL DEFAULT false,     -- it has all that there is: what comes next may be sent to it
  room integer NOT NULL DEFAULT 0          -- and so many of them
) WITH (fillfactor = 50);
CREATE INDEX consumer_inbox ON consumer (inbox);
CREATE INDEX consumer_peer ON consumer (peer);

CREATE TABLE dedupe (
  key text COLLATE "C" PRIMARY KEY, fingerprint text NOT NULL, id text NOT NULL, copies jsonb NOT NULL, expires_at bigint NOT NULL
);
CREATE INDEX dedupe_expiry ON dedupe (expires_at);

CREATE SEQUENCE revision;
CREATE TABLE bucket (name text COLLATE "C" PRIMARY KEY, revision bigint NOT NULL) WITH (fillfactor = 50);
CREATE TABLE kv (key text COLLATE "C" PRIMARY KEY, value text NOT NULL, revision bigint NOT NULL, expires_at bigint);
CREATE INDEX kv_expiry ON kv (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE, position bigint NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE log_entry (log bigint NOT NULL, position bigint NOT NULL, value text NOT NULL, PRIMARY KEY (log, position));
CREATE TABLE log_end (position bigint NOT NULL);  -- the highest position of the logs that are gone
INSERT INTO log_end VALUES (0);

CREATE TABLE listener (topic text COLLATE "C" NOT NULL, peer integer NOT NULL, PRIMARY KEY (topic, peer));
CREATE TABLE long_signal (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, data text NOT NULL, at bigint NOT NULL);
`;
