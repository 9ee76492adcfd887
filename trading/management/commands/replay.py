"""Recompute a stored decision, or a batch of them, bit for bit."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from trading.quoting.replay import NoSuchDecision, Replayed, replay_batch, replay_decision


class Command(BaseCommand):
    help = "Computes a stored decision again from its stored inputs and compares every value; exit status 1 on any difference."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", nargs="?", type=int, help="id of a decision")
        parser.add_argument("--batch", type=int, help="id of a batch of unchanged cycles instead")
        parser.add_argument("--json", action="store_true", help="machine-readable answer, with inputs and result")

    def handle(self, *args: Any, **options: Any) -> None:
        if (options["id"] is None) == (options["batch"] is None):
            raise CommandError("name one decision, or one batch with --batch")
        try:
            found = replay_batch(options["batch"]) if options["id"] is None else (replay_decision(options["id"]),)
        except NoSuchDecision as problem:
            raise CommandError(str(problem)) from problem
        if options["json"]:
            self.stdout.write(json.dumps([asdict(one) for one in found], indent=2))
        else:
            for one in found:
                self._tell(one)
        if not all(one.equal for one in found):
            raise CommandError("the decision could not be reproduced exactly")

    def _tell(self, one: Replayed) -> None:
        word = "equal, bit for bit" if one.equal else one.problem or "DIFFERENT"
        self.stdout.write(f"{one.cycle_id} ({one.market}, code {one.code_version}): {word}")
        for difference in one.differences:
            self.stdout.write(f"  {difference.path}: stored {difference.stored!r}, now {difference.recomputed!r}")
