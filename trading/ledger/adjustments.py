"""Booking what reconciliation could not explain: two people, an operator and an approver, put the ledger right by an adjustment.

Only by exactly the amount that the account's latest report left unexplained, so that nobody can invent money: what the venue
holds is the measure. The lock that the difference imposed stands until two people lift it. One transaction: receipt, position,
balance, movement, event.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from trading.controls.commands import (
    Actor,
    ControlRefused,
    done_before,
    fingerprint,
    require_approver,
    require_key,
    require_operator,
    require_reason,
    write_receipt,
)
from trading.events.services import plain_decimal, record
from trading.hot_state.connection import HotStateUnavailable, sync_client
from trading.hot_state.inbox import commit_position
from trading.hot_state.values import HotPosition
from trading.ledger.arithmetic import apply_transfer_in_kind
from trading.ledger.desk import LedgerMarket, read_desk
from trading.ledger.page import OpenPosition
from trading.ledger.references import References
from trading.ledger.services import open_positions, write_balances, write_positions
from trading.locks import lock_command
from trading.models import CashMovement, ReconciliationReport, VenueAccount

log = structlog.get_logger(__name__)
REPORT_MAX_AGE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class AdjustmentResult:
    """What was booked; `key` is the movement's."""

    account: str
    asset: str
    amount: str
    key: str
    repeated: bool = False


def adjust(
    account: str,
    asset: str,
    amount: Decimal,
    *,
    operator: Actor,
    approver: Actor,
    reason: str,
    idempotency_key: str,
    now: datetime,
) -> AdjustmentResult:
    """Add `amount` (signed) of `asset` to the ledger's balance of `account`; a base asset enters its market's position at the
    reference price of now. Raises `ControlRefused`, which changed nothing."""
    require_operator(operator)
    require_approver(approver)
    if operator.id == approver.id:
        raise ControlRefused("same_person", _("Two people are needed: you cannot confirm your own adjustment."))
    text = require_reason(reason)
    require_key(idempotency_key)
    words = plain_decimal(amount)
    command_hash = fingerprint("adjust", account, asset, words, operator.id, approver.id)
    with transaction.atomic():
        lock_command(idempotency_key)
        # One adjustment of an account at a time: two must not both find the same difference unexplained.
        lock_command(f"adjust|{account}")
        if (done := done_before(idempotency_key, command_hash)) is not None:
            return AdjustmentResult(**done, repeated=True)
        row = None if "\x00" in account else VenueAccount.objects.filter(slug=account).first()
        if row is None:
            raise ControlRefused("unknown_account", _("There is no such account."))
        report = _refuse_unless_unexplained(row, asset, amount, now)
        key = f"adjust|{report.pk}|{asset}"
        hot = _book(row, asset, amount, key, now)
        payload: dict[str, Any] = {
            "account": account, "asset": asset, "amount": amount, "key": key, "report": report.pk, "reason": text,
            "operator": operator.name, "approver": approver.name, "approver_id": approver.id,
        }  # fmt: skip
        record(f"account:{account}", "adjustment.booked", payload, actor_id=operator.id, actor_name=operator.name,
               occurred_at=now)  # fmt: skip
        done = {"account": account, "asset": asset, "amount": words, "key": key}
        write_receipt(idempotency_key, "ledger.adjust", command_hash, done, operator, now)
    _publish(hot)
    return AdjustmentResult(**done)


def _refuse_unless_unexplained(
    account: VenueAccount, asset: str, amount: Decimal, now: datetime
) -> ReconciliationReport:
    report = ReconciliationReport.objects.filter(account=account).order_by("-at", "-id").first()
    if report is None or now - report.at > REPORT_MAX_AGE:
        raise ControlRefused("no_report", _("Compare the account with its venue first: manage.py reconcile."))
    left = [
        each["rest"]
        for each in report.differences
        if (each.get("kind"), each.get("subject"), each.get("unexplained")) == ("balance_differs", asset, True)
    ]
    if not left or not amount or Decimal(left[0] or "0") != amount:
        raise ControlRefused(
            "not_unexplained",
            _("The latest comparison leaves %(rest)s %(asset)s unexplained: only that can be adjusted.")
            % {"rest": left[0] if left else "0", "asset": asset},
        )
    key = f"adjust|{report.pk}|{asset}"
    if CashMovement.objects.filter(
        account=account, asset_id=asset, kind=CashMovement.Kind.ADJUSTMENT, key=key
    ).exists():
        raise ControlRefused("already_adjusted", _("This difference was adjusted already: compare again."))
    return report


def _book(account: VenueAccount, asset: str, amount: Decimal, key: str, now: datetime) -> tuple[HotPosition, ...]:
    desk = read_desk()
    market = desk.market_holding(account.pk, asset)
    rate = References(now).rate(desk, asset, market.quote) if market is not None else Decimal(1)
    if rate is None:
        raise ControlRefused("no_rate", _("There is no reference price for %(asset)s now: wait.") % {"asset": asset})
    positions = {} if market is None else open_positions({market.id}, desk, now)
    seq = _enter(positions, market, amount, rate)
    write_positions(positions.values(), now)
    write_balances({(account.pk, asset): amount})
    CashMovement.objects.create(
        account=account, asset_id=asset, market_id=None if market is None else market.id,
        kind=CashMovement.Kind.ADJUSTMENT, key=key, amount=amount, rate=rate, ledger_seq=seq, executed_at=now, booked_at=now,
    )  # fmt: skip
    return tuple(position.hot() for position in positions.values())


def _enter(positions: dict[int, OpenPosition], market: LedgerMarket | None, amount: Decimal, rate: Decimal) -> int:
    if market is None:
        return 0
    position = positions[market.id]
    return position.take(apply_transfer_in_kind(position.state, amount, rate))


def _publish(positions: tuple[HotPosition, ...]) -> None:
    """The ledger publishes every few seconds anyway."""
    try:
        for position in positions:
            commit_position(sync_client(), position, ())
    except HotStateUnavailable as problem:
        log.warning("adjustment_not_published", problem=type(problem).__name__)
