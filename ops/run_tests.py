"""Runs pytest with the arguments given. What failed beside other tests is run once more, alone, and named either way.

Thousands of tests with real servers, processes and sockets share the cores; a test's own time limit can end only because its
neighbours took the processor. Alone a test has no such excuse: what fails there has failed. More than a handful of failures is
no coincidence and gets no second look. A test that passed only alone is printed as UNSTABLE, to be mended.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

MOST_AGAIN = 4
TESTS_FAILED = 1


def pytest(arguments: list[str], failed: Path) -> int:
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    return subprocess.run(command, env=os.environ | {"DCMM_FAILED_TESTS": str(failed)}).returncode


def names_in(path: Path) -> list[str]:
    return list(dict.fromkeys(path.read_text().splitlines())) if path.exists() else []


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="dcmm-failed-") as folder:
        first, second = Path(folder) / "first", Path(folder) / "second"
        outcome = pytest(arguments, first)
        again = names_in(first)
        if outcome != TESTS_FAILED or not 0 < len(again) <= MOST_AGAIN:
            return outcome
        print(f"\nOnce more, alone: {', '.join(again)}", flush=True)
        outcome = pytest(again, second)
        for name in again if outcome == 0 else []:
            print(f"UNSTABLE: {name} failed beside other tests and passed alone; see its report above.", flush=True)
        return outcome


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
