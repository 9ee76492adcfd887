"""`manage.py sandbox_venue`: runs one sandbox exchange process."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser

from django.core.management.base import BaseCommand

from trading.sandbox.server.app import main
from trading.sandbox.server.settings import add_arguments


class Command(BaseCommand):
    """Parses options, runs the venue, exits with its status."""

    help = "Run a sandbox exchange (docs/sandbox-venue.md)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_arguments(parser)

    def handle(self, *args: object, **options: object) -> None:
        sys.exit(main(options, os.environ))
