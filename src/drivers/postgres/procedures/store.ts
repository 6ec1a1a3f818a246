/** Several changes of values and logs as one. */
export const STORE = `
-- Does all or nothing: operations are k put, delete or append, their key, revision and time to live; values beside them.
-- The new revisions of puts, null where one did not hold.
CREATE FUNCTION change(in_operations jsonb, vals text[]) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE o jsonb; now bigint; results bigint[] := '{}'; r bigint; existed boolean;
BEGIN
  -- Whoever changes values of a bucket has its row locked; in one order for all.
  INSERT INTO bucket (name, revision)
    SELECT DISTINCT bucket_of(x->>'k'), 0 FROM jsonb_array_elements(in_operations) x WHERE x->>'o' <> 'append' ORDER BY 1
    ON CONFLICT (name) DO NOTHING;
  PERFORM FROM bucket b WHERE b.name = ANY (ARRAY(SELECT bucket_of(x->>'k') FROM jsonb_array_elements(in_operations) x WHERE x->>'o' <> 'append'))
    ORDER BY b.name FOR UPDATE;
  now := ms();
  IF EXISTS (SELECT FROM jsonb_array_elements(in_operations) x WHERE x ? 'r' AND (x->>'r')::bigint <>
      coalesce((SELECT v.revision FROM kv v WHERE v.key = x->>'k' AND (v.expires_at IS NULL OR v.expires_at > now)), 0)) THEN
    RETURN NULL;
  END IF;
  FOR n IN 1..jsonb_array_length(in_operations) LOOP
    o := in_operations->(n - 1);
    CASE o->>'o'
      WHEN 'put' THEN r := put_value(o->>'k', vals[(o->>'v')::integer], now + (o->>'t')::bigint);
      WHEN 'delete' THEN existed := remove_value(o->>'k'); r := existed::integer;
      ELSE PERFORM append_log(o->>'k', vals[(o->>'v')::integer:(o->>'w')::integer]); r := 0;
    END CASE;
    results := results || r;
  END LOOP;
  RETURN results;
END $$;

-- Removes entries of a log up to a position, at most so many; whether there are more. Without a position the log goes with the last.
CREATE FUNCTION trim_log(in_name text, up_to bigint, most integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE l bigint; p bigint; n integer;
BEGIN
  SELECT g.id, g.position INTO l, p FROM log g WHERE g.name = in_name;
  IF NOT FOUND THEN RETURN false; END IF;
  DELETE FROM log_entry e WHERE e.ctid = ANY (ARRAY(
    SELECT x.ctid FROM log_entry x WHERE x.log = l AND x.position <= coalesce(up_to, p) ORDER BY x.position LIMIT most));
  GET DIAGNOSTICS n = ROW_COUNT;
  IF n = most THEN RETURN true; END IF;
  IF up_to IS NULL THEN
    PERFORM FROM log g WHERE g.id = l FOR UPDATE;
    -- A later log of this name goes on above, so that a reader's place stays behind what is new.
    DELETE FROM log g WHERE g.id = l AND NOT EXISTS (SELECT FROM log_entry e WHERE e.log = l) RETURNING g.position INTO p;
    IF FOUND THEN UPDATE log_end x SET position = greatest(x.position, p); END IF;
  END IF;
  RETURN false;
END $$;
`;
