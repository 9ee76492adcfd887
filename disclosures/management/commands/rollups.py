"""`manage.py rollups`: sum up what is marked; with `--recompute` everything anew, with `--compare` against the sources."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from disclosures.transparency.rollups.comparing import differences, mark_everything
from disclosures.transparency.rollups.roll import roll_up
from trading.clock import SystemClock, to_datetime

SHOWN = 50


class Command(BaseCommand):
    help = "Sums up markets by minute, hour and day. What changes in a closed bucket is restated, never silently."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--recompute", action="store_true", help="every minute anew from what trading recorded")
        parser.add_argument("--compare", action="store_true", help="tell every figure that its sources do not explain")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["recompute"]:
            self.stdout.write(f"{mark_everything()} minutes to sum up anew")
        total = 0
        while summed := roll_up(to_datetime(SystemClock().now_ns())):
            total += summed
        self.stdout.write(f"{total} minutes summed up")
        if options["compare"]:
            found = differences()
            for each in found[:SHOWN]:
                self.stdout.write(str(each))
            if found:
                raise CommandError(f"{len(found)} figures differ from their sources")
            self.stdout.write("every figure is what its sources say")
