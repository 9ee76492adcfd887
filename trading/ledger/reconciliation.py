"""Comparing an account's ledger with its venue, at a watermark read from the venue first, and telling what differs.

It compares, reports and closes (REDUCING); it repairs nothing. What is in flight is given time: a difference counts only when it
stood for `STANDING_S` without a break up to the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import redis
import structlog
from django.db import close_old_connections, transaction

from trading import metrics
from trading.clock import Clock, to_datetime
from trading.events.services import plain, record
from trading.hot_state.market import heartbeats, push_poll_request_sync
from trading.hot_state.reconciled import mark_reconciled
from trading.ledger.comparison import Difference, MarketComparison, compare, compare_markets, notes
from trading.ledger.own_books import OwnBooks, read_own_books
from trading.ledger.quarantine import impose_reducing
from trading.ledger.venue_books import VenueBooks, new_books, read_on
from trading.models import ReconciliationReport, VenueAccount, VenueCursor
from trading.venues.interface import Venue

log = structlog.get_logger(__name__)
T = TypeVar("T")

LEDGER_MAY_TAKE_S = 5.0
STANDING_S = 1.0
LOOK_AGAIN_S = 0.25
WINDOW = timedelta(minutes=10)
LOCK_RULE = "reconciliation"
# While one of these is not running, what is missing in the ledger is late, not unexplained.
FEEDERS = ("ledger", "market_data")
FEEDER_SILENT_S = 10.0
# Differences that say nothing about exposure: shown and alarmed, but no reason to stop adding to a position.
HARMLESS = frozenset({"order_missing", "undecided", "fee_differs"})


@dataclass(frozen=True, slots=True)
class AccountReport:
    """The outcome for one account. `unexplained`: what imposed, or would keep, REDUCING; `notes` change nothing."""

    account: str
    equal: bool
    markets: tuple[MarketComparison, ...]
    differences: tuple[Difference, ...]
    unexplained: tuple[Difference, ...]
    watermark: str
    duration_ms: float
    notes: tuple[Difference, ...] = ()


class Reconciler:
    """Compares accounts; `database` runs blocking functions (one thread, one connection), `clock` tells the time."""

    def __init__(self, clock: Clock, database: Executor) -> None:
        self._clock, self._database = clock, database

    async def reconcile_account(self, venue: Venue, account: str, trigger: str, *, full: bool = True) -> AccountReport:
        """Compare, write the report with its event, and impose REDUCING for what nothing explains.

        `full` compares the whole history of fills, otherwise what came since a reading of at least ten minutes ago that was
        equal; positions and balances are always compared whole. Raises what the venue raises on reading.
        """
        began_s = self._clock.monotonic_s()
        start = "" if full else await self._run(partial(_window_start, account, self._now()))
        funding_start = "" if full else await self._run(partial(_funding_start, account))
        venue_books, own_books, differences = await self._read_until_agreed(venue, account, start, funding_start)
        unexplained = await self._run(partial(_unexplained, account, differences, self._clock.now_ns()))
        report = AccountReport(
            account=account,
            equal=not differences,
            markets=compare_markets(venue_books, own_books),
            differences=tuple(differences),
            unexplained=tuple(unexplained),
            watermark=venue_books.cursor,
            duration_ms=(self._clock.monotonic_s() - began_s) * 1e3,
            notes=tuple(notes(venue_books, own_books)),
        )
        await self._run(partial(store_report, report, trigger, self._now()))
        return report

    async def _read_until_agreed(
        self, venue: Venue, account: str, start: str, funding_start: str
    ) -> tuple[VenueBooks, OwnBooks, list[Difference]]:
        books = new_books(start, funding_start)
        deadline_s = self._clock.monotonic_s() + LEDGER_MAY_TAKE_S
        standing: dict[tuple[str, str], float] = {}
        is_asked = False
        while True:
            await read_on(venue, books)
            own = await self._run(partial(read_own_books, account, _since(books)))
            found = compare(books, own)
            now_s = self._clock.monotonic_s()
            standing = {each.identity: standing.get(each.identity, now_s) for each in found}
            if not found:
                return books, own, []
            if now_s >= deadline_s:
                return books, own, [each for each in found if now_s - standing[each.identity] >= STANDING_S]
            if not is_asked:
                await self._run(partial(_ask_for_history, account))
                is_asked = True
            await asyncio.sleep(LOOK_AGAIN_S)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._database, _fresh, work)

    def _now(self) -> datetime:
        return to_datetime(self._clock.now_ns())


def _fresh(work: Callable[[], T]) -> T:
    close_old_connections()
    return work()


def _since(books: VenueBooks) -> datetime | None:
    """Start of the window on the ledger's side: the earliest fill read; nothing for a window without fills."""
    if books.start == "":
        return None
    if not books.fills:
        return datetime(9999, 1, 1, tzinfo=UTC)
    return to_datetime(min(fill.venue_ns for fill in books.fills))


