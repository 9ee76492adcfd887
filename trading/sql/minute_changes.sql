-- Every statement that changes what a minute is summed from leaves the minute's mark in the same transaction. A mark is a row of
-- its own, never an update of a shared one: writers of one minute do not wait for each other.
CREATE FUNCTION mark_fill_minutes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO minute_changes (market_id, minute, source)
    SELECT DISTINCT market_id, date_trunc('minute', executed_at), CASE TG_OP WHEN 'INSERT' THEN 'fill' ELSE 'fee' END
    FROM changed;
    RETURN NULL;
END $$;
CREATE TRIGGER fills_mark_new AFTER INSERT ON fills REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION mark_fill_minutes();
CREATE TRIGGER fills_mark_fee AFTER UPDATE ON fills REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION mark_fill_minutes();

CREATE FUNCTION mark_movement_minutes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO minute_changes (market_id, minute, source)
    SELECT DISTINCT market_id, date_trunc('minute', executed_at), 'movement' FROM changed
    WHERE market_id IS NOT NULL AND kind NOT IN ('fill', 'fee', 'settlement');
    RETURN NULL;
END $$;
CREATE TRIGGER cash_movements_mark AFTER INSERT ON cash_movements REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION mark_movement_minutes();

CREATE FUNCTION mark_counted_minutes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO minute_changes (market_id, minute, source)
    SELECT DISTINCT market_id, minute, TG_ARGV[0] FROM changed;
    RETURN NULL;
END $$;
CREATE TRIGGER market_minutes_mark_new AFTER INSERT ON market_minutes REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION mark_counted_minutes('cycles');
CREATE TRIGGER market_minutes_mark_more AFTER UPDATE ON market_minutes REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION mark_counted_minutes('cycles');
CREATE TRIGGER market_samples_mark_new AFTER INSERT ON market_samples REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION mark_counted_minutes('sample');
CREATE TRIGGER market_samples_mark_more AFTER UPDATE ON market_samples REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION mark_counted_minutes('sample');

-- What an installation has already is summed up like everything that comes.
INSERT INTO minute_changes (market_id, minute, source)
SELECT DISTINCT market_id, date_trunc('minute', executed_at), 'fill' FROM fills;
INSERT INTO minute_changes (market_id, minute, source)
SELECT DISTINCT market_id, date_trunc('minute', executed_at), 'movement' FROM cash_movements
WHERE market_id IS NOT NULL AND kind NOT IN ('fill', 'fee', 'settlement');
INSERT INTO minute_changes (market_id, minute, source) SELECT market_id, minute, 'cycles' FROM market_minutes;
