"""A transaction pooler (PgBouncer) before the tests' PostgreSQL, and Django's connections led through it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.db import connections

from dcmm_portal.embedded import postgres
from dcmm_portal.supervisor.launch import free_port
from ops import ensure_pgbouncer
from tests.support.servers import TestServers, wait_until

# Fewer server connections than clients: every transaction may meet one that somebody else used before.
SERVER_CONNECTIONS = 2


class Pooler:
    """PgBouncer in transaction mode, on a port of its own."""

    def __init__(self, servers: TestServers, folder: Path, server_connections: int = SERVER_CONNECTIONS) -> None:
        if ensure_pgbouncer.main() != 0:
            raise RuntimeError("the tests need PgBouncer; the message above says how to get it")
        self._servers, self.port = servers, free_port()
        roles = (postgres.APP_ROLE, postgres.OWNER_ROLE)
        users = folder / "users.txt"
        users.write_text("".join(f'"{role}" "{servers.cluster.password(role)}"\n' for role in roles))
        config = folder / "pgbouncer.ini"
        config.write_text(
            f"[databases]\n* = host=127.0.0.1 port={servers.postgres_port}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = scram-sha-256\nauth_file = {users}\npool_mode = transaction\n"
            f"default_pool_size = {server_connections}\nserver_login_retry = 1\nadmin_users = {postgres.OWNER_ROLE}\n"
        )
        self._log = (folder / "pgbouncer.log").open("wb")
        command = [*postgres.as_unprivileged(), ensure_pgbouncer.path() or "pgbouncer", str(config)]
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log)
        wait_until(self._answers, 15, "PgBouncer for the tests")

    def url(self, database: str, role: str = postgres.OWNER_ROLE) -> str:
        return self._servers.cluster.url(role, self.port, database)

    def _answers(self, database: str = "pgbouncer") -> bool:
        try:
            psycopg.connect(self.url(database), autocommit=True, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def transactions(self, database: str) -> int:
        """How many transactions on `database` went through so far."""
        # The console speaks the simple protocol alone, and no SQL.
        with (
            psycopg.connect(self.url("pgbouncer"), autocommit=True, connect_timeout=2) as console,
            psycopg.ClientCursor(console) as cursor,
        ):
            cursor.execute("SHOW STATS")
            names = [column.name for column in cursor.description or ()]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return sum(int(row["total_xact_count"]) for row in rows if row["database"] == database)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._log.close()

    @contextmanager
    def between(self) -> Iterator[None]:
        """Every connection that Django opens from now on goes through the pooler."""
        settings = connections.settings["default"]
        before = settings["PORT"]
        connections.close_all()
        # It remembers for a second that a login failed, as one does while a database is made anew.
        wait_until(lambda: self._answers(str(settings["NAME"])), 15, "the database through PgBouncer")
        settings["PORT"] = str(self.port)
        try:
            yield
        finally:
            connections.close_all()
            settings["PORT"] = before
