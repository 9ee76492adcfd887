"""Three years of a desk for the benchmark of the public pages: fills, what was summed up of them, versions and restatements.

Everything is made inside the database by its superuser, past triggers and without indexes: it is no desk's. Sums are those of the
fills: ledger's columns are added up from them, sampled ones are the same in every minute.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString, cast

from tests.pages import stage

DAYS, MARKETS = 1095, (stage.DEX, stage.CEX)
VERSIONS, LOCKS, RESTATED = 100, 400, 1_000
_SAMPLE = {
    "cycles": "60", "two_sided_cycles": "58", "one_sided_cycles": "1", "quoting_s": "58", "one_sided_s": "1", "samples": "1",
    "our_spread_samples": "1", "our_spread_bps_sum": "4.06", "market_spread_samples": "1", "market_spread_bps_sum": "2.03",
    "depth_samples": "1", "sigma_samples": "1", "sigma_sum": "0.0002", "calm_samples": "1", "active_samples": "1",
    "market_volume_minutes": "1", "market_volume_quote": "401.5",
}  # fmt: skip
_FILLS = """
INSERT INTO fills (market_id, venue, account, symbol, trade_id, order_id, client_order_id, side, price, size, maker, fee,
    fee_asset, fee_rate, parameter_version, mid_at_fill, source, ledger_seq, executed_at, booked_at)
SELECT CASE n % 2 WHEN 0 THEN {dex} ELSE {cex} END, 'dex', 'dex-desk', 'x', n::text, n::text, '',
    CASE WHEN n % 4 < 2 THEN 'buy' ELSE 'sell' END, {price}, 100, true, 0.0023, 'usdt', 1, 1, {price}, 'stream', n, at, at
FROM (SELECT n, '{now}'::timestamptz - interval '1 day' * ({days} * (n - 0.5) / {fills}) AS at
    FROM generate_series(1, {fills}) n) x
"""
_LEDGER = """
SELECT market_id, date_trunc('{unit}', executed_at) AS bucket, count(*) AS fills, 0 AS fees_pending, 0 AS movements,
    coalesce(sum(size) FILTER (WHERE side = 'buy'), 0) AS bought_base,
    coalesce(sum(size) FILTER (WHERE side = 'sell'), 0) AS sold_base,
    coalesce(sum(price * size) FILTER (WHERE side = 'buy'), 0) AS bought_quote,
    coalesce(sum(price * size) FILTER (WHERE side = 'sell'), 0) AS sold_quote, sum(fee * fee_rate) AS fees_quote,
    sum(CASE side WHEN 'buy' THEN size ELSE -size END) AS base_change,
    sum(CASE side WHEN 'sell' THEN price * size ELSE -price * size END - fee * fee_rate) AS cash_flow_quote
FROM fills WHERE executed_at >= '{since}' GROUP BY 1, 2
"""
_DAYS = """
INSERT INTO rollup_days (market_id, day, starts_at, ends_at, closing_reference_price, {names})
SELECT market_id, day, day::timestamp AT TIME ZONE 'Indian/Maldives', (day + 1)::timestamp AT TIME ZONE 'Indian/Maldives',
    closing, {names} FROM (SELECT market_id, (starts_at AT TIME ZONE 'Indian/Maldives')::date AS day, {sums},
    (array_agg(closing_reference_price ORDER BY starts_at DESC))[1] AS closing FROM rollup_hours GROUP BY 1, 2) x
"""
_OTHERS = (
    "INSERT INTO market_minutes (market_id, minute, cycles, two_sided, one_sided, spread_bps_sum) SELECT m, at, 60, 58, 1,"
    " 1 FROM unnest(ARRAY[{dex}, {cex}]) m, generate_series('{since}', '{until}'::timestamptz - interval '1 minute',"
    " '1 minute') at",
    "INSERT INTO rollup_progress (id, closed_until, minutes_kept_from, rolled_at) VALUES (1, '{until}', '{kept}', '{now}')",
    "INSERT INTO restatements (market_id, bucket, starts_at, measure, before, after, causes, at) SELECT m, 'day',"
    " '{until}'::timestamptz - n * interval '1 day', 'pnl_quote', 1, 2, 'fill', '{until}'::timestamptz - n * interval '1 day'"
    " FROM unnest(ARRAY[{dex}, {cex}]) m, generate_series(1, {restated}) n",
    "INSERT INTO locks (scope, state, rule, reason, imposed_by, imposed_at, lifted_at, lift_reason, lifted_by)"
    " SELECT 'dct-usdt-dex', 'PAUSED', 'person', 'venue is down', 'desk', at, at + interval '1 hour', 'venue is back', 'desk'"
    " FROM generate_series('{until}'::timestamptz - {locks} * interval '2 days', '{until}', '2 days') at",
    "INSERT INTO parameter_sets_history SELECT (jsonb_populate_record(h, jsonb_build_object('history_id', h.history_id + 1000 + n"
    " * 10, 'version', h.version + n, 'values_hash', md5(n::text), 'q_hard_lots', h.q_hard_lots - n, 'applied_at', h.applied_at"
    " - (1000 - n) * interval '1 minute'))).* FROM parameter_sets_history h, generate_series(1, {versions}) n",
)  # fmt: skip


def fill(superuser_url: str, fills: int, minutes_kept: timedelta) -> float:
    """Fill the database of `superuser_url`, which has the demonstration's markets; how many seconds it took."""
    import psycopg

    began_s, now = time.monotonic(), datetime.now(UTC).replace(microsecond=0)
    until = now.replace(second=0)
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        for setting in ("session_replication_role = replica", "maintenance_work_mem = '512MB'", "work_mem = '256MB'"):
            connection.execute(cast(LiteralString, f"SET {setting}"))
        connection.execute("SET TimeZone = 'UTC'")
        ids = [connection.execute("SELECT id FROM markets WHERE slug = %s", [slug]).fetchone() for slug in MARKETS]
        words = {
            "dex": ids[0][0], "cex": ids[1][0], "now": now, "until": until, "since": until - timedelta(days=DAYS),
            "kept": (until - minutes_kept).replace(minute=0), "days": f"{DAYS}.0", "fills": fills, "versions": VERSIONS,
            "locks": LOCKS, "restated": RESTATED,
        }  # fmt: skip
        with _unindexed(connection, "fills"):
            _run(connection, _FILLS, price=_price("at"), **words)
        _sums(connection, words)
        for statement in _OTHERS:
            _run(connection, statement, **words)
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
        _must_agree(connection)
    return time.monotonic() - began_s


