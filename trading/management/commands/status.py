"""`manage.py status [--json]`: which processes run, and how each market stands."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import msgspec
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from trading.market_status import status_json
from trading.selectors import all_market_status

COLUMNS = (
    "slug",
    "state",
    "mid",
    "bid",
    "ask",
    "inventory",
    "realised_pnl",
    "unrealised_pnl",
    "open_orders",
    "fills",
    "feed_age_s",
)


class Command(BaseCommand):
    help = "Processes and markets of the running system; --json for programs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object, money as strings")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            markets = [status_json(status) for status in all_market_status(time.time_ns())]
        except DatabaseError as problem:
            raise CommandError(
                f"the database does not answer ({type(problem).__name__}). Is the system running? Start it with `make run`, and "
                "use the same PORT and DATA_DIR here."
            ) from problem
        answer = {"processes": processes(), "markets": markets}
        self.stdout.write(json.dumps(answer, indent=2) if options["json"] else _table(answer))


class RecordedProcess(msgspec.Struct):
    """One process as the supervisor recorded it."""

    name: str
    pid: int | None
    up: bool


def processes() -> list[dict[str, Any]]:
    """What the supervisor recorded, each checked to be alive; empty when nothing was recorded or it is unreadable."""
    try:
        recorded = msgspec.json.decode(
            (settings.DATA_DIRECTORY / "runtime" / "processes.json").read_bytes(), type=list[RecordedProcess]
        )
    except (OSError, msgspec.DecodeError):
        return []
    return [{"name": each.name, "pid": each.pid, "up": each.up and is_alive(each.pid)} for each in recorded]


def is_alive(pid: int | None) -> bool:
    """True while a process of this number runs (a zombie does not)."""
    if pid is None or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[-1].split()[0] != "Z"
    except (OSError, IndexError):
        return True


def _table(answer: dict[str, Any]) -> str:
    lines = [f"{'process':<16}{'pid':>8}  up"]
    lines += [f"{row['name']:<16}{row['pid'] or '-':>8}  {'yes' if row['up'] else 'NO'}" for row in answer["processes"]]
    if not answer["processes"]:
        lines.append("no process recorded: start the system with `make run`")
    lines.append("")
    rows = [
        COLUMNS,
        *(tuple("-" if row[name] is None else str(row[name]) for name in COLUMNS) for row in answer["markets"]),
    ]
    widths = [max(len(row[index]) for row in rows) for index in range(len(COLUMNS))]
    lines += [
        "  ".join(
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join(lines)
