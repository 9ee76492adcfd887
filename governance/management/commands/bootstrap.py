"""First rows of an empty database, by the owner role."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from governance.access.demo import create_demo_people
from trading.models import Market
from trading.registry.services import declare_demo_desk


class Command(BaseCommand):
    help = "Writes the demonstration's markets, parameters and people into an empty database; does nothing to a filled one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="the demonstration desk on the sandbox venues")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["demo"]:
            raise CommandError("say what to write: --demo is the demonstration desk on the sandbox venues.")
        if settings.DATABASE_ROLE != "owner":
            raise CommandError("bootstrap runs as the owner role: DCMM_DB_ROLE=owner manage.py bootstrap --demo")
        if not Market.objects.exists():
            markets = declare_demo_desk(timezone.now())
            self.stdout.write(f"declared the markets {', '.join(markets)} with their starting parameters")
        people = create_demo_people(settings.DATA_DIRECTORY / "secrets" / "demo-people", timezone.now())
        if people:
            self.stdout.write(f"created the people {', '.join(people)}")
