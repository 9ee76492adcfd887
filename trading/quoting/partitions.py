"""Decisions are partitioned by day; the days to come are made ahead."""

from __future__ import annotations

from django.db import connection

DAYS_AHEAD = 3


def ensure_partitions() -> int:
    """Make what is missing of today's and the coming days' partitions; how many were made."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ensure_decision_partitions(%s)", [DAYS_AHEAD])
        return int(cursor.fetchone()[0])
