"""A market's status: from hot state where there is one, else from PostgreSQL; never an exception, never zero for unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import redis

from tests.pages import stage
from trading.figures import uptimes, volumes
from trading.hot_state import connection, keys
from trading.hot_state.values import HotDepth, HotLevel
from trading.market_status import book_json, depth_json, status_json
from trading.models import Lock, Market, TradingControl
from trading.registry.selectors import UnknownMarket
from trading.selectors import all_market_status, market_status


def test_a_living_market(alive: dict, now_ns: int) -> None:
    status = market_status(stage.DEX, now_ns)
    assert (status.bid, status.ask) == (Decimal("0.236464"), Decimal("0.236560"))
    assert status.spread_bps == Decimal("4.06")  # 0.000096 / 0.236512
    assert (status.market_bid, status.market_ask) == (Decimal("0.236488"), Decimal("0.236536"))
    assert status.state == "ACTIVE"
    assert status.inventory == 203_500
    assert status.from_target == 3_500
    # 203,500 at 0.236512 is worth 48,130.192; the basis is 48,128.5.
    assert status.unrealised_pnl == Decimal("1.692")
    assert status.total_pnl == Decimal("14.172")
    assert (status.open_orders, status.fills, status.parameter_version) == (2, 37, 1)
    assert status.feed_age_s == pytest.approx(0.2, abs=0.05)
    assert (status.limits.soft, status.limits.hard) == (18_000, 20_000)


def test_our_orders_are_marked_on_the_ladder(alive: dict, now_ns: int) -> None:
    status = market_status(stage.DEX, now_ns)
    assert [row.price for row in status.bids if row.ours] == [Decimal("0.236464")]
    assert [row.ours for row in status.asks if row.ours] == [Decimal(1000)]
    assert len(status.bids) == 12


def test_orders_that_do_not_rest_are_no_quotes(desk: None, now_ns: int) -> None:
    stage.hot_market(stage.DEX, now_ns)
    stage.put_orders(stage.DEX, [stage.order(stage.DEX, "buy", Decimal("0.2364"), Decimal(5), now_ns, "UNKNOWN")])
    status = market_status(stage.DEX, now_ns)
    assert (status.bid, status.open_orders) == (None, 1)


def test_depth_is_what_market_data_measured_over_the_whole_book(desk: None, now_ns: int) -> None:
    measured = HotDepth(Decimal("0.5"), Decimal("18.204"), Decimal("36.6"), Decimal(5), Decimal(0), False)
    stage.put_view(replace(stage.view(stage.CEX, now_ns), depth=(measured,)))
    (half,) = market_status(stage.CEX, now_ns).depth
    assert depth_json(half) == {
        "band_pct": "0.5", "bid": "18.2", "ask": "36.6", "our_bid": "5", "our_ask": "0", "is_complete": False,
    }  # fmt: skip


def test_our_orders_far_from_the_touch_stand_on_the_ladder_behind_a_gap(desk: None, now_ns: int) -> None:
    book = stage.view(stage.DEX, now_ns)
    bids = tuple(HotLevel(Decimal(100 - n), Decimal(10)) for n in range(30))  # 100 … 71
    asks = tuple(HotLevel(Decimal(101 + n), Decimal(10)) for n in range(30))  # 101 … 130
    stage.put_view(replace(book, bids=bids, asks=asks))
    mine = [("buy", "90"), ("buy", "88"), ("buy", "87"), ("buy", "80"), ("buy", "30"), ("sell", "113"), ("sell", "140")]
    stage.put_orders(stage.DEX, [stage.order(stage.DEX, side, Decimal(at), Decimal(4), now_ns) for side, at in mine])
    status = market_status(stage.DEX, now_ns)
    assert [row.price for row in status.bids[:12]] == [Decimal(100 - n) for n in range(12)]
    assert [(row.price, row.ours) for row in status.bids[:12] if row.ours] == [(90, 4)]
    # 88 is the 13th level: nothing lies between. 30 is beyond what the view knows: our own quantity alone.
    assert [(row.price, row.size, row.ours, row.gap) for row in status.bids[12:]] == [
        (88, 10, 4, False), (87, 10, 4, False), (80, 10, 4, True), (30, 4, 4, True),
    ]  # fmt: skip
    assert [(row.price, row.size, row.ours, row.gap) for row in status.asks[12:]] == [
        (113, 10, 4, False), (140, 4, 4, True),
    ]  # fmt: skip
    assert book_json(status)["bids"][14] == ["80", "10", "4", True]
    assert book_json(status)["bids"][0] == ["100", "10", "0", False]


def test_without_hot_state_the_ledger_and_the_state_are_still_right(desk: None, now_ns: int) -> None:
    now = datetime.now(UTC)
    stage.committed_position(stage.DEX, "202000", "47000", "3.5", now)
    status = market_status(stage.DEX, now_ns)
    assert (status.mid, status.bid, status.feed_age_s, status.unrealised_pnl) == (None, None, None, None)
    assert (status.inventory, status.realised_pnl, status.fills, status.state) == (202_000, Decimal("3.5"), 5, "ACTIVE")


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff\xfe", b'{"slug": 1}', b"null"])
def test_corrupt_hot_state_reads_as_not_known(alive: dict, now_ns: int, body: bytes) -> None:
    client = connection.sync_client()
    for key in (keys.market_view, keys.position, keys.cycle):
        client.set(key(stage.DEX), body)
    client.hset(keys.open_orders(stage.DEX), "x", body)
    client.hset(keys.inbox_pending(stage.DEX), "x", body)
    status = market_status(stage.DEX, now_ns)
    assert (status.mid, status.bid, status.open_orders, status.sentence_key) == (None, None, None, "status.no_cycle")
    assert market_status(stage.CEX, now_ns).bid is not None
    assert status_json(status)["state"] == "ACTIVE"


def test_a_wrong_type_of_key_and_an_unreachable_redis_do_not_fail(
    alive: dict, now_ns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connection.sync_client()
    client.delete(keys.open_orders(stage.DEX))
    client.set(keys.open_orders(stage.DEX), "no hash")
    assert market_status(stage.DEX, now_ns).open_orders is None
    dead = redis.Redis(port=1, socket_connect_timeout=0.2)
    monkeypatch.setattr("trading.hot_state.overview.sync_client", lambda: dead)
    assert [status.mid for status in all_market_status(now_ns)] == [None, None]


def test_fills_not_yet_committed_count_in_the_inventory(alive: dict, now_ns: int) -> None:
    connection.sync_client().hset(keys.inbox_pending(stage.DEX), mapping={"a": "1000", "b": "-250.5"})
    status = market_status(stage.DEX, now_ns)
    assert status.inventory == Decimal("204249.5")
    # At the mark, hence without P&L of their own: 204,249.5 at 0.236512 less (48,128.5 + 749.5 at 0.236512).
    assert status.unrealised_pnl == Decimal("1.692")


def test_unrealised_pnl_is_rounded_as_the_ledger_rounds_it_and_never_an_exception(alive: dict, now_ns: int) -> None:
    stage.put_position(stage.DEX, "0.000000000000000003", "0", "0")
    assert market_status(stage.DEX, now_ns).unrealised_pnl == Decimal("0.000000000000000001")  # 3e-18 × 0.2365, half up
    stage.put_position(stage.DEX, "1e30", "0", "0")
    assert market_status(stage.DEX, now_ns).unrealised_pnl is None


def test_the_strictest_of_control_and_lock_holds_with_its_reason(desk: None, now_ns: int) -> None:
    now = datetime.now(UTC)
    TradingControl.objects.filter(scope=stage.DEX).update(state="REDUCING", reason="thin book")
    Lock.objects.create(
        scope="desk", state="PAUSED", rule="drawdown", reason="lost 5 %", imposed_at=now, imposed_by="rule"
    )
    status = market_status(stage.DEX, now_ns)
    assert status.state == "PAUSED"
    assert [why.reason for why in status.state_reasons] == ["lost 5 %", "thin book"]


def test_a_missing_control_is_halted(desk: None, now_ns: int) -> None:
    TradingControl.objects.filter(scope=stage.CEX).update(scope="elsewhere")
    assert {each.slug: each.state for each in all_market_status(now_ns)} == {stage.DEX: "ACTIVE", stage.CEX: "HALTED"}


def test_a_silent_cycle_no_longer_explains(alive: dict, now_ns: int) -> None:
    stage.put_cycle(stage.DEX, now_ns - 30 * stage.SECOND_NS, "quoting", "quoting")
    status = market_status(stage.DEX, now_ns)
    assert (status.outcome, status.sentence_key, status.sentence_args) == (
        "not_quoting",
        "status.silent",
        {"age_s": "30"},
    )


def test_an_unknown_market_is_told_with_the_known_ones(desk: None, now_ns: int) -> None:
    with pytest.raises(UnknownMarket, match="dct-usdt-dex, gram-usdt-cex"):
        market_status("nowhere", now_ns)


def test_all_markets_take_three_queries(alive: dict, now_ns: int, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(3):
        all_market_status(now_ns)


def test_uptime_counts_a_minute_without_cycles_as_down(desk: None) -> None:
    now = datetime(2026, 3, 4, 12, 30, 20, tzinfo=UTC)
    stage.add_minutes(stage.DEX, 2, now, two_sided=60)
    market = Market.objects.get(slug=stage.DEX)
    from trading.models import MarketMinute

    MarketMinute.objects.create(market=market, minute=datetime(2026, 3, 4, 12, 26, tzinfo=UTC), cycles=10, two_sided=5)
    found = uptimes(now)[market.pk]
    # 12:26 half up, 12:27 missing, 12:28 and 12:29 up: 2.5 of 4 minutes.
    assert (found.share, found.minutes) == (Decimal("0.6250"), 4)


def test_volume_is_of_its_window(desk: None) -> None:
    now = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
    stage.add_fills(stage.CEX, 6, now)
    found = volumes(now - timedelta(seconds=61), now)[Market.objects.get(slug=stage.CEX).pk]
    # 20, 40 and 60 s before: 100 each, at 1.8240 × 1.0003, × 0.9997, × 1.0003.
    assert (found.fills, found.base, found.quote) == (3, 300, Decimal("547.254720"))
