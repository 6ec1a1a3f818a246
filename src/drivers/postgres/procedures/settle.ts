import { rowAt, spotOf } from "./keys.ts";

/** How holders give copies up, and keep them. */
export const SETTLE = `
-- Ends copies that their holders have done with: all of them, or none where a holder has lost its lease. Places of the lost ones,
-- empty when all is done. In one step: the ends, their records, dead letters, what is emitted, the journal's entries.
CREATE FUNCTION settle_ends(in_scope text, me integer, inboxes bigint[], levels smallint[], places bigint[], consumers bigint[], tokens bigint[], hows text[],
    logs text[], entries text[], letter_keys text[], letters text[], emits jsonb, emit_bodies text[], emit_jsons text[], journaled boolean, hand_offs text, is_synced boolean,
    OUT lost integer[], OUT hungry bigint[], OUT heard boolean) LANGUAGE plpgsql AS $$
DECLARE targets bigint[] := '{}'; spots tid[]; n integer; woken bigint[];
BEGIN
  IF NOT is_synced THEN PERFORM set_config('synchronous_commit', 'off', true); END IF;
  IF emits IS NOT NULL THEN
    targets := ARRAY(SELECT i.id FROM inbox i WHERE i.scope = in_scope AND i.name = ANY (ARRAY(
      SELECT t FROM jsonb_array_elements(emits) p, jsonb_array_elements_text(p->'t') t WHERE p ? 't'
      UNION SELECT c->>0 FROM jsonb_array_elements(emits) p, jsonb_array_elements(p->'p') c WHERE p ? 'p')));
  END IF;
  PERFORM FROM inbox i WHERE i.id = ANY (inboxes || targets) ORDER BY i.id FOR UPDATE;
  spots := ARRAY(SELECT ${spotOf("held", { inbox: "k.inbox", k: "k", and: " AND y.consumer = k.consumer AND y.token = k.token" })}
    FROM unnest(inboxes, levels, places, consumers, tokens) WITH ORDINALITY AS k(inbox, level, place, consumer, token, at) ORDER BY k.at);
  lost := ARRAY(SELECT s.at::integer FROM unnest(spots) WITH ORDINALITY AS s(spot, at) WHERE s.spot IS NULL);
  IF cardinality(lost) > 0 THEN RETURN; END IF;
  DELETE FROM held h WHERE h.ctid = ANY (spots);
  DELETE FROM copy c WHERE c.ctid = ANY (ARRAY(SELECT ${spotOf("copy", { inbox: "k.inbox", k: "k" })} FROM unnest(inboxes, levels, places) AS k(inbox, level, place)));
  UPDATE inbox i SET waiting = i.waiting - k.total, acknowledged = i.acknowledged + k.acknowledged, expired = i.expired + k.expired,
      dead_lettered = i.dead_lettered + k.dead_lettered, superseded = i.superseded + k.superseded, withdrawn = i.withdrawn + k.withdrawn, dropped = i.dropped + k.dropped
    FROM (SELECT e.inbox, count(*) AS total, count(*) FILTER (WHERE how = 'acknowledged') AS acknowledged, count(*) FILTER (WHERE how = 'expired') AS expired,
        count(*) FILTER (WHERE how = 'dead-lettered') AS dead_lettered, count(*) FILTER (WHERE how = 'superseded') AS superseded,
        count(*) FILTER (WHERE how = 'withdrawn') AS withdrawn, count(*) FILTER (WHERE how = 'dropped') AS dropped
      FROM unnest(inboxes, hows) AS e(inbox, how) GROUP BY e.inbox) k
    WHERE i.id = k.inbox;
  IF NOT journaled THEN woken := publish_lone(in_scope, me, emits, emit_bodies); END IF;
  IF woken IS NOT NULL THEN
    hungry := woken;
  ELSIF emits IS NOT NULL THEN
    PERFORM lock_for(in_scope, emits);
    FOR n IN 1..cardinality(emit_bodies) LOOP
      PERFORM publish_one(in_scope, emits->(n - 1), emit_bodies[n], coalesce(emit_jsons[n], emit_bodies[n]), journaled, true);
    END LOOP;
    hungry := wake_hungry(targets, me, ARRAY(SELECT p->>'i' FROM jsonb_array_elements(emits) p));
  END IF;
  -- The next of an order key may go out now.
  hungry := hungry || wake_hungry(ARRAY(SELECT i.id FROM inbox i WHERE i.id = ANY (inboxes) AND i.keyed), me);
  FOR n IN 1..coalesce(cardinality(letter_keys), 0) LOOP PERFORM put_value(letter_keys[n], letters[n], NULL); END LOOP;
  FOR n IN 1..cardinality(logs) LOOP PERFORM append_log(logs[n], ARRAY[entries[n]]); END LOOP;
  IF hand_offs IS NOT NULL THEN PERFORM append_log(in_scope || ':journal/entries', ARRAY[hand_offs]); END IF;
  heard := EXISTS (SELECT FROM listener l WHERE l.topic = in_scope || ':receipts');
END $$;

-- Gives copies back one by one: outcomes are release and retry. Places of the lost ones; the others are done.
CREATE FUNCTION settle_backs(in_scope text, me integer, inboxes bigint[], levels smallint[], places bigint[], consumers bigint[], tokens bigint[],
    outcomes text[], delays bigint[], failures text[], hand_offs text[], OUT lost integer[], OUT hungry bigint[]) LANGUAGE plpgsql AS $$
DECLARE h held; ids bigint[] := ARRAY(SELECT i.id FROM inbox i WHERE i.id = ANY (inboxes) ORDER BY i.id FOR UPDATE);
BEGIN
  lost := '{}';
  FOR n IN 1..cardinality(inboxes) LOOP
    SELECT x.* INTO h FROM held x WHERE x.inbox = inboxes[n] AND x.level = levels[n] AND x.place = places[n]
      AND x.consumer = consumers[n] AND x.token = tokens[n];
    IF NOT FOUND THEN
      lost := lost || n;
    ELSE
      PERFORM come_back(h, outcomes[n], delays[n], failures[n]);
      IF hand_offs[n] IS NOT NULL THEN PERFORM append_log(in_scope || ':journal/entries', ARRAY[hand_offs[n]]); END IF;
    END IF;
  END LOOP;
  hungry := wake_hungry(ids, me);
END $$;

-- Keeps what is held for longer; the places of those that were still held.
CREATE FUNCTION extend_held(in_consumer bigint, in_inbox bigint, in_levels smallint[], in_places bigint[], in_tokens bigint[], leases bigint[]) RETURNS integer[] LANGUAGE plpgsql AS $$
DECLARE now bigint; kept integer[];
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM FROM inbox i WHERE i.id = in_inbox FOR UPDATE;
  now := ms();
  kept := '{}';
  FOR n IN 1..cardinality(in_places) LOOP
    UPDATE held h SET until = greatest(h.until, now + leases[n]), in_grace = false
      WHERE h.inbox = in_inbox AND h.level = in_levels[n] AND h.place = in_places[n] AND h.consumer = in_consumer AND h.token = in_tokens[n];
    IF FOUND THEN kept := kept || n; END IF;
  END LOOP;
  RETURN kept;
END $$;

-- Goes on with what a consumer holds after its connection was lost. What the server lost with its last moments is held again,
-- unless another has it by now; what was handed out without its ever learning of it, as the answer was lost, goes back.
CREATE FUNCTION resume(me integer, in_consumer bigint, in_inbox bigint, in_instance text, in_levels smallint[], in_places bigint[], in_tokens bigint[],
    in_ids text[], in_attempts integer[], in_offered bigint[], lease bigint, in_grace integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE one held;
BEGIN
  PERFORM FROM inbox i WHERE i.id = in_inbox FOR UPDATE;
  FOR one IN SELECT x.* FROM held x WHERE x.inbox = in_inbox AND x.consumer = in_consumer AND x.token <> ALL (in_tokens) LOOP
    PERFORM come_back(one, 'release', 0, NULL);
  END LOOP;
  INSERT INTO held (inbox, level, place, consumer, peer, instance, token, offered_at, until, grace, order_key)
    SELECT c.inbox, c.level, c.place, in_consumer, me, in_instance, k.token, k.offered, ms() + lease, in_grace, c.order_key
      FROM unnest(in_levels, in_places, in_tokens, in_ids, in_attempts, in_offered) AS k(level, place, token, id, attempt, offered),
        ${rowAt("copy", "c", { inbox: "in_inbox", k: "k" })}
      WHERE c.id = k.id AND c.attempt = k.attempt - 1
    ON CONFLICT (inbox, level, place) DO NOTHING;
  IF cardinality(in_tokens) > 0 THEN PERFORM note_lease(in_inbox, ms() + lease); END IF;
  PERFORM wake(in_inbox, me);
END $$;
`;
