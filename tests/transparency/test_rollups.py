"""Sums by minute, hour and day: exact, whatever comes late, twice, in another order or at once; closed ones are restated."""

from __future__ import annotations

import threading
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, connections, transaction
from hypothesis import given
from hypothesis import strategies as st

from disclosures.models import Restatement, RollupDay, RollupHour, RollupMinute, RollupProgress
from disclosures.models.measures import LEDGER
from disclosures.tasks import roll_up as roll_up_task
from disclosures.transparency.rollups.comparing import differences, mark_everything
from disclosures.transparency.rollups.profit import day_profits
from disclosures.transparency.rollups.roll import drop_old_minutes, roll_up
from tests.ledger.desk import entries, fill, transfer, view
from tests.ledger.property import examples
from trading.hot_state.codec import encode
from trading.hot_state.connection import sync_client
from trading.hot_state.keys import market_view
from trading.ledger.services import apply_batch
from trading.ledger.valuation import value_waiting
from trading.locks import lock_progress
from trading.minute_changes import take_changes
from trading.models import Fill, Market, MarketMinute, MarketSample, MinuteChange, Position
from trading.quoting.decision_writer import _COUNT

# 23:30 on 4 March in the Maldives: an hour and a half later it is another day there, and still 4 March in UTC.
START = datetime(2026, 3, 4, 18, 30, tzinfo=UTC)
LATER = START + timedelta(days=3)


def ns(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000_000


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def book(*given: tuple[str, str, str, str, float], **changes: object) -> None:
    """(trade id, side, price, size, minutes after START), each a fill."""
    rows = [
        fill(name, side, price, size, venue_ns=ns(at(after)), **changes) for name, side, price, size, after in given
    ]
    apply_batch(entries(*rows), at(given[-1][4]))


def sample(minutes: int, price: str | None, **values: object) -> None:
    market = Market.objects.get(slug="dct-usdt-dex")
    MarketSample.objects.create(
        market=market, minute=at(minutes), sampled_at=at(minutes), state="ACTIVE", reference_price=price, **values
    )


def cycles(minutes: int, count: int, two: int, one: int = 0) -> None:
    market = Market.objects.get(slug="dct-usdt-dex")
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [market.pk, at(minutes), count, two, one, 1.5])


@pytest.mark.usefixtures("ledger_desk")
def test_a_day_of_the_maldives_holds_its_hours_and_its_bounds() -> None:
    book(("1", "buy", "0.25", "100", 0), ("2", "sell", "0.26", "40", 29.5), ("3", "buy", "0.24", "10", 31))
    cycles(0, 60, 45, 15)
    cycles(1, 7, 7)
    sample(0, "0.25", market_spread_bps="3.5", our_spread_bps="8", sigma_per_sqrt_s="0.0001", regime="calm")
    sample(1, None)
    sample(20, "0.251", market_spread_bps="4.5", market_volume_quote="1000")
    assert roll_up(LATER) == 5
    first, second = RollupDay.objects.order_by("day")
    assert (first.day, first.starts_at, first.ends_at) == (
        date(2026, 3, 4), datetime(2026, 3, 3, 19, tzinfo=UTC), datetime(2026, 3, 4, 19, tzinfo=UTC),
    )  # fmt: skip
    assert (second.day, second.fills, second.bought_base) == (date(2026, 3, 5), 1, D(10))
    assert (first.fills, first.bought_base, first.sold_base, first.fees_quote) == (2, D(100), D(40), D("0.02"))
    assert (first.bought_quote, first.sold_quote, first.cash_flow_quote) == (D(25), D("10.4"), D("-14.62"))
    # 45 of 60 seconds, and all of the second minute.
    assert (first.quoting_s, first.one_sided_s, first.cycles) == (D(105), D(15), 67)
    assert (first.samples, first.market_spread_samples, first.market_spread_bps_sum) == (3, 2, D(8))
    assert (first.our_spread_samples, first.calm_samples, first.active_samples) == (1, 1, 3)
    assert (first.market_volume_minutes, first.market_volume_quote) == (1, D(1000))
    assert (first.closing_reference_price, second.closing_reference_price) == (D("0.251"), None)
    assert RollupHour.objects.get(starts_at=datetime(2026, 3, 4, 18, tzinfo=UTC)).fills == 2
    assert RollupMinute.objects.get(starts_at=at(29)).sold_base == D(40)
    assert (differences(), Restatement.objects.count(), MinuteChange.objects.count()) == ([], 0, 0)


