"""Every column is classed; a governed one without guard or attack is found, and so is an attack on nothing."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from governance import coverage
from governance.coverage import COVERAGE, ColumnClass, TableCoverage, classification_problems, present_columns
from governance.coverage_proof import Attack, Proof, UnreadableAttack, proof_problems, read_attacks, read_proofs
from governance.management.commands import approval_coverage

SOURCE = """
import pytest

pytestmark = [pytest.mark.django_db, pytest.mark.attacks("votes.*")]


@pytest.mark.attacks("parameter_sets.gamma", "parameter_sets.k*")
def test_one():
    pass


class TestMany:
    @pytest.mark.attacks("users.password")
    async def test_two(self):
        pass


def helper():
    pass
"""


def _write(folder: Path, text: str, name: str = "test_some.py") -> None:
    (folder / "attacks").mkdir(exist_ok=True)
    (folder / "attacks" / name).write_text(text)


def test_every_column_of_the_portal_is_classed_once() -> None:
    assert classification_problems(present_columns()) == []


def test_the_declaration_covers_histories_and_relations() -> None:
    assert {"parameter_sets_history", "users_groups", "users_user_permissions"} <= present_columns().keys()


@pytest.mark.parametrize(
    ("column", "word"),
    [
        ("parameter_sets.q_hard_lots", ColumnClass.GOVERNED),
        ("parameter_sets_history.gamma", ColumnClass.GOVERNED),
        ("exposure_limits.hard_limit", ColumnClass.GOVERNED),
        ("trading_controls.state", ColumnClass.GOVERNED),
        ("users_groups.group_id", ColumnClass.GOVERNED),
        ("fills.price", ColumnClass.MACHINE_WRITTEN),
        ("users.email", ColumnClass.PRIVATE),
    ],
)
def test_some_are_classed_as_they_must_be(column: str, word: ColumnClass) -> None:
    table, _, name = column.partition(".")
    assert dict(COVERAGE[table].classes())[name] is word


def test_what_is_new_stale_or_double_is_found() -> None:
    present = {"a": ["id", "new"], "b": ["id"], "c": ["id"]}
    declared = {"a": TableCoverage("id gone"), "b": TableCoverage("id", "id"), "d": TableCoverage("id")}
    assert classification_problems(present, declared) == [
        "c: is not classed at all",
        "d: is classed and does not exist",
        "a.new: is not classed",
        "a.gone: is classed and does not exist",
        "b.id: is classed twice",
    ]


def test_attacks_are_read_from_their_sources(tmp_path: Path) -> None:
    _write(tmp_path, SOURCE)
    assert read_attacks(tmp_path / "attacks", tmp_path) == (
        Attack("attacks/test_some.py::test_one", ("votes.*", "parameter_sets.gamma", "parameter_sets.k*")),
        Attack("attacks/test_some.py::TestMany::test_two", ("votes.*", "users.password")),
    )
    assert read_attacks(tmp_path / "nothing", tmp_path) == ()


@pytest.mark.parametrize("mark", ["attacks(NAME)", "attacks()", "attacks", "attacks('a.b', *more)"])
def test_an_attack_says_in_words_what_it_attacks(tmp_path: Path, mark: str) -> None:
    _write(tmp_path, f"import pytest\n@pytest.mark.{mark}\ndef test_x(): pass\n")
    with pytest.raises(UnreadableAttack, match=r"test_some\.py::test_x"):
        read_attacks(tmp_path / "attacks", tmp_path)


def test_a_source_that_cannot_be_read_is_not_passed_over(tmp_path: Path) -> None:
    _write(tmp_path, "def test_(:\n")
    with pytest.raises(UnreadableAttack):
        read_attacks(tmp_path / "attacks", tmp_path)


def test_guards_come_from_the_database_itself(db: None) -> None:
    attacks = (Attack("one", ("trading_controls.*",)), Attack("two", ("trading_controls.state",)))
    history, state, scope, bounded, genesis = read_proofs(
        [
            "parameter_sets_history.gamma",
            "trading_controls.state",
            "trading_controls.scope",
            "parameter_sets.gamma",
            "governance_genesis.is_open",
        ],
        attacks,
    )
    assert "trigger parameter_sets_history_append_only (UPDATE, DELETE)" in history.guards
    assert "the application has no right to UPDATE" in history.guards
    assert "trigger trading_controls_unkilled_by_two (UPDATE)" in state.guards
    assert (state.attacks, scope.attacks) == (("one", "two"), ("one",))
    assert bounded.bounds == ("parameter_hard_bounds",)
    assert genesis.guards == ("the application has no right to INSERT", "the application has no right to UPDATE")
    assert genesis.unguarded == ()


def test_what_the_application_may_do_unasked_is_named(db: None) -> None:
    """A trigger on updates guards no insertion, unless it is written down why a new row needs none."""
    request, lock, relation, minute = read_proofs(
        ["resume_requests.outcome", "locks.state", "users_user_permissions.user_id", "market_minutes.cycles"], ()
    )
    assert request.guards == ("the application has no right to INSERT", "the application has no right to UPDATE")
    assert request.unguarded == ()
    assert "INSERT: a lock only makes things stricter" in lock.guards and lock.unguarded == ()
    assert relation.unguarded == ()
    assert minute.unguarded == ("INSERT", "UPDATE")


def test_what_lacks_proof_is_found() -> None:
    proofs = [
        Proof("a.x", ("trigger t (UPDATE)",), (), (), ()),
        Proof("a.y", (), ("INSERT", "UPDATE"), ("bounds",), ("one",)),
    ]
    attacks = [Attack("one", ("a.y", "b.*"))]
    assert proof_problems(proofs, attacks, {"a": ["x", "y"]}) == [
        "a.y: nothing guards INSERT",
        "a.y: nothing guards UPDATE",
        "a.x: no attack tries it",
        "one: b.* matches no column",
    ]


def _answer(*arguments: str) -> dict:
    out = io.StringIO()
    call_command("approval_coverage", "--json", *arguments, stdout=out)
    return json.loads(out.getvalue())


def test_the_command_lists_every_governed_column(db: None) -> None:
    listed = {row["column"] for row in _answer()["columns"]}
    assert listed == set(coverage.governed_columns())
    assert "parameter_sets.gamma" in listed and "fills.price" not in listed


def test_the_check_is_strict_once_there_are_attacks(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approval_coverage, "BASE_DIR", tmp_path)
    monkeypatch.setattr(approval_coverage, "ATTACKS", tmp_path / "attacks")
    call_command("approval_coverage", "--check", stdout=io.StringIO())
    _write(tmp_path, SOURCE)
    found = _answer()
    (gamma,) = (row for row in found["columns"] if row["column"] == "parameter_sets.gamma")
    assert gamma["attacks"] == ["attacks/test_some.py::test_one"]
    assert "markets.lot_size: no attack tries it" in found["problems"]
    with pytest.raises(CommandError, match="not in order"):
        call_command("approval_coverage", "--check", stdout=io.StringIO())


def test_a_column_that_nobody_classed_fails_the_check(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for table in ("users", "fills"):
        monkeypatch.setitem(coverage.COVERAGE, table, TableCoverage("id"))
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("approval_coverage", "--check", stdout=out)
    assert "PROBLEM users.email: is not classed" in out.getvalue()
