"""Kills, locks, requests to resume and named gates attacked in SQL as the application."""

from __future__ import annotations

from datetime import timedelta
from typing import LiteralString

import psycopg
import pytest

from governance.access.actors import actor_of
from governance.review import voting
from governance.review.drafting import propose
from governance.review.kinds import control
from tests.attacks.desk import SLUG, Desk
from trading.controls.services import impose_lock, kill

SLUG_IS: LiteralString = "WHERE scope = 'dct-usdt-dex'"
LIFT: LiteralString = f"UPDATE trading_controls SET state = 'ACTIVE', version = version + 1 {SLUG_IS}"
# What the proposal in %(id)s is said to allow, and what the application itself writes beside it.
BY: LiteralString = "authorised_by = 'proposal:' || %(id)s"
END_KILL: LiteralString = f"UPDATE trading_controls SET state = 'ACTIVE', version = version + 1, {BY} {SLUG_IS}"
LIFT_LOCK: LiteralString = f"UPDATE locks SET lifted_at = now(), {BY} WHERE rule = 'hard_limit'"
APPLIED: LiteralString = "UPDATE proposals SET state = 'APPLIED' WHERE id = %(id)s"
KILL, HARD = {"scope": SLUG, "rule": "kill"}, {"scope": SLUG, "rule": "hard_limit"}


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
        (LIFT, "by an approved proposal"),
        ("UPDATE trading_controls SET state = 'REDUCING', version = version + 1 WHERE state = 'HALTED'", "as active"),
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
def test_requests_of_the_way_before_are_a_history(halted: Desk) -> None:
    insert: LiteralString = (
        "INSERT INTO resume_requests (scope, rule, control_version, reason, asked_by_id, asked_by_name, asked_at, expires_at,"
        " outcome, decided_by_id, decided_by_name, decided_at, decision_reason) SELECT scope, 'kill', version, 'x', '1', 'x',"
        " now(), now() + interval '5 minutes', 'CONFIRMED', '2', 'y', now(), 'x' FROM trading_controls WHERE state = 'HALTED'"
    )
    for statement in (insert, "UPDATE resume_requests SET outcome = 'CONFIRMED'", "DELETE FROM resume_requests"):
        assert "permission denied" in halted.refused(statement)
    for statement in (insert, "UPDATE resume_requests SET outcome = 'CONFIRMED'"):
        with pytest.raises(psycopg.errors.IntegrityError, match="only grows"):
            halted.owner.execute(statement)
    assert "by an approved proposal" in halted.refused(LIFT)


def held(desk: Desk, monkeypatch: pytest.MonkeyPatch, change: dict[str, str]) -> dict[str, int]:
    """A proposal that has its approval and is not applied yet."""
    with monkeypatch.context() as hold:
        hold.setattr(control, "failing", lambda scope, now: ())
        hold.setattr(voting, "_apply_if_due", lambda proposal, now: proposal)
        made = desk.vote(desk.in_review(change, "control"), "anna")
    assert made.state == "APPROVED"
    return {"id": made.pk}


