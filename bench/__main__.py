"""Run all benchmarks, or those named: `python -m bench [quote fills ...]`; writes bench/results/latest.json.

What other benchmarks found earlier stays in the file; each row names its benchmark and when it ran.
"""

from __future__ import annotations

import importlib
import json
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

MODULES = (
    "quote",
    "fills",
    "tick_to_ack",
    "markets_per_worker",
    "reconciliation",
    "kill_switch",
    "delays",
    "recovery",
    "review_pages",
    "public_pages",
    "live_fanout",
)
RESULTS = Path(__file__).parent / "results" / "latest.json"


def _earlier() -> list[dict[str, Any]]:
    """Rows of the file as it is; none where there is no file, or none that can be read."""
    try:
        return list(json.loads(RESULTS.read_text())["results"])
    except (OSError, ValueError, KeyError):
        return []


def main(names: list[str]) -> int:
    unknown = sorted(set(names) - set(MODULES))
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are: {', '.join(MODULES)}")
        return 2
    chosen = names or list(MODULES)
    rows = [row for row in _earlier() if row.get("bench") in MODULES and row["bench"] not in chosen]
    for name in chosen:
        print(f"{name} ...", flush=True)
        for row in importlib.import_module(f"bench.{name}").run():
            rows.append(row | {"bench": name, "at": datetime.now(UTC).isoformat()})
            peer = f"   {row['peer']}: {row['peer_value']:.4g}, ratio {row['ratio']:.3g}" if row.get("peer") else ""
            print(f"  {row['name']:<44} {row['value']:>12.4g} {row['unit']:<14}{peer}", flush=True)
    RESULTS.parent.mkdir(exist_ok=True)
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    RESULTS.write_text(
        json.dumps({"at": datetime.now(UTC).isoformat(), "machine": machine, "results": rows}, indent=2) + "\n"
    )
    print(f"written to {RESULTS.relative_to(Path.cwd()) if RESULTS.is_relative_to(Path.cwd()) else RESULTS}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
