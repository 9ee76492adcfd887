"""Public pages read only what they show: as many queries whatever the number of markets and versions, no history that nobody
asked for; and what is kept goes as soon as anything that it follows from changes."""

from __future__ import annotations

import gc
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dcmm_portal.garbage import keep_loaded
from disclosures.documents.selectors import last_material, versions
from disclosures.models import RollupDay, RollupHour, RollupMinute, RollupProgress
from disclosures.reports.content import content_of
from disclosures.reports.formats import csv_of
from disclosures.reports.making import make_report
from disclosures.reports.periods import asked_period
from disclosures.reports.sheet import sheet_of
from disclosures.transparency.public_market import _traded
from disclosures.transparency.rollups.calendar import day_bounds
from disclosures.transparency.rollups.profit import _Book, day_profits
from disclosures.transparency.rollups.roll import roll_up
from tests.disclosures.conftest import library
from tests.disclosures.library import RISK, Library
from tests.pages import stage
from tests.pages.conftest import desk as hot_desk
from tests.review.conftest import desk as review_desk
from tests.review.desk import DEX, Desk
from tests.support.query_budget import query_count
from tests.transparency.test_rollups import LATER, START, book, sample
from trading import parameter_versions
from trading.figures import volumes
from trading.models import Lock, Market, MinuteChange
from trading.parameters.services import apply_version, current_values

__all__ = ["hot_desk", "library", "review_desk"]
NOW = datetime(2026, 3, 4, 12, 30, 30, tzinfo=UTC)
HOUR = NOW.replace(minute=0, second=0)
SERIES = f"/api/v1/public/markets/{stage.DEX}/series/"
PAGE = f"/markets/{stage.DEX}/"


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("api.tables", "transparency.views"):
        monkeypatch.setattr(f"disclosures.{module}.time.time_ns", lambda: int(NOW.timestamp()) * stage.SECOND_NS)
    cache.clear()


def apply(slug: str, **changes: str) -> None:
    market = Market.objects.get(slug=slug)
    values = current_values(market.parameter_set) | {name: D(value) for name, value in changes.items()}
    apply_version(
        market, values, authorised_by="genesis", actor_id="1", actor_name="ana", reason="test", now=datetime.now(UTC)
    )


def plant_day(market: Market, day: date, **sums: Any) -> None:
    start, end = day_bounds(day)
    RollupDay.objects.create(market=market, day=day, starts_at=start, ends_at=end, **sums)


def told(client: Client, metric: str, wanted: str) -> list[list[Any]]:
    answer = client.get(SERIES, {"metric": metric, "range": wanted})
    assert answer.status_code == 200, answer.content
    rows: list[list[Any]] = answer.json()["rows"]
    return rows


