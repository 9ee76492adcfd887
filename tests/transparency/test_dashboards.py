"""The public pages over time: the figures of CSV in every table, ranges as addresses, and clear answers to bad questions."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from disclosures.models import Restatement, RollupHour
from disclosures.transparency.charts import CHARTS, COLUMN_WORDS
from disclosures.transparency.definitions import DEFINITIONS
from disclosures.transparency.metrics import METRICS
from disclosures.transparency.overview import volume_shares
from disclosures.transparency.publication import Publication
from tests.pages import stage
from tests.review.desk import DEX, Desk
from tests.transparency.test_public_tables import HOUR, NOW, changed, hot_desk, market, review_desk
from trading.models import Market

__all__ = ["changed", "hot_desk", "market", "review_desk"]
PAGE = f"/markets/{stage.DEX}/"
ROW = re.compile(r'datetime="([^"]+)">([^<]+)</time></th>(.*?)</tr>', re.DOTALL)
CELL = re.compile(r'<td class="num" dir="ltr">([^<]*)</td>')


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("api.tables", "transparency.views"):
        monkeypatch.setattr(f"disclosures.{module}.time.time_ns", lambda: int(NOW.timestamp()) * stage.SECOND_NS)
    cache.clear()


def seen(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, (address, answer.content[:400])
    return answer.content.decode()


def figure(page: str, key: str) -> str:
    return page.split(f'<figure class="chart-box panel series" id="{key}">')[1].split("</figure>")[0]


def table(part: str) -> list[tuple[str, str, list[str]]]:
    return [(iso, at, CELL.findall(cells)) for iso, at, cells in ROW.findall(part)]


def test_a_table_holds_the_planted_figures_and_they_are_those_of_the_csv(market: Market, client: Client) -> None:
    page = seen(client, f"{PAGE}?range=24h")
    volume = table(figure(page, "volume"))
    # Ten o'clock UTC: 1,510 rounds to 2,000, at 0.25 that is 500, an eighth of the market's 4,000.
    assert ("2026-03-04T10:00:00.000Z", "2026-03-04 15:00", ["500", "4000", "0.125"]) in volume
    assert ("2026-03-04T11:00:00.000Z", "2026-03-04 16:00", ["—", "4000", "—"]) in volume
    assert table(figure(page, "pnl")) == [("2026-03-03", "2026-03-03", ["14.7"])]
    assert [len(table(figure(page, key))) for key in ("spread", "volume", "inventory")] == [12, 12, 12]
    # Five times 1,470: yesterday, two hours, two minutes.
    assert table(figure(page, "inventory"))[0] == ("2026-03-04T12:25:00.000Z", "2026-03-04 17:25", ["7000"])
    for key, chart in CHARTS.items():
        part = figure(seen(client, f"{PAGE}{key}/?range=24h"), key)
        address = re.search(r'href="([^"]+series\.csv[^"]+)"', part)
        assert address is not None
        told = csv.reader(io.StringIO(seen(client, address[1].replace("&amp;", "&"))))
        rows = [row for row in told if not row[0].startswith("# ")][1:]
        shown = [[iso, *("" if cell == "—" else cell for cell in cells)] for iso, _at, cells in table(part)]
        assert shown[::-1] == [[row[0], *row[2:]] for row in rows], key
        assert shown != [], key
        # The page of all charts shows the newest of the same (what was planted by hour is not the sum of the minutes).
        assert key == "inventory" or table(figure(page, key)) == table(part)[:12]
        assert {column for column, *_ in chart.lines} <= set(METRICS[chart.metric].columns)
    assert {chart.metric for chart in CHARTS.values()} == set(METRICS)
    assert {column for metric in METRICS.values() for column in metric.columns} == set(COLUMN_WORDS)


def test_every_chart_says_what_it_is_and_where_its_figures_are(market: Market, client: Client) -> None:
    page = seen(client, f"{PAGE}?range=7d")
    for key, chart in CHARTS.items():
        part = figure(page, key)
        query = f"metric={chart.metric}&amp;range=7d"
        for needed in (
            f'data-series="/api/v1/public/markets/{stage.DEX}/series/?{query}"', f'series.csv?{query}"',
            f'href="{PAGE}{key}/?range=7d"', f'href="/definitions/#{METRICS[chart.metric].definition}"',
            "2026-03-04 17:30 UTC+5", 'role="img"',
        ):  # fmt: skip
            assert needed in part, (key, needed)
    linked = set(re.findall(r'/definitions/#([a-z-]+)"', page))
    assert linked <= {each.key for each in DEFINITIONS}
    assert '<a href="?range=7d" aria-current="page">' in page and '<a href="?range=1y">' in page
    assert (
        '<link rel="alternate" type="application/atom+xml"' in page and f'<link rel="canonical" href="{PAGE}">' in page
    )
    assert " style=" not in page and "<style" not in page and not re.search(r"<script(?![^>]* src=)", page)


def test_two_times_make_an_address_that_stays(market: Market, client: Client) -> None:
    part = figure(seen(client, f"{PAGE}spread/?from=2026-03-04T12:01:00.000Z&to=2026-03-04T12:03:00.000Z"), "spread")
    assert table(part) == [
        ("2026-03-04T12:02:00.000Z", "2026-03-04 17:02", ["4.5", "2.5"]),
        ("2026-03-04T12:01:00.000Z", "2026-03-04 17:01", ["4.5", "2.5"]),
    ]
    assert 'series.csv?metric=spread&amp;from=2026-03-04T12%3A01%3A00.000Z&amp;to=2026-03-04T12%3A03%3A00.000Z"' in part
    # Of a time before the first day nothing is known; the address still answers.
    assert "No figure is told for this range yet" in seen(client, f"{PAGE}spread/?from=2001-01-01&to=2001-02-01")


@pytest.mark.parametrize(
    "query",
    [
        "range=2h", "range=1h%00", "range=" + "9" * 3000, "range=1h&from=2026-01-01", "from=yesterday", "from=0001-01-01",
        "from=2026-03-02&to=2026-03-01", "from=2026-03-02&to=9999-12-31T23:59:59Z", "from=2026-03-02&to=x%0d%0aX-Evil:1",
        "to=2026-03-02", "from=%3Cscript%3E",
    ],
)  # fmt: skip
def test_a_bad_range_is_told_with_what_there_is(market: Market, client: Client, query: str) -> None:
    for address in (PAGE, f"{PAGE}inventory/"):
        answer = client.get(f"{address}?{query}")
        page = answer.content.decode()
        assert (answer.status_code, "X-Evil" in answer.headers) == (400, False)
        assert f'href="{address}?range=24h"' in page and "<script>" not in page


def test_what_is_not_there(market: Market, client: Client) -> None:
    assert f"Markets: {stage.DEX}" in seen(client, "/markets/nowhere/", 404)
    assert "spread, uptime, depth-05" in seen(client, f"{PAGE}sprea/", 404)
    Market.objects.filter(slug=stage.CEX).update(is_active=False)
    for address in (f"/markets/{stage.CEX}/", f"/markets/{stage.CEX}/spread/?range=1h"):
        seen(client, address, 404)
    for room in ("changes", "incidents"):
        assert "&lt;b&gt;" in seen(client, f"/{room}/?market=%3Cb%3E", 404)
    for wrong in ("0", "-1", "x", "9999999999", "2%00", "٢x"):
        assert "There are the pages 1 to 1." in seen(client, f"/incidents/?page={wrong}", 400)
    assert client.post(PAGE).status_code == 405


def test_a_market_without_history_says_so(hot_desk: None, client: Client) -> None:
    page = seen(client, PAGE)
    assert page.count("No figure is told for this range yet.") == len(CHARTS)
    assert page.count(" data-empty") == len(CHARTS) and "hidden data-empty" not in page
    assert "Nothing stopped or reduced quoting so far" in page
    assert "No closed figure has changed so far" in seen(client, "/restatements/")
    assert "Nothing stopped or reduced quoting so far" in seen(client, "/incidents/")
    Market.objects.update(is_active=False)
    assert "manage.py bootstrap --demo" in seen(client, "/markets/")


def test_the_overview_tells_the_share_of_a_day(market: Market, client: Client) -> None:
    stage.hot_market(stage.DEX, int(NOW.timestamp()) * stage.SECOND_NS)
    # The hour up to twelve has no closing price; with one, 3,020 rounds to 3,000: 750 of 8,000.
    assert "9.4 %" not in seen(client, "/markets/")
    RollupHour.objects.filter(starts_at=HOUR - timedelta(hours=1)).update(closing_reference_price="0.25")
    page = seen(client, "/markets/")
    assert ">9.4 %</b>" in page and ">4.06</b>" in page and "±0.5 %" in page and "Quoting both sides" in page
    told = list(csv.reader(io.StringIO(seen(client, "/api/v1/public/markets.csv"))))
    header = next(row for row in told if row[0] == "slug")
    first = dict(zip(header, told[told.index(header) + 1], strict=True))
    # 20 and 24 times 1,000 at 0.236512 for each percent; ours a twentieth.
    assert (first["volume_share"], first["depth_1_bid"], first["depth_1_our_bid"]) == ("0.0938", "4730.24", "236.51")
    assert (first["depth_2_is_complete"], first["depth_05_ask"]) == ("false", "2838.14")
    RollupHour.objects.filter(starts_at=HOUR - timedelta(hours=1)).update(market_volume_minutes=59)
    assert volume_shares(NOW) == {stage.DEX: None}


def test_changes_and_incidents_tell_reasons_and_roles_without_names(changed: Desk, client: Client) -> None:
    page = seen(client, f"/changes/?market={DEX}")
    assert "tighter book" in page and "proposed by operator, approved by 2 × approver" in page
    assert '<code>spread_floor_bps</code> <bdi class="num" dir="ltr">5 → 4</bdi>' in page
    incidents = seen(client, f"/incidents/?market={DEX}")
    assert "<code>hard_limit_reached</code>" in incidents and "20123" not in incidents
    assert "&lt;b&gt;maintenance&lt;/b&gt;" in incidents and "<b>maintenance" not in incidents
    for name in ("opal", "anna", "ben", "oscar"):
        assert not any(re.search(rf"\b{name}\b", text) for text in (page, incidents)), name


def test_long_lists_have_pages(market: Market, client: Client) -> None:
    Restatement.objects.bulk_create(
        Restatement(
            market=market, bucket="hour", starts_at=HOUR - timedelta(hours=n), measure="quoting_s", before=n, after=n + 1,
            causes="fill", at=NOW - timedelta(minutes=2),
        )
        for n in range(60)
    )  # fmt: skip
    first, second = seen(client, "/restatements/"), seen(client, "/restatements/?page=2")
    assert (first.count("<code>quoting_s</code>"), second.count("<code>quoting_s</code>")) == (50, 10)
    assert 'rel="next" href="?page=2"' in first and 'rel="prev" href="?page=1"' in second


def test_who_has_the_page_already_is_told_so_and_nobody_between_keeps_it(market: Market, client: Client) -> None:
    client.get("/changes/")
    first = client.get("/changes/")
    assert first.headers["Cache-Control"] == "private, max-age=15"
    assert {"Cookie", "Accept-Language"} <= {word.strip() for word in first.headers["Vary"].split(",")}
    known: dict[str, Any] = {"headers": {"If-None-Match": first.headers["ETag"]}}
    assert client.get("/changes/", **known).status_code == 304
    client.post("/language/setlang/", {"language": "dv", "next": "/changes/"})
    assert client.get("/changes/", **known).status_code == 200
    # Another visitor's form has another secret.
    assert Client().get("/changes/", **known).status_code == 200


def test_a_kept_chart_follows_a_new_policy_at_once(
    market: Market, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, together = f"{PAGE}inventory/?range=1h", f"{PAGE}?range=1h"
    for address, before in ((alone, "6000"), (together, "7000")):
        assert table(figure(seen(client, address), "inventory"))[0][2] == [before]
    coarse = Publication(2, 60, Decimal(1), 1, 0)
    monkeypatch.setattr("disclosures.transparency.publication.publication_of", lambda row: coarse)
    for address in (alone, together):
        assert table(figure(seen(client, address), "inventory"))[0][2] == ["0"]
