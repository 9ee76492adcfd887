"""The database's clock, by which its guards judge. The clock of a machine that runs us may jump: it decides nothing alone.

What has to wait happens when both clocks say that its time has come; what may still be done must be in time by both.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection


def database_time() -> datetime:
    """Asks the database now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT governance.now()")
        found: datetime = cursor.fetchone()[0]
    return found


def both_reached(now: datetime) -> datetime:
    """The earlier of `now` and the database's time: what waits for a time waits for both."""
    return min(now, database_time())


def either_reached(now: datetime) -> datetime:
    """The later of the two: what must be in time must be so by both."""
    return max(now, database_time())
