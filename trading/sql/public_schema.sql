-- The public aggregates once more, in a schema that holds nothing else: on a server whose schemas are exposed over HTTP
-- (Supabase) this one may be, and the portal's own may not.
CREATE SCHEMA dcmm_public;
CREATE VIEW dcmm_public.markets AS SELECT * FROM public.public_markets;
CREATE VIEW dcmm_public.market_hours AS SELECT * FROM public.public_market_hours;
CREATE VIEW dcmm_public.volume_days AS SELECT * FROM public.public_volume_days;

-- A partition is reached through its parent alone: with row-level security and no policy, nobody but the owner reads it directly.
CREATE OR REPLACE FUNCTION ensure_decision_partitions(days_ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    day date;
    made integer := 0;
    name text;
BEGIN
    IF days_ahead NOT BETWEEN 0 AND 31 THEN
        RAISE EXCEPTION 'days_ahead must be from 0 to 31';
    END IF;
    PERFORM pg_advisory_xact_lock(3, 1);
    FOR offset_days IN 0..days_ahead LOOP
        day := (now() AT TIME ZONE 'UTC')::date + offset_days;
        name := 'decisions_' || to_char(day, 'YYYYMMDD');
        IF to_regclass(name) IS NULL
           AND NOT EXISTS (SELECT 1 FROM decisions_other
                           WHERE at >= day::timestamp AT TIME ZONE 'UTC' AND at < (day + 1)::timestamp AT TIME ZONE 'UTC') THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF decisions FOR VALUES FROM (%L) TO (%L)', name,
                           day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;
