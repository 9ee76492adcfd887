"""The sample of a market a minute: what is known, once; what is stale or unknown is not told as a number."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.pages import stage
from tests.pages.conftest import desk  # noqa: F401
from trading.hot_state.values import HotMinuteVolume
from trading.market_data.minute_volume import MINUTE_NS, MinuteVolumes
from trading.models import MarketSample, MinuteChange
from trading.samples import take_samples
from trading.venues.interface import PublicTrade, Side

NINE = datetime(2026, 3, 4, 9, 0, 30, tzinfo=UTC)
NINE_NS = int(NINE.timestamp()) * 1_000_000_000


@pytest.mark.usefixtures("desk")
def test_a_minute_is_sampled_once_and_marked() -> None:
    stage.hot_market(stage.DEX, NINE_NS)
    assert take_samples(NINE_NS) == 2
    row = MarketSample.objects.get(market__slug=stage.DEX)
    assert (row.minute, row.sampled_at) == (datetime(2026, 3, 4, 9, tzinfo=UTC), NINE)
    assert (row.state, row.regime, row.sigma_per_sqrt_s) == ("ACTIVE", "normal", Decimal("0.00012"))
    assert (row.reference_price, row.reference_source) == (Decimal("0.236512"), "book")
    assert (row.our_spread_bps, row.market_spread_bps) == (Decimal("4.06"), Decimal("2.03"))
    # The stage's band of 0.5 %: 20, 24, 1 and 1 times 0.5 and 1000 at 0.236512, our part without the factor of 20.
    assert (row.depth_05_bid_quote, row.depth_05_our_bid_quote) == (Decimal("2365.12"), Decimal("118.256"))
    assert (row.depth_2_ask_quote, row.depth_is_complete) == (Decimal("11352.576"), False)
    assert MinuteChange.objects.filter(source="sample", minute=row.minute).count() == 2
    stage.hot_market(stage.DEX, NINE_NS, mid=Decimal("0.25"))
    assert take_samples(NINE_NS + 20 * stage.SECOND_NS) == 0
    assert MarketSample.objects.get(market__slug=stage.DEX).reference_price == Decimal("0.236512")


@pytest.mark.usefixtures("desk")
def test_what_is_stale_or_missing_is_null() -> None:
    stage.hot_market(stage.DEX, NINE_NS - 11 * stage.SECOND_NS)
    take_samples(NINE_NS)
    for row in MarketSample.objects.all():
        assert (row.reference_price, row.sigma_per_sqrt_s, row.depth_2_bid_quote, row.regime) == (None, None, None, "")
        assert row.state == "ACTIVE"


@pytest.mark.usefixtures("desk")
def test_a_minute_gets_its_volume_when_it_is_over_and_whole() -> None:
    volumes = tuple(
        HotMinuteVolume(NINE_NS - 30 * stage.SECOND_NS + n * MINUTE_NS, Decimal(total), whole)
        for n, (total, whole) in enumerate((("120.5", True), ("7", True), ("1", False)))
    )
    for n in range(4):
        view = replace(stage.view(stage.DEX, NINE_NS + n * MINUTE_NS), volumes=volumes)
        stage.put_view(view)
        take_samples(NINE_NS + n * MINUTE_NS)
    rows = MarketSample.objects.filter(market__slug=stage.DEX).order_by("minute")
    assert [row.market_volume_quote for row in rows] == [Decimal("120.5"), Decimal(7), None, None]


@pytest.mark.usefixtures("desk")
def test_a_volume_is_caught_up_with_after_a_missed_run() -> None:
    start_ns = NINE_NS - 30 * stage.SECOND_NS
    for n in range(3):
        held = (("3", True), ("120.5", True), ("1", False)) if n == 2 else ()
        volumes = tuple(
            HotMinuteVolume(start_ns + m * MINUTE_NS, Decimal(total), whole) for m, (total, whole) in enumerate(held)
        )
        stage.put_view(replace(stage.view(stage.DEX, NINE_NS + n * MINUTE_NS), volumes=volumes))
        take_samples(NINE_NS + n * MINUTE_NS)
    rows = MarketSample.objects.filter(market__slug=stage.DEX).order_by("minute")
    assert [row.market_volume_quote for row in rows] == [Decimal(3), Decimal("120.5"), None]


def test_volumes_are_of_the_venues_minute_and_whole_without_a_gap() -> None:
    def trade(number: int, at_ns: int) -> PublicTrade:
        return PublicTrade("m", str(number), Side.BUY, Decimal("0.25"), Decimal(8), at_ns)

    start = NINE_NS - 30 * stage.SECOND_NS
    meter = MinuteVolumes()
    meter.told(start - 5)
    meter.add(trade(1, start + 1))
    meter.add(trade(2, start + MINUTE_NS - 1))
    meter.add(trade(3, start + MINUTE_NS))
    told = meter.told(start + MINUTE_NS + 5)
    assert [(one.quote, one.is_whole) for one in told] == [(0, False), (Decimal(4), True), (Decimal(2), False)]
    meter.interrupt()
    told = meter.told(start + 2 * MINUTE_NS + 9)
    assert [one.is_whole for one in told] == [False, False, False]
    assert timedelta(microseconds=told[1].minute_ns // 1000) == timedelta(microseconds=(start + MINUTE_NS) // 1000)
