"""The database's own clock, where it has one: moved over the owner connection, which alone may do that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import psycopg
from django.db import connection as django_connection
from django.db import transaction

from dcmm_portal.embedded import postgres
from tests.support.plugin import DATABASE_NAME, SERVERS


def owner() -> psycopg.Connection:
    """A connection of the owner role to this worker's database."""
    url = SERVERS.cluster.url(postgres.OWNER_ROLE, SERVERS.postgres_port, DATABASE_NAME)
    return psycopg.connect(url, autocommit=True)


def _definition(connection: psycopg.Connection) -> str | None:
    found = connection.execute(
        "SELECT pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
        "WHERE n.nspname = 'governance' AND p.proname = 'now'"
    ).fetchone()
    return found[0] if found else None


def set_database_time(now: datetime) -> None:
    """Nothing where the database has no clock of its own."""
    with owner() as connection:
        if _definition(connection) is not None:
            connection.execute(
                "CREATE OR REPLACE FUNCTION governance.now() RETURNS timestamptz LANGUAGE sql STABLE "
                f"AS $$ SELECT timestamptz '{now.isoformat()}' $$"
            )
    hear_of_it()


def hear_of_it() -> None:
    """An open transaction of ours learns that a function was replaced when it locks a table that it has not locked: this one is
    given back at once, so that it can be locked again the next time."""
    if django_connection.in_atomic_block:
        with transaction.atomic(), django_connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM django_migrations LIMIT 1")
            transaction.set_rollback(True)


@contextmanager
def database_time_kept() -> Iterator[None]:
    """Afterwards the clock is what it was."""
    with owner() as connection:
        before = _definition(connection)
    yield
    if before is not None:
        with owner() as connection:
            connection.execute(before)
