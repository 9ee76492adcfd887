"""A private copy of the whole system for tests: started as a person starts it, looked at through its own commands."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import redis

from dcmm_portal.chaos.private_system import PrivateSystem
from tests.support.servers import wait_until
from trading.hot_state import keys


class Installation(PrivateSystem):
    """`start` waits for the ready line; `status`, `reconcile` and `get` ask the running system."""

    def __init__(self, **settings: str) -> None:
        super().__init__("dcmm-w-", **settings)

    def status(self) -> dict[str, Any]:
        done = self.manage("status", "--json")
        assert done.returncode == 0, done.stderr[-2000:]
        return dict(json.loads(done.stdout))

    def reconcile(self) -> dict[str, Any]:
        """Asked again while the venue's limit on an account's requests, which the workers share, refuses the look."""
        reports: list[dict[str, Any]] = []

        def compared() -> bool:
            reports.append(self._reconciled())
            return not any("RateLimited" in one["message"] for one in reports[-1]["differences"])

        wait_until(compared, 60, "a comparison that the venue's limits let through", 2)
        return reports[-1]

    def _reconciled(self) -> dict[str, Any]:
        done = self.manage("reconcile", "--json")
        assert done.stdout, done.stderr[-2000:]
        report = dict(json.loads(done.stdout))
        assert (done.returncode == 0) == report["equal"]
        return report

    def last_cycle(self, slug: str) -> dict[str, Any] | None:
        """The market's last quoting cycle, from the hot state."""
        url = self.addresses()["REDIS_URL"]
        try:
            with redis.Redis.from_url(url, socket_timeout=2) as client:
                body = client.get(keys.cycle(slug))
        except redis.RedisError:
            return None
        return dict(json.loads(body)) if body else None


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
