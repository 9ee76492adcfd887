"""The runbook says for each alarm that the code can raise what it means and what to do, and for none that it can't."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from trading import metrics
from trading.controls.rule_locks import LIFTED_BY_ONE
from trading.controls.selectors import KILL
from trading.risk.verdict import ReasonCode, Rule

BASE_DIR = Path(__file__).resolve().parents[2]
TEXT = (BASE_DIR / "docs" / "runbook.md").read_text(encoding="utf-8")
# Rules whose verdicts two people must end, and which therefore impose a lock of their name.
LOCKING_RULES = {Rule.HARD_LIMIT, Rule.ASSET_LIMIT, Rule.DESK_LIMIT, Rule.DRAWDOWN}
_ERROR = re.compile(r"""\blog\.(?:error|critical|exception)\(\s*"([a-z_]+)\"""")


def rows(title: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    section = TEXT.split(f"### {title}\n", 1)[1].split("\n#", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def named(title: str) -> list[str]:
    """What the first cells name, in order."""
    return [name for row in rows(title) for name in re.findall(r"`([a-z_]+)`", row[0])]


def sources() -> Iterator[str]:
    for room in ("trading", "governance", "disclosures", "dcmm_portal"):
        for path in (BASE_DIR / room).rglob("*.py"):
            if not {"sandbox", "migrations"} & set(path.parts):
                yield path.read_text(encoding="utf-8")


def test_every_lock_has_its_row() -> None:
    constants = {name for text in sources() for name in re.findall(r'^(?:[A-Z_]*)LOCK_RULE = "([a-z_]+)"', text, re.M)}
    assert {"fill_conflict", "reconciliation"} <= constants
    declared = {KILL, *LIFTED_BY_ONE, *constants, *(rule.value for rule in LOCKING_RULES)}
    assert sorted(named("Locks")) == sorted(declared)


def test_the_locking_rules_are_those_whose_verdicts_two_people_end() -> None:
    found = set()
    for text in sources():
        found |= set(re.findall(r"Verdict\(\s*(Rule\.[A-Z_]+|rule),[^()]*Release\.TWO_PEOPLE", text))
    shared = {"rule"}  # asset and desk share one function
    assert found - shared == {f"Rule.{rule.name}" for rule in LOCKING_RULES - {Rule.ASSET_LIMIT, Rule.DESK_LIMIT}}
    assert shared <= found


def test_every_coded_reason_has_its_row() -> None:
    assert sorted(named("Breakers and checks")) == sorted(reason.value for reason in ReasonCode)
    assert {row[2] for row in rows("Breakers and checks")} == {"A", "C", "2"}


def test_every_log_line_at_level_error_has_its_row() -> None:
    told = {name for text in sources() for name in _ERROR.findall(text)}
    assert "reconciliation_differs" in told and "ledger_entry_refused" in told
    assert sorted(named("Log lines at level error")) == sorted(told)


def test_every_metric_that_alarms_exists() -> None:
    declared = {
        name + ("_total" if each._type == "counter" else "")
        for each in vars(metrics).values()
        if (name := getattr(each, "_name", None)) is not None
    }
    assert set(named("Metrics")) <= declared, set(named("Metrics")) - declared


@pytest.mark.parametrize(
    "title", ["Locks", "Breakers and checks", "Log lines at level error", "Metrics", "What a comparison finds"]
)
def test_no_row_is_unfinished(title: str) -> None:
    found, names = rows(title), named(title)
    assert len(names) == len(set(names))
    width = len(found[0])
    assert width >= 3
    for row in found:
        assert len(row) == width and all(row), row
