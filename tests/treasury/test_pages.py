"""The public pages and tables of the treasury: one set of figures in page, CSV and JSON, and made-up data that says so."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.test import Client

from tests.pages import stage
from tests.treasury.conftest import NOW
from trading.models import Buyback, BuybackProgramme, TreasuryBalance, TreasuryWallet

API = "/api/v1/public/"
ROOMS = ("treasury", "buybacks", "rewards")
TABLES = (
    "treasury/", "treasury/balances/?asset=dct", "buybacks/", "buybacks/days/", "buybacks/programmes/", "rewards/",
    "rewards/payouts/",
)  # fmt: skip
NOTICE = "Demonstration data: no treasury is connected."


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("api.treasury", "transparency.treasury_views"):
        monkeypatch.setattr(f"disclosures.{module}.time.time_ns", lambda: int(NOW.timestamp()) * stage.SECOND_NS)


def seen(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, (address, answer.content[:400])
    return answer.content.decode()


def rows_of(client: Client, address: str) -> list[dict[str, Any]]:
    body = client.get(API + address).json()
    return [dict(zip(body["columns"], row, strict=True)) for row in body["rows"]]


def test_made_up_data_says_so_at_every_door(treasury: None, client: Client) -> None:
    for room in ROOMS:
        page = seen(client, f"/{room}/")
        assert NOTICE in page and 'class="message warning"' in page, room
        client.cookies["django_language"] = "dv"
        assert "ޑެމޮންސްޓްރޭޝަން މަޢުލޫމާތު" in seen(client, f"/{room}/"), room
        client.cookies["django_language"] = "en"
    for address in TABLES:
        body = client.get(API + address).json()
        assert (body["data"], body["notice"]) == ("demonstration", NOTICE), address
        path, _mark, query = address.partition("?")
        told = seen(client, f"{API}{path.rstrip('/')}.csv?{query}")
        assert "# data,demonstration\r\n" in told and f"# notice,{NOTICE}\r\n" in told, address


def test_the_figures_are_those_of_the_rows(treasury: None, client: Client) -> None:
    """Balances move by exactly what was bought, rewarded and spent; the day's last one is told."""
    held = {(row["wallet"], row["asset"]): row["amount"] for row in rows_of(client, "treasury/")}
    turns = rows_of(client, "buybacks/?range=all")
    bought = [row for row in turns if row["outcome"] == "executed"]
    assert (len(turns), {row["outcome"] for row in turns}) == (120, {"executed", "skipped"})
    assert all(row["reason"] and row["size_base"] is None for row in turns if row["outcome"] == "skipped")
    assert D(held["demo-buybacks", "dct"]) == sum(D(row["size_base"]) for row in bought)
    assert D(held["demo-buybacks", "usdt"]) == 60_000 - sum(D(row["cost_quote"]) for row in bought)
    paid = rows_of(client, "rewards/?range=all")
    assert [(row["number"], row["cap"], row["budget"], row["paid"]) for row in paid] == [
        (1, "150000", "120000", "119999.999"), (2, "150000", "135000", "134999.999"), (3, "150000", "150000", "149999.999"),
    ]  # fmt: skip
    assert held["demo-rewards", "dct"] == "495000.003"
    last = rows_of(client, "treasury/balances/?asset=dct")[-1]
    # The snapshot of 4 March, 05:00 in the Maldives, is of a day that is not over.
    assert (last["first_day"], last["demo-rewards"]) == ("2026-03-03", "495000.003")
    assert D(last["total"]) == D(last["demo-reserve"]) + D(last["demo-buybacks"]) + D("495000.003")
    day = next(row for row in rows_of(client, "buybacks/days/") if row["first_day"] == "2026-03-03")
    on_day = [row for row in bought if "2026-03-02T19" <= row["at"] < "2026-03-03T19"]
    assert len(on_day) == 2 and D(day["bought_base"]) == sum(D(row["size_base"]) for row in on_day)
    assert D(day["paid_quote"]) == sum(D(row["cost_quote"]) for row in on_day)


def test_page_csv_and_json_tell_the_same(treasury: None, client: Client) -> None:
    for room, chart in (
        ("treasury", "balance-dct"),
        ("buybacks", "bought"),
        ("buybacks", "prices"),
        ("rewards", "paid"),
    ):
        page = seen(client, f"/{room}/?range=30d")
        part = page.split(f'id="{chart}"')[1].split("</figure>")[0]
        address = re.search(r'href="([^"]+\.csv[^"]+)"', part)
        assert address is not None, chart
        told = csv.reader(io.StringIO(seen(client, address[1].replace("&amp;", "&"))))
        rows = [row for row in told if not row[0].startswith("# ")][1:]
        cells = [
            re.findall(r'<td class="num" dir="ltr">([^<]*)</td>', row)
            for row in part.split("<tbody>")[1].split("</tbody>")[0].split("</tr>")[:-1]
        ]
        assert cells == [["—" if cell == "" else cell for cell in row[2:]] for row in rows[::-1]] != [], chart
        assert f'href="/definitions/#{room}"' in part and 'data-series="/api/v1/public/' in part, chart


