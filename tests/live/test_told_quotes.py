"""Quotes out of a message: the same as were told, nothing else, and nothing at all of what is no status."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.live.parts import told
from trading.controls.selectors import Imposed
from trading.market_status import DepthBand, InventoryLimits, MarketStatus, quotes_json, status_json
from trading.risk.states import TradingState
from trading.told_quotes import NotAStatus, quotes_of

FULL = MarketStatus(
    "dct-usdt-dex", "dex", "Dex", "DCT", "USDT", "DCT/USDT", "venue", "PAUSED",
    state_reasons=(Imposed("desk", TradingState.PAUSED, "kill", "why", "olga", datetime(2026, 1, 1, tzinfo=UTC)),),
    mid=Decimal("0.2365"), mid_source="book", bid=Decimal("0.236"), bid_size=Decimal("1000"), ask=Decimal("0.237"),
    ask_size=Decimal("12.50"), market_bid=Decimal("0.2362"), market_ask=Decimal("0.2368"), spread_bps=Decimal("42.28"),
    market_spread_bps=Decimal("25.37"), inventory=Decimal("203517.4271"),
    limits=InventoryLimits(Decimal(200_000), Decimal(1), Decimal(2), Decimal(20_000)), realised_pnl=Decimal("12.4873"),
    unrealised_pnl=Decimal("48.1"), fees=Decimal(1), open_orders=2, fills=37, feed_age_s=0.1234, cycle_age_s=1.0,
    parameter_version=3, sigma=0.1, regime="normal", is_warm=True, outcome="quoting", sentence_key="quoting",
    sentence_args={"inventory": "203517.4271"},
    depth=(DepthBand(Decimal("0.5"), Decimal("10.12"), Decimal("11"), Decimal("1"), Decimal("0"), False),),
    tick=Decimal("0.0001"), lot_step=Decimal("0.1"), updated_ns=1_767_225_600_123_456_789, instrument="perpetual",
)  # fmt: skip
BARE = MarketStatus("s", "v", "V", "A", "B", "A/B", "", "ACTIVE")


@pytest.mark.parametrize("status", [FULL, BARE])
def test_what_was_told_is_told_again_to_the_letter(status: MarketStatus) -> None:
    assert quotes_json(quotes_of(status_json(status))) == quotes_json(status)


def test_nothing_but_quotes_and_limits_is_read() -> None:
    found = quotes_of(status_json(FULL))
    assert found.limits == FULL.limits
    unread = ("state_reasons", "inventory", "realised_pnl", "unrealised_pnl", "fees", "open_orders", "fills", "cycle_age_s",
              "sigma", "outcome", "sentence_key", "sentence_args", "foreign_orders")  # fmt: skip
    assert {name: getattr(found, name) for name in unread} == {name: getattr(BARE, name) for name in unread}


@pytest.mark.parametrize(
    "changes",
    [
        {"slug": 7}, {"mid": 0.25}, {"mid": "NaN"}, {"mid": "Infinity"}, {"mid": "1e999999"}, {"bid": ""},
        {"depth": None}, {"depth": [None]},
        {"depth": [{"band_pct": None}]}, {"limits": 5}, {"limits": {"target": None}}, {"price_decimals": None},
        {"updated_at": "yesterday"}, {"updated_at": "2026-01-01"}, {"feed_age_s": "x"}, {"price_decimals": 10**30},
    ],
)  # fmt: skip
def test_what_is_no_status_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(NotAStatus):
        quotes_of(told(**changes)["status"])


def test_every_field_is_needed() -> None:
    status = told()["status"]
    for name in quotes_json(BARE):
        with pytest.raises(NotAStatus):
            quotes_of({key: value for key, value in status.items() if key != name})