@pytest.mark.attacks("trading_controls.*")
def test_a_kill_ends_as_its_proposal_says_and_once(halted: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = {"id": halted.in_review(KILL, "control").pk}
    assert "not approved" in halted.refused(END_KILL, waiting)
    other = held(halted, monkeypatch, HARD)
    assert "ends something else" in halted.refused(END_KILL, other)
    approved = held(halted, monkeypatch, KILL)
    assert "does not say that it is applied" in halted.refused(END_KILL, approved)
    assert "nothing was ended by it" in halted.refused(APPLIED, approved)
    assert "ends as active" in halted.refused(END_KILL.replace("'ACTIVE'", "'REDUCING'"), approved)
    for authority in ("", "genesis", "proposal:", "proposal:9999"):
        halted.refused(END_KILL.replace(BY, "authorised_by = %(by)s"), {"by": authority})
    named = "UPDATE trading_controls SET authorised_by = 'proposal:' || %(id)s WHERE state = 'ACTIVE'"
    assert "only the end of a kill" in halted.refused(named, approved)
    with halted.app.transaction():
        halted.app.execute(END_KILL, approved)
        halted.app.execute(APPLIED, approved)
    now = halted.now()
    kill(SLUG, actor=actor_of(halted.people["olga"]), reason="again", idempotency_key="again", now=now)
    assert "it ends nothing more" in halted.refused(END_KILL, approved)


@pytest.mark.attacks("trading_controls.*", "locks.*")
def test_an_approval_ends_nothing_out_of_its_time(halted: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    late, lock = held(halted, monkeypatch, KILL), held(halted, monkeypatch, HARD)
    halted.travel(timedelta(minutes=31))
    assert "no longer valid" in halted.refused(END_KILL, late)
    assert "no longer valid" in halted.refused(LIFT_LOCK, lock)
    waiting = {"id": halted.in_review(KILL, "control").pk}
    within = "SELECT valid_until - submitted_at < interval '1801 s' AS within FROM proposals WHERE id = %(id)s"
    assert halted.one(within, waiting) == {"within": True}
    stale = held(halted, monkeypatch, KILL)
    halted.app.execute("UPDATE trading_controls SET version = version + 1 WHERE state = 'HALTED'")
    assert "has been changed since" in halted.refused(END_KILL, stale)
    lost = held(halted, monkeypatch, KILL)
    halted.app.execute(
        "UPDATE role_grants SET revoked_at = now(), revoked_by_name = 'x' WHERE user_id = %s AND role = 'approver'",
        [halted.people["anna"].pk],
    )
    assert "approvals that count" in halted.refused(END_KILL, lost)


@pytest.mark.attacks("locks.*")
def test_a_lock_ends_as_its_proposal_says(halted: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    now, approved = halted.now(), held(halted, monkeypatch, HARD)
    impose_lock(SLUG, "reducing", "reconciliation", "a difference", imposed_by="ledger", now=now)
    until = now + timedelta(days=1)
    impose_lock(SLUG, "paused", "drawdown", "a loss", imposed_by="quoting", now=now, until=until)
    assert "ends something else" in halted.refused(LIFT_LOCK.replace("hard_limit", "reconciliation"), approved)
    early = "UPDATE locks SET lifted_at = '2099-01-01' WHERE rule = 'drawdown'"
    assert "by an approved proposal" in halted.refused(early)
    assert "does not say that it is applied" in halted.refused(LIFT_LOCK, approved)
    assert "names what allowed it" in halted.refused(
        "UPDATE locks SET authorised_by = 'proposal:' || %(id)s WHERE rule = 'reconciliation'", approved
    )
    halted.app.execute("UPDATE locks SET state = 'HALTED' WHERE rule = 'hard_limit'")
    assert "has been changed since" in halted.refused(LIFT_LOCK, approved)
    again = held(halted, monkeypatch, HARD)
    with halted.app.transaction():
        halted.app.execute(LIFT_LOCK, again)
        halted.app.execute(APPLIED, again)
    halted.travel(timedelta(days=1, minutes=1))
    halted.app.execute("UPDATE locks SET lifted_at = now() + interval '2 days' WHERE rule = 'drawdown'")


@pytest.mark.attacks("trading_controls.state")
def test_while_a_review_is_overdue_nothing_is_loosened(halted: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """By one person neither, and by no door."""
    halted.app.execute("UPDATE trading_controls SET state = 'PAUSED', version = version + 1 WHERE scope = 'desk'")
    safer = {"markets": {SLUG: {"spread_floor_bps": "6"}}}
    olga = halted.people["olga"]
    propose(olga, "parameters", None, safer, "safer", key="s1", now=halted.now(), apply_at_once=True)
    halted.travel(timedelta(hours=23, minutes=50))
    approved = held(halted, monkeypatch, KILL)
    halted.travel(timedelta(minutes=11))
    assert "overdue for review" in halted.refused(END_KILL, approved)
    assert "overdue for review" in halted.refused(
        "UPDATE trading_controls SET state = 'ACTIVE', version = version + 1 WHERE scope = 'desk'"
    )
    halted.app.execute("UPDATE trading_controls SET state = 'HALTED', version = version + 1 WHERE scope = 'desk'")


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
