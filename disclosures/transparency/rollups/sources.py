"""The measures of any window of time, straight from what trading recorded: one formula for minutes, repairs and comparison.

Position, cash and fees follow the ledger's own arithmetic (trading/ledger/arithmetic.py), so that sums over everything are the
ledger's figures to the last decimal.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db import connection

from disclosures.models.measures import CLOSING, LEDGER, MEASURES, SAMPLED
from trading.models.samples import DEPTH_COLUMNS

Window = tuple[int, datetime, datetime]
Row = dict[str, Any]


def _half_even(product: str) -> str:
    """`product` rounded to 18 decimals as the ledger does, half to even; PostgreSQL's own rounds halves away from zero."""
    return (
        f"(round({product}, 18) - CASE WHEN abs({product}) - trunc(abs({product}), 18) = 0.0000000000000000005"
        f" AND mod(trunc(abs({product}), 18) * 1000000000000000000, 2) = 0"
        f" THEN sign({product}) * 0.000000000000000001 ELSE 0 END)"
    )


_DEPTH_KNOWN: Final = (
    "depth_05_bid_quote IS NOT NULL AND depth_1_bid_quote IS NOT NULL AND depth_2_bid_quote IS NOT NULL"
)
_DEPTHS: Final = ", ".join(
    f"coalesce(sum({name}) FILTER (WHERE {_DEPTH_KNOWN}), 0) AS {name}" for name in DEPTH_COLUMNS
)
_CYCLES: Final = """
SELECT coalesce(sum(x.cycles), 0) AS cycles, coalesce(sum(x.two_sided), 0) AS two_sided_cycles,
    coalesce(sum(x.one_sided), 0) AS one_sided_cycles,
    coalesce(sum(round(60.0 * x.two_sided / nullif(x.cycles, 0), 6)), 0) AS quoting_s,
    coalesce(sum(round(60.0 * x.one_sided / nullif(x.cycles, 0), 6)), 0) AS one_sided_s
FROM market_minutes x WHERE x.market_id = w.market_id AND x.minute >= w.starts_at AND x.minute < w.ends_at
"""
_SAMPLES: Final = f"""
SELECT count(*) AS samples, count(s.market_spread_bps) AS market_spread_samples, count(s.our_spread_bps) AS our_spread_samples,
    count(*) FILTER (WHERE {_DEPTH_KNOWN}) AS depth_samples, count(s.sigma_per_sqrt_s) AS sigma_samples,
    count(*) FILTER (WHERE s.regime = 'calm') AS calm_samples, count(*) FILTER (WHERE s.regime = 'normal') AS normal_samples,
    count(*) FILTER (WHERE s.regime = 'stressed') AS stressed_samples,
    count(*) FILTER (WHERE s.state = 'ACTIVE') AS active_samples,
    count(*) FILTER (WHERE s.state = 'REDUCING') AS reducing_samples,
    count(*) FILTER (WHERE s.state = 'PAUSED') AS paused_samples, count(*) FILTER (WHERE s.state = 'HALTED') AS halted_samples,
    count(s.market_volume_quote) AS market_volume_minutes,
    coalesce(sum(s.market_spread_bps), 0) AS market_spread_bps_sum, coalesce(sum(s.our_spread_bps), 0) AS our_spread_bps_sum,
    coalesce(sum(s.sigma_per_sqrt_s), 0) AS sigma_sum, coalesce(sum(s.market_volume_quote), 0) AS market_volume_quote, {_DEPTHS},
    (array_agg(s.reference_price ORDER BY s.minute DESC) FILTER (WHERE s.reference_price IS NOT NULL))[1] AS {CLOSING}
FROM market_samples s WHERE s.market_id = w.market_id AND s.minute >= w.starts_at AND s.minute < w.ends_at
"""
_VALUE: Final = _half_even("(f.price * f.size)")
_FEE: Final = _half_even("(f.fee * f.fee_rate)")
_FILLS: Final = f"""
SELECT count(*) AS fills, count(*) FILTER (WHERE f.fee IS NULL) AS fees_pending,
    coalesce(sum(f.size) FILTER (WHERE f.side = 'buy'), 0) AS bought_base,
    coalesce(sum(f.size) FILTER (WHERE f.side = 'sell'), 0) AS sold_base,
    coalesce(sum({_VALUE}) FILTER (WHERE f.side = 'buy'), 0) AS bought_quote,
    coalesce(sum({_VALUE}) FILTER (WHERE f.side = 'sell'), 0) AS sold_quote,
    coalesce(sum({_FEE}) FILTER (WHERE f.fee_rate IS NOT NULL), 0) AS fees_quote,
    coalesce(sum(f.fee) FILTER (WHERE f.fee_asset = k.base_id AND k.instrument = 'spot'), 0) AS fees_base,
    coalesce(sum({_FEE}) FILTER (WHERE f.fee_asset = k.base_id AND k.instrument = 'spot' AND f.fee_rate IS NOT NULL), 0)
        AS fees_in_base_quote
FROM fills f WHERE f.market_id = w.market_id AND f.executed_at >= w.starts_at AND f.executed_at < w.ends_at
"""
_MOVED: Final = _half_even("(c.amount * coalesce(c.rate, r.rate))")
# A movement booked before its rate was known is in the position from the moment that an adjustment of amount 0 carries the rate.
_MOVEMENTS: Final = f"""
SELECT count(*) AS movements, coalesce(sum(c.amount) FILTER (WHERE c.asset_id = k.base_id), 0) AS moved_base,
    coalesce(sum(CASE WHEN c.asset_id = k.base_id THEN -{_MOVED} ELSE {_MOVED} END), 0) AS moved_quote
FROM cash_movements c LEFT JOIN cash_movements r ON r.account_id = c.account_id AND r.asset_id = c.asset_id
    AND r.kind = 'adjustment' AND r.key = 'rate|' || c.kind || '|' || c.key
WHERE c.market_id = w.market_id AND c.executed_at >= w.starts_at AND c.executed_at < w.ends_at
    AND c.kind IN ('deposit', 'withdrawal', 'funding', 'rebate', 'adjustment') AND NOT c.key LIKE 'rate|%%'
    AND coalesce(c.rate, r.rate) IS NOT NULL
"""
_OWN: Final = {
    "base_change": "f.bought_base - f.sold_base - f.fees_base + m.moved_base",
    "cash_flow_quote": "f.sold_quote - f.bought_quote - f.fees_quote + f.fees_in_base_quote + m.moved_quote",
    "movements": "m.movements",
}


