-- Lease epochs. They start at the present second, so that a new database never hands out an epoch that an older one used.
DO $$
BEGIN
    EXECUTE format('CREATE SEQUENCE lease_epoch_seq START WITH %s', floor(extract(epoch FROM now()))::bigint);
END $$;

-- What the reader role may see: public aggregates only.
CREATE VIEW public_markets AS
    SELECT slug, venue_symbol, source_label, is_active FROM markets;
CREATE VIEW public_market_hours AS
    SELECT m.slug, date_trunc('hour', x.minute) AS hour, sum(x.cycles) AS cycles, sum(x.two_sided) AS two_sided_cycles
    FROM market_minutes x JOIN markets m ON m.id = x.market_id
    GROUP BY m.slug, date_trunc('hour', x.minute);
CREATE VIEW public_volume_days AS
    SELECT m.slug, (f.executed_at AT TIME ZONE 'UTC')::date AS day, count(*) AS fills, sum(f.price * f.size) AS volume_quote
    FROM fills f JOIN markets m ON m.id = f.market_id
    WHERE f.executed_at < date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
    GROUP BY m.slug, (f.executed_at AT TIME ZONE 'UTC')::date;