def _window_start(account: str, now: datetime) -> str:
    """Watermark of the latest equal report that is old enough; "" where there is none."""
    reports = ReconciliationReport.objects.filter(account__slug=account, equal=True, at__lte=now - WINDOW)
    return reports.order_by("-at").values_list("watermark", flat=True).first() or ""


def _funding_start(account: str) -> str:
    """Where the ledger's own reading of funding stands, which lags: what came after it and more is compared."""
    cursors = VenueCursor.objects.filter(account__slug=account, channel="funding")
    return cursors.values_list("cursor", flat=True).first() or ""


def _ask_for_history(account: str) -> None:
    try:
        push_poll_request_sync(account, "reconciliation")
    except redis.RedisError as problem:
        log.warning("history_poll_not_requested", account=account, problem=type(problem).__name__)


def _unexplained(account: str, differences: list[Difference], now_ns: int) -> list[Difference]:
    """Those that nothing explains: not harmless, and not just late because a process that brings fills is away.

    What stood in the previous report too is unexplained in any case.
    """
    serious = [each for each in differences if each.kind not in HARMLESS]
    if not serious or _feeders_run(now_ns):
        return serious
    previous = ReconciliationReport.objects.filter(account__slug=account).order_by("-at", "-id").first()
    before = {(each.get("kind"), each.get("subject")) for each in previous.differences} if previous else set()
    return [each for each in serious if each.identity in before]


def _feeders_run(now_ns: int) -> bool:
    try:
        beats = heartbeats()
    except redis.RedisError:
        return False
    return all(now_ns - beats.get(name, 0) <= FEEDER_SILENT_S * 1e9 for name in FEEDERS)


def store_report(report: AccountReport, trigger: str, now: datetime) -> None:
    """The report's row and event in one transaction; then the locks."""
    account = VenueAccount.objects.get(slug=report.account)
    with transaction.atomic():
        ReconciliationReport.objects.create(
            account=account,
            at=now,
            trigger=trigger[:16],
            equal=report.equal,
            differences=[asdict(each) for each in (*report.differences, *report.notes)],
            watermark=report.watermark[:120],
            duration_ms=report.duration_ms,
        )
        record(f"account:{report.account}", _event_type(report), _payload(report, trigger), occurred_at=now)
    for scope, reasons in _scopes(report).items():
        impose_reducing(scope, LOCK_RULE, reasons, now)
    _mark(report.account)
    metrics.RECONCILIATION_DIFFERENCES.labels(report.account).set(len(report.differences))
    metrics.RECONCILIATION_SECONDS.labels(report.account).observe(report.duration_ms / 1e3)
    if report.differences:
        log.error("reconciliation_differs", account=report.account, report=readable(report))


def _mark(account: str) -> None:
    """What the comparison found is in the controls now: from here on they decide, not the start."""
    try:
        mark_reconciled(account)
    except redis.RedisError as problem:
        log.warning("reconciliation_not_marked", account=account, problem=type(problem).__name__)


def _event_type(report: AccountReport) -> str:
    if report.equal:
        return "reconciliation.equal"
    return "reconciliation.unexplained" if report.unexplained else "reconciliation.late"


def _payload(report: AccountReport, trigger: str) -> dict[str, Any]:
    return {
        "account": report.account,
        "trigger": trigger,
        "equal": report.equal,
        "markets": [asdict(market) for market in report.markets],
        "differences": [each.message for each in report.differences],
        "notes": [each.message for each in report.notes],
        "report": readable(report),
    }


def _scopes(report: AccountReport) -> dict[str, str]:
    """Market → why it may only reduce; a difference of the whole account concerns all its markets."""
    mine = [market.slug for market in report.markets]
    reasons: dict[str, list[str]] = {}
    for each in report.unexplained:
        for slug in [each.market] if each.market in mine else mine:
            reasons.setdefault(slug, []).append(each.message)
    return {slug: "; ".join(found)[:1000] for slug, found in reasons.items()}


def readable(report: AccountReport) -> str:
    """The report in sentences."""
    lines = [f"{report.account}: {len(report.differences)} differences between ledger and venue."]
    if report.equal:
        lines = [f"{report.account}: ledger and venue agree."]
    lines += [f"- {each.message}." for each in report.differences]
    return "\n".join(lines + [f"- Note: {each.message}." for each in report.notes])


def as_report(reports: list[AccountReport], unread: list[tuple[str, str]]) -> dict[str, Any]:
    """All accounts in the shape that other programs rely on. An account that could not be read is a difference."""
    markets = [asdict(market) for report in reports for market in report.markets]
    differences = [{"account": report.account, **asdict(each)} for report in reports for each in report.differences]
    for account, problem in unread:
        text = f"{account} could not be compared: {problem}"
        differences.append({"account": account, **asdict(Difference("not_compared", account, text))})
    told = [{"account": report.account, **asdict(each)} for report in reports for each in report.notes]
    equal = bool(reports) and not unread and all(report.equal for report in reports)
    result: dict[str, Any] = plain({"equal": equal, "markets": markets, "differences": differences, "notes": told})
    return result
