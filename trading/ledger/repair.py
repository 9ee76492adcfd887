"""Repairing what reconciliation found: what the venue's history has and the ledger lacks (fills, fees, transfers, funding).

Through the one idempotent path, an entry at a time, each with its event in the same transaction: repaired twice, or by two
at once, is repaired once. Nothing is ever taken out of the ledger, and a contradiction is never overwritten. Orders are settled
by `trading.orders`; what nothing explains is adjusted by two people (`trading.ledger.adjustments`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import structlog
from django.db import transaction

from trading import metrics
from trading.events.services import record
from trading.hot_state.connection import HotStateUnavailable, sync_client
from trading.hot_state.inbox import InboxEntry
from trading.hot_state.incoming import AccountMarkets, raw_fill, raw_funding, raw_transfer
from trading.hot_state.values import RawFill, RawFunding, RawTransfer
from trading.ledger.comparison import Difference
from trading.ledger.processing import POISON, publish
from trading.ledger.quarantine import LOCK_RULE, impose_reducing
from trading.ledger.services import BatchOutcome, apply_batch
from trading.ledger.venue_books import VenueBooks, identity
from trading.registry.selectors import account_markets

log = structlog.get_logger(__name__)
SOURCE = "reconcile"
# What a batch says when it changed something; anything else (a duplicate, one set aside) is no repair.
CHANGED = ("booked", "fee_added", "fee_waits_for_rate", "transfer_booked", "funding_booked")
REPAIRABLE = ("fill_missing", "fee_differs", "transfer_missing", "funding_missing")
Entry = RawFill | RawTransfer | RawFunding
REFUSED = "quarantined"
# Of one look; the next look, or the next comparison, goes on with the rest.
MOST_AT_ONCE = 2_000


class _Outcome(Enum):
    MENDED = "mended"
    DONE_BEFORE = "done_before"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Repairs:
    """What became of the differences that could be repaired; those of neither list were ended by somebody else meanwhile."""

    mended: tuple[Difference, ...] = ()
    refused: tuple[Difference, ...] = ()


def repair_id(account: str, difference: Difference) -> str:
    """The same for the same difference, whoever finds it and however often."""
    return hashlib.sha256("|".join((account, *difference.identity)).encode()).hexdigest()[:24]


def repair(account: str, differences: Iterable[Difference], venue: VenueBooks, now: datetime) -> Repairs:
    """Book what the venue has and the ledger has not. Raises database errors; what was booked before stays booked."""
    wanted = [each for each in differences if each.kind in REPAIRABLE]
    if not wanted:
        return Repairs()
    markets, received_ns = AccountMarkets.of(account_markets(account)), round(now.timestamp() * 1e9)
    fills = {"|".join(identity(fill)): fill for fill in venue.fills}
    transfers = {transfer.transfer_id: transfer for transfer in venue.transfers}
    funding = {f"{payment.market}|{payment.payment_id}": payment for payment in venue.funding}
    found: dict[_Outcome, list[Difference]] = {outcome: [] for outcome in _Outcome}
    for difference in wanted[:MOST_AT_ONCE]:
        value: Entry
        if difference.kind == "transfer_missing":
            value = raw_transfer(transfers[difference.subject], markets, SOURCE, received_ns)
        elif difference.kind == "funding_missing":
            value = raw_funding(funding[difference.subject], markets, SOURCE, received_ns)
        else:
            value = raw_fill(fills[difference.subject], markets, SOURCE, received_ns)
        found[_book(account, difference, value, now)].append(difference)
    return Repairs(tuple(found[_Outcome.MENDED]), tuple(found[_Outcome.REFUSED]))


def _book(account: str, difference: Difference, value: Entry, now: datetime) -> _Outcome:
    try:
        return _try_to_book(account, difference, value, now)
    except POISON:
        pass  # somebody else may have booked the same entry at the same moment: then it is known now
    try:
        return _try_to_book(account, difference, value, now)
    except POISON as problem:
        log.error("repair_refused", account=account, subject=difference.subject, problem=type(problem).__name__)
        return _Outcome.REFUSED


def _try_to_book(account: str, difference: Difference, value: Entry, now: datetime) -> _Outcome:
    name = repair_id(account, difference)
    with transaction.atomic():
        outcome = apply_batch([InboxEntry(f"repair-{name}", value)], now)
        is_changed = any(outcome.counts.get(each) for each in CHANGED)
        if is_changed:
            # On an aggregate that the booking holds already, or takes last: no second place in the order of locks.
            aggregate = f"account:{account}" if isinstance(value, RawTransfer) else f"market:{value.market}"
            payload = {"repair": name, "account": account, "kind": difference.kind, "subject": difference.subject,
                       "message": difference.message}  # fmt: skip
            record(aggregate, "reconciliation.repaired", payload, occurred_at=now)
    _publish(outcome)
    for contradiction in outcome.contradictions:
        impose_reducing(contradiction.scope, LOCK_RULE, contradiction.reason, now)
    if is_changed:
        metrics.RECONCILIATION_REPAIRS.labels(account, difference.kind).inc()
        log.warning("reconciliation_repaired", account=account, kind=difference.kind, subject=difference.subject)
        return _Outcome.MENDED
    return _Outcome.REFUSED if outcome.counts.get(REFUSED) else _Outcome.DONE_BEFORE


def _publish(outcome: BatchOutcome) -> None:
    """The ledger publishes every few seconds anyway: what can't be told now is told then."""
    try:
        publish(sync_client(), outcome)
    except HotStateUnavailable as problem:
        log.warning("repair_not_published", problem=type(problem).__name__)
