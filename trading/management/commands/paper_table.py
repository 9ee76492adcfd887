"""`manage.py paper_table`: the published Avellaneda-Stoikov table beside our simulation of it."""

from __future__ import annotations

import json
import math
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from trading.strategy.paper import PUBLISHED, PaperRow, paper_table

MAX_PATHS = 1_000_000


class Command(BaseCommand):
    help = "Reproduce the table of Avellaneda and Stoikov (2008), section 3.3, ours beside the paper's."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print a JSON list instead of a table")
        parser.add_argument("--paths", type=int, default=20_000, help="simulated paths per line (default 20000)")
        parser.add_argument("--seed", type=int, default=1, help="seed of the random numbers (default 1)")

    def handle(self, *args: Any, **options: Any) -> None:
        paths, seed = options["paths"], options["seed"]
        if not 2 <= paths <= MAX_PATHS:
            raise CommandError(f"--paths must be between 2 and {MAX_PATHS}, got {paths}")
        if seed < 0:
            raise CommandError(f"--seed must not be negative, got {seed}")
        rows = paper_table(paths, seed)
        if options["json"]:
            self.stdout.write(json.dumps([asdict(row) for row in rows], indent=2))
            return
        self.stdout.write(table_text(rows, seed))


def table_text(rows: tuple[PaperRow, ...], seed: int) -> str:
    """Readable table: a line per strategy, ours with its standard error, the paper's, and their distance z."""
    lines = [
        "Avellaneda and Stoikov (2008), section 3.3; the paper ran 1,000 paths, "
        f"ours {rows[0].paths:,} with seed {seed}.",
        "ours +- standard error | paper | z = (ours - paper) / standard error of the difference",
        "",
        f"{'gamma':>5}  {'strategy':<9}  {'spread':^13}  {'profit':^32}  {'std profit':^13}  "
        f"{'final q':^30}  {'std q':^11}",
    ]
    for ours, paper in zip(rows, PUBLISHED, strict=True):
        profit = _beside(ours.profit, ours.se_profit, paper.profit, paper.se_profit, 2)
        final_q = _beside(ours.final_q, ours.se_final_q, paper.final_q, paper.se_final_q, 3)
        lines.append(
            f"{ours.gamma:>5g}  {ours.strategy:<9}  {ours.spread:>6.4f} {paper.spread:>6.2f}  {profit}  "
            f"{ours.std_profit:>6.2f} {paper.std_profit:>6.1f}  {final_q}  "
            f"{ours.std_final_q:>5.2f} {paper.std_final_q:>5.1f}"
        )
    return "\n".join(lines)


def _beside(ours: float, ours_se: float, paper: float, paper_se: float, places: int) -> str:
    z = (ours - paper) / math.hypot(ours_se, paper_se) if ours_se or paper_se else math.nan
    return f"{ours:>7.{places}f} +- {ours_se:<6.3f} {paper:>6.2f} z {z:>5.2f}"
