import { holdOf, rowAt } from "./keys.ts";

/** Handing out. Nothing that is lost with the server's last moments matters here, so no claim waits for the disk. */
export const CLAIM = `
-- Whether an exclusive consumer's turn has come: none that came before it is there, nor holds anything. Removes those that are gone.
CREATE FUNCTION is_active(in_inbox bigint, in_consumer bigint, me integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE c consumer;
BEGIN
  FOR c IN SELECT x.* FROM consumer x WHERE x.inbox = in_inbox AND x.exclusive AND x.id < in_consumer ORDER BY x.id LOOP
    IF (NOT c.closing AND (c.peer = me OR NOT is_gone(c.peer)))
        OR EXISTS (SELECT FROM held h WHERE h.inbox = in_inbox AND h.consumer = c.id) THEN
      RETURN false;
    END IF;
    DELETE FROM consumer x WHERE x.id = c.id;
  END LOOP;
  RETURN true;
END $$;

-- Chooses copies of an inbox for one consumer, in order of priority but for the aging guard: of 16 hand-offs in a row one
-- goes to a lower level that waits. What two holders have lost goes out alone: not beside held ones. skip_suspects: others may
-- pass it; otherwise it ends the choice. barred says that one was met. Order keys that are out or wait are left out.
CREATE FUNCTION choose(i inbox, want integer, in_types text[], not_types text[], is_alone boolean, skip_suspects boolean,
    OUT levels smallint[], OUT places bigint[], OUT passed integer, OUT barred boolean) LANGUAGE plpgsql AS $$
DECLARE
  now bigint := ms(); cursors refcursor[5]; heads copy[5]; cur refcursor; c copy; l integer; top integer; low integer;
  keys text[] := ARRAY(SELECT h.order_key FROM held_of(i) h WHERE h.order_key IS NOT NULL); before integer; empty boolean[] := '{f,f,f,f,f}'; has boolean[] := '{f,f,f,f,f}';
BEGIN
  levels := '{}'; places := '{}'; passed := i.passed_over; barred := false;
  FOR l IN 0..4 LOOP
    cur := NULL;
    OPEN cur FOR SELECT x.inbox, x.level, x.place, x.id, x.type, x.sender, x.attempt, x.crashes, x.expires_at, x.due_at, x.kept_place,
        x.order_name, x.order_key, x.limited, x.cancelled, NULL::text, x.offered_at, x.holder, ''::text FROM copy x
      WHERE x.inbox = i.id AND x.level = l AND x.place >= i.lows[l + 1] AND (x.expires_at IS NULL OR x.expires_at > now)
        AND (in_types IS NULL OR x.type = ANY (in_types)) AND (not_types IS NULL OR x.type <> ALL (not_types))
        AND ${holdOf("x")} IS NULL
      ORDER BY x.place;
    cursors[l + 1] := cur;
  END LOOP;
  <<choices>>
  WHILE cardinality(places) < want LOOP
    top := NULL; low := NULL;
    FOR l IN 1..5 LOOP
      WHILE NOT has[l] AND NOT empty[l] LOOP
        cur := cursors[l];
        FETCH cur INTO c;
        IF NOT FOUND THEN empty[l] := true; EXIT; END IF;
        IF c.order_key IS NOT NULL AND (c.order_key = ANY (keys)
            OR EXISTS (SELECT FROM copy d WHERE d.inbox = i.id AND d.order_key = c.order_key AND d.kept_place IS NOT NULL)) THEN CONTINUE; END IF;
        IF c.crashes >= 2 AND (cardinality(places) > 0 OR NOT is_alone) THEN
          barred := true;
          IF skip_suspects THEN
            -- What waits behind it for its order key waits too.
            IF c.order_key IS NOT NULL THEN keys := keys || c.order_key; END IF;
            CONTINUE;
          END IF;
        END IF;
        heads[l] := c; has[l] := true;
      END LOOP;
      -- Another of the same key may have gone out from another level since.
      IF has[l] AND (heads[l]).order_key IS NOT NULL AND (heads[l]).order_key = ANY (keys) THEN has[l] := false; CONTINUE choices; END IF;
      IF has[l] THEN
        IF top IS NULL THEN top := l;
        ELSIF low IS NULL OR (heads[l]).place < (heads[low]).place THEN low := l;
        END IF;
      END IF;
    END LOOP;
    EXIT WHEN top IS NULL;
    before := passed;
    IF low IS NULL THEN passed := 0;
    ELSIF passed < 15 THEN passed := passed + 1;
    ELSE passed := 0; top := low;
    END IF;
    c := heads[top];
    IF c.crashes >= 2 AND (cardinality(places) > 0 OR NOT is_alone) THEN
      barred := true; passed := before;
      EXIT;
    END IF;
    levels := levels || (top - 1)::smallint; places := places || c.place; has[top] := false;
    IF c.order_key IS NOT NULL THEN keys := keys || c.order_key; END IF;
    -- Nothing goes out beside it.
    EXIT WHEN c.crashes >= 2;
  END LOOP;
  FOR l IN 1..5 LOOP cur := cursors[l]; CLOSE cur; END LOOP;
END $$;

-- As choose, where no order key has been seen and nothing has to go out alone: by whole stretches of one level. Nulls: something has to.
CREATE FUNCTION choose_plain(i inbox, want integer, in_types text[], not_types text[],
    OUT levels smallint[], OUT places bigint[], OUT passed integer) LANGUAGE plpgsql AS $$
DECLARE
  now bigint := ms(); waiting bigint[] := '{}'; found_ones bigint[]; suspects boolean; at integer[] := '{}'; last integer[] := '{}';
  top integer; low integer; n integer; got integer := 0;
BEGIN
  FOR l IN 0..4 LOOP
    SELECT array_agg(y.place), bool_or(y.crashes >= 2) INTO found_ones, suspects FROM (
      SELECT x.place, x.crashes FROM copy x WHERE x.inbox = i.id AND x.level = l AND x.place >= i.lows[l + 1] AND (x.expires_at IS NULL OR x.expires_at > now)
        AND (in_types IS NULL OR x.type = ANY (in_types)) AND (not_types IS NULL OR x.type <> ALL (not_types))
        AND ${holdOf("x")} IS NULL
      -- Of a lower level no more than higher ones leave, and what the aging guard may take.
      ORDER BY x.place LIMIT greatest(want - cardinality(waiting), 0) + want / 16 + 1) y;
    IF suspects THEN RETURN; END IF;
    at := at || cardinality(waiting) + 1; waiting := waiting || coalesce(found_ones, '{}'); last := last || cardinality(waiting);
  END LOOP;
  levels := '{}'; places := '{}'; passed := i.passed_over;
  WHILE got < want LOOP
    top := NULL; low := NULL;
    FOR l IN 1..5 LOOP
      IF at[l] <= last[l] THEN
        IF top IS NULL THEN top := l; ELSIF low IS NULL OR waiting[at[l]] < waiting[at[low]] THEN low := l; END IF;
      END IF;
    END LOOP;
    EXIT WHEN top IS NULL;
    IF low IS NULL THEN n := least(want - got, last[top] - at[top] + 1); passed := 0;
    ELSIF passed < 15 THEN n := least(want - got, last[top] - at[top] + 1, 15 - passed); passed := passed + n;
    ELSE top := low; n := 1; passed := 0;
    END IF;
    levels := levels || array_fill((top - 1)::smallint, ARRAY[n]);
    places := places || waiting[at[top]:at[top] + n - 1];
    at[top] := at[top] + n; got := got + n;
  END LOOP;
END $$;

-- Hands copies out to one consumer. may_be_sent: what comes next may be sent to it unasked. Each row is one; the last says how things stand: g the inbox or consumer is gone,
-- h the consumer waits for more, b something that has to go out alone waits, w milliseconds after which to look again, n now.
CREATE FUNCTION claim(me integer, in_consumer bigint, in_token bigint, want integer, lease bigint, in_grace integer, in_types text[], not_types text[],
    is_exclusive boolean, is_alone boolean, skip_suspects boolean, may_be_sent boolean)
  RETURNS TABLE (level smallint, place bigint, attempt integer, crashes integer, offered bigint, order_key text, failures text, body text, note json) LANGUAGE plpgsql AS $$
DECLARE
  i inbox; k consumer; now bigint; may boolean; got integer; is_hungry boolean; is_open boolean := false; next bigint;
  levels smallint[]; places bigint[]; passed integer; barred boolean := false;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  SELECT x.* INTO i FROM inbox x WHERE x.id = (SELECT c.inbox FROM consumer c WHERE c.id = in_consumer) FOR UPDATE;
  -- Read under the lock: a successor may have taken its place meanwhile.
  SELECT c.* INTO k FROM consumer c WHERE c.id = in_consumer AND c.inbox = i.id;
  IF NOT FOUND THEN note := '{"g":true}'; RETURN NEXT; RETURN; END IF;
  now := ms();
  may := NOT i.paused;
  IF i.lapse_at <= now THEN
    PERFORM lapse(i.id, me);
    SELECT x.* INTO i FROM inbox x WHERE x.id = i.id;
  END IF;
  i := skip_ended(i);
  IF may AND is_exclusive THEN may := is_active(i.id, in_consumer, me); END IF;
  got := 0;
  IF may THEN
    IF NOT i.keyed THEN
      SELECT c.levels, c.places, c.passed INTO levels, places, passed FROM choose_plain(i, want, in_types, not_types) c;
    END IF;
    is_open := levels IS NOT NULL AND k.lease IS NOT NULL AND may_be_sent;
    IF levels IS NULL THEN
      SELECT c.levels, c.places, c.passed, c.barred INTO levels, places, passed, barred
        FROM choose(i, want, in_types, not_types, is_alone, skip_suspects) c;
    END IF;
    IF levels IS NOT NULL THEN
      got := cardinality(levels);
      IF passed <> i.passed_over THEN UPDATE inbox x SET passed_over = passed WHERE x.id = i.id; END IF;
    END IF;
  END IF;
  IF got > 0 THEN
    IF i.lapse_at IS NULL OR i.lapse_at > now + lease THEN
      i.lapse_at := now + lease;
      PERFORM note_lease(i.id, i.lapse_at);
    END IF;
    INSERT INTO held (inbox, level, place, consumer, peer, instance, token, offered_at, until, grace, order_key)
      SELECT i.id, n.level, n.place, in_consumer, me, k.instance, in_token, now, now + lease, in_grace,
          CASE WHEN i.keyed THEN (SELECT c.order_key FROM copy c WHERE c.inbox = i.id AND c.level = n.level AND c.place = n.place) END
        FROM unnest(levels, places) AS n(level, place);
    RETURN QUERY SELECT c.level, c.place, c.attempt, c.crashes, now, c.order_key, c.failures, c.body, NULL::json
      FROM unnest(levels, places) WITH ORDINALITY AS n(level, place, at), ${rowAt("copy", "c", { inbox: "i.id", k: "n" })} ORDER BY n.at;
  END IF;
  is_hungry := got < want;
  is_open := is_open AND is_hungry;
  IF is_hungry <> k.hungry OR is_open <> k.open OR (is_open AND want - got <> k.room) THEN
    UPDATE consumer c SET hungry = is_hungry, open = is_open, room = want - got WHERE c.id = in_consumer;
    IF is_hungry THEN
      IF NOT i.hungry THEN UPDATE inbox x SET hungry = true WHERE x.id = i.id; END IF;
    ELSIF NOT EXISTS (SELECT FROM consumer c WHERE c.inbox = i.id AND c.hungry) THEN
      UPDATE inbox x SET hungry = false WHERE x.id = i.id;
    END IF;
  END IF;
  IF is_hungry THEN next := i.lapse_at - now; END IF;
  level := NULL; place := NULL; body := NULL; failures := NULL;
  note := json_build_object('h', is_hungry, 'b', barred, 'w', next, 'n', now);
  RETURN NEXT;
END $$;
`;
