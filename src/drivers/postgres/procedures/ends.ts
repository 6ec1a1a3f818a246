import { holdOf, rowAt, spotOf } from "./keys.ts";

/** So much has to have come and gone before it is looked where the copies of an inbox begin. */
const MUCH = 1_000;

/** How copies end, or come back, other than by an acknowledgment. All expect the inbox's row to be locked. */
export const ENDS = `
-- Finds out where the copies of an inbox begin. Between two vacuums every look from its very beginning would step over all that
-- have ended, which would make it the slower the more has been handed out.
CREATE FUNCTION skip_ended(i inbox) RETURNS inbox LANGUAGE plpgsql AS $$
DECLARE n bigint := i.sequence + i.accepted - i.waiting;
BEGIN
  IF n - i.lows_at < ${MUCH} THEN RETURN i; END IF;
  i.lows_at := n;
  FOR l IN 0..4 LOOP
    i.lows[l + 1] := coalesce((SELECT c.place FROM copy c WHERE c.inbox = i.id AND c.level = l AND c.place >= i.lows[l + 1]
      ORDER BY c.place LIMIT 1), i.sequence + 1);
  END LOOP;
  UPDATE inbox x SET lows = i.lows, lows_at = i.lows_at WHERE x.id = i.id;
  RETURN i;
END $$;

-- What is held of an inbox.
CREATE FUNCTION held_of(i inbox) RETURNS SETOF held LANGUAGE sql STABLE AS $$
  SELECT h.* FROM generate_series(0, 4) AS l(level),
    LATERAL (SELECT y.* FROM held y WHERE y.inbox = i.id AND y.level = l.level AND y.place >= i.lows[l.level + 1] OFFSET 0) h
$$;

-- A lease of an inbox ends then.
CREATE FUNCTION note_lease(in_inbox bigint, at bigint) RETURNS void LANGUAGE sql VOLATILE AS $$
  UPDATE inbox i SET lapse_at = at WHERE i.id = in_inbox AND (i.lapse_at IS NULL OR i.lapse_at > at)
$$;

-- Ends copies that nobody holds.
CREATE FUNCTION end_waiting(in_inbox bigint, levels smallint[], places bigint[], how text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE ended ended_copy[];
BEGIN
  WITH gone AS (
    DELETE FROM copy c WHERE c.ctid = ANY (ARRAY(SELECT ${spotOf("copy", { inbox: "in_inbox", k: "k" })} FROM unnest(levels, places) AS k(level, place)))
      RETURNING c.id, c.attempt, c.offered_at, c.holder
  ) SELECT coalesce(array_agg((g.id, g.attempt, g.offered_at, g.holder)::ended_copy), '{}') INTO ended FROM gone g;
  PERFORM note_ends(in_inbox, how, ended);
  RETURN cardinality(ended);
END $$;

-- Tells a holder that it may no longer work on a copy.
CREATE FUNCTION revoke(h held, why text) RETURNS void LANGUAGE sql VOLATILE AS $$
  SELECT pg_notify(peer_channel(h.peer), 'r' || json_build_array(h.consumer, h.token, h.level, h.place, why)::text)
$$;

-- Ends copies as cancelled: those that wait at once, those that are held when their holders give them back. Tells the holders.
CREATE FUNCTION cancel_copies(in_inbox bigint, levels smallint[], places bigint[], how text, OUT ended integer, OUT kept integer) LANGUAGE plpgsql AS $$
DECLARE h held; free_levels smallint[]; free_places bigint[];
BEGIN
  kept := 0;
  FOR h IN SELECT x.* FROM unnest(levels, places) AS k(level, place), ${rowAt("held", "x", { inbox: "in_inbox", k: "k" })} LOOP
    kept := kept + 1;
    UPDATE copy c SET cancelled = how
      WHERE c.inbox = in_inbox AND c.level = h.level AND c.place = h.place AND c.cancelled IS NULL;
    IF FOUND THEN PERFORM revoke(h, how); END IF;
  END LOOP;
  SELECT coalesce(array_agg(k.level), '{}'), coalesce(array_agg(k.place), '{}') INTO free_levels, free_places
    FROM unnest(levels, places) AS k(level, place) WHERE ${spotOf("held", { inbox: "in_inbox", k: "k" })} IS NULL;
  ended := end_waiting(in_inbox, free_levels, free_places, how);
END $$;

-- Takes a copy from its holder: given back ('release'), to be tried again ('retry') or lost with its lease ('lapse').
CREATE FUNCTION come_back(h held, outcome text, delay bigint, failure text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE c copy; now bigint := ms(); n bigint; all_failures text;
BEGIN
  DELETE FROM held x WHERE x.inbox = h.inbox AND x.level = h.level AND x.place = h.place;
  SELECT * INTO c FROM copy x WHERE x.inbox = h.inbox AND x.level = h.level AND x.place = h.place;
  IF NOT FOUND THEN RETURN; END IF;
  IF c.cancelled IS NOT NULL OR c.expires_at <= now THEN
    DELETE FROM copy x WHERE x.inbox = h.inbox AND x.level = h.level AND x.place = h.place;
    IF c.cancelled IS NOT NULL OR outcome <> 'release' THEN
      c.attempt := c.attempt + 1; c.offered_at := h.offered_at; c.holder := h.instance;
    END IF;
    PERFORM note_ends(h.inbox, coalesce(c.cancelled, 'expired'), ARRAY[(c.id, c.attempt, c.offered_at, c.holder)::ended_copy]);
  ELSIF outcome = 'lapse' THEN
    UPDATE copy x SET attempt = x.attempt + 1, crashes = x.crashes + 1, offered_at = h.offered_at, holder = h.instance
      WHERE x.inbox = h.inbox AND x.level = h.level AND x.place = h.place;
  ELSIF outcome = 'retry' THEN
    all_failures := CASE WHEN failure IS NULL THEN c.failures WHEN c.failures IS NULL THEN '[' || failure || ']'
      ELSE left(c.failures, -1) || ',' || failure || ']' END;
    n := h.place;
    IF delay > 0 OR c.order_key IS NULL THEN
      UPDATE inbox i SET sequence = i.sequence + 1 WHERE i.id = h.inbox RETURNING i.sequence INTO n;
    END IF;
    UPDATE copy x SET attempt = x.attempt + 1, offered_at = h.offered_at, holder = h.instance, failures = all_failures, place = n,
        level = CASE WHEN delay > 0 THEN h.level + 8 ELSE h.level END,
        due_at = CASE WHEN delay > 0 THEN now + delay END,
        kept_place = CASE WHEN delay > 0 AND c.order_key IS NOT NULL THEN h.place END
      WHERE x.inbox = h.inbox AND x.level = h.level AND x.place = h.place;
  END IF;
END $$;

-- Keeps a hand-off that is over without its holder's doing in the journal, if this process keeps one.
CREATE FUNCTION journal_lapse(h held, me integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE c record; now bigint := ms(); e json; about text;
BEGIN
  IF NOT EXISTS (SELECT FROM peer p WHERE p.id = me AND p.journal) THEN RETURN; END IF;
  SELECT x.id, x.type, x.sender, x.attempt, x.body, i.scope, i.name INTO c FROM copy x JOIN inbox i ON i.id = x.inbox
    WHERE x.inbox = h.inbox AND x.level = h.level AND x.place = h.place;
  -- What another codec wrote says no more than this.
  IF c.body LIKE '{%' THEN e := replace(c.body, '\\u0000', '\\ufffd')::json; END IF;
  about := json_strip_nulls(json_build_object('message', c.type, 'from', c.sender, 'channel', e->>'channel', 'recipient', c.name, 'instance', h.instance))::text;
  PERFORM append_log(c.scope || ':journal/entries', ARRAY['[{"kind":"hand-offs","at":' || now || ',"of":[' || about || '],"handOffs":['
    || CASE WHEN e->>'causationId' IS NULL THEN json_build_array(0, c.id, c.attempt + 1, now - h.offered_at, 0, 0, e->>'conversationId')
      ELSE json_build_array(0, c.id, c.attempt + 1, now - h.offered_at, 0, 0, e->>'conversationId', e->>'causationId') END || ']}]']);
END $$;

-- Takes back what holders of an inbox have held for longer than their leases, or when they died; how many. One that renews and
-- is still connected gets a grace first: where the server stood still its renewal is on its way.
CREATE FUNCTION lapse(in_inbox bigint, me integer, dead integer[] DEFAULT '{}') RETURNS integer LANGUAGE plpgsql AS $$
DECLARE h held; i inbox; n integer := 0; now bigint := ms();
BEGIN
  SELECT * INTO i FROM inbox x WHERE x.id = in_inbox;
  FOR h IN SELECT x.* FROM held_of(i) x WHERE (x.until <= now OR x.peer = ANY (dead)) LOOP
    IF h.grace > 0 AND NOT h.in_grace AND h.peer <> ALL (dead) AND (h.peer = me OR NOT is_gone(h.peer)) THEN
      UPDATE held x SET until = now + h.grace, in_grace = true WHERE x.inbox = h.inbox AND x.level = h.level AND x.place = h.place;
      CONTINUE;
    END IF;
    PERFORM journal_lapse(h, me);
    PERFORM come_back(h, 'lapse', 0, NULL);
    PERFORM revoke(h, 'lease-lost');
    n := n + 1;
  END LOOP;
  UPDATE inbox x SET lapse_at = (SELECT min(y.until) FROM held_of(i) y) WHERE x.id = in_inbox;
  IF n > 0 THEN PERFORM wake(in_inbox, me); END IF;
  RETURN n;
END $$;

-- Looks for lapsed leases in one inbox; whether a consumer waits there.
CREATE FUNCTION lapse_now(in_inbox bigint, me integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE is_hungry boolean;
BEGIN
  SELECT i.hungry INTO is_hungry FROM inbox i WHERE i.id = in_inbox FOR UPDATE;
  RETURN FOUND AND lapse(in_inbox, me) > 0 AND is_hungry;
END $$;

-- The first copy that may be dropped: of the lowest priority the oldest; what is not even due only when nothing else waits.
CREATE FUNCTION oldest_free(in_inbox bigint, in_limit text, OUT level smallint, OUT place bigint) LANGUAGE plpgsql AS $$
DECLARE i inbox;
BEGIN
  SELECT * INTO i FROM inbox x WHERE x.id = in_inbox;
  i := skip_ended(i);
  FOR l IN REVERSE 4..0 LOOP
    SELECT c.level, c.place INTO level, place FROM copy c
      WHERE c.inbox = in_inbox AND c.level = l AND c.place >= i.lows[l + 1] AND (in_limit IS NULL OR c.limited = in_limit)
        AND ${holdOf("c")} IS NULL
      ORDER BY c.place LIMIT 1;
    IF FOUND THEN RETURN; END IF;
  END LOOP;
  SELECT c.level, c.place INTO level, place FROM copy c
    WHERE c.inbox = in_inbox AND c.level >= 8 AND (in_limit IS NULL OR c.limited = in_limit)
    ORDER BY c.level DESC, c.due_at, c.place LIMIT 1;
END $$;

-- Whether so many copies wait that count under a limit; of an inbox that holds less altogether nothing is counted.
CREATE FUNCTION is_over(i inbox, in_limit text, in_capacity bigint) RETURNS boolean LANGUAGE sql VOLATILE AS $$
  SELECT in_limit IS NOT NULL AND i.waiting >= in_capacity AND in_capacity <= (
    SELECT count(*) FROM (SELECT FROM copy c WHERE c.inbox = i.id AND c.limited = in_limit LIMIT in_capacity) x)
$$;

-- Whether an inbox, or its part for a kind of messages, is full and nothing in it is free to go.
CREATE FUNCTION is_full(i inbox, in_limit text, in_capacity bigint, in_overflow text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF i.waiting >= i.capacity AND (i.overflow <> 'drop-oldest' OR (SELECT o.place FROM oldest_free(i.id, NULL) o) IS NULL) THEN
    RETURN true;
  END IF;
  RETURN is_over(i, in_limit, in_capacity)
    AND (in_overflow <> 'drop-oldest' OR (SELECT o.place FROM oldest_free(i.id, in_limit) o) IS NULL);
END $$;

-- Makes room for one copy where none is; false if that is not wanted, or all are held.
CREATE FUNCTION make_room(in_inbox bigint, in_limit text, in_capacity bigint, in_overflow text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE i inbox; o record;
BEGIN
  SELECT * INTO i FROM inbox x WHERE x.id = in_inbox;
  IF is_over(i, in_limit, in_capacity) THEN
    IF in_overflow <> 'drop-oldest' THEN RETURN false; END IF;
    SELECT * INTO o FROM oldest_free(in_inbox, in_limit);
    IF o.place IS NULL THEN RETURN false; END IF;
    i.waiting := i.waiting - end_waiting(in_inbox, ARRAY[o.level], ARRAY[o.place], 'dropped');
  END IF;
  IF i.waiting < i.capacity THEN RETURN true; END IF;
  IF i.overflow <> 'drop-oldest' THEN RETURN false; END IF;
  SELECT * INTO o FROM oldest_free(in_inbox, NULL);
  IF o.place IS NULL THEN RETURN false; END IF;
  RETURN end_waiting(in_inbox, ARRAY[o.level], ARRAY[o.place], 'dropped') > 0;
END $$;
`;
