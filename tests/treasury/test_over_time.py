"""What was told stays: closed days, permanent addresses, totals while wallets come and go. Nothing is told before its time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from disclosures.documents.facts import freeze
from disclosures.transparency import treasury as tables
from tests.pages import stage
from tests.support.plugin import DATABASE_NAME, SERVERS
from tests.support.treasury import as_owner, commit_demo
from tests.treasury.conftest import NOW
from tests.treasury.test_pages import API, rows_of, seen
from trading.models import Buyback, BuybackProgramme, RewardEpoch, TreasuryBalance, TreasuryWallet
from trading.treasury.demo import demo_address
from trading.treasury.selectors import held_assets, newest_balances

Clock = Callable[[datetime], None]


@pytest.fixture(scope="module")
def committed_changes(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A wallet is retired on 2 March, another registered on the 3rd (01:00 in the Maldives); a programme starts in ten days."""
    with django_db_blocker.unblock():
        commit_demo(NOW)
        with as_owner():
            TreasuryWallet.objects.filter(slug="demo-rewards").update(retired_at=datetime(2026, 3, 2, 10, tzinfo=UTC))
            new = TreasuryWallet.objects.create(
                slug="demo-new", label="New", address=demo_address("demo-new"), network="demonstration", purpose="rewards",
                is_demo=True, registered_at=datetime(2026, 3, 2, 20, tzinfo=UTC),
            )  # fmt: skip
            TreasuryBalance.objects.create(
                wallet=new, asset_id="dct", amount=5, source="demonstration", is_demo=True,
                observed_at=datetime(2026, 3, 3, tzinfo=UTC),
            )  # fmt: skip
            running = BuybackProgramme.objects.get()
            running.pk, running.slug = None, "demo-coming"
            running.starts_at, running.ends_at = NOW + timedelta(days=10), NOW + timedelta(days=40)
            running.save()
    yield
    with django_db_blocker.unblock():
        connections.close_all()
    SERVERS.clone(DATABASE_NAME)


