-- The gate of orders, which asks the gates that the market demands as well: while one of them is missing or closed, the market
-- only reduces. Otherwise as before (gate.sql): one statement inside, so one snapshot of the truth for the check and the write.
CREATE OR REPLACE FUNCTION order_gate(
    the_desk text, the_slug text, the_market bigint, the_epoch bigint, the_version integer, the_cycle text, the_time timestamptz,
    the_intents jsonb, for_any text[], for_reducing text[],
    OUT controls_known boolean, OUT epoch_newest boolean, OUT version_current boolean, OUT found_states text[], OUT passed text[]
) LANGUAGE plpgsql SECURITY INVOKER SET search_path FROM CURRENT AS $$
BEGIN
    WITH states AS (
        SELECT lower(c.state) AS state FROM trading_controls c WHERE c.scope IN (the_desk, the_slug)
        UNION ALL
        SELECT lower(l.state) FROM locks l
        WHERE l.scope IN (the_desk, the_slug) AND l.lifted_at IS NULL AND (l.until IS NULL OR l.until > the_time)
        UNION ALL
        SELECT 'reducing' FROM markets m CROSS JOIN LATERAL unnest(string_to_array(m.demanded_gates, ',')) AS d(gate)
        WHERE m.id = the_market AND NOT EXISTS (SELECT 1 FROM named_gates n WHERE n.name = d.gate AND n.is_open)
    ),
    checks AS (
        SELECT (SELECT count(*) FROM trading_controls c WHERE c.scope IN (the_desk, the_slug)) = 2 AS known,
            NOT EXISTS (SELECT 1 FROM lease_epochs e WHERE e.market = the_slug AND e.epoch > the_epoch) AS newest,
            EXISTS (SELECT 1 FROM parameter_sets p WHERE p.market_id = the_market AND p.version = the_version) AS is_current
    ),
    wanted AS (
        SELECT i.* FROM jsonb_to_recordset(the_intents) AS i(id text, side text, level smallint, price numeric,
            size numeric, reduces boolean, is_amend boolean, deadline timestamptz), checks
        WHERE known AND newest AND is_current AND NOT EXISTS (
            SELECT 1 FROM states s WHERE s.state <> ALL (CASE WHEN i.reduces THEN for_reducing ELSE for_any END))
    ),
    placed AS (
        INSERT INTO orders (client_order_id, market_id, venue_order_id, side, level, epoch, price, size, filled, status, reason,
                            deadline_at, correlation_id, parameter_version, created_at, updated_at)
        SELECT w.id, the_market, '', w.side, w.level, the_epoch, w.price, w.size, 0, 'INTENT', '', w.deadline, the_cycle,
               the_version, the_time, the_time
        FROM wanted w WHERE NOT w.is_amend
        RETURNING orders.client_order_id
    ),
    amended AS (
        UPDATE orders o SET amend_price = w.price, amend_size = w.size, deadline_at = w.deadline,
                            correlation_id = the_cycle, updated_at = the_time
        FROM wanted w
        WHERE w.is_amend AND o.client_order_id = w.id AND o.market_id = the_market
          AND o.status IN ('INTENT', 'LIVE', 'CANCEL_PENDING', 'UNKNOWN')
        RETURNING o.client_order_id
    )
    SELECT known, newest, is_current, ARRAY(SELECT s.state FROM states s),
        ARRAY(SELECT p.client_order_id FROM placed p UNION ALL SELECT a.client_order_id FROM amended a)
    INTO controls_known, epoch_newest, version_current, found_states, passed
    FROM checks;
END $$;
