"""The public tables: figures over time in buckets by range, their CSV twin, changes, incidents, the feed, and bad questions."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any
from xml.etree import ElementTree

import pytest
from django.core.cache import cache, caches
from django.test import Client

from disclosures.api.csv_form import cell
from disclosures.models import Restatement, RollupDay, RollupHour, RollupMinute, RollupProgress
from disclosures.transparency.definitions import DEFINITIONS
from disclosures.transparency.metrics import METRICS
from disclosures.transparency.public_market import public_market
from disclosures.transparency.publication import Publication
from disclosures.transparency.rollups.calendar import day_bounds, day_of
from tests.pages import stage
from tests.pages.conftest import desk as hot_desk
from tests.review.conftest import desk as review_desk
from tests.review.desk import DEX, RISKIER, Desk
from tests.transparency.limits import lower_the_limit
from trading.controls.commands import Actor
from trading.controls.services import impose_lock, pause
from trading.models import Market, MarketSample

__all__ = ["hot_desk", "review_desk"]
SERIES = f"/api/v1/public/markets/{stage.DEX}/series/"
NOW = datetime(2026, 3, 4, 12, 30, 30, tzinfo=UTC)
HOUR = NOW.replace(minute=0, second=0)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("disclosures.api.tables.time.time_ns", lambda: int(NOW.timestamp()) * stage.SECOND_NS)


@pytest.fixture
def market(hot_desk: None) -> Market:
    """Two closed hours with four minutes, and yesterday; the hard limit is 20,000, so that the step is 1,000."""
    found = Market.objects.get(slug=stage.DEX)
    sums: dict[str, Any] = {
        "samples": 2, "our_spread_samples": 2, "our_spread_bps_sum": D(9), "market_spread_samples": 1,
        "market_spread_bps_sum": D("2.5"), "depth_samples": 2, "depth_1_our_bid_quote": D(30), "depth_1_our_ask_quote": D(50),
        "depth_1_bid_quote": D(300), "depth_1_ask_quote": D(500), "depth_2_our_bid_quote": D(100),
        "depth_2_our_ask_quote": D(100), "calm_samples": 1, "normal_samples": 1, "sigma_samples": 2, "sigma_sum": D("0.0004"),
        "active_samples": 2, "quoting_s": D(45), "market_volume_minutes": 2, "market_volume_quote": D(4000),
        "bought_base": D(1490), "sold_base": D(20), "base_change": D(1470), "cash_flow_quote": D("-367.5"), "fills": 9,
        "closing_reference_price": D("0.25"),
    }  # fmt: skip
    for minutes in (1, 2):
        RollupMinute.objects.create(market=found, starts_at=HOUR + timedelta(minutes=minutes), **sums)
    whole = sums | {"market_volume_minutes": 60}
    RollupHour.objects.create(market=found, starts_at=HOUR - timedelta(hours=2), **whole)
    RollupHour.objects.create(
        market=found, starts_at=HOUR - timedelta(hours=1), **whole | {"closing_reference_price": None}
    )
    for days in (1, 0):
        start, end = day_bounds(day_of(NOW) - timedelta(days=days))
        price = {"closing_reference_price": D("0.26") if days else D("0.25")}
        RollupDay.objects.create(
            market=found, day=day_of(NOW) - timedelta(days=days), starts_at=start, ends_at=end, **sums | price
        )
    RollupProgress.objects.create(pk=1, closed_until=NOW - timedelta(minutes=3), rolled_at=NOW)
    return found


def told(client: Client, metric: str, **asked: str) -> dict[str, Any]:
    caches["answers"].clear()
    answer = client.get(SERIES, {"metric": metric} | asked)
    assert answer.status_code == 200, answer.content
    return answer.json()


def row_of(body: dict[str, Any], at: datetime) -> list[Any]:
    wanted = at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return next(row for row in body["rows"] if row[0] == wanted)[2:]


def test_each_figure_is_its_formula_over_the_bucket(market: Market, client: Client) -> None:
    minute = HOUR + timedelta(minutes=1)
    body = told(client, "spread", range="1h")
    assert (body["bucket"], body["columns"]) == ("minute", ["starts_at", "ends_at", "ours_bps", "market_bps"])
    assert row_of(body, minute) == ["4.5", "2.5"]
    assert row_of(body, minute + timedelta(minutes=9)) == [None, None]
    assert row_of(told(client, "depth_1", range="1h"), minute) == ["15", "25", "150", "250", "0.1"]
    assert row_of(told(client, "uptime", range="1h"), minute) == ["0.75", "0"]
    # Nothing was recorded of that minute.
    assert row_of(told(client, "uptime", range="1h"), minute + timedelta(minutes=9)) == [None, None]
    assert row_of(told(client, "volatility", range="1h"), minute) == ["0.0002", "0.5", "0.5", "0"]
    assert row_of(told(client, "states", range="1h"), minute) == ["1", "0", "0", "0"]
    # 1,510 rounds to 2,000 of 1,000 each; at 0.25 that is 500, an eighth of the market, 5 times the depth of 100.
    two_hours_ago = HOUR - timedelta(hours=2)
    assert row_of(told(client, "volume", range="24h"), two_hours_ago) == ["500", "4000", "0.125"]
    assert row_of(told(client, "fill_rate", range="24h"), two_hours_ago) == ["5"]
    assert row_of(told(client, "volume", range="24h"), HOUR - timedelta(hours=1)) == [None, "4000", None]
    # A minute of the market is missing: beside ours of all sixty it is not told.
    RollupHour.objects.filter(starts_at=two_hours_ago).update(market_volume_minutes=59)
    assert row_of(told(client, "volume", range="24h"), two_hours_ago) == ["500", None, None]


def test_the_fill_rate_is_no_finer_than_our_quotes(
    market: Market, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    daily = Publication(2, 60, D("0.05"), 1, 86_400)
    monkeypatch.setattr("disclosures.transparency.series.publication_in_force", lambda: daily)
    body = told(client, "fill_rate", range="24h")
    # Quotes are told up to midnight UTC; the last whole day before it ended at 19:00.
    assert (body["bucket"], body["to"]) == ("day", "2026-03-03T19:00:00.000Z")


def test_inventory_adds_up_from_the_first_day_rounded(market: Market, client: Client) -> None:
    body = told(client, "inventory", range="1h")
    at = HOUR + timedelta(minutes=1)
    # 1,470 of yesterday, as much in the hour from ten and in this minute: 4,410.
    assert row_of(body, at) == ["4000"]
    assert body["publication"]["inventory_step_share"] == "0.05"


def test_a_lowered_limit_tells_nothing_finer(market: Market, client: Client) -> None:
    """At 10 lots the step would be 500: 1,510 would be told as 1,500 and 4,410 as 4,500."""
    two_hours_ago, minute = HOUR - timedelta(hours=2), HOUR + timedelta(minutes=1)
    Restatement.objects.create(
        market=market, bucket="hour", starts_at=HOUR - timedelta(days=3), measure="bought_base", before=D(400), after=D(610),
        causes="fill", at=NOW - timedelta(minutes=2),
    )  # fmt: skip
    lower_the_limit(market, "10")
    body = told(client, "volume", range="24h")
    assert row_of(body, two_hours_ago) == ["500", "4000", "0.125"]
    assert row_of(told(client, "inventory", range="1h"), minute) == ["4000"]
    assert client.get("/api/v1/public/restatements/").json()["rows"][0][5:7] == ["0", "1000"]
    cache.clear()
    stage.hot_market(stage.DEX, int(NOW.timestamp()) * stage.SECOND_NS)
    assert public_market(stage.DEX, int(NOW.timestamp()) * stage.SECOND_NS).inventory_step == 1000


def test_profit_is_of_complete_days_only(market: Market, client: Client) -> None:
    body = told(client, "pnl", range="all")
    day = (day_of(NOW) - timedelta(days=1)).isoformat()
    # -367.5 + 1,470 x 0.26
    assert body["rows"] == [[day, day, "14.7"]]
    assert body["definition"] == "/definitions/#pnl"


def test_buckets_follow_the_range_and_there_are_never_too_many(market: Market, client: Client) -> None:
    start, end = day_bounds(day_of(NOW) - timedelta(days=2000))
    RollupDay.objects.filter(day=day_of(NOW) - timedelta(days=1)).update(
        day=day_of(start), starts_at=start, ends_at=end
    )
    buckets = {name: (told(client, "spread", range=name)) for name in ("1h", "24h", "7d", "30d", "90d", "1y", "all")}
    assert [body["bucket"] for body in buckets.values()] == ["minute", "minute", "hour", "hour", "day", "day", "day"]
    counts = [len(body["rows"]) for body in buckets.values()]
    assert 55 <= counts[0] <= 60 and 1430 <= counts[1] <= 1440 and 165 <= counts[2] <= 168 and 715 <= counts[3] <= 720
    assert 88 <= counts[4] <= 90 and 363 <= counts[5] <= 365 and 1498 <= counts[6] <= 1500
    assert told(client, "volume", range="1h")["bucket"] == "hour"
    RollupProgress.objects.update(minutes_kept_from=NOW)
    assert told(client, "spread", range="1h")["bucket"] == "hour"


def test_csv_holds_the_numbers_of_json(market: Market, client: Client) -> None:
    for metric in METRICS:
        body = told(client, metric, range="24h")
        answer = client.get(SERIES.rstrip("/") + ".csv", {"metric": metric, "range": "24h"})
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{stage.DEX}-series-{metric}.csv"'
        rows = list(csv.reader(io.StringIO(answer.content.decode())))
        about = {row[0]: row[1] for row in rows if row[0].startswith("# ")}
        table = [row for row in rows if not row[0].startswith("# ")]
        assert table[0] == body["columns"]
        assert [[None if value == "" else value for value in row] for row in table[1:]] == body["rows"]
        assert about["# definition"] == body["definition"] and about["# publication_version"] == "1"
        assert about["# as_of"] == body["as_of"]
    assert {metric.definition for metric in METRICS.values()} <= {each.key for each in DEFINITIONS}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("=1+1", "'=1+1"), ("@SUM(A1)", "'@SUM(A1)"), ("+1", "'+1"), ("-1.73", "-1.73"), ("-1+2", "'-1+2"), ("\t=1", "'\t=1"),
        (" =cmd", "' =cmd"), ("＝1", "'＝1"), ("plain", "plain"), (None, ""), (True, "true"), (7, "7"), ("-١", "'-١"),
    ],
)  # fmt: skip
def test_no_cell_is_a_formula(value: Any, expected: str) -> None:
    assert cell(value) == expected


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "metric"), ({"metric": "x"}, "metric"), ({"metric": "spread\x00"}, "metric"),
        ({"metric": "spread", "range": "2h"}, "range"), ({"metric": "spread", "range": "1h", "from": "2026-01-01"}, "range"),
        ({"metric": "spread", "from": "yesterday"}, "from"), ({"metric": "spread", "from": "0001-01-01T00:00:00+14:00"}, "from"),
        ({"metric": "spread", "from": "1999-12-31"}, "from"), ({"metric": "spread", "from": "9" * 400}, "from"),
        ({"metric": "spread", "from": "2026-03-02", "to": "2026-03-01"}, "to"),
        ({"metric": "spread", "from": "2026-03-02", "to": "9999-12-31T23:59:59Z"}, "to"),
        ({"metric": "spread", "from": "2026-03-02", "to": "2026-03-02\r\nX: y"}, "to"),
        ({"metric": "spread", "to": "2026-03-02"}, "from"),
    ],
)  # fmt: skip
def test_a_bad_question_is_told(market: Market, client: Client, asked: dict[str, str], field: str) -> None:
    for address in (SERIES, SERIES.rstrip("/") + ".csv"):
        answer = client.get(address, asked)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), answer.content
        assert list(answer.json()["details"]) == [field]


def test_unknown_markets_and_a_market_without_history(hot_desk: None, client: Client) -> None:
    for name in ("series/", "series.csv", "parameters/", "parameters.csv"):
        answer = client.get(f"/api/v1/public/markets/nowhere/{name}", {"metric": "spread"})
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_market")
    assert [told(client, metric)["rows"] for metric in METRICS] == [[]] * len(METRICS)


def test_who_has_it_already_is_told_so(market: Market, client: Client) -> None:
    for address in (f"{SERIES}?metric=spread", "/api/v1/public/incidents.csv", "/feed.xml"):
        first = client.get(address)
        assert first.headers["Cache-Control"] == "public, max-age=15"
        again = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b""), address
    assert client.cookies.get("sessionid") is None


@pytest.fixture
def changed(review_desk: Desk, redis_url: str) -> Desk:
    cache.clear()
    desk = review_desk
    desk.applied(RISKIER)
    actor = Actor(str(desk.people["oscar"].pk), "oscar", frozenset({"operator"}))
    pause(DEX, actor=actor, reason='=HYPERLINK("x") <b>maintenance</b> & \x0b more', idempotency_key="p", now=desk.now)
    impose_lock(DEX, "paused", "hard_limit", "hard_limit_reached: q 20123.4", imposed_by="quoting", now=desk.now)
    return desk


def test_changes_tell_reasons_and_roles_without_names(changed: Desk, client: Client) -> None:
    body = client.get(f"/api/v1/public/markets/{DEX}/parameters/").json()
    newest = dict(zip(body["columns"], body["rows"][0], strict=True))
    newest.pop("applied_at"), newest.pop("proposal")
    assert newest == {
        "version": 2, "parameter": "spread_floor_bps", "unit": "bps of price, full spread", "before": "5", "after": "4",
        "reason": "tighter book",
        "authorised_by": "proposal", "risk_class": "increasing", "proposed_by_role": "operator",
        "approved_by_role": "approver", "approvals": 2,
    }  # fmt: skip
    for name in ("opal", "anna", "ben", "oscar"):
        for address in (f"markets/{DEX}/parameters/", "incidents/", "publication/"):
            assert name not in client.get(f"/api/v1/public/{address}").content.decode()


def test_incidents_tell_a_rules_code_and_no_figure(changed: Desk, client: Client) -> None:
    incidents = [
        row[1:6]
        for row in client.get("/api/v1/public/incidents/").json()["rows"]
        if row[4] == "hard_limit" or row[1] == "pause"
    ]
    assert ["rule", DEX, "PAUSED", "hard_limit", "hard_limit_reached"] in incidents
    assert any(row[0] == "pause" and "maintenance" in row[4] for row in incidents)
    assert "20123" not in client.get("/api/v1/public/incidents.csv").content.decode()
    assert "'=HYPERLINK" in client.get("/api/v1/public/incidents.csv").content.decode()


def test_the_feed_is_well_formed_whatever_people_wrote(changed: Desk, client: Client) -> None:
    answer = client.get("/feed.xml")
    assert answer.headers["Content-Type"].startswith("application/atom+xml")
    space = "{http://www.w3.org/2005/Atom}"
    feed = ElementTree.fromstring(answer.content)
    told = {entry.findtext(f"{space}id"): entry.findtext(f"{space}summary") for entry in feed.iter(f"{space}entry")}
    assert "tighter book (2 × approver) spread_floor_bps: 5 → 4 bps" in told[f"urn:dcmm:parameters:{DEX}:2"]
    assert any("<b>maintenance</b> & \N{REPLACEMENT CHARACTER} more" in words for words in told.values())
    assert "urn:dcmm:publication:1" in told
    assert len(told) == len(set(told))


def test_restatements_tell_what_the_public_saw_change(market: Market, client: Client) -> None:
    start = HOUR - timedelta(days=3)
    for measure, before, after in (
        ("bought_base", D(400), D(490)),  # both round to 0
        ("bought_base", D(400), D(610)),
        ("base_change", D(1), D(2)),
        ("fills", D(1), D(2)),
        ("quoting_s", D(30), D(45)),
        ("pnl_quote", D("1.001"), D("2.009")),
    ):
        Restatement.objects.create(
            market=market, bucket="day" if measure == "pnl_quote" else "hour", starts_at=start, measure=measure,
            before=before, after=after, causes="fill", at=NOW - timedelta(minutes=2),
        )  # fmt: skip
    rows = client.get("/api/v1/public/restatements/").json()["rows"]
    assert sorted(row[4:] for row in rows) == [
        ["bought_base", "0", "1000", "fill"],
        ["pnl_quote", "1", "2.01", "fill"],
        ["quoting_s", "30", "45", "fill"],
    ]
    assert MarketSample.objects.count() == 0


def test_what_is_never_told_hides_nothing_that_is(
    market: Market, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("disclosures.transparency.restated._LOOKED_AT", 2)
    at, start = NOW - timedelta(minutes=9), HOUR - timedelta(days=3)
    # Oldest first: two that are told, then minutes of ours, a running hour, and quantities that round to the same.
    for bucket, measure, begin, after in (
        ("minute", "quoting_s", start, 45), ("hour", "bought_base", start, 1610), ("minute", "bought_base", start, 1610),
        ("minute", "sold_base", start, 1610), ("hour", "sold_base", HOUR, 1610), ("hour", "sold_base", start, 40),
        ("day", "fills", start, 4), ("day", "fees_quote", start, 4),
    ):  # fmt: skip
        at += timedelta(seconds=1)
        Restatement.objects.create(
            market=market, bucket=bucket, starts_at=begin, measure=measure, before=D(30), after=D(after), causes="recompute",
            at=at,
        )  # fmt: skip
    rows = client.get("/api/v1/public/restatements/").json()["rows"]
    assert [row[2:3] + row[4:7] for row in rows] == [
        ["hour", "bought_base", "0", "2000"],
        ["minute", "quoting_s", "30", "45"],
    ]


def test_the_overview_as_csv(hot_desk: None, client: Client) -> None:
    stage.hot_market(stage.DEX, int(NOW.timestamp()) * stage.SECOND_NS)
    rows = list(csv.reader(io.StringIO(client.get("/api/v1/public/markets.csv").content.decode())))
    header = next(row for row in rows if row[0] == "slug")
    first = dict(zip(header, rows[rows.index(header) + 1], strict=True))
    assert (first["slug"], first["bid"], first["spread_bps"], first["inventory"]) == (stage.DEX, "0.236464", "4.06", "")
