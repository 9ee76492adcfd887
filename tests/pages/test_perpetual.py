"""A perpetual on the pages: inventory in base units, what funding brought and what it costs next; spot shows none of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client

from tests.pages import stage
from tests.support.perpetual import PERP, declare_perpetual
from trading.hot_state import keys
from trading.hot_state.codec import encode
from trading.hot_state.connection import sync_client
from trading.hot_state.values import HotPosition
from trading.market_status import status_json
from trading.selectors import market_status

FUNDING_NS = 1_900_000_000_000_000_000


@pytest.fixture
def perpetual(alive: dict[str, object], now_ns: int) -> None:
    """Long 0.35 ETH from 2400, marked at 2410, funded with −1.25 so far."""
    declare_perpetual(datetime.now(UTC))
    spot = stage.view(stage.DEX, now_ns)
    view = replace(
        spot, slug=PERP, reference=Decimal(2410), funding_rate=Decimal("0.000125"), funding_ns=FUNDING_NS, depth=()
    )
    stage.put_view(view)
    held = HotPosition(
        slug=PERP, ledger_seq=4, q=Decimal("0.35"), cost_basis=Decimal(840), realised=Decimal("7.5"),
        cash_flow=Decimal("-832.5"), fees=Decimal("0.6"), fills=3, funding=Decimal("-1.25"),
    )  # fmt: skip
    sync_client().set(keys.position(PERP), encode(held))


def test_status_tells_kind_inventory_and_funding(perpetual: None, now_ns: int) -> None:
    told = status_json(market_status(PERP, now_ns))
    assert (told["instrument"], told["inventory"], told["symbol"]) == ("linear_perpetual", "0.35", "ETH/USDT")
    assert (told["unrealised_pnl"], told["realised_pnl"], told["total_pnl"]) == ("3.5", "7.5", "11")
    assert (told["funding"], told["funding_rate_bps"], told["funding_at"]) == (
        "-1.25",
        "1.25",
        "2030-03-17T17:46:40.000Z",
    )
    spot = status_json(market_status(stage.DEX, now_ns))
    assert (spot["instrument"], spot["funding"], spot["funding_rate_bps"]) == ("spot", None, None)


def test_the_desk_shows_it(perpetual: None, operator: Client) -> None:
    page = operator.get("/desk/").content.decode()
    assert page.count("linear perpetual") == 1
    for text in (
        "funding received",
        "−1.25",
        "next funding, paid by longs",
        "+1.25",
        "±1.80",
        "±2.00",
        "0.35",
        "+0.35",
    ):
        assert text in page or text.replace("−", "-") in page, text


def test_the_public_page_and_api_say_what_kind_it_is(perpetual: None, client: Client) -> None:
    assert "linear perpetual" in client.get("/").content.decode()
    markets = {one["slug"]: one for one in client.get("/api/v1/public/markets/").json()}
    assert (markets[PERP]["instrument"], markets[stage.DEX]["instrument"]) == ("linear_perpetual", "spot")
    assert "funding" not in markets[PERP]
