import { holdOf } from "./keys.ts";

/** Inboxes and consumers: declared, removed, looked into; and what happens because of the time. */
export const INBOXES = `
CREATE FUNCTION declare_inbox(in_scope text, me integer, in_name text, in_capacity bigint, in_overflow text, in_paused boolean, in_expires bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE i bigint;
BEGIN
  INSERT INTO inbox AS x (scope, name, capacity, overflow, paused, expires_after, owner)
    VALUES (in_scope, in_name, coalesce(in_capacity, 1000000), coalesce(in_overflow, 'reject'), coalesce(in_paused, false), in_expires, CASE WHEN in_expires IS NOT NULL THEN me END)
    ON CONFLICT (scope, name) DO UPDATE SET capacity = coalesce(in_capacity, x.capacity), overflow = coalesce(in_overflow, x.overflow),
      paused = coalesce(in_paused, x.paused), expires_after = coalesce(in_expires, x.expires_after),
      owner = CASE WHEN in_expires IS NOT NULL THEN me ELSE x.owner END, orphan_since = CASE WHEN in_expires IS NOT NULL THEN NULL ELSE x.orphan_since END
    RETURNING x.id INTO i;
  PERFORM wake(i, me);
  RETURN i;
END $$;

-- Begins to take from an inbox, or goes on with it after the connection was lost; null: there is none of that name.
-- others: for one that begins, the processes that took from it before, each with its mark.
CREATE FUNCTION begin_consumer(in_scope text, me integer, in_name text, in_instance text, is_exclusive boolean, in_lease bigint, in_grace integer,
    again bigint, OUT consumer_id bigint, OUT inbox_id bigint, OUT begun integer, OUT others json) LANGUAGE plpgsql AS $$
BEGIN
  SELECT i.id INTO inbox_id FROM inbox i WHERE i.scope = in_scope AND i.name = in_name FOR UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  IF again IS NULL THEN
    SELECT coalesce(json_agg(json_build_array(p.id, p.mark)), '[]') INTO others FROM peer p
      WHERE p.id <> me AND p.id IN (SELECT k.peer FROM consumer k WHERE k.inbox = inbox_id);
    INSERT INTO consumer AS k (inbox, peer, instance, exclusive, lease, grace) VALUES (inbox_id, me, in_instance, is_exclusive, in_lease, in_grace)
      RETURNING k.id, k.begun INTO consumer_id, begun;
  ELSE
    consumer_id := again;
    INSERT INTO consumer AS k (id, inbox, peer, instance, exclusive, lease, grace) OVERRIDING SYSTEM VALUE
      VALUES (again, inbox_id, me, in_instance, is_exclusive, in_lease, in_grace)
      ON CONFLICT (id) DO UPDATE SET inbox = excluded.inbox, peer = me, hungry = false, open = false, begun = k.begun + 1
      RETURNING k.begun INTO begun;
    UPDATE held h SET peer = me WHERE h.inbox = inbox_id AND h.consumer = again;
  END IF;
END $$;

-- Ends a consumer; with release it gives back at once what it holds, otherwise what it does not know of (by in_tokens) that it
-- holds. It stays, unseen, for as long as it holds something.
CREATE FUNCTION end_consumer(me integer, in_consumer bigint, is_released boolean, in_tokens bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE k consumer; one held;
BEGIN
  SELECT c.* INTO k FROM consumer c WHERE c.id = in_consumer;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM FROM inbox i WHERE i.id = k.inbox FOR UPDATE;
  FOR one IN SELECT x.* FROM held x WHERE x.inbox = k.inbox AND x.consumer = in_consumer AND (is_released OR x.token <> ALL (in_tokens)) LOOP
    PERFORM come_back(one, 'release', 0, NULL);
  END LOOP;
  IF EXISTS (SELECT FROM held h WHERE h.inbox = k.inbox AND h.consumer = in_consumer) THEN
    UPDATE consumer c SET closing = true, hungry = false, open = false WHERE c.id = in_consumer;
  ELSE
    DELETE FROM consumer c WHERE c.id = in_consumer;
  END IF;
  PERFORM wake(k.inbox, me);
END $$;

-- Forgets a process that is gone: what it listened to, and since when its own inboxes have no owner.
CREATE FUNCTION forget(in_scope text, gone integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE inbox i SET orphan_since = ms() WHERE i.scope = in_scope AND i.owner = gone AND i.orphan_since IS NULL;
  DELETE FROM listener l WHERE l.peer = gone;
  DELETE FROM consumer k WHERE k.peer = gone AND NOT EXISTS (SELECT FROM held h WHERE h.inbox = k.inbox AND h.consumer = k.id);
  IF NOT EXISTS (SELECT FROM inbox i WHERE i.scope = in_scope AND i.owner = gone) AND NOT EXISTS (SELECT FROM consumer k WHERE k.peer = gone) THEN
    DELETE FROM peer p WHERE p.id = gone;
  END IF;
END $$;

-- Takes from processes that are certainly dead what they hold, before their leases run out.
CREATE FUNCTION succeed(in_scope text, me integer, dead integer[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE one bigint; ids bigint[] := ARRAY(SELECT i.id FROM inbox i
  WHERE i.scope = in_scope AND i.id IN (SELECT k.inbox FROM consumer k WHERE k.peer = ANY (dead)) ORDER BY i.id FOR UPDATE);
BEGIN
  FOREACH one IN ARRAY ids LOOP PERFORM lapse(one, me, dead); END LOOP;
  FOR n IN 1..cardinality(dead) LOOP PERFORM forget(in_scope, dead[n]); END LOOP;
END $$;

-- Which copies of an inbox a cancel means.
CREATE FUNCTION cancel(in_scope text, in_name text, in_id text, in_sender text, in_order text, how text, OUT ended integer, OUT kept integer) LANGUAGE plpgsql AS $$
DECLARE i bigint; levels smallint[]; places bigint[];
BEGIN
  ended := 0; kept := 0;
  SELECT x.id INTO i FROM inbox x WHERE x.scope = in_scope AND x.name = in_name FOR UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  IF in_id IS NOT NULL THEN
    SELECT array_agg(c.level), array_agg(c.place) INTO levels, places FROM copy c WHERE c.id = in_id AND c.inbox = i;
  ELSIF in_order IS NOT NULL THEN
    SELECT array_agg(c.level), array_agg(c.place) INTO levels, places FROM copy c WHERE c.inbox = i AND c.order_name = in_order AND c.sender = in_sender;
  ELSE
    SELECT array_agg(c.level ORDER BY c.level, c.place), array_agg(c.place ORDER BY c.level, c.place) INTO levels, places FROM copy c WHERE c.inbox = i;
  END IF;
  IF levels IS NOT NULL THEN SELECT c.ended, c.kept INTO ended, kept FROM cancel_copies(i, levels, places, how) c; END IF;
END $$;

-- Ends up to most copies of an inbox as dropped, held ones too, and removes it with the last; null: there is none.
CREATE FUNCTION delete_inbox(in_scope text, in_name text, most integer, OUT ended integer, OUT more boolean) LANGUAGE plpgsql AS $$
DECLARE i inbox; h held; levels smallint[]; places bigint[];
BEGIN
  SELECT x.* INTO i FROM inbox x WHERE x.scope = in_scope AND x.name = in_name FOR UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  FOR h IN SELECT x.* FROM held x WHERE x.inbox = i.id LOOP
    PERFORM revoke(h, 'dropped');
    UPDATE copy c SET attempt = c.attempt + 1, offered_at = h.offered_at, holder = h.instance
      WHERE c.inbox = h.inbox AND c.level = h.level AND c.place = h.place;
  END LOOP;
  DELETE FROM held x WHERE x.inbox = i.id;
  SELECT array_agg(c.level), array_agg(c.place) INTO levels, places
    FROM (SELECT c.level, c.place FROM copy c WHERE c.inbox = i.id ORDER BY c.level, c.place LIMIT most) c;
  ended := CASE WHEN levels IS NULL THEN 0 ELSE end_waiting(i.id, levels, places, 'dropped') END;
  more := ended = most;
  IF more THEN
    UPDATE inbox x SET paused = true WHERE x.id = i.id;
  ELSE
    DELETE FROM consumer c WHERE c.inbox = i.id;
    DELETE FROM inbox x WHERE x.id = i.id;
  END IF;
END $$;

-- What is due now, up to most of each kind: delayed copies, expired copies and values, lapsed leases, processes that are
-- gone. more: there is more of it; next: milliseconds after which to look again, at most the horizon.
CREATE FUNCTION tick(in_scope text, me integer, most integer, horizon bigint, thorough boolean, OUT more boolean, OUT next bigint, OUT hungry bigint[]) LANGUAGE plpgsql AS $$
DECLARE now bigint := ms(); due record; ids bigint[]; n bigint; grouped record; gone record; total integer := 0;
BEGIN
  ids := ARRAY(SELECT i.id FROM inbox i WHERE i.scope = in_scope AND i.id IN (
      SELECT c.inbox FROM (SELECT x.inbox FROM copy x WHERE x.due_at <= now ORDER BY x.due_at LIMIT most) c
      UNION SELECT c.inbox FROM (SELECT x.inbox FROM copy x WHERE x.expires_at <= now ORDER BY x.expires_at LIMIT 2 * most) c
      UNION SELECT x.id FROM inbox x WHERE thorough AND x.scope = in_scope AND x.lapse_at <= now
    ) ORDER BY i.id FOR UPDATE);
  FOR grouped IN SELECT x.inbox, array_agg(x.level) AS levels, array_agg(x.place) AS places, count(*) AS n FROM (
      SELECT x.inbox, x.level, x.place FROM copy x WHERE x.expires_at <= now
        AND ${holdOf("x")} IS NULL ORDER BY x.expires_at LIMIT most) x
    WHERE x.inbox = ANY (ids) GROUP BY x.inbox
  LOOP
    PERFORM end_waiting(grouped.inbox, grouped.levels, grouped.places, 'expired');
    total := total + grouped.n;
  END LOOP;
  FOR due IN SELECT x.inbox, x.level, x.place, x.kept_place FROM copy x WHERE x.due_at <= now AND x.inbox = ANY (ids) ORDER BY x.due_at, x.place LIMIT most LOOP
    n := due.kept_place;
    IF n IS NULL THEN
      UPDATE inbox i SET sequence = i.sequence + 1 WHERE i.id = due.inbox RETURNING i.sequence INTO n;
    ELSE
      UPDATE inbox i SET lows[due.level - 7] = least(i.lows[due.level - 7], n) WHERE i.id = due.inbox;
    END IF;
    UPDATE copy x SET level = due.level - 8, place = n, due_at = NULL, kept_place = NULL WHERE x.inbox = due.inbox AND x.level = due.level AND x.place = due.place;
    total := total + 1;
  END LOOP;
  IF thorough THEN
    FOR grouped IN SELECT i.id FROM inbox i WHERE i.id = ANY (ids) AND i.lapse_at <= now LOOP PERFORM lapse(grouped.id, me); END LOOP;
    FOR gone IN SELECT x.id FROM peer x WHERE x.scope = in_scope AND x.id <> me LOOP
      IF is_gone(gone.id) THEN PERFORM forget(in_scope, gone.id); END IF;
    END LOOP;
    DELETE FROM dedupe d WHERE d.key IN (SELECT x.key FROM dedupe x WHERE x.expires_at <= now LIMIT 10 * most);
    DELETE FROM long_signal s WHERE s.at < now - 60000;
  END IF;
  FOR grouped IN SELECT i.name FROM inbox i WHERE i.scope = in_scope AND i.expires_after IS NOT NULL AND i.orphan_since + i.expires_after <= now ORDER BY i.id LOOP
    PERFORM delete_inbox(in_scope, grouped.name, 2147483647);
  END LOOP;
  FOR grouped IN SELECT k.key FROM kv k WHERE k.expires_at <= now AND k.key >= in_scope || ':' AND k.key < in_scope || ';' ORDER BY bucket_of(k.key), k.key LIMIT most LOOP
    PERFORM remove_value(grouped.key);
    total := total + 1;
  END LOOP;
  more := total >= most;
  hungry := wake_hungry(ids, me);
  SELECT min(x.at) - now INTO next FROM (
    (SELECT c.due_at AS at FROM copy c WHERE c.due_at IS NOT NULL ORDER BY c.due_at LIMIT 1)
    UNION ALL (SELECT c.expires_at FROM copy c WHERE c.expires_at > now ORDER BY c.expires_at LIMIT 1)
    UNION ALL (SELECT k.expires_at FROM kv k WHERE k.expires_at IS NOT NULL ORDER BY k.expires_at LIMIT 1)
    UNION ALL (SELECT min(i.orphan_since + i.expires_after) FROM inbox i WHERE i.scope = in_scope AND i.orphan_since IS NOT NULL)) x
    WHERE x.at <= now + horizon;
END $$;

-- A process takes no more messages: its own inboxes have no owner from now on, and others see to their end.
CREATE FUNCTION leave_inboxes(in_scope text, me integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE inbox i SET orphan_since = ms() WHERE i.scope = in_scope AND i.owner = me AND i.orphan_since IS NULL;
  IF FOUND THEN PERFORM pg_notify(peer_channel(p.id), 't') FROM peer p WHERE p.scope = in_scope; END IF;
END $$;

-- A process leaves.
CREATE FUNCTION leave(me integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM listener l WHERE l.peer = me;
  DELETE FROM consumer k WHERE k.peer = me AND NOT EXISTS (SELECT FROM held h WHERE h.inbox = k.inbox AND h.consumer = k.id);
  DELETE FROM peer p WHERE p.id = me AND NOT EXISTS (SELECT FROM consumer k WHERE k.peer = me);
END $$;
`;
