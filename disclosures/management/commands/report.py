"""`manage.py report --kind daily --day 2026-03-04`: make a missing report; with `--compare`, would it be the same now?"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from disclosures.reports.making import NotYet, make_report, recomputed
from disclosures.reports.periods import DAYS, BadPeriod, Period, asked_period
from disclosures.reports.selectors import NoReport, report_of
from trading.clock import SystemClock, to_datetime


class Command(BaseCommand):
    help = "Makes the public report of a day or a week, once. What was made is never changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--kind", choices=list(DAYS), required=True)
        parser.add_argument("--day", required=True, help="YYYY-MM-DD (Maldives); of a week its Sunday")
        parser.add_argument(
            "--compare", action="store_true", help="write nothing: tell whether the bytes would be the same"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            period = asked_period(options["kind"], options["day"])
            if options["compare"]:
                self._compare(period)
                return
            report, is_new = make_report(period, to_datetime(SystemClock().now_ns()))
        except (BadPeriod, NotYet, NoReport) as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(f"{'made' if is_new else 'was there already'}: {period.name} sha256 {report.sha256}")

    def _compare(self, period: Period) -> None:
        report = report_of(period)
        now = recomputed(report)
        if now != report.sha256:
            raise CommandError(
                f"{period.name} differs: published sha256 {report.sha256}, from the figures of now {now}."
                " The report stays; see what was restated on its page."
            )
        self.stdout.write(f"{period.name} is the same: sha256 {now}")
