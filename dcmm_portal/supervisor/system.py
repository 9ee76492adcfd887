"""The processes of the system, their environment and their order. One place says what runs."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import redis

from dcmm_portal.embedded import postgres, valkey
from dcmm_portal.embedded.postgres import write_secret
from dcmm_portal.environment import BASE_DIR, RECORDED_NAMES, read_env_file
from dcmm_portal.supervisor.launch import free_port, tethered
from dcmm_portal.supervisor.service import Service

SANDBOX_VENUES = ("dex", "cex")
SILENT_AFTER_S = 15.0


def secret(secrets_dir: Path, name: str) -> str:
    """The generated secret called `name`; made once per DATA_DIR, mode 0600."""
    path = secrets_dir / name
    if not path.exists():
        write_secret(path, secrets.token_urlsafe(32))
    return path.read_text()


def web_arguments(host: str, port: int) -> list[str]:
    """What Python is given to be the web server."""
    return ["-m", "uvicorn", "dcmm_portal.asgi:application", "--host", host, "--port", str(port), "--no-access-log",
            "--log-level", "warning", "--timeout-graceful-shutdown", "2", "--no-proxy-headers", "--ws-max-size", "65536",
            "--ws", "dcmm_portal.live_sockets.protocol:LiveSocketProtocol"]  # fmt: skip


@dataclass
class System:
    """One installation under one DATA_DIR: ports, addresses, environment of its processes."""

    data_dir: Path
    port: int
    given: Mapping[str, str]
    ports: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.runtime_dir = self.data_dir / "runtime"
        self.secrets_dir = self.data_dir / "secrets"
        self.log_dir = self.data_dir / "logs"
        self.metrics_dir = self.data_dir / "metrics"
        self.cluster = postgres.Cluster(self.data_dir / "postgres", self.secrets_dir)
        names = ("postgres", "valkey", *(f"sandbox-{venue}" for venue in SANDBOX_VENUES))
        self.ports = {name: free_port() for name in names}
        # Names this start: what was true of an earlier one (accounts compared with their venues) is asked again.
        self.group = str(time.time_ns())

    @classmethod
    def from_environment(cls, data_dir: Path, port: int) -> System:
        """What the person set, without what an earlier run of this DATA_DIR recorded."""
        return cls(data_dir, port, {name: value for name, value in os.environ.items() if name not in RECORDED_NAMES})

    @property
    def embeds_postgres(self) -> bool:
        return "DATABASE_URL" not in self.given

    @property
    def embeds_valkey(self) -> bool:
        return "REDIS_URL" not in self.given

    @property
    def runs_sandbox(self) -> bool:
        return not any(f"VENUE_{venue.upper()}_URL" in self.given for venue in SANDBOX_VENUES)

    @property
    def is_demo(self) -> bool:
        """The demonstration on the loopback, where /demo/ shows its people; DEBUG=0 says otherwise."""
        is_local = self.given.get("HOST", "127.0.0.1") in ("127.0.0.1", "localhost", "::1")
        return (
            self.runs_sandbox and is_local and self.given.get("DEBUG", "1") not in ("0", "false", "False", "no", "off")
        )

    def prepare_folders(self) -> None:
        static = self.data_dir / "static"
        for folder in (self.data_dir, self.runtime_dir, self.secrets_dir, self.log_dir, self.metrics_dir, static):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for leftover in self.metrics_dir.glob("*.db"):
            leftover.unlink()

    def application_environment(self) -> dict[str, str]:
        """What every process of ours is told beyond the person's own environment; secrets as file paths where a file will do."""
        values = {
            "PORT": str(self.port),
            "SECRET_KEY": self.given.get("SECRET_KEY") or secret(self.secrets_dir, "django"),
            "DATABASE_URL": self.given.get("DATABASE_URL")
            or self.cluster.url(postgres.APP_ROLE, self.ports["postgres"]),
            "REDIS_URL": self.given.get("REDIS_URL") or valkey.url(self.secrets_dir, self.ports["valkey"]),
            "CODE_VERSION": self.given.get("CODE_VERSION") or code_version(),
        }
        # On the loopback there is no TLS in front; a server that others reach sets its own (docs/configuration.md).
        for name in ("SECURE_COOKIES", "SECURE_SSL_REDIRECT"):
            values[name] = self.given.get(name, "0")
        values["SECURE_HSTS_SECONDS"] = self.given.get("SECURE_HSTS_SECONDS", "0")
        if self.runs_sandbox:
            values |= self._sandbox_clients()
        return values

    def _sandbox_clients(self) -> dict[str, str]:
        values = {}
        for venue in SANDBOX_VENUES:
            prefix = f"VENUE_{venue.upper()}"
            values[f"{prefix}_URL"] = f"http://127.0.0.1:{self.ports[f'sandbox-{venue}']}"
            values[f"{prefix}_DESK_KEY_ID"] = "desk"
            for kind in ("secret", "passphrase", "webhook_secret"):
                values[f"{prefix}_DESK_{kind.upper()}_FILE"] = str(self.secrets_dir / f"{venue}-{kind}")
        return values

    def environment(self) -> dict[str, str]:
        """Complete environment of a process of ours that runs as the application role."""
        own = {
            "DATA_DIR": str(self.data_dir),
            "PROMETHEUS_MULTIPROC_DIR": str(self.metrics_dir),
            "PYTHONUNBUFFERED": "1",
        }
        rest = {name: value for name, value in self.given.items() if name not in ("DATABASE_OWNER_URL", "DCMM_DB_ROLE")}
        return {**rest, **self.application_environment(), **own, "DJANGO_SETTINGS_MODULE": "dcmm_portal.settings"}

    def owner_environment(self) -> dict[str, str]:
        """Environment of migrations and bootstrap, the only ones that see the owner's address."""
        url = self.given.get("DATABASE_OWNER_URL") or self.cluster.url(postgres.OWNER_ROLE, self.ports["postgres"])
        return self.environment() | {"DCMM_DB_ROLE": "owner", "DATABASE_OWNER_URL": url}

    def record(self) -> None:
        """Write the addresses for `manage.py` commands of other shells (mode 0600)."""
        own = self.application_environment()
        kept = {name: value for name, value in own.items() if name not in self.given}
        write_secret(self.runtime_dir / "app.env", "".join(f"{name}={value}\n" for name, value in sorted(kept.items())))
        if self.embeds_postgres:
            url = self.cluster.url(postgres.OWNER_ROLE, self.ports["postgres"])
            write_secret(self.runtime_dir / "owner.env", f"DATABASE_OWNER_URL={url}\n")

    # --- services ---------------------------------------------------------------------------------------------

    def stores(self) -> list[Service]:
        """PostgreSQL and Valkey where they are embedded, and the sandbox venues, which need neither."""
        services = []
        if self.embeds_postgres:
            port = self.ports["postgres"]
            services.append(
                Service("postgres", postgres.server_command(self.cluster, port), self._bare_environment(),
                        lambda: postgres.answers(self.cluster, port), signal.SIGINT, 5.0)
            )  # fmt: skip
        if self.embeds_valkey:
            config = valkey.write_config(self.data_dir / "valkey", self.secrets_dir, self.ports["valkey"])
            url = valkey.url(self.secrets_dir, self.ports["valkey"])
            services.append(
                Service("valkey", valkey.server_command(config), self._bare_environment(), lambda: valkey.answers(url))
            )
        if self.runs_sandbox:
            services += [self._sandbox(venue) for venue in SANDBOX_VENUES]
        return services

    def _bare_environment(self) -> dict[str, str]:
        return {name: self.given[name] for name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH") if name in self.given}

    def _sandbox(self, venue: str) -> Service:
        port = self.ports[f"sandbox-{venue}"]
        for kind in ("secret", "passphrase", "webhook_secret", "control-token"):
            secret(self.secrets_dir, f"{venue}-{kind}")
        environment = self._bare_environment() | {
            "PYTHONUNBUFFERED": "1",
            "SANDBOX_VENUE": venue,
            "SANDBOX_PORT": str(port),
            "SANDBOX_DATA_DIR": str(self.data_dir / "sandbox" / venue),
            "SANDBOX_API_KEY_ID": "desk",
            "SANDBOX_API_SECRET_FILE": str(self.secrets_dir / f"{venue}-secret"),
            "SANDBOX_API_PASSPHRASE_FILE": str(self.secrets_dir / f"{venue}-passphrase"),
            "SANDBOX_CONTROL_TOKEN_FILE": str(self.secrets_dir / f"{venue}-control-token"),
        }
        settings = ("REPLAY_OFFSET_S", "SEED", "RATE_SCALE", "SPEED", "FUNDING_INTERVAL_S")
        for name in (f"SANDBOX_{setting}" for setting in settings):
            if name in self.given:
                environment[name] = self.given[name]
        if venue == "dex":
            environment["SANDBOX_WEBHOOK_URL"] = f"http://127.0.0.1:{self.port}/api/v1/webhooks/dex-desk/fills/"
            environment["SANDBOX_WEBHOOK_SECRET_FILE"] = str(self.secrets_dir / "dex-webhook_secret")
        path = "/v1/time" if venue == "dex" else "/api/v5/public/time"
        command = [*tethered(), sys.executable, "-m", "trading.sandbox.server"]
        return Service(f"sandbox-{venue}", command, environment, lambda: http_answers(f"http://127.0.0.1:{port}{path}"))

    def portal(self) -> list[Service]:
        """Our own processes, all as the application role."""
        celery = ["-m", "celery", "-q", "-A", "dcmm_portal.celery"]
        workers = [
            self._python(
                f"worker-{number}",
                [*celery, "worker", "--pool", "threads", "--concurrency", "6", "-Q", "quote,housekeeping",
                 "-n", f"worker-{number}@dcmm", "--without-gossip", "--without-mingle", "-l", "WARNING"],
            )
            for number in range(1, self.worker_count + 1)
        ]  # fmt: skip
        schedule = str(self.runtime_dir / "beat-schedule")
        return [
            self._python("market_data", ["manage.py", "market_data"]),
            self._python("watchdog", ["manage.py", "watchdog"]),
            self._python("ledger", ["manage.py", "ledger"]),
            self._python("relay", ["manage.py", "relay"]),
            *workers,
            self._python("beat", [*celery, "beat", "-s", schedule, "--pidfile=", "-l", "WARNING"]),
            self._web(),
        ]

    @property
    def worker_count(self) -> int:
        return int(self.given.get("WORKERS", "2"))

    def stop_order(self) -> tuple[tuple[str, ...], ...]:
        """Groups of names, first to stop first: whoever trades, then whoever books, then what they stand on."""
        workers = tuple(f"worker-{number}" for number in range(1, self.worker_count + 1))
        sandboxes = tuple(f"sandbox-{venue}" for venue in SANDBOX_VENUES)
        return (
            ("beat", *workers),
            ("market_data", "watchdog"),
            ("ledger",),
            ("relay", "web"),
            sandboxes,
            ("valkey", "postgres"),
        )

    def _python(
        self,
        name: str,
        arguments: list[str],
        healthy: Callable[[], bool] | None = None,
        more: Mapping[str, str] | None = None,
    ) -> Service:
        environment = self.environment() | {"DCMM_PROCESS": name, "DCMM_GROUP": self.group, **(more or {})}
        command = [*tethered(), sys.executable, *arguments]
        url, spawned_ns = environment["REDIS_URL"], time.time_ns()
        return Service(
            name,
            command,
            environment,
            healthy or (lambda: has_heartbeat(url, name, spawned_ns)),
            counts_metrics=True,
            alive=healthy or (lambda: not is_silent(url, name)),
        )

    def _web(self) -> Service:
        arguments = web_arguments(self.given.get("HOST", "127.0.0.1"), self.port)
        # DEBUG for the pages alone: what trades runs as it does anywhere.
        more = {"DEBUG": "1"} if self.is_demo else {}
        return self._python("web", arguments, lambda: http_answers(f"http://127.0.0.1:{self.port}/healthz"), more)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a `manage.py` command that waits for a word on its standard input; standard output holds both its outputs."""
        environment = self.environment()
        environment.pop("PROMETHEUS_MULTIPROC_DIR", None)
        return subprocess.Popen(
            [*tethered(), sys.executable, "manage.py", *arguments],
            cwd=BASE_DIR,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def manage(self, *arguments: str, owner: bool = False, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a `manage.py` command to its end."""
        environment = self.owner_environment() if owner else self.environment()
        environment.pop("PROMETHEUS_MULTIPROC_DIR", None)
        command = [*tethered(), sys.executable, "manage.py", *arguments]
        return subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, timeout=timeout_s)


