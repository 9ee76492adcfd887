"""`manage.py reconcile`: compare the ledger with the venues' own records."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading.clock import SystemClock
from trading.ledger.reconcile_accounts import reconcile_all
from trading.ledger.reports import as_report, readable


class Command(BaseCommand):
    help = "Compare fills, positions, balances and open orders with the venues; exit status 0 only if all agree."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="Print one JSON object.")
        parser.add_argument("--account", default="", help="Only this account.")

    def handle(self, *args: Any, **options: Any) -> None:
        reports, unread = reconcile_all("command", SystemClock(), only=options["account"])
        result = as_report(reports, [(each.account, each.problem) for each in unread])
        if options["as_json"]:
            self.stdout.write(json.dumps(result, indent=2))
        else:
            for report in reports:
                self.stdout.write(readable(report))
            for each in unread:
                self.stdout.write(f"{each.account}: could not be compared: {each.problem}")
        if not result["equal"]:
            raise CommandError("ledger and venue do not agree", returncode=1)