def _column(name: str) -> str:
    if name in _OWN:
        return f"{_OWN[name]} AS {name}"
    if name in LEDGER:
        return f"f.{name}"
    return (
        f"c.{name}"
        if name in ("cycles", "two_sided_cycles", "one_sided_cycles", "quoting_s", "one_sided_s")
        else f"s.{name}"
    )


_COLUMNS: Final = ", ".join(_column(name) for name in MEASURES)
_WANTED: Final = "unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS w (market_id, starts_at, ends_at)"
# Also the source of what is written: one statement reads and answers, in one snapshot.
MEASURED: Final = f"""
SELECT w.market_id, w.starts_at, {_COLUMNS}
FROM {_WANTED} JOIN markets k ON k.id = w.market_id
CROSS JOIN LATERAL ({_CYCLES}) AS c CROSS JOIN LATERAL ({_SAMPLES}) AS s
CROSS JOIN LATERAL ({_FILLS}) AS f CROSS JOIN LATERAL ({_MOVEMENTS}) AS m
"""


def arrays(windows: Sequence[Window]) -> list[list[Any]]:
    """Windows (market id, start, end) as the three parameters of `MEASURED`."""
    return [list(column) for column in zip(*windows, strict=True)] or [[], [], []]


def measure(windows: Sequence[Window]) -> dict[tuple[int, datetime], Row]:
    """Measures by (market id, start) for each window, from the sources alone. Amounts are exact `Decimal`s."""
    if not windows:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(MEASURED, arrays(windows))
        return {(row[0], row[1]): dict(zip(MEASURES, row[2:], strict=True)) for row in cursor.fetchall()}


def nothing() -> Row:
    """The measures of a window in which nothing happened."""
    return {name: Decimal(0) for name in (*SAMPLED, *LEDGER)} | {CLOSING: None}
