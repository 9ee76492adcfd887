"""The preview of a parameters proposal: whole, bounded, named by its hash, and when it no longer counts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from governance.review.errors import ReviewRefused
from governance.review.preview.parameters import parameters_preview
from tests.quoting.world import CEX, DEX, World
from tests.support.demo import declare_two_markets
from trading.backtest.engine import (
    PreviewResult,
    PreviewTooSlow,
    WindowFacts,
    WindowSpec,
    canonical_hash,
    canonical_json,
)
from trading.clock import to_datetime
from trading.models import Market, MmState, ParameterSet
from trading.parameters.services import apply_version, current_values
from trading.quoting.decision_writer import DecisionWriter
from trading.registry.selectors import MarketRef
from trading.registry.services import declare_demo_desk

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
FLOOR = {"markets": {DEX: {"spread_floor_bps": "4"}}}


class Still:
    """An engine of which nothing was recorded."""

    def preview(
        self, market: MarketRef, before: Mapping[str, Decimal], after: Mapping[str, Decimal], window: WindowSpec
    ) -> PreviewResult:
        facts = WindowFacts("none", None, None, "1800.000", 0, 0, 0, "no_record", 0)
        return PreviewResult("still", market.slug, facts, None, None, (), (), None)


def still(markets: int) -> Still:
    return Still()


def base_of(*slugs: str) -> dict[str, Any]:
    rows = ParameterSet.objects.filter(market__slug__in=slugs).select_related("market")
    return {row.market.slug: {"version": row.version, "hash": row.values_hash} for row in rows}


def prepare(change: dict[str, Any], now: datetime = NOW) -> dict[str, Any]:
    return parameters_preview(change, base_of(*change["markets"]), now, engine_for=still)


@pytest.fixture
def desk(db: None, valkey: str) -> None:
    declare_two_markets(NOW - timedelta(days=10))


def _apply(values: dict[str, str], at: datetime) -> None:
    market = Market.objects.get(slug=DEX)
    merged = current_values(ParameterSet.objects.get(market=market)) | values
    apply_version(market, merged, authorised_by="test", actor_id="1", actor_name="A", reason="moved", now=at)


async def test_a_preview_of_a_running_desk_shows_quotes_money_and_drift(world: World) -> None:
    world.ready()
    worker = world.worker()
    for _ in range(8):
        await world.tick(worker)
    await worker.close()
    writer = DecisionWriter(world.redis, world.clock)
    writer.recover()
    writer.step(block_ms=10)
    writer.flush()
    now = to_datetime(world.clock.now_ns())
    change = {"markets": {DEX: {"spread_floor_bps": "10"}, CEX: {"q_hard_lots": "30"}}}
    one, two = (parameters_preview(change, base_of(DEX, CEX), now) for _ in range(2))
    assert canonical_json(one) == canonical_json(two) == canonical_json(json.loads(canonical_json(one)))
    dex, cex = one["markets"]
    assert (dex["window"]["source"], dex["window"]["cycles_recorded"], dex["mark"]) == ("decisions", 8, "0.27")
    # 600 cycles of half an hour, shared by two markets: one every six seconds.
    assert dex["window"]["cycles_replayed"] in (2, 3)
    assert (dex["before"]["spread_bps"]["mean"], dex["after"]["spread_bps"]["mean"]) == ("5.0000", "10.0000")
    assert cex["before"] == cex["after"]
    (money,) = (row for row in one["money"]["markets"] if row["market"] == CEX)
    # 20 and 30 lots of 100 at 1.5.
    assert (money["before"]["at_risk_quote"], money["after"]["at_risk_quote"]) == ("3000", "4500")
    assert (money["before"]["loss_quote"], money["after"]["loss_quote"]) == ("300", "450")
    desk = one["money"]["shared"][-1]
    assert (desk["scope"], desk["limits_of_markets_before"], desk["limits_of_markets_after"]) == (
        "desk",
        "8400",
        "9900",
    )


def test_marks_of_markets_that_do_not_change_come_from_their_snapshots(desk: None) -> None:
    for slug, mid in ((DEX, "0.25"), (CEX, "2")):
        MmState.objects.create(
            market=Market.objects.get(slug=slug), at=NOW - timedelta(minutes=1), ledger_seq=1, state="ACTIVE", mid=Decimal(mid),
            inventory=0, realised=0, open_orders=0, body={},
        )  # fmt: skip
    money = prepare(FLOOR)["money"]
    assert money["unmarked"] == []
    assert money["markets"][0]["before"]["at_risk_quote"] == "5000"
    assert money["shared"][-1]["limits_of_markets_before"] == "9000"


def test_drift_compares_with_the_version_in_force_seven_days_ago(desk: None) -> None:
    _apply({"gamma": "22"}, NOW - timedelta(days=8))
    _apply({"gamma": "24", "kappa": "5500"}, NOW - timedelta(days=2))
    (drift,) = prepare({"markets": {DEX: {"gamma": "33"}}})["drift"]
    assert (drift["then_version"], drift["is_whole"]) == (2, True)
    assert drift["rows"] == [
        {
            "parameter": "gamma", "unit": "1/lot, relative to price", "then": "22", "now": "24", "proposed": "33",
            "now_pct": "9.09", "proposed_pct": "50",
        },
        {
            "parameter": "kappa", "unit": "1/price fraction", "then": "5000", "now": "5500", "proposed": "5500",
            "now_pct": "10", "proposed_pct": "10",
        },
    ]  # fmt: skip


def test_a_market_younger_than_seven_days_is_compared_with_its_first_version(db: None, valkey: str) -> None:
    declare_demo_desk(NOW - timedelta(days=1))
    (drift,) = prepare(FLOOR)["drift"]
    assert (drift["then_version"], drift["is_whole"], len(drift["rows"])) == (1, False, 1)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"markets": {DEX: {1: "20"}}}, "bad_change"),
        ({"markets": {}}, "bad_change"),
        ({"markets": {DEX: {}}}, "bad_change"),
        ({"markets": {DEX: {"gamma": 20}}}, "bad_change"),
        ({"markets": {"nowhere": {"gamma": "20"}}}, "unknown_market"),
        ({"markets": {DEX: {"gamma": "NaN"}}}, "invalid"),
        ({"markets": {DEX: {"gamma": "1e999"}}}, "invalid"),
        ({"markets": {DEX: {"no_such_parameter": "1"}}}, "invalid"),
        ({"markets": {DEX: {"spread_floor_bps": "61"}}}, "invalid"),
    ],
)
def test_a_change_that_could_never_be_applied_has_no_preview(desk: None, change: dict[str, Any], code: str) -> None:
    with pytest.raises(ReviewRefused) as refused:
        prepare(change)
    assert refused.value.code == code


def test_a_change_without_markets_is_none(desk: None) -> None:
    for change in ({}, {"markets": []}, None, []):
        with pytest.raises(ReviewRefused) as refused:
            parameters_preview(change, {}, NOW, engine_for=still)
        assert refused.value.code == "bad_change"


def test_a_slow_engine_says_so(desk: None) -> None:
    class Slow(Still):
        def preview(self, *args: Any) -> PreviewResult:
            raise PreviewTooSlow("not done within 1 s")

    with pytest.raises(ReviewRefused) as refused:
        parameters_preview(FLOOR, base_of(DEX), NOW, engine_for=lambda markets: Slow())
    assert (refused.value.code, DEX in str(refused.value)) == ("too_slow", True)


def test_a_preview_is_of_its_change_and_of_the_versions_in_force(desk: None) -> None:
    first, base = canonical_hash(prepare(FLOOR)), base_of(DEX)
    assert canonical_hash(prepare({"markets": {DEX: {"spread_floor_bps": "3"}}})) != first
    _apply({"gamma": "21"}, NOW)
    with pytest.raises(ReviewRefused) as refused:
        parameters_preview(FLOOR, base, NOW, engine_for=still)
    assert refused.value.code == "stale"
    assert canonical_hash(prepare(FLOOR)) != first