def test_long_lists_come_by_pages(treasury: None, client: Client) -> None:
    first, third = (seen(client, f"/buybacks/?range=90d&page={n}") for n in (1, 3))
    assert first.count("demo-programme") >= 1 and 'href="?range=90d&amp;page=2"' in first
    assert "2026-03-03T18:31:17.000Z" in first and "2026-03-03T18:31:17.000Z" not in third
    assert "2026-01-03T06:03:03.000Z" in third and "2026-01-03T06:03:03.000Z" not in first
    assert 'href="/buybacks/?range=90d"' in seen(client, "/buybacks/?range=90d&page=4", 400)
    assert seen(client, "/treasury/?page=x", 400)


def test_a_period_has_a_permanent_address(treasury: None, client: Client) -> None:
    page = seen(client, "/buybacks/?range=7d")
    address = re.search(r'href="(\?from=[^"]+)"', page)
    assert address is not None
    assert address[1] == "?from=2026-02-24T19:00:00.000Z&amp;to=2026-03-03T19:00:00.000Z"
    kept = seen(client, f"/buybacks/{address[1].replace('&amp;', '&')}")
    assert kept.split('id="bought"')[1].split("<tbody>")[1].split("</tbody>")[0] in page


@pytest.mark.parametrize("room", ROOMS)
def test_what_makes_no_sense_is_answered_with_what_can_be_asked(treasury: None, client: Client, room: str) -> None:
    for query in ("range=2h", "from=yesterday", "from=2026-01-01&range=7d", "from=2026-02-01&to=2026-01-01"):
        assert f'href="/{room}/?range=90d"' in seen(client, f"/{room}/?{query}", 400)
    assert seen(client, f"/{room}/?from=2020-01-01")
    assert client.post(f"/{room}/").status_code == 405


def test_bad_questions_to_the_api(treasury: None, client: Client) -> None:
    for address in ("treasury/balances/", "treasury/balances/?asset=doge", "buybacks/?range=2h", "buybacks/days/?programme=x",
                    "rewards/?from=1"):  # fmt: skip
        for form in ("/", ".csv"):
            path, _mark, query = address.partition("?")
            assert client.get(f"{API}{path.rstrip('/')}{form}?{query}").status_code == 400, address
    assert "dct, gram, usdt" in seen(client, f"{API}treasury/balances/?asset=doge", 400)


def test_addresses_keep_their_direction(treasury: None, client: Client) -> None:
    client.cookies["django_language"] = "dv"
    page = seen(client, "/treasury/")
    assert 'dir="rtl"' in page
    address = "0:ed91ee5337af544e090b9cb99d54d09bdf65e1b31b3381fdc87eec73ecd3ca37"
    assert f'<span class="hash"><code dir="ltr">{address}</code>' in page


def test_what_is_on_its_way_is_not_told(treasury: None, client: Client) -> None:
    """An order that rests could be traded against: the turn is told once it is settled."""
    programme = BuybackProgramme.objects.get()
    Buyback.objects.create(
        programme=programme, at=NOW - timedelta(hours=1), outcome="submitted", venue="dex", reference_price="0.27",
        most_cost="100", is_demo=True,
    )  # fmt: skip
    assert Buyback.objects.filter(outcome="submitted").count() == 1
    assert {row["outcome"] for row in rows_of(client, "buybacks/?range=all")} == {"executed", "skipped"}
    assert "submitted" not in seen(client, "/buybacks/?range=all")


def test_every_public_page_leads_here(treasury: None, client: Client) -> None:
    assert 'href="/treasury/"' in seen(client, "/definitions/")
    markets = seen(client, "/markets/")
    assert all(f'href="/{room}/"' in markets for room in ROOMS)
    definitions = seen(client, "/definitions/")
    assert all(f'id="{room}"' in definitions for room in ROOMS)


def test_a_day_on_which_a_wallet_was_not_observed_has_no_total(treasury: None, client: Client) -> None:
    """Nothing is filled in: a wallet that appears on the last day has no balance before."""
    TreasuryBalance.objects.create(
        wallet=TreasuryWallet.objects.get(slug="demo-rewards"), asset_id="gram", amount=7, source="demonstration", is_demo=True,
        observed_at=NOW - timedelta(days=1),
    )  # fmt: skip
    rows = rows_of(client, "treasury/balances/?asset=gram&range=7d")
    assert [row["total"] is None for row in rows[-3:]] == [True, True, False]
    assert [row["demo-rewards"] for row in rows[-3:]] == [None, None, "7"]
    assert rows[-2]["demo-reserve"] is not None
