import { holdOf } from "./keys.ts";

/** Of a larger batch the owner of an inbox had better ask for its own. */
const MOST_FORWARDED = 64;
/** Bytes of a notification that has messages with it; 8,000 is the server's limit. */
const LARGEST_FRAME = 7_000;

/**
 * Storing messages. What is said of a message travels as an object of short names, beside the text of its body:
 *
 * - `i` id, `y` type, `f` sender, `l` level, `e` expires at, `d` due at, `a` attempts elsewhere, `t` inboxes, `p` candidates as pairs of name and
 *   concurrency, `o` 1 in a fan-out, `r` registry revision, `n` order name, `k` order key, `s` superseded id, `u` superseded name,
 *   `lm` limit as name, capacity and overflow, `no` refused as code and reason, `dk` `df` `dw` key, fingerprint and window.
 */
export const PUBLISH = `
-- A text of a user's choice as it is compared: short, and of any characters.
CREATE FUNCTION compared(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT left(translate(encode(sha256(convert_to(t, 'UTF8')), 'base64'), '+/', '-_'), 27)
$$;

-- Keeps a copy that goes to the dead letters without ever having waited.
CREATE FUNCTION refuse(i inbox, in_id text, in_json text, in_code text, in_reason text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE now bigint := ms();
BEGIN
  UPDATE inbox x SET accepted = accepted + 1, waiting = waiting + 1 WHERE x.id = i.id;
  PERFORM note_ends(i.id, 'dead-lettered', ARRAY[(in_id, 0, NULL, NULL)::ended_copy], in_code);
  PERFORM bury(i.id, in_id, '{"message":' || in_json || ',"recipient":' || to_json(i.name) || ',"code":' || to_json(in_code)
    || ',"reason":' || to_json(in_reason) || ',"at":' || now || ',"attempts":[]}');
END $$;

-- Puts one copy into one inbox; what became of it.
CREATE FUNCTION put_copy(in_inbox bigint, p jsonb, in_body text, in_json text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  now bigint := ms(); due bigint := (p->>'d')::bigint; expires bigint := (p->>'e')::bigint; n bigint; i inbox;
  is_delayed boolean := coalesce(due > now, false); l smallint := (p->>'l')::smallint;
BEGIN
  SELECT * INTO i FROM inbox x WHERE x.id = in_inbox;
  IF p ? 'no' THEN
    PERFORM refuse(i, p->>'i', in_json, p->'no'->>0, p->'no'->>1);
    RETURN 'dead-lettered';
  END IF;
  IF NOT make_room(in_inbox, p->'lm'->>0, (p->'lm'->>1)::bigint, p->'lm'->>2) THEN
    PERFORM refuse(i, p->>'i', in_json, 'INBOX_FULL', 'The inbox has reached its capacity.');
    RETURN 'dead-lettered';
  END IF;
  UPDATE inbox x SET sequence = sequence + 1, accepted = accepted + 1, waiting = waiting + 1, keyed = keyed OR p ? 'k'
    WHERE x.id = in_inbox RETURNING sequence INTO n;
  IF expires <= now THEN
    PERFORM note_ends(in_inbox, 'expired', ARRAY[(p->>'i', 0, NULL, NULL)::ended_copy]);
  ELSE
    INSERT INTO copy (inbox, level, place, id, type, sender, attempt, expires_at, due_at, order_name, order_key, limited, body)
      VALUES (in_inbox, CASE WHEN is_delayed THEN l + 8 ELSE l END, n, p->>'i', p->>'y', p->>'f', coalesce((p->>'a')::integer, 0), expires,
        CASE WHEN is_delayed THEN due END, p->>'n', p->>'k', p->'lm'->>0, in_body);
  END IF;
  RETURN CASE WHEN is_delayed THEN 'queued' ELSE 'accepted' END;
END $$;

-- The copies of an inbox that a message of a sender takes the place of.
CREATE FUNCTION superseded_by(in_inbox bigint, p jsonb, OUT levels smallint[], OUT places bigint[], OUT waiting boolean) LANGUAGE plpgsql AS $$
BEGIN
  SELECT coalesce(array_agg(c.level), '{}'), coalesce(array_agg(c.place), '{}'),
      coalesce(bool_or(${holdOf("c")} IS NULL), false)
    INTO levels, places, waiting
    -- In two parts, so that each finds its index.
    FROM (SELECT x.* FROM copy x WHERE x.id = p->>'s' AND x.inbox = in_inbox AND x.sender = p->>'f'
      UNION ALL SELECT x.* FROM copy x WHERE NOT p ? 's' AND x.inbox = in_inbox AND x.order_name = p->>'u' AND x.sender = p->>'f') c;
END $$;

-- Stores one message, all copies or none. The answer: accepted with copies, or what is in its way.
CREATE FUNCTION publish_one(in_scope text, p jsonb, in_body text, in_json text, journaled boolean, emitted boolean) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  now bigint := ms(); d dedupe; i inbox; ids bigint[] := '{}'; one bigint; called text; copies jsonb := '[]'; names jsonb := '[]';
  s record; newest bigint; is_fan_out boolean := emitted OR p ? 'o';
BEGIN
  IF p ? 'dk' THEN
    SELECT * INTO d FROM dedupe x WHERE x.key = in_scope || (p->>'dk') AND x.expires_at > now;
    IF FOUND AND d.fingerprint = p->>'df' THEN RETURN jsonb_build_object('id', d.id, 'copies', d.copies, 'double', true); END IF;
    IF FOUND THEN RETURN jsonb_build_object('conflict', d.id); END IF;
  END IF;
  IF p ? 'r' AND NOT emitted THEN
    SELECT b.revision INTO newest FROM bucket b WHERE b.name = in_scope || ':registry';
    IF coalesce(newest, 0) <> (p->>'r')::bigint THEN RETURN '{"stale": true}'; END IF;
  END IF;
  IF p ? 'p' THEN
    SELECT x.id INTO one FROM jsonb_array_elements(p->'p') WITH ORDINALITY c(candidate, place)
      JOIN inbox x ON x.scope = in_scope AND x.name = c.candidate->>0
      ORDER BY x.waiting / (c.candidate->>1)::double precision, c.place LIMIT 1;
    IF FOUND THEN ids := ARRAY[one];
    ELSIF NOT emitted THEN RETURN jsonb_build_object('unknown', p->'p'->0->>0);
    END IF;
  ELSE
    FOR called IN SELECT jsonb_array_elements_text(p->'t') LOOP
      SELECT x.id INTO one FROM inbox x WHERE x.scope = in_scope AND x.name = called;
      IF FOUND THEN ids := ids || one;
      ELSIF NOT emitted THEN RETURN jsonb_build_object('unknown', called);
      END IF;
    END LOOP;
  END IF;
  IF NOT is_fan_out AND NOT p ? 'no' THEN
    -- All are looked at before any is changed: a message is stored for all its recipients or for none.
    FOREACH one IN ARRAY ids LOOP
      SELECT * INTO i FROM inbox x WHERE x.id = one;
      IF is_full(i, p->'lm'->>0, (p->'lm'->>1)::bigint, p->'lm'->>2)
          AND NOT ((p ? 's' OR p ? 'u') AND (SELECT y.waiting FROM superseded_by(one, p) y)) THEN
        RETURN jsonb_build_object('full', i.name, 'capacity', i.capacity, 'whole', NOT p ? 'lm' OR i.waiting >= i.capacity);
      END IF;
    END LOOP;
  END IF;
  FOREACH one IN ARRAY ids LOOP
    IF p ? 's' OR p ? 'u' THEN
      SELECT * INTO s FROM superseded_by(one, p);
      PERFORM cancel_copies(one, s.levels, s.places, 'superseded');
    END IF;
    SELECT x.name INTO called FROM inbox x WHERE x.id = one;
    copies := copies || jsonb_build_object('inbox', called, 'state', put_copy(one, p, in_body, in_json));
    names := names || to_jsonb(called);
  END LOOP;
  IF p ? 'dk' THEN
    INSERT INTO dedupe (key, fingerprint, id, copies, expires_at)
      VALUES (in_scope || (p->>'dk'), p->>'df', p->>'i', copies, now + (p->>'dw')::bigint)
      ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint, id = excluded.id, copies = excluded.copies, expires_at = excluded.expires_at;
  END IF;
  IF journaled THEN
    PERFORM append_log(in_scope || ':journal/entries', ARRAY['[{"kind":"message","at":' || now || ',"recipients":' || names
      || CASE WHEN p ? 'd' THEN ',"dueAt":' || (p->>'d') ELSE '' END || ',"message":' || in_json || '}]']);
  END IF;
  RETURN jsonb_build_object('id', p->>'i', 'copies', copies);
END $$;

-- Locks what messages need, in one order for all: keys against doubles, then inboxes; ids of the inboxes.
CREATE FUNCTION lock_for(in_scope text, pubs jsonb) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE ids bigint[];
BEGIN
  PERFORM pg_advisory_xact_lock(k.lock) FROM (
    SELECT DISTINCT hashtextextended(in_scope || (p->>'dk'), 0) AS lock FROM jsonb_array_elements(pubs) p WHERE p ? 'dk' ORDER BY 1) k;
  SELECT coalesce(array_agg(l.id), '{}') INTO ids FROM (
    SELECT i.id FROM inbox i WHERE i.scope = in_scope AND i.name = ANY (ARRAY(
      SELECT t FROM jsonb_array_elements(pubs) p, jsonb_array_elements_text(p->'t') t WHERE p ? 't'
      UNION SELECT c->>0 FROM jsonb_array_elements(pubs) p, jsonb_array_elements(p->'p') c WHERE p ? 'p'))
    ORDER BY i.id FOR UPDATE) l;
  RETURN ids;
END $$;

-- Hands new messages of an inbox out to the only consumer that waits for some, which is sent them with the notification and need
-- not ask: all that have come, or false. Their token is their place, negative. Whoever does not get them gives them back: see resume.
CREATE FUNCTION forward(in_inbox bigint, me integer, messages text[]) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE k record; now bigint; frame text; n integer; odd boolean;
BEGIN
  SELECT c.* INTO k FROM consumer c JOIN inbox i ON i.id = c.inbox
    WHERE c.inbox = in_inbox AND c.open AND c.peer <> me AND NOT i.paused AND NOT i.keyed
      AND NOT EXISTS (SELECT FROM consumer d WHERE d.inbox = in_inbox AND d.hungry AND d.id <> c.id);
  IF NOT FOUND OR cardinality(messages) > ${MOST_FORWARDED} THEN RETURN false; END IF;
  now := ms();
  SELECT count(*), bool_or(strpos(c.body, E'\x1e') > 0),
      'f' || json_build_array(k.id, k.begun, now, now + k.lease, json_agg(json_build_array(c.level, c.place, c.attempt) ORDER BY c.level, c.place))
        || string_agg(E'\x1e' || c.body, '' ORDER BY c.level, c.place)
    INTO n, odd, frame FROM copy c WHERE c.id = ANY (messages) AND c.inbox = in_inbox AND c.level < 8;
  IF n = 0 OR n > k.room OR odd OR octet_length(frame) > ${LARGEST_FRAME} THEN RETURN false; END IF;
  INSERT INTO held (inbox, level, place, consumer, peer, instance, token, offered_at, until, grace)
    SELECT c.inbox, c.level, c.place, k.id, k.peer, k.instance, -c.place, now, now + k.lease, k.grace
    FROM copy c WHERE c.id = ANY (messages) AND c.inbox = in_inbox AND c.level < 8;
  PERFORM note_lease(in_inbox, now + k.lease);
  UPDATE consumer c SET room = c.room - n, open = c.room > n WHERE c.id = k.id;
  PERFORM pg_notify(peer_channel(k.peer), frame);
  RETURN true;
END $$;

-- Wakes the processes that wait for something in these inboxes; the ids of those where this one waits too. messages: those that
-- have come, if that is why.
CREATE FUNCTION wake_hungry(ids bigint[], me integer, messages text[] DEFAULT NULL) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE one bigint; found bigint[] := '{}';
BEGIN
  FOR one IN SELECT i.id FROM inbox i WHERE i.id = ANY (ids) AND i.hungry LOOP
    IF messages IS NULL OR NOT forward(one, me, messages) THEN PERFORM wake(one, me); END IF;
    found := found || one;
  END LOOP;
  RETURN found;
END $$;

-- Stores messages, one after the other. One answer each, and the inboxes that were hungry. jsons: their JSON, where bodies are not.
CREATE FUNCTION publish(in_scope text, me integer, pubs jsonb, bodies text[], jsons text[], journaled boolean, OUT results jsonb, OUT hungry bigint[]) LANGUAGE plpgsql AS $$
DECLARE ids bigint[] := lock_for(in_scope, pubs);
BEGIN
  results := '[]';
  FOR n IN 1..cardinality(bodies) LOOP
    results := results || publish_one(in_scope, pubs->(n - 1), bodies[n], coalesce(jsons[n], bodies[n]), journaled, false);
  END LOOP;
  hungry := wake_hungry(ids, me, ARRAY(SELECT p->>'i' FROM jsonb_array_elements(pubs) p));
END $$;

-- Stores messages that ask for nothing special, all at once: one row an array place, inboxes by their places in names.
-- Null, and nothing stored, where one of them needs to be looked at by itself. Otherwise as in publish.
CREATE FUNCTION publish_plain(in_scope text, me integer, in_revision bigint, names text[], counts integer[], keyed_ones boolean[],
    at_inbox integer[], nths integer[], levels smallint[], ids text[], types text[], senders text[], expiries bigint[],
    order_names text[], order_keys text[], bodies text[]) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE inboxes bigint[]; bases bigint[]; hungry bigint[]; one record; n integer; now bigint := ms();
BEGIN
  IF in_revision IS NOT NULL AND in_revision <> coalesce((SELECT b.revision FROM bucket b WHERE b.name = in_scope || ':registry'), 0)
    THEN RETURN NULL; END IF;
  IF EXISTS (SELECT FROM unnest(expiries) e WHERE e <= now) THEN RETURN NULL; END IF;
  IF cardinality(names) = 1 THEN
    UPDATE inbox i SET sequence = i.sequence + counts[1], accepted = i.accepted + counts[1], waiting = i.waiting + counts[1],
        keyed = i.keyed OR keyed_ones[1]
      WHERE i.scope = in_scope AND i.name = names[1] AND i.waiting + counts[1] <= i.capacity
      RETURNING i.id, i.sequence - counts[1] AS base, i.hungry INTO one;
    IF NOT FOUND THEN RETURN NULL; END IF;
    inboxes := ARRAY[one.id]; bases := ARRAY[one.base];
    hungry := CASE WHEN one.hungry THEN inboxes ELSE '{}' END;
  ELSE
    SELECT count(*) FILTER (WHERE l.waiting + k.count <= l.capacity) INTO n
      FROM unnest(names, counts) AS k(name, count) JOIN (
        SELECT i.name, i.waiting, i.capacity FROM inbox i WHERE i.scope = in_scope AND i.name = ANY (names) ORDER BY i.id FOR UPDATE
      ) l ON l.name = k.name;
    IF n <> cardinality(names) THEN RETURN NULL; END IF;
    WITH got AS (
      UPDATE inbox i SET sequence = i.sequence + k.count, accepted = i.accepted + k.count, waiting = i.waiting + k.count, keyed = i.keyed OR k.keyed
        FROM unnest(names, counts, keyed_ones) WITH ORDINALITY AS k(name, count, keyed, at) WHERE i.scope = in_scope AND i.name = k.name
        RETURNING i.id, i.sequence - k.count AS base, k.at, i.hungry
    ) SELECT array_agg(g.id ORDER BY g.at), array_agg(g.base ORDER BY g.at), coalesce(array_agg(g.id) FILTER (WHERE g.hungry), '{}')
      INTO inboxes, bases, hungry FROM got g;
  END IF;
  INSERT INTO copy (inbox, level, place, id, type, sender, expires_at, order_name, order_key, body)
    SELECT inboxes[c.at_inbox], c.level, bases[c.at_inbox] + c.nth, c.id, c.type, c.sender, c.expires, c.order_name, c.order_key, c.body
    FROM unnest(at_inbox, nths, levels, ids, types, senders, expiries, order_names, order_keys, bodies)
      AS c(at_inbox, nth, level, id, type, sender, expires, order_name, order_key, body);
  FOR n IN 1..cardinality(hungry) LOOP
    IF NOT forward(hungry[n], me, ids) THEN PERFORM wake(hungry[n], me); END IF;
  END LOOP;
  RETURN hungry;
END $$;

-- Stores the only message of a settle that asks for nothing special, such as a reply, in one step. Null, and nothing stored, where
-- it is not such a one. Otherwise as in publish.
CREATE FUNCTION publish_lone(in_scope text, me integer, pubs jsonb, bodies text[]) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE p jsonb := pubs->0;
BEGIN
  IF p IS NULL OR cardinality(bodies) > 1 OR p ?| ARRAY['p', 'd', 'a', 's', 'u', 'lm', 'no', 'dk'] OR jsonb_array_length(p->'t') > 1 THEN RETURN NULL; END IF;
  RETURN publish_plain(in_scope, me, NULL, ARRAY[p->'t'->>0], '{1}', ARRAY[p ? 'k'], '{1}', '{1}', ARRAY[(p->>'l')::smallint], ARRAY[p->>'i'],
    ARRAY[p->>'y'], ARRAY[p->>'f'], ARRAY[(p->>'e')::bigint], ARRAY[p->>'n'], ARRAY[p->>'k'], bodies);
END $$;

-- For other programs, in transactions of their own: puts an envelope, as JSON text, into an inbox of a bus ('namespace/tenant').
CREATE FUNCTION put(bus text, inbox_name text, envelope text) RETURNS text LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
-- What is read of it is read without the one character that no text here can hold; it is stored as it is.
DECLARE e json := replace(envelope, '\\u0000', '\\ufffd')::json; p jsonb; ids bigint[]; r jsonb;
BEGIN
  p := jsonb_strip_nulls(jsonb_build_object('i', e->>'id', 'y', coalesce(e->>'type', ''), 'f', coalesce(e->>'from', ''),
    'l', coalesce(array_position(ARRAY['critical', 'high', 'normal', 'low', 'background'], e->>'priority') - 1, 2),
    'e', CASE WHEN json_typeof(e->'expiresAt') = 'number' THEN floor((e->>'expiresAt')::numeric) END,
    't', jsonb_build_array(inbox_name), 'n', compared(e->>'key'), 'k', compared(e->>'orderKey')));
  ids := lock_for(bus, jsonb_build_array(p));
  r := publish_one(bus, p, envelope, envelope, false, false);
  IF r ? 'unknown' THEN RAISE EXCEPTION 'AGENT_NOT_FOUND: there is no inbox "%" on the bus %', inbox_name, bus; END IF;
  IF r ? 'full' THEN RAISE EXCEPTION 'INBOX_FULL: the inbox "%" takes no more', inbox_name; END IF;
  -- All of a transaction comes at once, the most urgent first: none of it goes ahead.
  PERFORM wake_hungry(ids, 0);
  RETURN r->>'id';
END $$;
`;
