"""Kills, locks, requests to resume and named gates attacked in SQL as the application."""

from __future__ import annotations

from typing import LiteralString

import pytest

from governance.access.actors import actor_of
from tests.attacks.desk import SLUG, Desk
from trading.controls.services import impose_lock, kill

ASK = (
    "INSERT INTO resume_requests (scope, rule, control_version, reason, asked_by_id, asked_by_name, asked_at, expires_at,"
    " outcome, decided_by_id, decided_by_name, decision_reason) SELECT scope, 'kill', version, 'x', %(by)s, 'x', now(),"
    " now() + interval '5 minutes', 'PENDING', '', '', '' FROM trading_controls WHERE scope = 'dct-usdt-dex'"
)
CONFIRM = "UPDATE resume_requests SET outcome = 'CONFIRMED', decided_by_id = %(by)s, decided_by_name = 'x', decided_at = now()"
LIFT = "UPDATE trading_controls SET state = 'ACTIVE', version = version + 1 WHERE scope = 'dct-usdt-dex'"


@pytest.fixture
def halted(desk: Desk) -> Desk:
    now = desk.now()
    kill(SLUG, actor=actor_of(desk.people["olga"]), reason="emergency", idempotency_key="halt", now=now)
    impose_lock(SLUG, "paused", "hard_limit", "q 21 lots", imposed_by="quoting", now=now)
    return desk


@pytest.mark.attacks("trading_controls.*")
@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (LIFT, "two people must lift"),
        ("UPDATE trading_controls SET state = 'REDUCING', version = version + 1 WHERE state = 'HALTED'", "two people"),
        ("UPDATE trading_controls SET scope = 'elsewhere' WHERE state = 'HALTED'", "its next version"),
        ("UPDATE trading_controls SET version = 1 WHERE state = 'HALTED'", "its next version"),
        ("UPDATE trading_controls SET state = 'PAUSED' WHERE state = 'ACTIVE'", "its next version"),
        (
            "UPDATE trading_controls SET version = version + 5, state = 'PAUSED' WHERE state = 'ACTIVE'",
            "its next version",
        ),
        ("DELETE FROM trading_controls", "permission denied"),
        ("TRUNCATE trading_controls", ""),
        (
            "INSERT INTO trading_controls (scope, state, reason, actor_id, actor_name, changed_at, version)"
            " VALUES ('new', 'ACTIVE', 'x', 'x', 'x', now(), 1)",
            "begins halted",
        ),
    ],
)
def test_a_kill_is_not_lifted(halted: Desk, statement: LiteralString, told: str) -> None:
    assert told in halted.refused(statement)


@pytest.mark.attacks("resume_requests.*")
def test_a_request_to_resume_is_no_key_by_itself(halted: Desk) -> None:
    olga, anna, carl = (str(halted.people[name].pk) for name in ("olga", "anna", "carl"))
    decided = ASK.replace("'PENDING', '', ''", "'CONFIRMED', '9', 'x'").replace("decision_reason)", "decision_reason)")
    halted.refused(decided, {"by": olga})
    halted.app.execute(ASK, {"by": olga})
    assert "two people" in halted.refused(LIFT)
    assert "an approver confirms" in halted.refused(CONFIRM, {"by": carl})
    assert "an approver confirms" in halted.refused(CONFIRM, {"by": "shell"})
    halted.refused(CONFIRM, {"by": olga})
    for column, value in (
        ("scope", "'desk'"), ("rule", "'hard_limit'"), ("lock_id", "(SELECT id FROM locks)"), ("control_version", "1"),
        ("reason", "'other'"), ("asked_by_id", "'9'"), ("asked_by_name", "'other'"), ("asked_at", "'2020-01-01'"),
        ("expires_at", "'2099-01-01'"),
    ):  # fmt: skip
        halted.refused(f"UPDATE resume_requests SET {column} = {value}")
    halted.refused("DELETE FROM resume_requests")
    halted.app.execute(CONFIRM.replace("CONFIRMED", "REFUSED"), {"by": anna})
    assert "already decided" in halted.refused(CONFIRM, {"by": anna})
    assert "already decided" in halted.refused(
        "UPDATE resume_requests SET decision_reason = 'other', decided_by_name = 'y'"
    )
    assert "two people" in halted.refused(LIFT)


@pytest.mark.attacks("resume_requests.*")
def test_who_asks_is_an_operator(halted: Desk) -> None:
    anna, boris = (str(halted.people[name].pk) for name in ("anna", "boris"))
    halted.app.execute(ASK, {"by": boris})
    assert "an operator asks" in halted.refused(CONFIRM, {"by": anna})


@pytest.mark.attacks("locks.*")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE locks SET lifted_at = now(), lifted_by = 'x'",
        "UPDATE locks SET state = 'REDUCING'",
        "UPDATE locks SET rule = 'breaker'",
        "UPDATE locks SET scope = 'elsewhere'",
        "UPDATE locks SET until = now()",
        "DELETE FROM locks",
        "TRUNCATE locks CASCADE",
    ],
)
def test_a_lock_of_a_hard_limit_is_not_lifted(halted: Desk, statement: LiteralString) -> None:
    halted.refused(statement)
    assert halted.one("SELECT state, rule, scope, until, lifted_at FROM locks") == {
        "state": "PAUSED", "rule": "hard_limit", "scope": SLUG, "until": None, "lifted_at": None,
    }  # fmt: skip


@pytest.mark.attacks("named_gates.*")
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO named_gates (name, is_open, reason, changed_at, changed_by) VALUES ('other', true, 'x', now(), 'x')",
        "UPDATE named_gates SET is_open = true",
        "UPDATE named_gates SET name = 'other'",
        "DELETE FROM named_gates",
    ],
)
def test_a_named_gate_is_only_closed(desk: Desk, statement: LiteralString) -> None:
    desk.owner.execute("UPDATE governance_genesis SET is_open = true")
    desk.app.execute(
        "INSERT INTO named_gates (name, is_open, reason, changed_at, changed_by) VALUES ('live', false, 'x', now(), 'x')"
    )
    desk.owner.execute("UPDATE governance_genesis SET is_open = false")
    desk.refused(statement)
