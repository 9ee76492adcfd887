"""A private copy of the whole system: started as a person starts it, with its own ports and DATA_DIR."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcmm_portal.environment import BASE_DIR, read_env_file
from dcmm_portal.supervisor.launch import free_port, tethered

# What the caller set for itself must not reach the copy.
PRIVATE = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "DEBUG",
    "DCMM_DB_ROLE",
    "DCMM_PROCESS",
    "DCMM_GROUP",
    "DATA_DIR",
    "LOG_LEVEL",
    "DJANGO_ALLOW_ASYNC_UNSAFE",
    "PROMETHEUS_MULTIPROC_DIR",
)
OWN_PREFIXES = ("VENUE_", "SANDBOX_")


class NotReady(Exception):
    """The copy did not start; the message holds its last lines."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the copy's console: when it came (wall clock, ns) and its text."""

    at_ns: int
    text: str


class PrivateSystem:
    """`start` waits for the ready line; `manage` runs its commands; `remove` ends it and deletes its state."""

    def __init__(self, prefix: str = "dcmm-c-", **settings: str) -> None:
        self.data_dir = Path(tempfile.mkdtemp(prefix=prefix))
        self.port = free_port()
        base = {
            name: value
            for name, value in os.environ.items()
            if name not in PRIVATE and not name.startswith(OWN_PREFIXES)
        }
        self.environment = base | {"DATA_DIR": str(self.data_dir), "PORT": str(self.port)} | settings
        self.process: subprocess.Popen[str] | None = None
        self.console: list[Line] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def lines(self) -> list[str]:
        """The console's text since the last start."""
        return [line.text for line in list(self.console)]

    def start(self, timeout_s: float = 120) -> float:
        """Start `manage.py up`; seconds until ready. Raises `NotReady`."""
        begun_s = time.monotonic()
        self.console = []
        self.process = subprocess.Popen(
            [*tethered(signal.SIGKILL), sys.executable, "manage.py", "up"],
            cwd=BASE_DIR, env=self.environment, text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        threading.Thread(target=self._collect, args=(self.process,), daemon=True).start()
        while not any(line.startswith(f"ready: {self.url}") for line in self.lines):
            if self.process.poll() is not None or time.monotonic() - begun_s > timeout_s:
                self.kill()
                raise NotReady("the system did not become ready:\n" + "\n".join(self.lines[-60:]))
            time.sleep(0.05)
        return time.monotonic() - begun_s

    def _collect(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        console = self.console
        for line in process.stdout:
            console.append(Line(time.time_ns(), line.rstrip("\n")))

    def interrupt(self, timeout_s: float = 20) -> float:
        """SIGINT as Ctrl-C sends it; seconds until everything has ended."""
        if self.process is None:
            return 0.0
        begun_s = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout_s)
        return time.monotonic() - begun_s

    def kill(self) -> None:
        """SIGKILL of the supervisor, which takes everything with it."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def manage(self, *arguments: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command of the copy to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=BASE_DIR,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )

    def addresses(self) -> dict[str, str]:
        """What the supervisor recorded for commands of other shells: DATABASE_URL, REDIS_URL, VENUE_..._URL."""
        return read_env_file(self.data_dir / "runtime" / "app.env")

    def processes(self) -> dict[str, int]:
        """Name → pid of what runs, as the supervisor recorded it."""
        rows = json.loads((self.data_dir / "runtime" / "processes.json").read_text())
        return {row["name"]: row["pid"] for row in rows if row["up"]}

    def get(self, path: str) -> Any:
        """JSON of one of the copy's own pages."""
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return json.load(answer)

    def public_markets(self) -> dict[str, dict[str, Any]]:
        """The public list of markets, by slug."""
        body = self.get("/api/v1/public/markets/")
        rows: Iterable[dict[str, Any]] = body["results"] if isinstance(body, dict) else body
        return {row["slug"]: row for row in rows}

    def is_quoting(self) -> bool:
        """True when every market is active and shows a bid and an ask of ours."""
        try:
            markets = self.public_markets()
        except (OSError, ValueError):
            return False
        return bool(markets) and all(row["bid"] and row["ask"] and row["state"] == "ACTIVE" for row in markets.values())
