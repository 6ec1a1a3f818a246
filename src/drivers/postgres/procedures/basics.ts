/** Time, channels of NOTIFY, logs, values and the records of ends: what the other procedures are made of. */
export const BASICS = `
-- Wall milliseconds of the server, whose clock decides.
CREATE FUNCTION ms() RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint
$$;

-- Where one process is told what concerns it alone.
CREATE FUNCTION peer_channel(p integer) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT 'agentwire_' || 'peer'::regclass::oid || '_' || p
$$;

-- Where those are told who listen to a topic.
CREATE FUNCTION topic_channel(topic text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT 'agentwire_' || 'peer'::regclass::oid || '_' || md5(topic)
$$;

-- Whether a process is gone: each shares a lock for as long as its connection lives.
CREATE FUNCTION is_gone(p integer) RETURNS boolean LANGUAGE sql VOLATILE AS $$
  SELECT pg_try_advisory_xact_lock('peer'::regclass::oid::integer, p)
$$;

-- Tells those who listen to a topic, if any do; true if so. What is too long for a notification goes by a table.
CREATE FUNCTION tell(in_topic text, data text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM listener l WHERE l.topic = in_topic) THEN RETURN false; END IF;
  IF octet_length(data) <= 7900 THEN
    PERFORM pg_notify(topic_channel(in_topic), data);
  ELSE
    INSERT INTO long_signal (data, at) VALUES (data, ms()) RETURNING id INTO n;
    PERFORM pg_notify(topic_channel(in_topic), '#' || n);
  END IF;
  RETURN true;
END $$;

-- Tells the processes with hungry consumers of an inbox that there is something; the caller looks for itself.
CREATE FUNCTION wake(in_inbox bigint, me integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE consumer c SET open = false WHERE c.inbox = in_inbox AND c.open;
  PERFORM pg_notify(peer_channel(w.peer), 'w' || in_inbox)
    FROM (SELECT DISTINCT c.peer FROM consumer c WHERE c.inbox = in_inbox AND c.hungry AND c.peer <> me) w;
END $$;

-- Appends to a log. Its row stays locked until the commit, so that positions become visible in their order.
CREATE FUNCTION append_log(in_name text, vals text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE l bigint; p bigint; n integer := cardinality(vals);
BEGIN
  UPDATE log SET position = position + n WHERE name = in_name RETURNING id, position INTO l, p;
  IF NOT FOUND THEN
    INSERT INTO log AS g (name, position) SELECT in_name, e.position + n FROM log_end e
      ON CONFLICT (name) DO UPDATE SET position = g.position + n RETURNING g.id, g.position INTO l, p;
  END IF;
  INSERT INTO log_entry (log, position, value) SELECT l, p - n + v.place, v.value FROM unnest(vals) WITH ORDINALITY v(value, place);
END $$;

-- The first segment of a key behind its scope, with the scope.
CREATE FUNCTION bucket_of(in_key text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT split_part(in_key, ':', 1) || ':' || split_part(substr(in_key, strpos(in_key, ':') + 1), '/', 1)
$$;

-- Gives a bucket its next revision. The row is locked first, so that revisions become visible in their order.
CREATE FUNCTION next_revision(in_key text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE r bigint; b text := bucket_of(in_key);
BEGIN
  INSERT INTO bucket AS k (name, revision) VALUES (b, nextval('revision'))
    ON CONFLICT (name) DO UPDATE SET revision = nextval('revision') RETURNING k.revision INTO r;
  PERFORM tell(split_part(in_key, ':', 1) || ':/', 'k' || in_key);
  RETURN r;
END $$;

CREATE FUNCTION put_value(in_key text, in_value text, in_expires bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE r bigint := next_revision(in_key);
BEGIN
  INSERT INTO kv (key, value, revision, expires_at) VALUES (in_key, in_value, r, in_expires)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = excluded.revision, expires_at = excluded.expires_at;
  RETURN r;
END $$;

-- Removes a value; whether it was there and had not expired.
CREATE FUNCTION remove_value(in_key text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE e bigint;
BEGIN
  DELETE FROM kv WHERE key = in_key RETURNING coalesce(expires_at, 9223372036854775807) INTO e;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM next_revision(in_key);
  RETURN e > ms();
END $$;

-- A number in base 36, seven digits.
CREATE FUNCTION base36(n bigint) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE t text := ''; d bigint := n;
BEGIN
  FOR i IN 1..7 LOOP
    t := substr('0123456789abcdefghijklmnopqrstuvwxyz', (d % 36)::integer + 1, 1) || t;
    d := d / 36;
  END LOOP;
  RETURN t;
END $$;

-- The log that holds the ends of a message, by the minute of its id.
CREATE FUNCTION receipt_log(in_id text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT 'receipts/' || base36(CASE WHEN in_id ~ '^[0-9a-fA-F]{8}.[0-9a-fA-F]{4}'
    THEN ('x' || lpad(substr(in_id, 1, 8) || substr(in_id, 10, 4), 16, '0'))::bit(64)::bigint / 60000 ELSE 0 END)
$$;

-- A copy that has ended, as its record is made.
CREATE TYPE ended_copy AS (id text, attempt integer, offered_at bigint, holder text);

-- Counts copies of an inbox that have ended in one way, writes their records, and tells who listens.
CREATE FUNCTION note_ends(in_inbox bigint, how text, ended ended_copy[], reason text DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE n integer := cardinality(ended); i record; now bigint := ms(); g record;
BEGIN
  IF n = 0 THEN RETURN; END IF;
  UPDATE inbox b SET waiting = waiting - n,
      acknowledged = acknowledged + CASE how WHEN 'acknowledged' THEN n ELSE 0 END,
      expired = expired + CASE how WHEN 'expired' THEN n ELSE 0 END,
      dead_lettered = dead_lettered + CASE how WHEN 'dead-lettered' THEN n ELSE 0 END,
      superseded = superseded + CASE how WHEN 'superseded' THEN n ELSE 0 END,
      withdrawn = withdrawn + CASE how WHEN 'withdrawn' THEN n ELSE 0 END,
      dropped = dropped + CASE how WHEN 'dropped' THEN n ELSE 0 END
    WHERE id = in_inbox RETURNING b.scope, b.name INTO i;
  FOR g IN
    SELECT receipt_log(e.id) AS log, json_agg(json_strip_nulls(json_build_object('id', e.id, 'recipient', i.name, 'end', how,
      'at', now, 'offeredAt', e.offered_at, 'instance', e.holder, 'attempt', e.attempt, 'reason', reason)))::text AS entry
    FROM unnest(ended) e GROUP BY 1 ORDER BY 1
  LOOP
    PERFORM append_log(i.scope || ':' || g.log, ARRAY[g.entry]);
    PERFORM tell(i.scope || ':receipts', 'r' || g.entry);
  END LOOP;
END $$;

-- Keeps a dead letter.
CREATE FUNCTION bury(in_inbox bigint, in_id text, letter text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM put_value(i.scope || ':dead-letters/' || i.name || '/' || in_id, letter, NULL) FROM inbox i WHERE i.id = in_inbox;
END $$;
`;
