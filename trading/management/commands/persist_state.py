"""`manage.py persist_state`: write the snapshot of the hot state now (the supervisor does so before it stops)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from trading.clock import SystemClock, to_datetime
from trading.ledger.persist import persist_state


class Command(BaseCommand):
    help = "Write a snapshot of every market's hot state to mm_state."

    def handle(self, *args: Any, **options: Any) -> None:
        count = persist_state(to_datetime(SystemClock().now_ns()), at_stop=True)
        self.stdout.write(f"{count} snapshots written")