def calls_of(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[Any]:
    """Grows with each call of it."""
    made: list[Any] = []
    real: Callable[..., Any] = getattr(owner, name)

    def counted(*args: Any, **named: Any) -> Any:
        made.append(args)
        return real(*args, **named)

    monkeypatch.setattr(owner, name, counted)
    return made


@pytest.mark.parametrize("address", ["/feed.xml", "/changes/"])
def test_more_markets_ask_no_more_questions(hot_desk: None, client: Client, address: str) -> None:
    Market.objects.exclude(slug=stage.DEX).update(is_active=False)
    one = query_count(client, address)
    Market.objects.update(is_active=True)
    for slug in (stage.DEX, stage.CEX):
        apply(slug, spread_floor_bps="6")
    assert Market.objects.count() == 3
    assert query_count(client, address) <= one


def test_a_page_of_changes_reads_the_versions_that_it_shows(
    hot_desk: None, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6, 12):
        apply(stage.DEX, spread_floor_bps=str(number))
    monkeypatch.setattr("disclosures.transparency.histories.PAGE_ROWS", 2)
    read = calls_of(monkeypatch, parameter_versions, "_version")
    page = client.get("/changes/?market=" + stage.DEX).content.decode()
    # Two versions, each with the one before it; seven there are.
    assert (page.count('<small class="num" dir="ltr">v'), len(read)) == (2, 4)
    assert "v7</small>" in page and "v5</small>" not in page
    assert "v1</small>" in client.get(f"/changes/?market={stage.DEX}&page=4").content.decode()


def test_a_markets_page_reads_the_incidents_that_it_shows(hot_desk: None, client: Client) -> None:
    for number in range(12):
        Lock.objects.create(
            scope=(stage.DEX, stage.CEX)[number % 2], state="PAUSED", rule="person", reason=f"reason-{number}", imposed_by="ana",
            imposed_at=NOW - timedelta(days=number + 1), lifted_at=NOW - timedelta(days=number), lift_reason="done",
        )  # fmt: skip
    with CaptureQueriesContext(connection) as captured:
        page = client.get(PAGE).content.decode()
    asked = [one["sql"] for one in captured if '"imposed_at" DESC' in one["sql"] or "control.changed" in one["sql"]]
    assert len(asked) == 2 and all(sql.endswith("LIMIT 10") for sql in asked)
    assert [f"reason-{number}<" in page for number in range(4)] == [True, False, True, False]


def test_a_list_of_versions_reads_no_text(library: Library) -> None:
    for material in (True, False, False):
        library.published(is_material=material)
        library.desk.forward(hours=1)
    with CaptureQueriesContext(connection) as captured:
        found = versions(RISK, library.now)
        said = [(one.row.version, one.state) for one in found]
    assert said == [(3, "in_force"), (2, "superseded"), (1, "superseded")]
    assert not any('"content"' in one["sql"] or '"pdf_en"' in one["sql"] for one in captured)
    assert [last_material(RISK, number) for number in (1, 2, 3)] == [1, 1, 1]
    library.published(is_material=True)
    assert [last_material(RISK, number) for number in (3, 4)] == [1, 4]


def test_profit_of_a_week_reads_a_week(hot_desk: None, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    market, today = Market.objects.get(slug=stage.DEX), date(2026, 3, 4)
    for days in range(60):
        price = None if days % 7 == 3 else D("0.25") + D(days) / 1000
        plant_day(
            market,
            today - timedelta(days=days),
            base_change=D(10),
            cash_flow_quote=D("-2.5"),
            closing_reference_price=price,
        )
    RollupProgress.objects.create(pk=1, closed_until=NOW, rolled_at=NOW)
    whole = told(client, "pnl", "all")
    read = calls_of(monkeypatch, _Book, "close")
    week = told(client, "pnl", "7d")
    assert (len(whole), len(read) <= 9) == (59, True)
    # Held 580 before the last day but one; each of the days before it, a thousandth of a unit of price is lost on what is held.
    assert week[-1] == ["2026-03-03", "2026-03-03", "-0.57"]
    assert week == whole[-7:]


def test_profit_from_any_day_on_is_that_of_all_days(hot_desk: None) -> None:
    market, first = Market.objects.get(slug=stage.DEX), date(2026, 2, 1)
    plan = [
        (D(0), D("1.5"), None), (D(10), D("-2.5"), None), (D(-10), D("2.6"), None), (D(5), D(-1), None), (D(0), D(0), "0.26"),
        (D(-5), D(2), None), (D(3), D(-1), "0.3"), (D(1), D("-0.123456789012345678"), None),
    ]  # fmt: skip
    for number, (change, flow, price) in enumerate(plan):
        plant_day(
            market, first + timedelta(days=number * 2), base_change=change, cash_flow_quote=flow,
            closing_reference_price=price,
        )  # fmt: skip
    whole = day_profits(market.pk)
    assert [one.pnl_quote for one in whole[:5]] == [D("1.5"), None, D("0.1"), None, D("0.3")]
    for number in range(-1, 18):
        day = first + timedelta(days=number)
        assert day_profits(market.pk, day) == [one for one in whole if one.day >= day], day


@pytest.mark.usefixtures("ledger_desk")
def test_a_roll_reads_profit_from_the_first_day_that_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    for day in range(6):
        sample(day * 1440, "0.25")
    book(*[(str(day), "buy", "0.25", "1", day * 1440) for day in range(6)])
    roll_up(START + timedelta(days=9))
    book(("late", "sell", "0.26", "1", 5 * 1440 + 1))
    read = calls_of(monkeypatch, _Book, "close")
    roll_up(START + timedelta(days=9, minutes=1))
    assert len(read) == 2


@pytest.mark.usefixtures("ledger_desk")
def test_the_day_is_the_same_from_sums_and_from_fills() -> None:
    book(*[(str(n), ("buy", "sell")[n % 2], "0.25", str(n + 1), n * 37) for n in range(20)])
    roll_up(LATER)
    since = START.replace(minute=0)
    for hours in (0, 3, 5, 24):
        for closed in (None, since, since + timedelta(hours=3, minutes=20), LATER):
            until = since + timedelta(hours=hours)
            expected = {key: volume.base for key, volume in volumes(since, until).items()}
            assert _traded(since, until, closed) == expected, (hours, closed)
    assert sum(_traded(since, since + timedelta(hours=3), LATER).values()) == D(15)


def test_charts_of_a_young_market_begin_with_its_first_minute(hot_desk: None, client: Client) -> None:
    market = Market.objects.get(slug=stage.DEX)
    first = HOUR - timedelta(minutes=90)
    sums: dict[str, Any] = {"cycles": 60, "samples": 1, "quoting_s": D(45), "base_change": D(3000), "fills": 1}
    for minute in (0, 1, 5):
        RollupMinute.objects.create(market=market, starts_at=first + timedelta(minutes=minute), **sums)
    # Of half an hour, half was quoted.
    RollupHour.objects.create(market=market, starts_at=HOUR - timedelta(hours=2), **sums | {"quoting_s": D(900)})
    RollupHour.objects.create(market=market, starts_at=HOUR - timedelta(hours=1), **sums | {"quoting_s": D(900)})
    plant_day(market, date(2026, 3, 4), **sums)
    RollupProgress.objects.create(pk=1, closed_until=NOW - timedelta(minutes=3), rolled_at=NOW)
    uptime = told(client, "uptime", "24h")
    assert [(row[0], row[2]) for row in uptime[:6]] == [
        ("2026-03-04T10:30:00.000Z", "0.75"), ("2026-03-04T10:31:00.000Z", "0.75"), ("2026-03-04T10:32:00.000Z", None),
        ("2026-03-04T10:33:00.000Z", None), ("2026-03-04T10:34:00.000Z", None), ("2026-03-04T10:35:00.000Z", "0.75"),
    ]  # fmt: skip
    assert told(client, "inventory", "24h")[0] == ["2026-03-04T10:30:00.000Z", "2026-03-04T10:31:00.000Z", "3000"]
    RollupProgress.objects.update(minutes_kept_from=NOW)
    hourly = told(client, "uptime", "24h")
    assert [(row[0], row[2]) for row in hourly] == [
        ("2026-03-04T10:00:00.000Z", "0.5"), ("2026-03-04T11:00:00.000Z", "0.25"),
    ]  # fmt: skip


def test_a_report_says_what_it_leaves_to_its_files(hot_desk: None) -> None:
    period = asked_period("daily", "2026-03-04")
    start, end = period.bounds()
    plant_day(Market.objects.get(slug=stage.DEX), date(2026, 3, 4), samples=1)
    RollupProgress.objects.create(pk=1, closed_until=end + timedelta(minutes=5), rolled_at=end)
    Lock.objects.bulk_create(
        Lock(
            scope=stage.DEX, state="PAUSED", rule="breaker", reason="x", imposed_by="quoting",
            imposed_at=start + timedelta(seconds=number), lifted_at=start + timedelta(seconds=number + 1),
        )
        for number in range(503)
    )  # fmt: skip
    body = content_of(period, end + timedelta(minutes=10))
    assert len(body["tables"]["incidents"]["rows"]) == 503
    section = next(one for one in sheet_of(body).sections if one.definition == "incidents")
    assert len(section.rows) == 500
    assert section.more == "… and 3 more, all of them in the CSV and the JSON."
    report = make_report(period, end + timedelta(minutes=10))[0]
    assert csv_of(report).decode().count(",incidents,503,") == 8


@pytest.fixture
def known(hot_desk: None) -> Market:
    market = Market.objects.get(slug=stage.DEX)
    sums: dict[str, Any] = {
        "cycles": 60, "samples": 1, "quoting_s": D(45), "bought_base": D(1490), "closing_reference_price": D("0.25")
    }  # fmt: skip
    RollupMinute.objects.create(market=market, starts_at=HOUR + timedelta(minutes=25), **sums)
    for hours in (1, 2):
        RollupHour.objects.create(market=market, starts_at=HOUR - timedelta(hours=hours), **sums)
    plant_day(market, date(2026, 3, 4), **sums)
    RollupProgress.objects.create(pk=1, closed_until=NOW - timedelta(minutes=3), rolled_at=NOW)
    return market


def uptime_of(client: Client) -> Any:
    row = next(row for row in told(client, "uptime", "24h") if row[0] == "2026-03-04T12:25:00.000Z")
    return row[2]


def test_an_answer_is_kept_until_anything_is_summed_up(known: Market, client: Client) -> None:
    pages = (f"{PAGE}?range=24h", f"{PAGE}uptime/?range=24h", f"{SERIES.rstrip('/')}.csv?metric=uptime&range=24h")
    assert uptime_of(client) == "0.75" and all("0.75" in client.get(page).content.decode() for page in pages)
    RollupMinute.objects.update(quoting_s=D(33))
    # Nobody changes sums so: that it is not seen shows that the answer was kept.
    assert uptime_of(client) == "0.75"
    # The same moment again, as two batches of one run have.
    RollupProgress.objects.update(rolled_at=NOW)
    assert uptime_of(client) == "0.55" and all("0.55" in client.get(page).content.decode() for page in pages)


def test_a_higher_limit_rounds_the_past_at_once(known: Market, client: Client) -> None:
    def volume() -> Any:
        return next(row for row in told(client, "volume", "24h") if row[0] == "2026-03-04T11:00:00.000Z")[2]

    # 1,490 to the nearest 1,000, at 0.25; then to the nearest 2,000.
    assert volume() == "250"
    known.refresh_from_db()
    apply(stage.DEX, q_hard_lots=str(current_values(known.parameter_set)["q_hard_lots"] * 2))
    assert volume() == "500"


def test_a_coarser_policy_holds_at_once(review_desk: Desk, client: Client) -> None:
    market = Market.objects.get(slug=DEX)
    RollupMinute.objects.create(market=market, starts_at=HOUR, cycles=60, samples=1, quoting_s=D(45))
    RollupHour.objects.create(
        market=market, starts_at=HOUR - timedelta(hours=1), cycles=60, samples=1, quoting_s=D(1800)
    )
    plant_day(market, date(2026, 3, 4))
    RollupProgress.objects.create(pk=1, closed_until=NOW - timedelta(minutes=3), rolled_at=NOW)
    series, chart = f"/api/v1/public/markets/{DEX}/series/?metric=uptime&range=24h", f"/markets/{DEX}/uptime/?range=24h"
    assert client.get(series).json()["bucket"] == "minute"
    assert "2026-03-04T12:01:00.000Z" in client.get(chart).content.decode()
    review_desk.propose({"quote_granularity_s": "3600"}, "gus", "publication", apply_at_once=True)
    assert client.get(series).json()["bucket"] == "hour"
    assert "2026-03-04T12:01:00.000Z" not in client.get(chart).content.decode()


def test_changed_minutes_are_taken_in_the_order_of_an_index(hot_desk: None) -> None:
    market = Market.objects.get(slug=stage.DEX)
    MinuteChange.objects.bulk_create(
        MinuteChange(market=market, minute=HOUR, source=("recompute", "fill")[n % 2]) for n in range(50)
    )
    with connection.cursor() as cursor:
        for way in ("seqscan", "bitmapscan", "sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM minute_changes ORDER BY source = 'recompute', id LIMIT 20 FOR UPDATE SKIP LOCKED"
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "changes_in_order" in plan and "Sort" not in plan


def test_what_was_loaded_is_left_alone_by_the_collector() -> None:
    before = gc.get_threshold()
    try:
        keep_loaded()
        assert gc.get_freeze_count() > 10_000 and gc.get_threshold()[0] == 5_000
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def test_a_minute_of_samples_without_cycles_was_not_quoted(known: Market, client: Client) -> None:
    RollupMinute.objects.update(cycles=0, quoting_s=D(0))
    assert uptime_of(client) == "0"
