"""The literal decision tables hold: every state, action and role, on one's own proposal and on somebody else's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from governance.access.grants import grant_role, revoke_role
from governance.access.roles import Role
from governance.models import Proposal, User
from governance.review.errors import ReviewRefused
from governance.review.states import STEPS
from tests.review.decision_table import ROLES, STATES, expected, proposers
from tests.review.desk import CEX, DEX, ONE_OF_EACH, SAFER, Desk, force_version, state
from trading.controls.services import impose_lock

WORDS = {
    "D": "DRAFT", "d": "DRAFT", "I": "IN_REVIEW", "C": "CHANGES_REQUESTED", "A": "APPROVED", "P": "APPLIED", "R": "REJECTED",
    "E": "EXPIRED", "W": "WITHDRAWN", "S": "SUPERSEDED", "X": "CANCELLED", "F": "FAILED",
}  # fmt: skip
OTHER = {"markets": {DEX: {"spread_floor_bps": "3"}}}


def one_in_each_state(desk: Desk, by: str) -> dict[str, Proposal]:
    """Those that need time or move a version first; nothing later is disturbed by them."""
    made = {"E": desk.in_review(by=by)}
    desk.forward(days=14)
    desk.clockwork()
    made["F"] = desk.approved({"markets": {CEX: {"spread_floor_bps": "7"}}}, by)
    force_version(CEX, {"spread_cap_bps": "55"}, desk.now)
    desk.forward(hours=1)
    desk.clockwork()
    made["P"] = desk.propose({"markets": {CEX: {"spread_floor_bps": "9"}}}, by, apply_at_once=True)
    made["D"], made["d"], made["I"] = desk.propose(by=by), desk.propose(SAFER, by), desk.in_review(by=by)
    made["C"], made["A"], made["R"] = desk.in_review(by=by), desk.approved(by=by), desk.in_review(by=by)
    desk.vote(made["C"], "anna", "request_changes")
    desk.vote(made["R"], "anna", "reject")
    made["W"], made["S"], made["X"] = desk.in_review(by=by), desk.in_review(by=by), desk.in_review(by=by)
    desk.withdraw(made["W"], by)
    desk.propose(OTHER, by, replaces=made["S"].pk)
    desk.cancel(made["X"])
    assert {letter: state(proposal) for letter, proposal in made.items()} == WORDS
    return made


def actions(desk: Desk, name: str) -> dict[str, Callable[[Proposal], Any]]:
    by = {"by": name}
    return {
        "edit": partial(desk.edit, change=OTHER, **by),
        "submit": partial(desk.submit, **by),
        "apply_at_once": partial(desk.apply_at_once, **by),
        "approve": partial(desk.vote, choice="approve", **by),
        "reject": partial(desk.vote, choice="reject", **by),
        "request_changes": partial(desk.vote, choice="request_changes", **by),
        "withdraw": partial(desk.withdraw, **by),
        "supersede": lambda proposal: desk.propose(OTHER, name, replaces=proposal.pk),
        "cancel": partial(desk.cancel, **by),
        "schedule": partial(desk.schedule, at=desk.now + timedelta(hours=2), **by),
        "comment": partial(desk.comment, **by),
        "review": partial(desk.review, **by),
    }


def is_done(call: Callable[[], Any]) -> bool:
    """Whether the call is carried out; it is taken back either way."""
    point = transaction.savepoint()
    try:
        call()
    except ReviewRefused:
        return False
    else:
        return True
    finally:
        transaction.savepoint_rollback(point)


def row(desk: Desk, name: str, action: str, made: dict[str, Proposal]) -> str:
    """What really happens, in the table's spelling."""
    desk.people[name] = User.objects.get(username=name)
    call = actions(desk, name)[action]
    fresh = Proposal.objects.in_bulk([proposal.pk for proposal in made.values()])
    return "".join("y" if is_done(partial(call, fresh[made[letter].pk])) else "." for letter in STATES)


@pytest.mark.parametrize("role", ROLES)
def test_the_table_holds(desk: Desk, role: str) -> None:
    desk.forward(hours=-1)
    roles = tuple(Role(one) for one in ROLES[role])
    for name in ("mine", "theirs"):
        desk.person(name, *dict.fromkeys((Role.OPERATOR, *(roles if Role.OPERATOR in roles else ()))))
    desk.person("tested", *roles)
    desk.forward(hours=1)
    is_superuser = role == "superuser"
    if is_superuser:
        User.objects.filter(username__in=("mine", "tested")).update(is_superuser=True, is_staff=True)
    made = one_in_each_state(desk, "mine")
    actual = {}
    for (action, of), _ in expected().items():
        if of == role:
            actual[action] = [row(desk, "tested", action, made)]
    if Role.OPERATOR not in roles:
        for one in roles:
            grant_role(desk.people["mine"], one, authorised_by="genesis", reason="moved", now=desk.now)
        revoke_role(desk.people["mine"], Role.OPERATOR, by_name="ada", now=desk.now)
    for action in actual:
        actual[action].insert(0, row(desk, "mine", action, made))
    assert {action: tuple(rows) for action, rows in actual.items()} == {
        action: rows for (action, of), rows in expected().items() if of == role
    }


def test_the_table_names_every_action_of_a_person() -> None:
    by_time = {"apply", "fail", "expire"}
    assert {action for action, _ in expected()} == set(STEPS) - by_time | {"schedule", "comment", "review"}
    assert {role for _, role in expected()} == set(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_who_may_propose_what(desk: Desk, role: str) -> None:
    impose_lock(DEX, "paused", "hard_limit", "q 21 lots", imposed_by="quoting", now=desk.now)
    person = desk.person("tested", *(Role(one) for one in ROLES[role]))
    if role == "superuser":
        User.objects.filter(pk=person.pk).update(is_superuser=True, is_staff=True)
        person.refresh_from_db()
    actual = {
        (kind, role): is_done(partial(desk.propose, change, "tested", kind)) for kind, change in ONE_OF_EACH.items()
    }
    assert actual == {pair: may for pair, may in proposers().items() if pair[1] == role}
