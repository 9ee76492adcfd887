"""The publication policy: finer or sooner needs two others and a timelock, coarser or later holds at once; and what it shows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection

from disclosures.models import PublicationPolicy, RollupDay, RollupProgress
from disclosures.transparency.public_market import public_history, public_json, public_market
from disclosures.transparency.publication import COARSEST, Publication, publication_in_force
from disclosures.transparency.rollups.calendar import day_bounds, day_of
from disclosures.transparency.rollups.profit import DayProfit
from governance.models import Proposal
from tests.pages import stage
from tests.pages.conftest import desk as hot_desk
from tests.review.conftest import desk as review_desk
from tests.review.desk import Desk, refused
from tests.transparency.limits import lower_the_limit
from trading.models import Market, MarketMinute

__all__ = ["hot_desk", "review_desk"]
START = Publication(1, 60, Decimal("0.05"), 1, 0)


def test_it_starts_as_it_was_before_there_was_a_policy(db: None) -> None:
    assert publication_in_force() == START


def test_finer_needs_two_others_and_the_timelock(review_desk: Desk) -> None:
    desk = review_desk
    proposal = desk.approved({"delay_s": "30"}, "gus", "publication")
    assert (proposal.risk_class, proposal.required["quorum"], proposal.required["timelock_s"]) == (
        "increasing",
        2,
        3600,
    )
    refused("too_early", desk.apply, proposal)
    desk.forward(hours=1)
    assert desk.apply(proposal).state == "APPLIED"
    row = PublicationPolicy.objects.get(version=2)
    assert (row.delay_s, row.authorised_by, row.actor_name) == (30, f"proposal:{proposal.pk}", "gus")
    assert publication_in_force() == Publication(2, 30, Decimal("0.05"), 1, 0)


def test_coarser_holds_at_once_and_is_reviewed_afterwards(review_desk: Desk) -> None:
    desk = review_desk
    change = {"inventory_step_share": "0.1", "quote_granularity_s": "60"}
    proposal = desk.propose(change, "gus", "publication", apply_at_once=True)
    assert (proposal.state, proposal.risk_class) == ("APPLIED", "reducing")
    assert proposal.review_due_at is not None
    assert publication_in_force() == Publication(2, 60, Decimal("0.1"), 1, 60)


def test_the_way_back_is_a_proposal(review_desk: Desk) -> None:
    desk = review_desk
    desk.propose({"delay_s": "600", "quote_granularity_s": "60"}, "gus", "publication", apply_at_once=True)
    back = desk.roll_back("publication", 1, "gus")
    assert (back.state, back.risk_class, back.change) == (
        "DRAFT", "increasing", {"delay_s": "60", "quote_granularity_s": "0"},
    )  # fmt: skip
    refused("unknown_version", desk.roll_back, "publication", 9, "gus")
    refused("no_role", desk.roll_back, "publication", 1, "opal")
    assert publication_in_force().version == 2


def test_one_finer_value_among_coarser_ones_makes_it_increasing(review_desk: Desk) -> None:
    mixed = {"delay_s": "600", "inventory_step_share": "0.04"}
    assert review_desk.propose(mixed, "ada", "publication").risk_class == "increasing"
    refused("needs_review", review_desk.propose, mixed, "ada", "publication", apply_at_once=True)


def test_what_was_approved_for_another_version_is_not_applied(review_desk: Desk) -> None:
    desk = review_desk
    proposal = desk.approved({"delay_s": "30"}, "gus", "publication")
    desk.propose({"delay_s": "90"}, "gus", "publication", apply_at_once=True)
    desk.forward(hours=1)
    assert desk.apply(proposal).state == "FAILED"
    assert publication_in_force().delay_s == 90


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"delay_s": "-1"}, "invalid"),
        ({"delay_s": "604801"}, "invalid"),
        ({"delay_s": "1.5"}, "invalid"),
        ({"delay_s": "NaN"}, "invalid"),
        ({"delay_s": "1e999999"}, "invalid"),
        ({"delay_s": 30}, "invalid"),
        ({"inventory_step_share": "0"}, "invalid"),
        ({"inventory_step_share": "1.1"}, "invalid"),
        ({"inventory_step_share": "0.00001"}, "invalid"),
        ({"pnl_granularity_days": "0"}, "invalid"),
        ({"quote_granularity_s": "86401"}, "invalid"),
        ({"delay_s": "60", "inventory_step_share": "0.050"}, "no_change"),
        ({"version": "7"}, "bad_change"),
        ({"authorised_by": "genesis"}, "bad_change"),
        ({}, "bad_change"),
        ([], "bad_change"),
        (None, "bad_change"),
    ],
)
def test_what_can_be_no_publication_policy(review_desk: Desk, change: Any, code: str) -> None:
    refused(code, review_desk.propose, change, "gus", "publication")
    assert not Proposal.objects.exists()


def test_without_a_policy_the_coarsest_holds(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PublicationPolicy, "objects", PublicationPolicy.objects.filter(version=0))
    assert publication_in_force() == COARSEST


def test_profit_is_told_by_complete_periods_with_fixed_borders() -> None:
    first = date(2026, 3, 1)
    days = [DayProfit(first + timedelta(days=n), Decimal(n), Decimal(0), None) for n in range(10)]
    # 18:59 UTC is a minute before midnight in the Maldives, whose 9 March is not over.
    late = datetime(2026, 3, 9, 18, 59, tzinfo=UTC)
    assert [row.pnl for row in START.profits(days, late)] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert len(START.profits(days, late + timedelta(minutes=1, seconds=59))) == 8
    assert len(START.profits(days, late + timedelta(minutes=2))) == 9
    week = Publication(1, 60, Decimal("0.05"), 7, 0)
    told = week.profits(days, late)
    # Weeks begin on Sundays: day 738,945 (1 March 2026 is 739,676 = 105,668 x 7).
    assert [(row.day, row.last_day, row.pnl) for row in told] == [(first, first + timedelta(days=6), Decimal(21))]


@pytest.mark.usefixtures("hot_desk")
def test_quotes_of_a_coarser_policy_are_those_of_the_last_border(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 3, 4, 9, 0, 30, tzinfo=UTC)
    now_ns = int(now.timestamp()) * stage.SECOND_NS
    stage.hot_market(stage.DEX, now_ns, mid=Decimal("0.3"))
    stage.put_history(stage.DEX, now_ns, points=200)
    minute = Publication(2, 60, Decimal("0.05"), 1, 60)
    monkeypatch.setattr("disclosures.transparency.public_market.publication_in_force", lambda: minute)
    live, told = stage.view(stage.DEX, now_ns, Decimal("0.3")), public_json(public_market(stage.DEX, now_ns))
    assert Decimal(told["bid"]) < Decimal("0.24") < live.bids[2].price
    assert (told["bid_size"], told["depth"]) == (None, [])
    history = public_history(stage.DEX, 180, now_ns)
    assert len(history["t"]) == len(history["bid"]) == 3
    assert all(at < now.timestamp() - 30 for at in history["t"])


@pytest.mark.usefixtures("hot_desk")
def test_uptime_is_as_old_as_our_quotes_and_what_no_point_tells_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 3, 4, 9, 40, 30, tzinfo=UTC)
    now_ns, market = int(now.timestamp()) * stage.SECOND_NS, Market.objects.get(slug=stage.DEX)
    stage.hot_market(stage.DEX, now_ns)
    for minute, two in ((-1, 60), (10, 0)):
        at = now.replace(minute=0, second=0) + timedelta(minutes=minute)
        MarketMinute.objects.create(market=market, minute=at, cycles=60, two_sided=two)
    cache.clear()
    assert public_market(stage.DEX, now_ns).outcome == "quoting"
    hourly = Publication(2, 60, Decimal("0.05"), 1, 3600)
    monkeypatch.setattr("disclosures.transparency.public_market.publication_in_force", lambda: hourly)
    told = public_json(public_market(stage.DEX, now_ns))
    # 60 cycles of 60 in the one minute before nine; the minutes after it are not told yet.
    assert (told["uptime"], told["uptime_minutes"]) == ("1", 1)
    assert (told["bid"], told["outcome"]) == (None, "unknown")


@pytest.mark.usefixtures("hot_desk")
def test_the_view_for_readers_of_the_database_is_no_finer() -> None:
    market, closed = Market.objects.get(slug=stage.DEX), datetime.now(UTC) - timedelta(minutes=5)
    RollupProgress.objects.create(pk=1, closed_until=closed)
    # The step is 1,000; exactly half of one goes to the even side.
    for days, bought in ((3, "1510.25"), (2, "1500"), (1, "2500"), (0, "9000")):
        start, end = day_bounds(day_of(closed) - timedelta(days=days))
        RollupDay.objects.create(
            market=market, day=day_of(closed) - timedelta(days=days), starts_at=start, ends_at=end, bought_base=bought, fills=7,
            closing_reference_price="0.25",
        )  # fmt: skip
    told = [(stage.DEX, None, Decimal(500))] * 3
    assert volume_days() == told
    # The step stays 1,000 of the 20,000 that was: 10 lots of 1,000 would make it 500, and 1,510.25 and 1,500 would be 375 each.
    lower_the_limit(market, "10")
    assert volume_days() == told


def volume_days() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT slug, fills, volume_quote FROM public_volume_days ORDER BY day")
        return cursor.fetchall()