@pytest.mark.usefixtures("ledger_desk")
def test_profit_of_a_day_is_cash_and_what_is_held_at_its_closing_price() -> None:
    book(("1", "buy", "0.25", "100", 0), fee=D(0))
    sample(1, "0.26")
    sample(31, "0.24")
    roll_up(LATER)
    market = Market.objects.get(slug="dct-usdt-dex")
    assert [(one.day.day, one.pnl_quote, one.inventory_base) for one in day_profits(market.pk)] == [
        (4, D(1), D(100)),
        (5, D(-2), D(100)),
    ]


@pytest.mark.usefixtures("ledger_desk")
def test_the_sums_are_the_ledgers_own_figures() -> None:
    """Fees in base, quote and a third asset, a deposit in kind valued late, products with more than eighteen decimals."""
    book(("1", "buy", "0.251234567890123", "100.123456789", 0), fee=D("0.03"), fee_asset="dct")
    book(("2", "sell", "0.26", "40", 5), fee=D("-0.002"))
    book(("3", "sell", "0.261", "1", 6), fee=D("0.5"), fee_asset="gram")
    apply_batch(entries(transfer("t1", "dct", "77.7", venue_ns=ns(at(7)))), at(7))
    roll_up(LATER)
    for slug, price in (("dct-usdt-dex", "0.27"), ("gram-usdt-cex", "1.9")):
        sync_client().set(market_view(slug), encode(view(slug, price, ns(at(40)))))
    value_waiting(at(40))
    roll_up(LATER)
    held = Position.objects.get()
    sums = [
        sum(RollupDay.objects.values_list(name, flat=True))
        for name in (
            "base_change",
            "cash_flow_quote",
            "fees_quote",
            "bought_base",
            "sold_base",
            "fills",
            "fees_pending",
        )
    ]
    assert sums == [held.q, held.cash_flow, held.fees, held.bought, held.sold, held.fills, 0]
    assert held.fees != 0 and held.q > 130
    assert differences() == []


