"""Reconciling every account of the desk: opens each venue, compares, closes. An account that can't be read stops no other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import structlog
from django.db import connection

from trading.clock import Clock
from trading.ledger.reconciliation import Reconciler
from trading.ledger.reports import AccountReport
from trading.ledger.venue_books import HistoryStandsStill, patiently
from trading.registry.selectors import MarketRef, active_markets, known_markets
from trading.venues.credentials import MissingCredential
from trading.venues.factory import UnknownAdapter, open_venue
from trading.venues.interface import Venue, VenueError

log = structlog.get_logger(__name__)

OPEN_TIMEOUT_S = 15.0
ACCOUNT_TIMEOUT_S = 120.0
WHOLE_TIMEOUT_S = 600.0
CLOSE_TIMEOUT_S = 5.0
OpenVenue = Callable[[Sequence[MarketRef], str, Clock], Venue]


@dataclass(frozen=True, slots=True)
class Unread:
    """An account that could not be compared, and why (readable; never a credential)."""

    account: str
    problem: str


def reconcile_all(
    trigger: str, clock: Clock, *, full: bool = True, only: str = "", open_one: OpenVenue | None = None
) -> tuple[list[AccountReport], list[Unread]]:
    """Compare every account with an active market (or `only` one), side by side."""
    refs = [ref for ref in active_markets() if only in ("", ref.account)]
    return asyncio.run(_reconcile_all(refs, trigger, clock, full, open_one or with_known_markets()))


def with_known_markets() -> OpenVenue:
    """Opens venues that know the markets switched off too: what is left on them has a name, and positions are asked for."""
    active = {ref.id for ref in active_markets()}
    return partial(open_venue, known=[ref for ref in known_markets() if ref.id not in active])


async def _reconcile_all(
    refs: list[MarketRef], trigger: str, clock: Clock, full: bool, open_one: OpenVenue
) -> tuple[list[AccountReport], list[Unread]]:
    accounts = sorted({ref.account for ref in refs})
    database = ThreadPoolExecutor(1, thread_name_prefix="reconcile-db")
    try:
        work = [
            _one(refs, account, trigger, clock, full, open_one, Reconciler(clock, database)) for account in accounts
        ]
        outcomes = await asyncio.gather(*work)
    finally:
        database.submit(connection.close)
        database.shutdown(wait=True)
    reports = [outcome for outcome in outcomes if isinstance(outcome, AccountReport)]
    return reports, [outcome for outcome in outcomes if isinstance(outcome, Unread)]


async def _one(
    refs: list[MarketRef],
    account: str,
    trigger: str,
    clock: Clock,
    full: bool,
    open_one: OpenVenue,
    reconciler: Reconciler,
) -> AccountReport | Unread:
    try:
        venue = open_one(refs, account, clock)
    except (UnknownAdapter, MissingCredential) as problem:
        return Unread(account, str(problem))
    try:
        async with asyncio.timeout(WHOLE_TIMEOUT_S if full else ACCOUNT_TIMEOUT_S):
            await asyncio.wait_for(patiently(venue.open), OPEN_TIMEOUT_S)
            return await reconciler.reconcile_account(venue, account, trigger, full=full)
    except (VenueError, HistoryStandsStill, TimeoutError, OSError) as problem:
        log.error("account_not_reconciled", account=account, problem=f"{type(problem).__name__}: {problem}"[:300])
        return Unread(account, f"{type(problem).__name__}: {problem}"[:300])
    finally:
        await _close(venue)


async def _close(venue: Venue) -> None:
    try:
        await asyncio.wait_for(venue.close(), CLOSE_TIMEOUT_S)
    except (VenueError, TimeoutError, OSError) as problem:
        log.warning("venue_not_closed", problem=type(problem).__name__)