def http_answers(url: str) -> bool:
    """True when a GET of `url` answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _last_beat_ns(redis_url: str, name: str) -> int:
    """Wall time of the last beat of process `name`, 0 if there is none. Raises `redis.RedisError`, `ValueError`."""
    from trading.hot_state.keys import heartbeat

    with redis.Redis.from_url(redis_url, socket_timeout=2, socket_connect_timeout=2) as client:
        return int(client.get(heartbeat(name)) or 0)


def has_heartbeat(redis_url: str, name: str, since_ns: int) -> bool:
    """True when process `name` has beaten since `since_ns` (wall clock)."""
    try:
        return _last_beat_ns(redis_url, name) > since_ns
    except (redis.RedisError, ValueError):
        return False


def is_silent(redis_url: str, name: str) -> bool:
    """True when Redis answers and has no beat of process `name` from the last `SILENT_AFTER_S`."""
    try:
        return _last_beat_ns(redis_url, name) <= time.time_ns() - round(SILENT_AFTER_S * 1e9)
    except redis.RedisError:
        return False
    except ValueError:
        return True


def code_version() -> str:
    """The commit that runs, or "unversioned" outside a checkout."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=BASE_DIR,
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unversioned"
    return done.stdout.strip() or "unversioned"


def running_supervisor(runtime_dir: Path) -> str:
    """The pid recorded in the lock file, for the message of a second start."""
    return read_env_file(runtime_dir / "up.lock").get("pid", "unknown")
