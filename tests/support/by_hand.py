"""What somebody with the server's own superuser could do: no trigger fires."""

from __future__ import annotations

from typing import LiteralString

import psycopg

from dcmm_portal.embedded import postgres
from tests.support.plugin import DATABASE_NAME, SERVERS


def past_the_guards(statement: LiteralString) -> None:
    """Run it, and commit."""
    url = SERVERS.cluster.url(postgres.SUPERUSER, SERVERS.postgres_port, DATABASE_NAME)
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(statement)
