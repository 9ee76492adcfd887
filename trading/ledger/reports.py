"""What a comparison found, kept: its report, its event, its locks, and what earlier reports said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction

from trading import metrics
from trading.events.services import plain, record
from trading.hot_state.connection import HotStateUnavailable
from trading.hot_state.reconciled import mark_reconciled
from trading.ledger.comparison import Difference, MarketComparison, listed
from trading.ledger.judgement import ORDER_STANDS
from trading.ledger.quarantine import impose_reducing
from trading.ledger.venue_books import Watermark
from trading.models import ReconciliationReport, VenueAccount, VenueCursor

log = structlog.get_logger(__name__)
WINDOW = timedelta(minutes=10)
LOCK_RULE = "reconciliation"


@dataclass(frozen=True, slots=True)
class AccountReport:
    """The outcome for one account. `unexplained`: what imposed, or would keep, REDUCING; `notes` change nothing; `repaired` was
    booked on the way."""

    account: str
    equal: bool
    markets: tuple[MarketComparison, ...]
    differences: tuple[Difference, ...]
    unexplained: tuple[Difference, ...]
    watermark: Watermark
    duration_ms: float
    notes: tuple[Difference, ...] = ()
    repaired: tuple[Difference, ...] = ()


def window_start(account: str, now: datetime) -> Watermark:
    """Watermark of the latest equal report that is old enough; the beginning where there is none."""
    reports = ReconciliationReport.objects.filter(account__slug=account, equal=True, at__lte=now - WINDOW)
    row = reports.order_by("-at").values_list("watermark", "transfers_watermark").first()
    if row is None:
        return Watermark()
    # Of funding, where the ledger's own reading stands, which lags: what came after it and more is compared.
    cursors = VenueCursor.objects.filter(account__slug=account, channel="funding")
    fills, transfers = row
    return Watermark(fills, transfers, cursors.values_list("cursor", flat=True).first() or "")


def told_last(account: str) -> set[tuple[str, str]]:
    """Identities of the differences that the previous report told."""
    previous = ReconciliationReport.objects.filter(account__slug=account).order_by("-at", "-id").first()
    return set() if previous is None else _identities(previous)


def long_standing(account: str, now: datetime) -> set[tuple[str, str]]:
    """Identities that every report told, back to one of at least `ORDER_STANDS` ago."""
    reports = ReconciliationReport.objects.filter(account__slug=account, at__gte=now - WINDOW).order_by("-at", "-id")
    standing: set[tuple[str, str]] | None = None
    for report in reports:
        standing = _identities(report) if standing is None else standing & _identities(report)
        if not standing or report.at <= now - ORDER_STANDS:
            return standing
    return set()


def _identities(report: ReconciliationReport) -> set[tuple[str, str]]:
    return {(each.get("kind", ""), each.get("subject", "")) for each in report.differences}


def store_report(report: AccountReport, trigger: str, now: datetime) -> None:
    """The report's row and event in one transaction; then the locks."""
    account = VenueAccount.objects.get(slug=report.account)
    with transaction.atomic():
        ReconciliationReport.objects.create(
            account=account,
            at=now,
            trigger=trigger[:16],
            equal=report.equal,
            differences=plain([*_judged(report), *_listed(report.notes)]),
            watermark=report.watermark.fills[:120],
            transfers_watermark=report.watermark.transfers[:120],
            duration_ms=report.duration_ms,
        )
        record(f"account:{report.account}", _event_type(report), _payload(report, trigger), occurred_at=now)
    for scope, reasons in _scopes(report).items():
        impose_reducing(scope, LOCK_RULE, reasons, now)
    _mark(report.account)
    metrics.RECONCILIATION_DIFFERENCES.labels(report.account).set(len(report.differences))
    metrics.RECONCILIATION_SECONDS.labels(report.account).observe(report.duration_ms / 1e3)
    if report.unexplained:
        log.error("reconciliation_differs", account=report.account, report=readable(report))
    elif report.differences:
        log.warning("reconciliation_late", account=report.account, report=readable(report))


def _judged(report: AccountReport) -> list[dict[str, Any]]:
    return [asdict(each) | {"unexplained": each in report.unexplained} for each in listed(report.differences)]


def _listed(differences: Iterable[Difference]) -> list[dict[str, Any]]:
    return [asdict(each) for each in listed(differences)]


def _mark(account: str) -> None:
    """What the comparison found is in the controls now: from here on they decide, not the start."""
    try:
        mark_reconciled(account)
    except HotStateUnavailable as problem:
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
        "differences": [each.message for each in listed(report.differences)],
        "notes": [each.message for each in report.notes],
        "repaired": [each.message for each in listed(report.repaired)],
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
    lines += [f"- Repaired: {each.message}." for each in listed(report.repaired)]
    lines += [f"- {each.message}." for each in listed(report.differences)]
    return "\n".join(lines + [f"- Note: {each.message}." for each in report.notes])


def as_report(reports: list[AccountReport], unread: list[tuple[str, str]]) -> dict[str, Any]:
    """All accounts in the shape that other programs rely on. An account that could not be read is a difference."""
    markets = [asdict(market) for report in reports for market in report.markets]
    differences = [{"account": report.account, **each} for report in reports for each in _judged(report)]
    for account, problem in unread:
        text = f"{account} could not be compared: {problem}"
        differences.append({"account": account, **asdict(Difference("not_compared", account, text))})
    told = [{"account": report.account, **each} for report in reports for each in _listed(report.notes)]
    equal = bool(reports) and not unread and all(report.equal for report in reports)
    mended = [{"account": report.account, **each} for report in reports for each in _listed(report.repaired)]
    result: dict[str, Any] = plain(
        {"equal": equal, "markets": markets, "differences": differences, "notes": told, "repaired": mended}
    )
    return result
