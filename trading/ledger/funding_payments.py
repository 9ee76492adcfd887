"""The hourly job "funding payments": every perpetual's booked payments against the venue's whole history.

What is missing here is booked, through the one idempotent path, so once. What differs, or what the venue never paid, is told,
alarmed, and lets the market only reduce.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import redis
import structlog
from django.db import transaction

from trading import metrics
from trading.clock import Clock, to_datetime
from trading.events.services import plain, record
from trading.hot_state.connection import sync_client
from trading.hot_state.inbox import InboxEntry
from trading.hot_state.incoming import AccountMarkets, raw_funding
from trading.hot_state.values import RawFunding
from trading.ledger.comparison import Difference, funding_differences
from trading.ledger.own_books import Since, read_own_books
from trading.ledger.processing import POISON, publish
from trading.ledger.quarantine import impose_reducing
from trading.ledger.reconcile_accounts import CLOSE_TIMEOUT_S, OPEN_TIMEOUT_S, OpenVenue, Unread, with_known_markets
from trading.ledger.reports import LOCK_RULE
from trading.ledger.services import apply_batch
from trading.ledger.venue_books import HistoryStandsStill, VenueBooks, Watermark, new_books, read_funding
from trading.models import FundingReport, VenueAccount
from trading.registry.selectors import MarketRef, account_markets, active_markets
from trading.venues.credentials import MissingCredential
from trading.venues.factory import UnknownAdapter
from trading.venues.interface import VenueError

log = structlog.get_logger(__name__)

ACCOUNT_TIMEOUT_S = 300.0
SOURCE = "reconcile"


@dataclass(frozen=True, slots=True)
class FundingOutcome:
    """One account: how many payments the venue tells, how many were missing here and are booked now, what still differs."""

    account: str
    payments: int
    booked_now: int
    differences: tuple[Difference, ...]


def reconcile_funding(
    clock: Clock, *, only: str = "", open_one: OpenVenue | None = None
) -> tuple[list[FundingOutcome], list[Unread]]:
    """Compare every account that trades a perpetual (or `only` one). An account that can't be read stops no other."""
    refs = [ref for ref in active_markets() if only in ("", ref.account)]
    opener = open_one or with_known_markets()
    outcomes: list[FundingOutcome] = []
    unread: list[Unread] = []
    for account in sorted({ref.account for ref in refs if ref.is_perpetual}):
        began_s = clock.monotonic_s()
        try:
            books = asyncio.run(_read(refs, account, clock, opener))
        except (VenueError, HistoryStandsStill, UnknownAdapter, MissingCredential, TimeoutError, OSError) as problem:
            unread.append(Unread(account, f"{type(problem).__name__}: {problem}"[:300]))
            metrics.FUNDING_UNREAD.labels(account).inc()
            log.error("funding_not_compared", account=account, problem=unread[-1].problem)
            continue
        outcomes.append(_compared(account, books, clock, began_s))
    return outcomes, unread


async def _read(refs: list[MarketRef], account: str, clock: Clock, open_one: OpenVenue) -> VenueBooks:
    venue, books = open_one(refs, account, clock), new_books(Watermark())
    try:
        async with asyncio.timeout(ACCOUNT_TIMEOUT_S):
            await asyncio.wait_for(venue.open(), OPEN_TIMEOUT_S)
            await read_funding(venue, books)
    finally:
        try:
            await asyncio.wait_for(venue.close(), CLOSE_TIMEOUT_S)
        except (VenueError, TimeoutError, OSError) as problem:
            log.warning("venue_not_closed", account=account, problem=type(problem).__name__)
    return books


def _compared(account: str, books: VenueBooks, clock: Clock, began_s: float) -> FundingOutcome:
    """Book what is missing, then compare again and write down what remains."""
    missing = {each.subject for each in _differences(account, books) if each.kind == "funding_missing"}
    booked = _book(account, books, missing, clock) if missing else 0
    outcome = FundingOutcome(account, len(books.funding), booked, tuple(_differences(account, books)))
    _write(outcome, clock, (clock.monotonic_s() - began_s) * 1e3)
    return outcome


def _differences(account: str, books: VenueBooks) -> list[Difference]:
    return list(funding_differences(books, read_own_books(account, Since())))


def _book(account: str, books: VenueBooks, missing: set[str], clock: Clock) -> int:
    """Each payment in a transaction of its own: one that can't be booked keeps no other out."""
    markets = AccountMarkets.of(account_markets(account))
    payments = [each for each in books.funding if f"{each.market}|{each.payment_id}" in missing]
    raw = (raw_funding(each, markets, SOURCE, clock.now_ns()) for each in payments)
    return sum(_book_one(account, each, clock) for each in raw)


def _book_one(account: str, payment: RawFunding, clock: Clock) -> bool:
    try:
        outcome = apply_batch([InboxEntry(f"funding-{payment.payment_id}", payment)], to_datetime(clock.now_ns()))
    except POISON as problem:
        log.error("funding_refused", account=account, payment=payment.payment_id, problem=type(problem).__name__)
        return False
    try:
        publish(sync_client(), outcome)
    except redis.RedisError as error:
        # The ledger publishes every few seconds anyway.
        log.warning("funding_not_published", account=account, problem=type(error).__name__)
    return outcome.counts.get("funding_booked", 0) > 0


def _write(outcome: FundingOutcome, clock: Clock, duration_ms: float) -> None:
    """The report's row and event in one transaction; then the locks."""
    now = to_datetime(clock.now_ns())
    equal = not outcome.differences
    with transaction.atomic():
        FundingReport.objects.create(
            account=VenueAccount.objects.get(slug=outcome.account),
            at=now,
            equal=equal,
            payments=outcome.payments,
            booked_now=outcome.booked_now,
            differences=plain([asdict(each) for each in outcome.differences]),
            duration_ms=duration_ms,
        )
        payload = {"account": outcome.account, "payments": outcome.payments, "booked_now": outcome.booked_now,
                   "differences": [each.message for each in outcome.differences]}  # fmt: skip
        kind = "funding.reconciled" if equal else "funding.unexplained"
        record(f"account:{outcome.account}", kind, payload, occurred_at=now)
    for market, reason in _reasons(outcome.differences):
        impose_reducing(market, LOCK_RULE, reason, now)
    metrics.FUNDING_DIFFERENCES.labels(outcome.account).set(len(outcome.differences))
    metrics.FUNDING_COMPARED_AT.labels(outcome.account).set(now.timestamp())
    if outcome.differences:
        log.error("funding_differs", account=outcome.account, differences=[one.message for one in outcome.differences])


def _reasons(differences: Iterable[Difference]) -> list[tuple[str, str]]:
    reasons: dict[str, list[str]] = {}
    for each in differences:
        reasons.setdefault(each.market, []).append(each.message)
    return [(market, "; ".join(found)[:1000]) for market, found in sorted(reasons.items())]
