"""The plan of a chaos run and the independent look for breaches, with literal cases."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal as D

from dcmm_portal.chaos.audit import Breach, VenueFill, VenueOrder, breaches
from dcmm_portal.chaos.plan import FAULTS, draw_plan

KINDS = ("beat", "ledger", "market_data", "postgres", "relay", "sandbox-cex", "sandbox-dex", "valkey", "web", "worker")


def test_a_plan_hits_every_kind_often_enough_and_is_the_same_for_the_same_seed() -> None:
    plan = draw_plan(7, 50, 700.0, KINDS, ("sandbox-dex", "sandbox-cex"), 3)
    assert plan == draw_plan(7, 50, 700.0, KINDS, ("sandbox-dex", "sandbox-cex"), 3)
    assert plan != draw_plan(8, 50, 700.0, KINDS, ("sandbox-dex", "sandbox-cex"), 3)
    kills = Counter(blow.target for blow in plan if blow.what == "kill")
    stops = Counter(blow.target for blow in plan if blow.what == "stop")
    faults = Counter(blow.fault.kind for blow in plan if blow.fault is not None)
    assert sum(kills.values()) == 50 and set(kills) == set(KINDS) and min(kills.values()) == 5
    assert stops == dict.fromkeys(KINDS, 3)
    assert faults == dict.fromkeys((fault.kind for fault in FAULTS), 3)
    assert [blow.at_s for blow in plan] == sorted(blow.at_s for blow in plan)
    assert plan[0].at_s >= 0 and plan[-1].at_s < 700


def order(name: str, is_buy: bool, size: str, accepted_ns: int, ended_ns: int | None = None) -> VenueOrder:
    return VenueOrder(name, is_buy, D(size), accepted_ns, ended_ns)


def test_two_buys_that_together_pass_the_limit_are_a_breach_by_the_second() -> None:
    orders = [order("a", True, "60", 10), order("b", True, "50", 20)]
    assert breaches(orders, (), D(0), D(0), D(100)) == [Breach("b", D(110))]
    assert breaches(orders, (), D(0), D(0), D(110)) == []


def test_an_order_that_had_ended_counts_only_by_what_it_filled() -> None:
    orders = [order("a", True, "60", 10, 15), order("b", True, "50", 20)]
    fills = [VenueFill(12, "a", D(55), D(55))]
    assert breaches(orders, fills, D(0), D(0), D(100)) == [Breach("b", D(105))]
    assert breaches(orders, [VenueFill(12, "a", D(50), D(50))], D(0), D(0), D(100)) == []


def test_distance_is_measured_from_the_target_and_sells_count_to_the_other_side() -> None:
    orders = [order("a", False, "30", 10)]
    assert breaches(orders, (), D(1000), D(1000), D(20)) == [Breach("a", D(-30))]
    assert breaches(orders, (), D(1010), D(1000), D(20)) == []


def test_what_filled_of_a_resting_order_moves_from_the_order_to_the_position() -> None:
    orders = [order("a", True, "60", 10), order("b", True, "40", 20)]
    fills = [VenueFill(15, "a", D(20), D(20))]
    assert breaches(orders, fills, D(0), D(0), D(100)) == []
    assert breaches(orders, fills, D(0), D(0), D(99)) == [Breach("b", D(100))]
