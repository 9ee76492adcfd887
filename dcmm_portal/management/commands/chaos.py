"""`manage.py chaos`: disturb a private copy of the whole system and compare it with its venues' own books."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from dcmm_portal.chaos.private_system import NotReady
from dcmm_portal.chaos.run import run, wanted_from


class Command(BaseCommand):
    help = (
        "Starts a private copy of the whole system on its own ports and DATA_DIR, kills and stops its processes and lets its "
        "venues fail on a plan drawn from --seed, then compares. Exit status 0 only if nothing is wrong and the run counts."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        length = parser.add_mutually_exclusive_group()
        length.add_argument("--kills", type=int, help="how many SIGKILLs (50)")
        length.add_argument("--minutes", type=float, help="how long to disturb, instead of --kills")
        parser.add_argument("--seed", type=int, default=1, help="the plan's seed (1)")
        parser.add_argument("--json", action="store_true", help="one JSON object, progress on standard error")
        parser.add_argument("--busy", action="store_true", help="keep two cores busy meanwhile")
        parser.add_argument("--keep", action="store_true", help="keep the copy's DATA_DIR")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["kills"] is not None and not 1 <= options["kills"] <= 1000:
            raise CommandError("--kills must be between 1 and 1000")
        if options["minutes"] is not None and not 0.5 <= options["minutes"] <= 600:
            raise CommandError("--minutes must be between 0.5 and 600")
        wanted = wanted_from(
            options["kills"], options["minutes"], options["seed"], busy=options["busy"], keep=options["keep"]
        )
        try:
            result = run(wanted, lambda line: print(line, file=sys.stderr, flush=True))
        except NotReady as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(json.dumps(result, indent=2) if options["json"] else _text(result))
        if not (result["clean"] and result["counts"]):
            sys.exit(1)


def _text(result: dict[str, Any]) -> str:
    lines = [f"{name:>22}  {value}" for name, value in result.items() if not isinstance(value, dict | list)]
    return "\n".join([*lines, *(f"  - {reason}" for reason in result["reasons"])])
