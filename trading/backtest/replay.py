"""The replay of a recorded window under two sets of parameters: the cycle's own `decide`, cycle by cycle. Pure.

The recording is not changed by what is replayed over it: position, balances, resting orders and stored states stay those of the
day. What fills the other quotes would have brought is not part of it; how many prints came as far as a quote is.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from trading.backtest.engine import Figures, PreviewResult, QuotingFigures, SideFigures, WindowFacts
from trading.backtest.figures import BPS_PLACES, SIZE_PLACES, counts, figures, fixed, plain, share
from trading.backtest.recorded import RecordedPrint, RecordedWindow
from trading.backtest.reparametrise import NotReplayable, not_replayed, with_values
from trading.clock import to_datetime
from trading.quoting.decide import decide
from trading.quoting.plan import CycleInputs, CyclePlan
from trading.risk.side import Side
from trading.strategy.quote import spread_and_skew_bps
from trading.strategy.quote_types import QuoteReason, SideQuote

ENGINE = "window_replay/1"
# A quote stands until the next replayed cycle, but no longer than this many slots: there was no cycle to keep it.
HELD_SLOTS = 2
# Reasons of a side that are a state's doing: the plan names what imposed the state.
_OF_THE_STATE = frozenset({QuoteReason.STATE_FORBIDS, QuoteReason.ONLY_REDUCING})
Check = Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Replayed:
    """One cycle computed again. `reference` None where it had no numbers; the quote stands from `from_ns` to before `to_ns`."""

    from_ns: int
    to_ns: int
    reference: float | None
    plan: CyclePlan

    def side(self, side: Side) -> SideQuote | None:
        return self.plan.bid if side is Side.BUY else self.plan.ask

    def price(self, side: Side) -> Decimal | None:
        quoted = self.side(side)
        return None if quoted is None or quoted.reason is not None else quoted.price


def replay_window(
    window: RecordedWindow, before: Mapping[str, Decimal], after: Mapping[str, Decimal], check: Check
) -> PreviewResult:
    """Both sets over the window; the same arguments give the same result, byte for byte. `check` may raise."""
    usable = tuple(cycle for cycle in window.cycles if _is_replayable(cycle, before))
    skipped = len(window.cycles) - len(usable)
    sets = [_figures(_replayed(window, usable, values, check), window.prints) for values in (before, after)]
    return PreviewResult(
        engine=ENGINE,
        market=window.market,
        window=_facts(window, len(usable), window.unreadable + skipped),
        before=sets[0] if usable else None,
        after=sets[1] if usable else None,
        not_replayed=not_replayed(before, after),
        caveats=_caveats(window, usable, before, after),
        mark=_mark(window.cycles),
    )


def _is_replayable(cycle: CycleInputs, values: Mapping[str, Decimal]) -> bool:
    try:
        with_values(cycle, values)
    except NotReplayable:
        return False
    return True


def _replayed(
    window: RecordedWindow, cycles: Sequence[CycleInputs], values: Mapping[str, Decimal], check: Check
) -> list[_Replayed]:
    found = []
    for index, recorded in enumerate(cycles):
        check()
        inputs = with_values(recorded, values)
        held_until = recorded.at_ns + HELD_SLOTS * window.slot_ns
        next_ns = cycles[index + 1].at_ns if index + 1 < len(cycles) else window.last_ns + 1
        reference = None if recorded.quote is None else recorded.quote.reference.price
        found.append(_Replayed(recorded.at_ns, min(next_ns, held_until), reference, decide(inputs)))
    return found


def _figures(cycles: list[_Replayed], prints: Sequence[RecordedPrint] | None) -> QuotingFigures:
    sides = [sum(one.price(side) is not None for side in Side) for one in cycles]
    quoting = [one for one, count in zip(cycles, sides, strict=True) if count]
    widths = [
        found
        for one in quoting
        if one.plan.quote is not None
        and one.reference is not None
        and (found := spread_and_skew_bps(one.plan.quote, one.reference)) is not None
    ]
    bounds = [one.plan.quote.spread_bound for one in quoting if one.plan.quote is not None]
    return QuotingFigures(
        both_sides=share(sides.count(2), len(cycles)),
        one_side=share(sides.count(1), len(cycles)),
        no_side=share(sides.count(0), len(cycles)),
        spread_bps=figures([spread for spread, _ in widths], BPS_PLACES),
        quoted_spread_bps=_quoted_spread(cycles),
        skew_bps=figures([skew for _, skew in widths], BPS_PLACES),
        decided_by=counts(bound.value for bound in bounds if bound is not None),
        bid=_side_figures(cycles, Side.BUY, prints),
        ask=_side_figures(cycles, Side.SELL, prints),
    )


def _quoted_spread(cycles: list[_Replayed]) -> Figures:
    both = [
        float(ask - bid) / one.reference * 1e4
        for one in cycles
        if (bid := one.price(Side.BUY)) is not None and (ask := one.price(Side.SELL)) is not None and one.reference
    ]
    return figures(both, BPS_PLACES)


def _side_figures(cycles: list[_Replayed], side: Side, prints: Sequence[RecordedPrint] | None) -> SideFigures:
    quoted = [(one, price) for one in cycles if (price := one.price(side)) is not None]
    sizes = [float(target.size) for one, _ in quoted if (target := one.side(side)) is not None]
    away = [abs(float(price) - one.reference) / one.reference * 1e4 for one, price in quoted if one.reference]
    reached = None if prints is None else _reached(cycles, side, prints)
    return SideFigures(
        share=share(len(quoted), len(cycles)),
        size_base=figures(sizes, SIZE_PLACES),
        distance_bps=figures(away, BPS_PLACES),
        prints_reached=None if reached is None else len(reached),
        base_reached=None if reached is None else plain(sum((one.size for one in reached), Decimal(0))),
        not_quoting=counts(_why_not(one, side) for one in cycles if one.price(side) is None),
    )


def _why_not(cycle: _Replayed, side: Side) -> str:
    target = cycle.side(side)
    if target is None or target.reason is None or target.reason in _OF_THE_STATE:
        return cycle.plan.reason
    return target.reason.value


def _reached(cycles: list[_Replayed], side: Side, prints: Sequence[RecordedPrint]) -> list[RecordedPrint]:
    """Prints at or beyond the side's quote while it stood: of takers who sold for the bid, who bought for the ask."""
    starts = [one.from_ns for one in cycles]
    found = []
    for trade in prints:
        index = bisect.bisect_right(starts, trade.at_ns) - 1
        if index < 0 or trade.at_ns >= cycles[index].to_ns or trade.side is side:
            continue
        price = cycles[index].price(side)
        if price is not None and (trade.price <= price if side is Side.BUY else trade.price >= price):
            found.append(trade)
    return found


