"""Bring the database to the present code: migrations, grants and, for the demonstration, its first rows. Owner role."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    help = "Migrates and grants (as the owner role); with --demo also writes the demonstration desk into an empty database."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="markets, parameters and people of the demonstration")

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        if options["demo"]:
            call_command("bootstrap", demo=True)