@pytest.fixture(autouse=True)
def clock(committed_changes: None, db: None, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Sets what time the public doors think it is; NOW before it is called."""

    def set_to(moment: datetime) -> None:
        cache.clear()
        at_ns = int(moment.timestamp()) * stage.SECOND_NS
        for module in ("api.treasury", "transparency.treasury_views"):
            monkeypatch.setattr(f"disclosures.{module}.time.time_ns", lambda: at_ns)

    set_to(NOW)
    return set_to


def turn(at: datetime, **more: Any) -> Buyback:
    row: dict[str, Any] = {
        "programme": BuybackProgramme.objects.get(slug="demo-programme"), "at": at, "outcome": "skipped", "reason": "blackout",
        "venue": "dex", "settled_at": at, "is_demo": True,
    }  # fmt: skip
    return Buyback.objects.create(**(row | more))


def submitted(at: datetime) -> Buyback:
    return turn(at, outcome="submitted", reason="", settled_at=None, reference_price="0.27", most_cost=100)


@pytest.mark.parametrize(("room", "chart"), [("treasury", "balance-dct"), ("buybacks", "bought")])
def test_a_permanent_address_tells_the_same_two_days_later(client: Client, clock: Clock, room: str, chart: str) -> None:
    def body(address: str) -> str:
        return seen(client, address).split(f'id="{chart}"')[1].split("<tbody>")[1].split("</tbody>")[0]

    told = body(f"/{room}/?range=7d")
    link = re.search(r'href="(\?from=[^"]+)"', seen(client, f"/{room}/?range=7d"))
    assert link is not None and link[1].endswith("&amp;to=2026-03-03T19:00:00.000Z")
    address = f"/{room}/{link[1].replace('&amp;', '&')}"
    TreasuryBalance.objects.create(
        wallet=TreasuryWallet.objects.get(slug="demo-reserve"), asset_id="dct", amount=9, source="demonstration", is_demo=True,
        observed_at=datetime(2026, 3, 4, 18, tzinfo=UTC),
    )  # fmt: skip
    turn(datetime(2026, 3, 3, 19, tzinfo=UTC))
    assert body(address) == told
    clock(NOW + timedelta(days=2))
    assert body(address) == told


def test_the_end_of_a_range_is_not_in_it(client: Client) -> None:
    turn(datetime(2026, 3, 4, 4, tzinfo=UTC))
    for to, found in (("2026-03-04T04:00:00Z", 0), ("2026-03-04T04:00:01Z", 1)):
        assert len(rows_of(client, f"buybacks/?from=2026-03-04T00:00:00Z&to={to}")) == found
    begins = RewardEpoch.objects.get(number=3).starts_at
    for to, numbers in ((begins, [1, 2]), (begins + timedelta(seconds=1), [1, 2, 3])):
        address = f"rewards/?from=2025-01-01T00:00:00Z&to={to:%Y-%m-%dT%H:%M:%SZ}"
        assert [row["number"] for row in rows_of(client, address)] == numbers


def test_a_turn_is_told_as_late_as_the_policy_says(client: Client, clock: Clock) -> None:
    """Why one was skipped tells of our quotes: 60 seconds late, like all that inventory could be worked out from."""
    turn(NOW - timedelta(seconds=59))
    assert client.get(f"{API}buybacks/").json()["publication"]["delay_s"] == 60
    before = client.get(f"{API}buybacks/").json()
    assert (before["rows"][0][0], before["as_of"]) == ("2026-03-03T18:31:17.000Z", "2026-03-03T18:31:24.000Z")
    assert client.get(f"{API}buybacks/days/").json()["as_of"] == "2026-03-03T18:31:24.000Z"
    assert "2026-03-04T12:29:01" not in seen(client, "/buybacks/")
    clock(NOW + timedelta(seconds=1))
    after = client.get(f"{API}buybacks/").json()
    assert (after["rows"][0][0], after["as_of"]) == ("2026-03-04T12:29:01.000Z", "2026-03-04T12:29:01.000Z")
    assert "2026-03-04T12:29:01" in seen(client, "/buybacks/")


def test_a_day_waits_for_the_turns_that_are_not_told(client: Client, clock: Clock) -> None:
    def last() -> str:
        found: str = rows_of(client, "buybacks/days/")[-1]["first_day"]
        return found

    clock(NOW + timedelta(days=2))
    assert last() == "2026-03-05"
    open_turn = submitted(datetime(2026, 3, 4, 4, tzinfo=UTC))
    assert last() == "2026-03-03"
    clock(NOW + timedelta(days=9))
    assert last() == "2026-03-03"
    Buyback.objects.filter(pk=open_turn.pk).update(
        outcome="failed", reason="no_fill", settled_at=NOW + timedelta(days=9, seconds=-30)
    )
    assert last() == "2026-03-03"
    clock(NOW + timedelta(days=9, seconds=30))
    rows = {row["first_day"]: row["nothing_bought"] for row in rows_of(client, "buybacks/days/")}
    assert (last(), rows["2026-03-04"], rows["2026-03-05"]) == ("2026-03-12", "1", "0")


def test_the_last_day_is_told_once_its_last_turn_can_be(client: Client, clock: Clock) -> None:
    """19:00 UTC is midnight in the Maldives."""
    turn(datetime(2026, 3, 4, 18, 59, 50, tzinfo=UTC))
    for second, day in ((5, "2026-03-03"), (59, "2026-03-03"), (60, "2026-03-04")):
        clock(datetime(2026, 3, 4, 19, 0, tzinfo=UTC) + timedelta(seconds=second))
        assert rows_of(client, "buybacks/days/")[-1]["first_day"] == day
    assert rows_of(client, "buybacks/days/")[-1]["nothing_bought"] == "1"


def test_the_total_follows_wallets_that_come_and_go(client: Client) -> None:
    """The retired wallet counts until the day it was retired, the new one from the day it was registered."""
    rows = {row["first_day"]: row for row in rows_of(client, "treasury/balances/?asset=dct&range=7d")}
    parts = ("demo-reserve", "demo-buybacks", "demo-rewards", "demo-new", "total")
    assert [[rows[f"2026-03-0{day}"][part] for part in parts] for day in (1, 2, 3)] == [
        ["42000000", "112404.678", "645000.002", None, "42757404.68"],
        ["42000000", "114512.856", "495000.003", None, "42114512.856"],
        ["42000000", "115268.104", "495000.003", "5", "42115273.104"],
    ]


def test_the_headline_agrees_with_the_chart(client: Client, clock: Clock) -> None:
    """A retired wallet stays in the list, and out of the sum."""
    TreasuryBalance.objects.create(
        wallet=TreasuryWallet.objects.get(slug="demo-new"), asset_id="dct", amount=7, source="demonstration", is_demo=True,
        observed_at=datetime(2026, 3, 4, 0, tzinfo=UTC),
    )  # fmt: skip
    clock(NOW + timedelta(days=1))
    total = rows_of(client, "treasury/balances/?asset=dct")[-1]["total"]
    page = seen(client, "/treasury/")
    assert total == "42117169.413" and "42,117,169.41" in page.split('class="figures"')[1].split("</dl>")[0]
    assert "retired" in page


@pytest.mark.parametrize("form", ["", ".csv"])
def test_what_is_left_off_is_said(client: Client, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    addresses = {"buybacks": "?range=all", "rewards/payouts": "?range=all"}

    def told(door: str, query: str) -> bool:
        if form:
            return "# left_off,true\r\n" in seen(client, f"{API}{door}.csv{query}")
        found: bool = client.get(f"{API}{door}/{query}").json()["left_off"]
        return found

    for door, query in addresses.items():
        assert not told(door, query)
    monkeypatch.setattr(tables, "MOST_ROWS", 9)
    assert told("buybacks", "?range=all") and not told("rewards/payouts", "?range=all")
    monkeypatch.setattr(tables, "MOST_ROWS", 8)
    assert told("rewards/payouts", "?range=all")
    assert not told("rewards/payouts", "?epoch=1")
    monkeypatch.setattr(tables, "MOST_OF_EPOCH", 2)
    assert told("rewards/payouts", "?epoch=1")


def test_the_page_leads_to_what_is_left_off(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for room in ("buybacks", "rewards"):
        assert "left off" not in seen(client, f"/{room}/?range=all")
    monkeypatch.setattr(tables, "MOST_ROWS", 8)
    page = seen(client, "/buybacks/?range=all")
    link = re.search(r"Older ones are left off[^<]*<a href=\"([^\"]+)\"", page)
    assert link is not None
    at = [row["at"] for row in rows_of(client, "buybacks/?range=all")]
    older = [row["at"] for row in rows_of(client, f"buybacks/{link[1].replace('&amp;', '&')}")]
    assert (older[0], older[1] < at[-1]) == (at[-1], True)
    page = seen(client, "/rewards/?range=all")
    assert "Older ones are left off" in page and 'href="/api/v1/public/rewards/payouts.csv?epoch=1"' in page


def test_rewards_are_asked_for_by_epoch(client: Client) -> None:
    rows = rows_of(client, "rewards/payouts/?epoch=2")
    assert ({row["epoch"] for row in rows}, len(rows)) == ({2}, 3)
    for query in ("epoch=9", "epoch=x", "epoch=-1", "epoch=99999999999999999999", "epoch=2&range=7d", "epoch=٢"):
        for form in ("/", ".csv"):
            assert client.get(f"{API}rewards/payouts{form}?{query}").status_code == 400, query


def test_the_programme_of_the_charts_is_one_that_started(client: Client) -> None:
    assert client.get(f"{API}buybacks/days/").json()["programme"] == "demo-programme"
    assert "programme=demo-programme" in seen(client, "/buybacks/")
    assert "demo-coming" in seen(client, "/buybacks/")
    assert client.get(f"{API}buybacks/days/?programme=demo-coming").json()["programme"] == "demo-coming"


def test_before_any_started_it_is_the_next_one(client: Client, clock: Clock) -> None:
    clock(NOW - timedelta(days=100))
    assert client.get(f"{API}buybacks/days/").json()["programme"] == "demo-programme"


def _rows_read(plan: Any) -> int:
    """Rows that the plan's scans of balances gave, all loops together."""
    below = sum(_rows_read(each) for each in plan.get("Plans", ()))
    if plan.get("Relation Name") != "treasury_balances":
        return below
    return below + int((plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"])


@pytest.mark.parametrize(
    ("ask", "most"),
    [
        (newest_balances, 10),
        (lambda: freeze(["wallets"]), 10),
        (lambda: tables.wallets(), 10),
        (held_assets, 10),
        (lambda: tables.balances("dct", NOW - timedelta(days=10), NOW, NOW), 50),
    ],
)
def test_a_page_reads_one_observation_for_each_it_tells(ask: Callable[[], Any], most: int) -> None:
    """Not every one there is: with a snapshot a minute a year would be half a million for each wallet and asset."""
    TreasuryBalance.objects.bulk_create(
        TreasuryBalance(
            wallet=TreasuryWallet.objects.get(slug="demo-reserve"), asset_id="dct", amount=n, source="demonstration",
            is_demo=True, observed_at=NOW - timedelta(days=3) + timedelta(minutes=n, seconds=30),
        )
        for n in range(1, 1000)
    )  # fmt: skip
    with CaptureQueriesContext(connection) as asked:
        ask()
    read = 0
    with connection.cursor() as cursor:
        for query in asked.captured_queries:
            if "treasury_balances" in query["sql"]:
                cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + query["sql"].replace("%", "%%"))
                found = cursor.fetchone()[0]
                read += _rows_read((json.loads(found) if isinstance(found, str) else found)[0]["Plan"])
    assert 0 < read <= most
