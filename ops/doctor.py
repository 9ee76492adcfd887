"""Says what this machine lacks for running, testing or working on the portal, and how to get it. Standard library only."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ops import ensure_pgbouncer

NEEDED_DISK_BYTES = 2_500_000_000
ROOT = Path(__file__).resolve().parent.parent


def checks() -> list[tuple[bool, str, str]]:
    """(fine?, what, how to mend) for each thing looked at."""
    venv = ROOT / ".venv" / "bin" / "python"
    free = shutil.disk_usage(ROOT).free
    return [
        (sys.version_info >= (3, 11), f"Python {sys.version.split()[0]} (3.11 or newer)", "install Python 3.11+, then make PYTHON=python3.11 run"),
        (shutil.which("make") is not None, "make", "sudo apt install make"),
        (shutil.which("git") is not None, "git", "sudo apt install git"),
        (venv.exists(), "virtual environment", "make venv"),
        (os.geteuid() != 0 or user_namespaces(), "PostgreSQL can run (not root, or user namespaces allowed)", "run as an ordinary user, or set DATABASE_URL"),
        (free > NEEDED_DISK_BYTES, f"disk: {free // 10**9} GB free (2.5 needed)", "free some space"),
        (browser() is not None, f"Chromium for the browser tests: {browser() or 'none'}", "sudo apt install chromium, or: make test installs one"),
        (ensure_pgbouncer.path() is not None, "PgBouncer for the tests", "sudo apt install pgbouncer, or (as root) make test installs it"),
        (port_free(int(os.environ.get("PORT", "8000"))), f"port {os.environ.get('PORT', '8000')} is free", "PORT=8010 make run"),
    ]  # fmt: skip


def user_namespaces() -> bool:
    unshare = shutil.which("unshare")
    if unshare is None:
        return False
    return (
        subprocess.run([unshare, "--user", "--map-user=1000", "true"], capture_output=True, timeout=10).returncode == 0
    )


def browser() -> str | None:
    """Path of a system Chromium, if there is one."""
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )


def port_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def main() -> int:
    missing = 0
    for fine, what, mend in checks():
        print(f"{'ok     ' if fine else 'MISSING'}  {what}" + ("" if fine else f"\n         -> {mend}"))
        missing += not fine
    print("everything is there" if not missing else f"{missing} thing(s) missing")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