@pytest.mark.usefixtures("ledger_desk")
def test_what_comes_after_the_close_is_restated_with_its_cause() -> None:
    book(("1", "buy", "0.25", "100", 0), fee=None, fee_asset=None)
    sample(0, "0.25")
    sample(32, "0.30")
    roll_up(LATER)
    assert Restatement.objects.count() == 0
    book(("2", "buy", "0.25", "60", 0.5), fee=D(0))
    roll_up(LATER)
    told = {
        (row.bucket, row.measure): (row.before, row.after, row.causes)
        for row in Restatement.objects.filter(bucket="hour")
    }
    assert told[("hour", "bought_base")] == (D(100), D(160), "fill")
    assert ("hour", "cycles") not in told
    days = (
        Restatement.objects.filter(measure="pnl_quote").order_by("starts_at").values_list("before", "after", "causes")
    )
    # Held longer into the next day, whose price is 0.05 higher: that day is restated too, though nothing came in it.
    assert list(days) == [(D(5), D(8), "fill")]
    before = Restatement.objects.count()
    book(("1", "buy", "0.25", "100", 0), fee=D("0.4"))
    roll_up(LATER)
    fee = Restatement.objects.filter(bucket="day", measure="fees_quote").get()
    assert (fee.before, fee.after, fee.causes) == (D(0), D("0.4"), "fee")
    assert Restatement.objects.filter(measure="pnl_quote").count() == 2
    assert Restatement.objects.count() > before
    after = Restatement.objects.count()
    mark_everything()
    roll_up(LATER)
    assert Restatement.objects.count() == after
    for statement in ("UPDATE restatements SET before = 0", "DELETE FROM restatements"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


@pytest.mark.usefixtures("ledger_desk")
def test_what_was_sampled_tells_of_no_fill_in_its_minute() -> None:
    sample(1, "0.25")
    roll_up(LATER)
    book(("1", "buy", "0.25", "100", 0))
    cycles(0, 60, 45)
    roll_up(LATER)
    told = set(Restatement.objects.filter(bucket="minute").values_list("measure", "before", "after", "causes"))
    assert ("quoting_s", None, D(45), "cycles") in told and ("bought_base", None, D(100), "fill") in told
    assert {row[3] for row in told} == {"cycles", "fill"}
    assert {row[0] for row in told if row[3] == "fill"} <= set(LEDGER)
    # P&L of the day is valued at a price that was sampled.
    days = Restatement.objects.filter(bucket="day", measure="pnl_quote").values_list("causes", flat=True)
    assert set(days) <= {"fill"}


@pytest.mark.usefixtures("ledger_desk")
def test_open_buckets_change_without_a_restatement_and_nothing_closes_before_all_is_summed() -> None:
    book(("1", "buy", "0.25", "100", 0))
    roll_up(at(2))
    book(("2", "buy", "0.25", "100", 0.5))
    roll_up(at(2))
    assert (Restatement.objects.count(), RollupMinute.objects.get().fills) == (0, 2)
    assert RollupProgress.objects.get().closed_until == at(-1)


@pytest.mark.usefixtures("ledger_desk")
def test_old_minutes_go_and_their_hours_still_take_late_fills() -> None:
    book(("1", "buy", "0.25", "100", 0))
    cycles(0, 60, 30)
    roll_up(LATER)
    assert drop_old_minutes(LATER, timedelta(days=1)) == 1
    assert drop_old_minutes(LATER, timedelta(days=1)) == 0
    book(("2", "sell", "0.26", "30", 10))
    roll_up(LATER)
    hour = RollupHour.objects.get()
    assert (hour.fills, hour.sold_base, hour.quoting_s) == (2, D(30), D(30))
    assert (RollupMinute.objects.count(), differences()) == (0, [])
    assert Restatement.objects.filter(bucket="day", measure="sold_base").get().after == D(30)


@pytest.mark.usefixtures("ledger_desk")
def test_a_held_lock_ends_the_run_of_the_task_at_once() -> None:
    book(("1", "buy", "0.25", "100", 0))
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                lock_progress("rollups")
                held.set()
                done.wait(30)
        finally:
            connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(10)
        with connection.cursor() as cursor:
            # Whoever waited would fail instead.
            cursor.execute("SET LOCAL lock_timeout = '200ms'")
        roll_up_task()
        assert (roll_up(LATER, waits=False), MinuteChange.objects.count()) == (0, 1)
        with pytest.raises(DatabaseError), transaction.atomic():
            roll_up(LATER)
    finally:
        done.set()
        holder.join(30)
    assert roll_up(LATER, waits=False) == 1


@pytest.mark.usefixtures("ledger_desk")
def test_a_backlog_stops_after_its_time_and_goes_on_at_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("disclosures.transparency.rollups.roll.BATCH", 2)
    book(*[(str(n), "buy", "0.25", "1", n) for n in range(9)])
    # The second batch ends after 5 seconds.
    assert roll_up(LATER, monotonic_s=iter([100.0, 104.9, 105.0]).__next__) == 4
    assert (MinuteChange.objects.count(), RollupProgress.objects.get().closed_until) == (5, None)
    assert roll_up(LATER, monotonic_s=lambda: 0.0) == 5
    assert RollupProgress.objects.get().closed_until == LATER - timedelta(minutes=3)
    assert (RollupHour.objects.get(starts_at=at(-30)).fills, differences()) == (9, [])


@pytest.mark.usefixtures("ledger_desk")
def test_no_more_marks_are_taken_than_asked_for_however_the_planner_joins() -> None:
    book(*[(str(n), "buy", "0.25", "1", n) for n in range(9)])
    with connection.cursor() as cursor:
        for plan in ("hashjoin", "mergejoin", "hashagg", "sort", "material", "bitmapscan", "indexscan"):
            cursor.execute(f"SET LOCAL enable_{plan} = off")
    assert (len(take_changes(4)), MinuteChange.objects.count()) == (4, 5)


@pytest.mark.usefixtures("ledger_desk")
def test_a_recomputation_holds_nothing_new_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("disclosures.transparency.rollups.roll.BATCH", 2)
    book(*[(str(n), "buy", "0.25", "1", n) for n in range(5)])
    roll_up(at(6), monotonic_s=lambda: 0.0)
    RollupMinute.objects.filter(starts_at=at(0)).update(fills=7)
    assert mark_everything() == 5
    book(("5", "sell", "0.25", "1", 20))
    # The new one with the oldest of the old ones, in one batch.
    assert roll_up(at(30), monotonic_s=iter([0.0, 9.0]).__next__) == 2
    assert RollupProgress.objects.get().closed_until == at(27)
    assert set(MinuteChange.objects.values_list("source", flat=True)) == {"recompute"}
    told = Restatement.objects.filter(bucket="minute", measure="fills").get()
    assert (told.before, told.after, told.causes, MinuteChange.objects.count()) == (D(7), D(1), "recompute", 4)
    roll_up(at(30), monotonic_s=lambda: 0.0)
    assert (MinuteChange.objects.count(), differences()) == (0, [])


# (minute, side, size, price); when each arrives, and after which arrivals the sums are made or die half-way.
late_fills = st.lists(
    st.tuples(
        st.integers(-90, 120), st.sampled_from(["buy", "sell"]), st.integers(1, 999), st.integers(200_000, 400_000)
    ),
    min_size=1,
    max_size=8,
)


class Dies(Exception):
    """A process that ends before its commit."""


@pytest.mark.usefixtures("ledger_desk")
@examples(8)
@given(
    late_fills, st.randoms(use_true_random=False), st.sets(st.integers(0, 8), max_size=4), st.sets(st.integers(0, 8))
)
def test_any_order_of_late_fills_counts_and_restarts_equals_the_sum(
    drawn: list[tuple[int, str, int, int]], random: object, runs: set[int], deaths: set[int]
) -> None:
    with pytest.raises(Dies), transaction.atomic():
        order = list(enumerate(drawn))
        random.shuffle(order)
        for place, (number, (minute, side, size, price)) in enumerate(order):
            book((str(number), side, str(D(price).scaleb(-6)), str(size), minute), fee=D("0.01"))
            cycles(minute, 60, 30)
            if place in deaths:
                with pytest.raises(Dies), transaction.atomic():
                    roll_up(LATER)
                    raise Dies
            if place in runs:
                roll_up(LATER)
        roll_up(LATER)
        hours: dict[datetime, list[D]] = defaultdict(lambda: [D(0)] * 4)
        for minute, side, size, price in drawn:
            sums = hours[at(minute).replace(minute=0)]
            sign = 1 if side == "buy" else -1
            sums[0] += 1
            sums[1] += sign * size
            sums[2] -= sign * size * D(price).scaleb(-6) + sign * sign * D("0.01")
            sums[3] += 60
        rows = RollupHour.objects.values_list("starts_at", "fills", "base_change", "cash_flow_quote", "cycles")
        assert {row[0]: list(row[1:]) for row in rows} == dict(hours)
        assert (differences(), MinuteChange.objects.count()) == ([], 0)
        raise Dies


def test_two_at_once_sum_up_once(committed_ledger_desk: None) -> None:
    """Both find marks of the same minutes, while fills of those minutes go on coming."""
    barrier = threading.Barrier(3)
    problems: list[Exception] = []

    def run(work: object) -> None:
        try:
            barrier.wait(10)
            for _ in range(6):
                work()
        except Exception as problem:
            problems.append(problem)
        finally:
            connections.close_all()

    numbers = iter(range(1000))

    def come() -> None:
        book(*[(str(next(numbers)), "buy", "0.25", "1", n % 3) for n in range(5)])

    threads = [
        threading.Thread(target=run, args=(work,)) for work in (come, lambda: roll_up(LATER), lambda: roll_up(LATER))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []
    roll_up(LATER)
    assert (Fill.objects.count(), RollupHour.objects.get().fills) == (30, 30)
    assert sorted(RollupMinute.objects.values_list("fills", flat=True)) == [6, 12, 12]
    assert differences() == []


@pytest.mark.usefixtures("ledger_desk")
def test_the_command_recomputes_and_tells_what_differs() -> None:
    book(("1", "buy", "0.25", "100", 0))
    MarketMinute.objects.create(market=Market.objects.get(slug="dct-usdt-dex"), minute=at(1), cycles=60, two_sided=60)
    told = StringIO()
    call_command("rollups", "--compare", stdout=told)
    assert told.getvalue() == "2 minutes summed up\nevery figure is what its sources say\n"
    RollupHour.objects.update(sold_base=5)
    with pytest.raises(CommandError, match="2 figures differ"):
        call_command("rollups", "--compare", stdout=told)
    assert "hour 2026-03-04T18:00Z, sold_base: 5" in told.getvalue()
    call_command("rollups", "--recompute", "--compare", stdout=told)
    assert told.getvalue().endswith("every figure is what its sources say\n")
