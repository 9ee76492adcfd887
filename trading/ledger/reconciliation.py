"""Comparing an account's ledger with its venue, at a watermark read from the venue first, repairing what its history explains.

What is in flight is given time: a difference counts only when it stood for `STANDING_S` without a break up to the end of a look.
What the venue's history explains is then repaired (`trading.ledger.repair`), and a second look, reading both sides anew, decides:
what stood in both and nothing explains (`trading.ledger.judgement`) is reported, alarmed and closes (REDUCING).

A comparison reads what came since an equal one of at least `WINDOW` ago, whatever the account's age; the whole history is read
at first, on demand, once a day, and where a window leaves something over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import structlog
from django.db import close_old_connections

from trading.clock import Clock, to_datetime
from trading.hot_state.connection import HotStateUnavailable
from trading.hot_state.market import push_poll_request_sync
from trading.ledger.comparison import Difference, compare, compare_markets, notes
from trading.ledger.in_flight import fees_not_told
from trading.ledger.judgement import Evidence, is_serious, needs_second_look, unexplained
from trading.ledger.own_books import OwnBooks, Since, read_own_books
from trading.ledger.repair import Repairs, repair
from trading.ledger.reports import AccountReport, long_standing, store_report, told_last, window_start
from trading.ledger.venue_books import VenueBooks, Watermark, new_books, read_on
from trading.venues.interface import Venue

log = structlog.get_logger(__name__)
T = TypeVar("T")

LEDGER_MAY_TAKE_S = 5.0
CONFIRMED_AFTER_S = 3.0
STANDING_S = 1.0
LOOK_AGAIN_S = 0.25
MOST_LOOKS = 5
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Look:
    """Both sides as last read, and the differences that stood up to then."""

    venue: VenueBooks
    own: OwnBooks
    found: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class _Findings:
    """What the looks of one comparison add up to."""

    last: _Look
    unexplained: tuple[Difference, ...]
    mended: list[Difference]


class Reconciler:
    """Compares accounts; `database` runs blocking functions (one thread, one connection), `clock` tells the time."""

    def __init__(self, clock: Clock, database: Executor) -> None:
        self._clock, self._database = clock, database

    async def reconcile_account(self, venue: Venue, account: str, trigger: str, *, full: bool = True) -> AccountReport:
        """Compare, repair, write the report with its event, and impose REDUCING for what nothing explains.

        `full` compares the whole history, otherwise what came since an equal reading of a while ago; positions and balances are
        always compared whole. Raises what the venue raises on reading.
        """
        began_s = self._clock.monotonic_s()
        start = Watermark() if full else await self._run(partial(window_start, account, self._now()))
        found = await self._look_and_repair(venue, account, start)
        last = found.last
        report = AccountReport(
            account=account,
            equal=not last.found,
            markets=compare_markets(last.venue, last.own),
            differences=last.found,
            unexplained=found.unexplained,
            watermark=Watermark(last.venue.cursor, last.venue.transfers_cursor),
            duration_ms=(self._clock.monotonic_s() - began_s) * 1e3,
            notes=tuple(notes(last.venue, last.own)),
            repaired=tuple(found.mended),
        )
        await self._run(partial(store_report, report, trigger, self._now()))
        return report

    async def _look_and_repair(self, venue: Venue, account: str, start: Watermark) -> _Findings:
        """Look until both agree, or until a look after the first one repaired nothing more."""
        look = before = await self._look(venue, account, start, LEDGER_MAY_TAKE_S)
        mended: list[Difference] = []
        for number in range(1, MOST_LOOKS):
            if not look.found:
                break
            repairs = await self._run(partial(repair, account, look.found, look.venue, self._now()))
            mended.extend(repairs.mended)
            is_last = number > 1 or not needs_second_look(look.found)
            if is_last and not repairs.mended:
                return _Findings(look, tuple(await self._judge(account, look, before, repairs)), mended)
            before = look
            start = await self._run(partial(_next_start, account, look))
            look = await self._look(venue, account, start, CONFIRMED_AFTER_S)
        # Either both agree, or so much was booked that the next comparison goes on with it.
        return _Findings(look, (), mended)

    async def _look(self, venue: Venue, account: str, start: Watermark, patience_s: float) -> _Look:
        books = new_books(start)
        deadline_s = self._clock.monotonic_s() + patience_s
        standing: dict[tuple[str, str, str], float] = {}
        is_asked = False
        while True:
            await read_on(venue, books)
            own = await self._run(partial(read_own_books, account, _since(books)))
            found = compare(books, own)
            now_s = self._clock.monotonic_s()
            standing = {each.key: standing.get(each.key, now_s) for each in found}
            if not found:
                return _Look(books, own)
            if now_s >= deadline_s:
                return _Look(books, own, tuple(each for each in found if now_s - standing[each.key] >= STANDING_S))
            if not is_asked:
                await self._run(partial(_ask_for_history, account))
                is_asked = True
            await asyncio.sleep(LOOK_AGAIN_S)

    async def _judge(self, account: str, look: _Look, before: _Look, repairs: Repairs) -> list[Difference]:
        now = self._now()
        evidence = Evidence(
            before={each.key for each in before.found},
            refused={each.identity for each in repairs.refused},
            long_standing=await self._run(partial(long_standing, account, now)),
            fees_not_told=fees_not_told(look.venue, look.own, now),
            base_of={market.slug: market.base for market in look.own.markets},
        )
        return unexplained(look.found, evidence, now)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._database, _fresh, work)

    def _now(self) -> datetime:
        return to_datetime(self._clock.now_ns())


def _fresh(work: Callable[[], T]) -> T:
    close_old_connections()
    return work()


def _since(books: VenueBooks) -> Since:
    """Start of the window on the ledger's side: the earliest entry read; nothing for a window without entries."""
    return Since(
        None if books.start.fills == "" else _earliest(fill.venue_ns for fill in books.fills),
        None if books.start.transfers == "" else _earliest(transfer.venue_ns for transfer in books.transfers),
    )


def _earliest(times_ns: Iterable[int]) -> datetime:
    earliest = min(times_ns, default=None)
    return NEVER if earliest is None else to_datetime(earliest)


def _next_start(account: str, look: _Look) -> Watermark:
    """Where the next look reads from: the beginning, where a window left over what its own entries do not account for. Not again
    where the previous report told the same: then the whole history has been read for it."""
    if look.venue.start == Watermark():
        return look.venue.start
    serious = {each.identity for each in look.found if is_serious(each)}
    return Watermark() if serious - told_last(account) else look.venue.start


def _ask_for_history(account: str) -> None:
    try:
        push_poll_request_sync(account, "reconciliation")
    except HotStateUnavailable as problem:
        log.warning("history_poll_not_requested", account=account, problem=type(problem).__name__)
