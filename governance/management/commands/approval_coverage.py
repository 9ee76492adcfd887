"""Who may write which column, and what proves it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from dcmm_portal.environment import BASE_DIR
from governance.coverage import classification_problems, governed_columns, present_columns
from governance.coverage_proof import Proof, UnreadableAttack, proof_problems, read_attacks, read_proofs

ATTACKS = BASE_DIR / "tests" / "attacks"


class Command(BaseCommand):
    help = (
        "Lists every governed column with its guards and the attacks that try them; --check fails where a column of the portal's "
        "tables is not classed (governance/coverage.py), or a governed one lacks a guard or an attack."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="machine-readable answer")
        parser.add_argument("--check", action="store_true", help="exit status 1 where something is missing")

    def handle(self, *args: Any, **options: Any) -> None:
        present = present_columns()
        problems = classification_problems(present)
        try:
            attacks = read_attacks(ATTACKS, BASE_DIR)
        except UnreadableAttack as problem:
            raise CommandError(str(problem)) from problem
        existing = [column for column in governed_columns() if _is_there(column, present)]
        proofs = read_proofs(existing, attacks)
        if ATTACKS.is_dir():
            problems += proof_problems(proofs, attacks, present)
        if options["json"]:
            self.stdout.write(
                json.dumps({"columns": [asdict(proof) for proof in proofs], "problems": problems}, indent=2)
            )
        else:
            self._tell(proofs, problems)
        if options["check"] and problems:
            raise CommandError(f"{len(problems)} columns or attacks are not in order")

    def _tell(self, proofs: tuple[Proof, ...], problems: list[str]) -> None:
        for proof in proofs:
            guards = "; ".join([*proof.guards, *(f"NO GUARD OF {event}" for event in proof.unguarded)])
            attacks = f"{len(proof.attacks)} attacks" if proof.attacks else "NO ATTACK"
            self.stdout.write(f"{proof.column}: {guards}; {attacks}")
        for problem in problems:
            self.stdout.write(f"PROBLEM {problem}")


def _is_there(column: str, present: dict[str, list[str]]) -> bool:
    table, _, name = column.partition(".")
    return name in present.get(table, ())
