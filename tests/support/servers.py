"""Real PostgreSQL and Valkey for one test run, shared by its workers; a database per worker cloned from a migrated template."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import sql

from dcmm_portal.embedded import postgres, valkey
from dcmm_portal.supervisor.launch import free_port

TEMPLATE = "dcmm_template"
# Where these servers are, for the processes of a run that use them and do not start them.
JOIN_ENV = "DCMM_TEST_SERVERS"
BASE_DIR = Path(__file__).resolve().parents[2]


class TestServers:
    """Both servers under one temporary folder; `start` in the controlling process, `stop` at the end."""

    __test__ = False

    def __init__(self, root: Path, postgres_port: int, valkey_port: int) -> None:
        self.root = root
        self.postgres_port = postgres_port
        self.valkey_port = valkey_port
        self.cluster = postgres.Cluster(root / "pg", root / "secrets")
        self._processes: list[subprocess.Popen[bytes]] = []

    @classmethod
    def start(cls) -> TestServers:
        root = Path(tempfile.mkdtemp(prefix="dcmm-t-"))
        servers = cls(root, free_port(), free_port())
        postgres.initialise(servers.cluster)
        fast = [
            "-c",
            "fsync=off",
            "-c",
            "synchronous_commit=off",
            "-c",
            "full_page_writes=off",
            "-c",
            "max_connections=300",
            # Tests open thousands of connections; a password is hashed four thousand times at both ends of each by default.
            "-c",
            "scram_iterations=1",
        ]
        log = (root / "servers.log").open("wb")
        config = valkey.write_config(root / "valkey", root / "secrets", servers.valkey_port, durable=False)
        for command in (
            postgres.server_command(servers.cluster, servers.postgres_port, fast),
            valkey.server_command(config),
        ):
            servers._processes.append(subprocess.Popen(command, stdout=log, stderr=log))
        wait_until(lambda: postgres.answers(servers.cluster, servers.postgres_port), 30, "PostgreSQL for the tests")
        wait_until(lambda: valkey.answers(servers.redis_url(0)), 30, "Valkey for the tests")
        postgres.create_roles(servers.cluster, servers.postgres_port)
        servers._hash_again()
        servers.make_template()
        return servers

    def _hash_again(self) -> None:
        """The superuser got its password before the server's settings held; each clone asks for it three times."""
        url = self.cluster.url(postgres.SUPERUSER, self.postgres_port, "postgres")
        with psycopg.connect(url, autocommit=True) as connection:
            password = sql.Literal(self.cluster.password(postgres.SUPERUSER))
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(postgres.SUPERUSER), password)
            )

    @property
    def address(self) -> str:
        """What `joined` needs to use these servers from another process."""
        return f"{self.root}|{self.postgres_port}|{self.valkey_port}"

    @classmethod
    def joined(cls, address: str) -> TestServers:
        root, postgres_port, valkey_port = address.split("|")
        return cls(Path(root), int(postgres_port), int(valkey_port))

    def make_template(self) -> None:
        """Migrate a template as the owner role, as an installation does."""
        postgres.create_database(self.cluster, self.postgres_port, TEMPLATE)
        environment = os.environ | {
            "DCMM_DB_ROLE": "owner",
            "DATABASE_OWNER_URL": self.cluster.url(postgres.OWNER_ROLE, self.postgres_port, TEMPLATE),
            "REDIS_URL": self.redis_url(0),
            "SECRET_KEY": "tests",
            "DATA_DIR": str(self.root),
        }
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        done = subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, timeout=180)
        if done.returncode:
            raise RuntimeError(f"migrating the test template failed:\n{done.stderr[-3000:]}")

    def clone(self, name: str) -> None:
        """(Re)create database `name` from the template."""
        postgres.drop_database(self.cluster, self.postgres_port, name)
        postgres.create_database(self.cluster, self.postgres_port, name, template=TEMPLATE)

    def database_url(self, name: str, role: str = postgres.APP_ROLE) -> str:
        return self.cluster.url(role, self.postgres_port, name)

    def redis_url(self, database: int) -> str:
        return valkey.url(self.root / "secrets", self.valkey_port, database)

    def stop(self) -> None:
        for process in self._processes:
            process.send_signal(signal.SIGINT)
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.root, ignore_errors=True)


def wait_until(condition: Callable[[], bool], timeout_s: float, what: str, interval_s: float = 0.05) -> None:
    """Poll `condition` until true; raise after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout_s} s")
        time.sleep(interval_s)
