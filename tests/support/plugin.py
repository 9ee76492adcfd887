"""Starts the run's servers and points the environment at them, before anything reads Django's settings.

Loaded by `-p tests.support.plugin` (pyproject.toml): a conftest would come too late, after pytest-django.
"""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from tests.support.servers import JOIN_ENV, TestServers

# Collecting makes half a million objects that stay: looking for cycles among them, again and again, would take a fifth of it.
gc.disable()


def _worker_name() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


def _start_or_join() -> TestServers:
    joined = os.environ.get(JOIN_ENV)
    if joined:
        return TestServers.joined(joined)
    servers = TestServers.start()
    os.environ[JOIN_ENV] = servers.address
    os.environ["DCMM_TEST_CONTROLLER"] = str(os.getpid())
    return servers


def _valkey_database(worker: str) -> int:
    return int(worker.removeprefix("gw")) + 1 if worker.startswith("gw") else 0


SERVERS = _start_or_join()
WORKER = _worker_name()
DATABASE_NAME = f"test_{WORKER}"
os.environ.update(
    DATABASE_URL=SERVERS.database_url(DATABASE_NAME),
    REDIS_URL=SERVERS.redis_url(_valkey_database(WORKER)),
    DATA_DIR=str(SERVERS.root / f"data-{WORKER}"),
    SECRET_KEY="tests-only-0123456789-0123456789-0123456789-0123456789",
    DEBUG="1",
    LOG_LEVEL="WARNING",
    DCMM_DB_ROLE="app",
    DJANGO_SETTINGS_MODULE="dcmm_portal.settings",
    # Playwright keeps an event loop running in the main thread, in which Django would refuse its synchronous ORM.
    DJANGO_ALLOW_ASYNC_UNSAFE="true",
)
(Path(os.environ["DATA_DIR"]) / "static").mkdir(parents=True, exist_ok=True)
SERVERS.clone(DATABASE_NAME)


def pytest_collection_finish() -> None:
    """From here on cycles are looked for as ever, but among what the tests make."""
    gc.freeze()
    gc.enable()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Names what failed in the file that `ops/run_tests.py` asks for; only the controller hears of every worker's tests."""
    told = os.environ.get("DCMM_FAILED_TESTS")
    if told and report.failed and WORKER == "main":
        with Path(told).open("a") as names:
            names.write(f"{report.nodeid}\n")


def pytest_unconfigure(config: object) -> None:
    if os.environ.get("DCMM_TEST_CONTROLLER") == str(os.getpid()):
        SERVERS.stop()