def _facts(window: RecordedWindow, replayed: int, unreadable: int) -> WindowFacts:
    return WindowFacts(
        source="decisions" if window.found else "none",
        first_at=to_datetime(window.first_ns).isoformat() if window.found else None,
        last_at=to_datetime(window.last_ns).isoformat() if window.found else None,
        seconds=fixed(window.seconds, 3),
        cycles_recorded=window.found,
        cycles_replayed=replayed,
        cycles_unreadable=unreadable,
        prints_source=window.prints_problem if window.prints is None else "records",
        prints=0 if window.prints is None else len(window.prints),
    )


def _caveats(
    window: RecordedWindow,
    usable: Sequence[CycleInputs],
    before: Mapping[str, Decimal],
    after: Mapping[str, Decimal],
) -> tuple[str, ...]:
    """What a reader has to know of this very comparison."""
    found = []
    if not usable:
        found.append("nothing_recorded")
    if any(cycle.quote is None for cycle in usable):
        found.append("cycles_without_numbers_stay_so")
    if before["q_target_lots"] != after["q_target_lots"]:
        found.append("shared_inventory_as_recorded")
    if window.prints is None:
        found.append("prints_unknown")
    return tuple(found)


def _mark(cycles: Sequence[CycleInputs]) -> str | None:
    """The last reference price that any cycle had."""
    for cycle in reversed(cycles):
        if cycle.quote is not None:
            return plain(Decimal(repr(cycle.quote.reference.price)))
    return None