def _sums(connection: Any, words: dict[str, Any]) -> None:
    """Minutes as far back as they are kept, hours from the beginning, days from the hours."""
    from disclosures.models.measures import ADDED, LEDGER, SAMPLED
    from trading.models.samples import DEPTH_COLUMNS

    sample = dict.fromkeys(SAMPLED, "0") | {name: f"{5000 + n * 250}.25" for n, name in enumerate(DEPTH_COLUMNS)}
    sample |= _SAMPLE
    for table, unit, since in (("minutes", "minute", words["kept"]), ("hours", "hour", words["since"])):
        since = since.replace(minute=0)
        end = f"least(at + interval '1 {unit}', '{words['until']}'::timestamptz)"
        minutes = f"(extract(epoch FROM {end} - at) / 60)"
        sampled = ", ".join(f"({value} * {minutes})" for value in sample.values())
        booked = ", ".join(f"coalesce(f.{name}, 0)" for name in LEDGER)
        closing = _price(f"{end} - interval '1 minute'")
        names = ", ".join((*sample, *LEDGER))
        _run(
            connection,
            f"INSERT INTO rollup_{table} (market_id, starts_at, closing_reference_price, {names})"
            f" SELECT m, at, {closing}, {sampled}, {booked} FROM unnest(ARRAY[{words['dex']}, {words['cex']}]) m"
            f" CROSS JOIN generate_series('{since}'::timestamptz, '{words['until']}'::timestamptz - interval '1 minute',"
            f" '1 {unit}') at LEFT JOIN ({_LEDGER.format(unit=unit, since=since)}) f ON f.market_id = m AND f.bucket = at",
        )
    added = {"names": ", ".join(ADDED), "sums": ", ".join(f"sum({name}) AS {name}" for name in ADDED)}
    _run(connection, _DAYS, **added)


def _price(at: str) -> str:
    return f"(0.2365 + (floor(extract(epoch FROM {at}) / 60)::bigint % 97) * 0.0001)"


@contextmanager
def _unindexed(connection: Any, table: str) -> Iterator[None]:
    """Ten million rows are indexed at once, which takes a fraction of the time."""
    keys = connection.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'u'", [table]
    ).fetchall()  # fmt: skip
    for name, _definition in keys:
        _run(connection, f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    indexes = connection.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = %s::regclass"
        " AND NOT indisprimary", [table],
    ).fetchall()  # fmt: skip
    for name, _definition in indexes:
        _run(connection, f"DROP INDEX {name}")
    yield
    for _name, definition in indexes:
        _run(connection, definition)
    for name, definition in keys:
        _run(connection, f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")


def _must_agree(connection: Any) -> None:
    """Fills and their sums, over everything and over the kept minutes, must be the same quantity."""
    kept = "(SELECT minutes_kept_from FROM rollup_progress)"
    whole = connection.execute(
        "SELECT (SELECT sum(size) FROM fills), (SELECT sum(bought_base + sold_base) FROM rollup_days),"
        " (SELECT sum(cash_flow_quote) FROM rollup_hours), (SELECT sum(cash_flow_quote) FROM rollup_days)"
    ).fetchone()
    recent = connection.execute(
        f"SELECT (SELECT sum(bought_base + sold_base) FROM rollup_minutes), (SELECT sum(bought_base + sold_base)"
        f" FROM rollup_hours WHERE starts_at >= {kept})"
    ).fetchone()
    if whole[0] != whole[1] or whole[2] != whole[3] or recent[0] != recent[1]:
        raise RuntimeError(f"the sums are not those of the fills: {whole}, {recent}")


def _run(connection: Any, statement: str, **words: Any) -> None:
    filled = statement.format(**words) if words else statement
    connection.execute(cast(LiteralString, re.sub(r"\s+", " ", filled)))
