"""`manage.py adjust`: book what reconciliation left unexplained, with two people present."""

from __future__ import annotations

import uuid
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading.clock import SystemClock, to_datetime
from trading.controls.commands import ControlRefused
from trading.ledger.adjustments import adjust
from trading.management.signing_in import signed_in


class Command(BaseCommand):
    help = (
        "Adds AMOUNT (signed) of ASSET to the ledger's balance of ACCOUNT, exactly what the latest comparison left unexplained. "
        "An operator (--as) and an approver (--confirmed-by), two users of the portal, each give their password and a "
        "fresh code: password and code of the first, then of the second, one a line."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account")
        parser.add_argument("asset")
        parser.add_argument(
            "amount", help="as the report states it; negative where the venue holds less than the ledger"
        )
        parser.add_argument("--as", dest="operator", required=True)
        parser.add_argument("--confirmed-by", dest="approver", required=True)
        parser.add_argument("--reason", required=True)
        parser.add_argument("--key", default="", help="idempotency key: the same key never acts twice")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            amount = Decimal(options["amount"])
        except InvalidOperation:
            raise CommandError("The amount is not a number.") from None
        if not amount.is_finite():
            raise CommandError("The amount is not a number.")
        try:
            done = adjust(
                options["account"],
                options["asset"],
                amount,
                operator=signed_in(options["operator"]),
                approver=signed_in(options["approver"]),
                reason=options["reason"],
                idempotency_key=options["key"] or f"shell-{uuid.uuid4()}",
                now=to_datetime(SystemClock().now_ns()),
            )
        except ControlRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(
            f"{done.account}: {done.amount} {done.asset} booked as {done.key}; compare again: manage.py reconcile"
        )
