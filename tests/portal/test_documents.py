"""Documents that repeat what the code declares say the same."""

from __future__ import annotations

import re
from pathlib import Path

from ops.metrics_table import PATH, table

BASE_DIR = Path(__file__).resolve().parents[2]
_KINDS = "|".join(
    (
        "account|order|risk|dead_letter|quarantine|funding|fill|transfer|movement|position|proposal",
        "reconciliation|adjustment|parameters|control|lock|limit|inbox|hot_state|history|access|handover|registry|disclosure|report|treasury_declaration",
    )
)


def test_every_metric_is_in_the_table() -> None:
    assert PATH.read_text(encoding="utf-8") == table(), "python -m ops.metrics_table"


def test_every_type_of_event_is_described_and_none_that_nobody_tells() -> None:
    sources = [
        path
        for room in ("trading", "governance", "disclosures")
        for path in (BASE_DIR / room).rglob("*.py")
        if not {"sandbox", "venues", "migrations"} & set(path.parts)
    ]
    told = {name for path in sources for name in re.findall(rf'"((?:{_KINDS})\.[a-z_]+)"', path.read_text())}
    described = set(re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \|", (BASE_DIR / "docs/events.md").read_text(), re.MULTILINE))
    assert described == told
