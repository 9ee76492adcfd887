"""Everything that can be known without a test: style, types, architecture, Django's checks, migrations, OpenAPI, texts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
MODULE_LIMIT = 400


def module_lengths() -> str:
    """Modules longer than the law allows, as text; empty when there are none."""
    listed = subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    long = []
    for name in listed:
        if "migrations/" in name or name.endswith("parameters/schema.py") or not (ROOT / name).exists():
            continue
        lines = len((ROOT / name).read_text().splitlines())
        if lines > MODULE_LIMIT:
            long.append(f"{name}: {lines} lines, {MODULE_LIMIT} allowed")
    return "\n".join(long)


def run(title: str, command: list[str], environment: dict[str, str]) -> bool:
    begun = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    print(f"{'ok    ' if done.returncode == 0 else 'FAILED'} {time.monotonic() - begun:5.1f} s  {title}", flush=True)
    if done.returncode:
        print((done.stdout + done.stderr).strip()[-6000:], flush=True)
    return done.returncode == 0


def deploy_environment() -> dict[str, str]:
    """As a server that others reach would be configured."""
    return {"DEBUG": "0", "SECURE_COOKIES": "1", "SECURE_SSL_REDIRECT": "1", "SECURE_HSTS_SECONDS": "31536000"}


def checks(manage: list[str]) -> list[tuple[str, list[str], dict[str, str]]]:
    """What is run one after the other: title, command, what differs in the environment."""
    return [
        ("ruff check", [str(BIN / "ruff"), "check", "."], {}),
        ("ruff format", [str(BIN / "ruff"), "format", "--check", "."], {}),
        ("import-linter", [str(BIN / "lint-imports")], {}),
        ("django check", [*manage, "check", "--database", "default", "--fail-level", "WARNING"], {}),
        ("django check --deploy", [*manage, "check", "--deploy", "--fail-level", "WARNING"], deploy_environment()),
        ("missing migrations", [*manage, "makemigrations", "--check", "--dry-run"], {}),
        ("OpenAPI", [*manage, "spectacular", "--validate", "--fail-on-warn", "--file", os.devnull], {}),
        ("data dictionary", [*manage, "data_dictionary", "--check"], {}),
        ("approval coverage", [*manage, "approval_coverage", "--check"], {}),
        ("translations", [sys.executable, "-m", "dcmm_portal.messages", "check"], {}),
        # Leaves the tests compiled, too: their workers would each do it, at the same time.
        ("tests are found", [sys.executable, "-m", "pytest", "-q", "--collect-only"], {}),
    ]


def main() -> int:
    sys.path.insert(0, str(ROOT))
    from tests.support.servers import JOIN_ENV, TEMPLATE, TestServers

    servers = TestServers.start()
    try:
        environment = os.environ | {
            "DATABASE_URL": servers.database_url(TEMPLATE),
            "REDIS_URL": servers.redis_url(0),
            "SECRET_KEY": "checks-only-0123456789-0123456789-0123456789-0123456789-0123",
            "DATA_DIR": str(servers.root / "data"),
            JOIN_ENV: servers.address,
        }
        manage = [sys.executable, "manage.py"]
        # Types take as long as all the rest: beside it, on the second core.
        with ThreadPoolExecutor(2) as beside:
            types = beside.submit(
                run, "mypy", [str(BIN / "mypy"), "dcmm_portal", "trading", "governance", "disclosures"], environment
            )
            outcomes = [run(title, command, environment | more) for title, command, more in checks(manage)]
            outcomes.append(types.result())
    finally:
        servers.stop()
    long = module_lengths()
    print(f"{'FAILED' if long else 'ok    '}          module lengths")
    if long:
        print(long)
    return 0 if all(outcomes) and not long else 1


if __name__ == "__main__":
    sys.exit(main())
