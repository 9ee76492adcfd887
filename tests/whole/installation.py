"""A private copy of the whole system for tests: started as a person starts it, looked at through its own commands."""

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
from pathlib import Path
from typing import Any

import redis

from dcmm_portal.environment import read_env_file
from dcmm_portal.supervisor.launch import free_port
from trading.hot_state import keys

ROOT = Path(__file__).resolve().parents[2]
# What the test run sets for itself must not reach the copy.
PRIVATE = (
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "DEBUG",
    "DCMM_DB_ROLE",
    "DATA_DIR",
    "LOG_LEVEL",
    "DJANGO_ALLOW_ASYNC_UNSAFE",
)


class Installation:
    """`start` waits for the ready line; `status`, `reconcile` and `get` ask the running system."""

    def __init__(self, **settings: str) -> None:
        self.data_dir = Path(tempfile.mkdtemp(prefix="dcmm-w-"))
        self.port = free_port()
        base = {name: value for name, value in os.environ.items() if name not in PRIVATE}
        self.environment = base | {"DATA_DIR": str(self.data_dir), "PORT": str(self.port)} | settings
        self.process: subprocess.Popen[str] | None = None
        self.lines: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, timeout_s: float = 120) -> float:
        """Start `manage.py up`; seconds until ready. Raises with the last lines when it is not."""
        begun = time.monotonic()
        self.lines = []
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up"], cwd=ROOT, env=self.environment, text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        threading.Thread(target=self._collect, args=(self.process,), daemon=True).start()
        while not any(line.startswith(f"ready: {self.url}") for line in list(self.lines)):
            if self.process.poll() is not None or time.monotonic() - begun > timeout_s:
                self.kill()
                raise AssertionError("the system did not become ready:\n" + "\n".join(self.lines[-60:]))
            time.sleep(0.05)
        return time.monotonic() - begun

    def _collect(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.lines.extend(line.rstrip("\n") for line in process.stdout)

    def interrupt(self, timeout_s: float = 20) -> float:
        """SIGINT as Ctrl-C sends it; seconds until everything has ended."""
        assert self.process is not None
        begun = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout_s)
        return time.monotonic() - begun

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def manage(self, *arguments: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )

    def status(self) -> dict[str, Any]:
        done = self.manage("status", "--json")
        assert done.returncode == 0, done.stderr[-2000:]
        return dict(json.loads(done.stdout))

    def reconcile(self) -> dict[str, Any]:
        done = self.manage("reconcile", "--json")
        assert done.stdout, done.stderr[-2000:]
        report = dict(json.loads(done.stdout))
        assert (done.returncode == 0) == report["equal"]
        return report

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return json.load(answer)

    def public_markets(self) -> dict[str, dict[str, Any]]:
        body = self.get("/api/v1/public/markets/")
        rows = body["results"] if isinstance(body, dict) else body
        return {row["slug"]: row for row in rows}

    def quoting(self) -> bool:
        """True when every market shows a bid and an ask of ours."""
        try:
            markets = self.public_markets()
        except (OSError, ValueError):
            return False
        return bool(markets) and all(row["bid"] and row["ask"] and row["state"] == "ACTIVE" for row in markets.values())

    def last_cycle(self, slug: str) -> dict[str, Any] | None:
        """The market's last quoting cycle, from the hot state."""
        url = read_env_file(self.data_dir / "runtime" / "app.env")["REDIS_URL"]
        try:
            with redis.Redis.from_url(url, socket_timeout=2) as client:
                body = client.get(keys.cycle(slug))
        except redis.RedisError:
            return None
        return dict(json.loads(body)) if body else None

    def processes(self) -> dict[str, int]:
        rows = json.loads((self.data_dir / "runtime" / "processes.json").read_text())
        return {row["name"]: row["pid"] for row in rows if row["up"]}


def alive_with(data_dir: Path) -> list[str]:
    """Command lines of live processes that belong to `data_dir` (by their environment or command line)."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            command = (folder / "cmdline").read_bytes()
            belongs = str(data_dir).encode() in command + (folder / "environ").read_bytes()
            state = (folder / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except (OSError, IndexError):
            continue
        if belongs and state != "Z":
            found.append(command.replace(b"\0", b" ").decode(errors="replace")[:200])
    return found
