"""The demonstration's treasury in the worker's database, written as `bootstrap --demo` does: by the owner role, and committed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from unittest.mock import patch

from django.db import connection
from psycopg.conninfo import conninfo_to_dict

from tests.support.plugin import DATABASE_NAME, SERVERS
from trading.registry.services import declare_demo_desk
from trading.treasury.demo import declare_demo_treasury


@contextmanager
def as_owner() -> Iterator[None]:
    """Django's connection as the owner role, whose work commits."""
    told, kept = conninfo_to_dict(SERVERS.database_url(DATABASE_NAME, "dcmm_owner")), dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(USER=told["user"], PASSWORD=told.get("password", ""))
    try:
        # As in one of the owner's commands, which this process is not.
        with patch("dcmm_portal.checks.runs_as_owner", return_value=True):
            yield
    finally:
        connection.close()
        connection.settings_dict.update(USER=kept["USER"], PASSWORD=kept["PASSWORD"])


def commit_demo(now: datetime) -> None:
    """Markets and treasury of the demonstration. The database has to be made anew afterwards."""
    with as_owner():
        declare_demo_desk(now)
        declare_demo_treasury(now)
