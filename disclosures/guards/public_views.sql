-- The view of volume by day for readers of the database follows the publication policy as every other door does: complete closed
-- days of the Maldives, the base quantity rounded to the policy's part of the largest hard limit that the market ever had (half to
-- even; a limit that is lowered must not tell the past finer), at the day's closing reference price. How many fills there were is
-- told nowhere.
CREATE OR REPLACE VIEW public_volume_days AS
    SELECT m.slug, d.day, NULL::bigint AS fills,
           round((CASE WHEN abs(x.steps) - trunc(abs(x.steps)) = 0.5 THEN 2 * round(x.steps / 2) ELSE round(x.steps) END)
                 * x.step * d.closing_reference_price, 2) AS volume_quote
    FROM rollup_days d
    JOIN markets m ON m.id = d.market_id
    CROSS JOIN LATERAL (
        SELECT max(every.q_hard_lots) AS q_hard_lots
        FROM (
            SELECT q_hard_lots FROM parameter_sets WHERE market_id = d.market_id
            UNION ALL SELECT q_hard_lots FROM parameter_sets_history WHERE market_id = d.market_id
        ) every
    ) s
    CROSS JOIN LATERAL (SELECT * FROM publication_policies ORDER BY version DESC LIMIT 1) p
    CROSS JOIN rollup_progress r
    CROSS JOIN LATERAL (
        SELECT s.q_hard_lots * m.lot_size * p.inventory_step_share AS step,
               (d.bought_base + d.sold_base) / (s.q_hard_lots * m.lot_size * p.inventory_step_share) AS steps
    ) x
    WHERE s.q_hard_lots IS NOT NULL AND d.ends_at <= r.closed_until AND d.ends_at <= now() - make_interval(secs => p.delay_s);
