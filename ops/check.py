"""Everything that can be known without a test: style, types, architecture, Django's checks, migrations, OpenAPI, texts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
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


def main() -> int:
    sys.path.insert(0, str(ROOT))
    from tests.support.servers import TEMPLATE, TestServers

    servers = TestServers.start()
    try:
        environment = os.environ | {
            "DATABASE_URL": servers.database_url(TEMPLATE),
            "REDIS_URL": servers.redis_url(0),
            "SECRET_KEY": "checks-only-0123456789-0123456789-0123456789-0123456789-0123",
            "DATA_DIR": str(servers.root / "data"),
        }
        manage = [sys.executable, "manage.py"]
        outcomes = [
            run("ruff check", [str(BIN / "ruff"), "check", "."], environment),
            run("ruff format", [str(BIN / "ruff"), "format", "--check", "."], environment),
            run("mypy", [str(BIN / "mypy"), "dcmm_portal", "trading", "governance", "disclosures"], environment),
            run("import-linter", [str(BIN / "lint-imports")], environment),
            run("django check", [*manage, "check", "--database", "default", "--fail-level", "WARNING"], environment),
            run(
                "django check --deploy",
                [*manage, "check", "--deploy", "--fail-level", "WARNING"],
                environment | deploy_environment(),
            ),
            run("missing migrations", [*manage, "makemigrations", "--check", "--dry-run"], environment),
            run("OpenAPI", [*manage, "spectacular", "--validate", "--fail-on-warn", "--file", os.devnull], environment),
            run("data dictionary", [*manage, "data_dictionary", "--check"], environment),
            run("approval coverage", [*manage, "approval_coverage", "--check"], environment),
            run("translations", [sys.executable, "-m", "dcmm_portal.messages", "check"], environment),
        ]
    finally:
        servers.stop()
    long = module_lengths()
    print(f"{'FAILED' if long else 'ok    '}          module lengths")
    if long:
        print(long)
    return 0 if all(outcomes) and not long else 1


if __name__ == "__main__":
    sys.exit(main())
