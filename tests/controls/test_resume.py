"""Ending what only two people may end: an operator proposes it, an approver votes; and the ways round it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from governance.access.roles import Role
from governance.models import Proposal, ProposalTransition
from governance.review import voting
from governance.review.errors import ReviewRefused
from governance.review.selectors import control_proposals
from governance.review.step_up import StepUp
from tests.controls.green import compared, feed, green
from tests.pages import stage
from tests.review.clock import database_time_kept
from tests.review.desk import CEX, DEX, SAFER, Desk, failure, key, open_desk, refused, state
from trading.controls.commands import Actor
from trading.controls.selectors import effective_state, needs_two_people
from trading.controls.services import impose_lock, kill, reduce
from trading.models import Event, Lock, TradingControl, TradingSession
from trading.risk.states import TradingState

OPERATOR = Actor("u1", "Operator One", frozenset({"operator"}))
UNLOCKED = (TradingState.ACTIVE, ())


@pytest.fixture
def desk(db: None, redis_url: str) -> Iterator[Desk]:
    with database_time_kept():
        desk = open_desk()
        green(desk.now)
        yield desk


def ask(desk: Desk, rule: str = "kill", by: str = "opal", used: str | None = None) -> Proposal:
    return desk.propose({"scope": DEX, "rule": rule}, by, "control", submit_at_once=True, key=used or key())


def halt(desk: Desk, used: str = "kill") -> None:
    kill(DEX, actor=OPERATOR, reason="emergency", idempotency_key=used, now=desk.now)


def lock(desk: Desk, rule: str = "hard_limit", imposed: TradingState = TradingState.PAUSED) -> None:
    impose_lock(DEX, imposed, rule, "q 21 lots", imposed_by="quoting", now=desk.now)


def stands(desk: Desk) -> TradingState:
    return effective_state(DEX, desk.now)[0]


def test_two_people_lift_a_kill(desk: Desk) -> None:
    halt(desk)
    asked = ask(desk)
    assert (asked.state, stands(desk)) == ("IN_REVIEW", TradingState.HALTED), "asking changes nothing"
    (waiting,) = control_proposals(desk.now)[DEX, "kill"]
    assert (waiting.id, waiting.proposer_name) == (asked.pk, "opal")
    assert desk.vote(asked, "anna").state == "APPLIED"
    assert effective_state(DEX, desk.now) == UNLOCKED
    control = TradingControl.objects.get(scope=DEX)
    assert (control.version, control.actor_name, control.authorised_by) == (3, "anna", f"proposal:{asked.pk}")
    told = Event.objects.filter(aggregate=f"control:{DEX}").order_by("aggregate_seq").last()
    assert told is not None and told.type == "control.changed"
    assert (told.payload["to"], told.payload["authorised_by"]) == ("ACTIVE", f"proposal:{asked.pk}")
    assert not needs_two_people(desk.now) and not control_proposals(desk.now)


@pytest.mark.parametrize(
    ("rule", "imposed"),
    [
        ("hard_limit", TradingState.PAUSED),
        ("fill_conflict", TradingState.REDUCING),
        ("reconciliation", TradingState.REDUCING),
    ],
)
def test_two_people_lift_a_lock(desk: Desk, rule: str, imposed: TradingState) -> None:
    lock(desk, rule, imposed)
    (standing,) = needs_two_people(desk.now)
    assert (standing.scope, standing.rule) == (DEX, rule)
    asked = ask(desk, rule)
    assert desk.vote(asked, "anna").state == "APPLIED"
    assert effective_state(DEX, desk.now) == UNLOCKED
    row = Lock.objects.get()
    assert (row.lifted_by, row.authorised_by) == ("anna", f"proposal:{asked.pk}")
    assert row.lift_reason == f"Proposal {asked.pk}: tighter book"


def test_after_a_drawdown_the_loss_is_measured_anew(desk: Desk) -> None:
    lock(desk, "drawdown")
    before = TradingSession.objects.count()
    assert desk.vote(ask(desk, "drawdown"), "anna").state == "APPLIED"
    assert TradingSession.objects.count() == before + 1


def test_a_lock_and_a_kill_end_separately(desk: Desk) -> None:
    lock(desk)
    halt(desk)
    desk.vote(ask(desk), "anna")
    assert stands(desk) is TradingState.PAUSED
    desk.vote(ask(desk, "hard_limit"), "anna")
    assert stands(desk) is TradingState.ACTIVE


def test_the_approver_may_say_no(desk: Desk) -> None:
    halt(desk)
    asked = ask(desk)
    assert desk.vote(asked, "anna", "reject").state == "REJECTED"
    refused("bad_state", desk.vote, asked, "ben")
    assert (stands(desk), control_proposals(desk.now)) == (TradingState.HALTED, {})


def test_who_may_not(desk: Desk) -> None:
    halt(desk)
    desk.person("zoe", Role.OPERATOR, Role.APPROVER)
    desk.forward(minutes=1)
    green(desk.now)
    for name in ("anna", "gus", "ada", "audrey", "ivy"):
        refused("no_role", ask, desk, by=name)
    asked = ask(desk, by="zoe")
    refused("own_proposal", desk.vote, asked, "zoe")
    refused("guardian", desk.vote, asked, "gus")
    for name in ("oscar", "ada", "audrey", "ivy"):
        refused("no_role", desk.vote, asked, name)
    assert (stands(desk), asked.votes.count()) == (TradingState.HALTED, 0)


def test_what_waits_lapses_after_half_an_hour(desk: Desk) -> None:
    halt(desk)
    asked = ask(desk)
    desk.forward(minutes=30)
    green(desk.now)
    refused("expired", desk.vote, asked, "anna")
    assert (state(asked), control_proposals(desk.now)) == ("IN_REVIEW", {})
    again = ask(desk)
    desk.clockwork()
    assert state(asked) == "EXPIRED"
    assert desk.vote(again, "anna").state == "APPLIED"


def test_what_was_approved_lapses_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    halt(desk)
    asked = ask(desk)
    monkeypatch.setattr(voting, "_apply_if_due", lambda proposal, now: proposal)
    assert desk.vote(asked, "anna").state == "APPROVED"
    desk.forward(minutes=30)
    green(desk.now)
    assert desk.apply(asked).state == "EXPIRED"
    assert stands(desk) is TradingState.HALTED


def test_what_is_decided_is_not_decided_again(desk: Desk) -> None:
    halt(desk)
    asked = ask(desk)
    desk.vote(asked, "anna", key="v1")
    connection.check_constraints()  # as the end of its transaction does
    halt(desk, "once more")
    refused("bad_state", desk.vote, asked, "ben")
    assert desk.vote(asked, "anna", key="v1").state == "APPLIED", "the same key answers with what was done"
    assert (stands(desk), TradingControl.objects.get(scope=DEX).version) == (TradingState.HALTED, 4)


def test_keys_serve_one_person_and_one_thing(desk: Desk) -> None:
    halt(desk)
    asked = ask(desk, used="a1")
    assert ask(desk, used="a1") == asked
    refused("already_asked", ask, desk)
    refused("already_asked", ask, desk, by="oscar")
    refused("key_used", ask, desk, by="oscar", used="a1")
    desk.vote(asked, "anna", key="v1")
    refused("key_used", desk.vote, asked, "ben", key="v1")
    assert Proposal.objects.count() == 1


def test_a_changed_situation_is_asked_anew(desk: Desk) -> None:
    lock(desk)
    asked = ask(desk, "hard_limit")
    reduce(DEX, actor=OPERATOR, reason="careful", idempotency_key="r1", now=desk.now)
    refused("stale", desk.vote, asked, "anna")
    assert Lock.objects.get().lifted_at is None
    assert desk.vote(ask(desk, "hard_limit"), "anna").state == "APPLIED"
    assert stands(desk) is TradingState.REDUCING


def test_a_lock_that_became_stricter_is_asked_anew(desk: Desk) -> None:
    lock(desk, imposed=TradingState.REDUCING)
    asked = ask(desk, "hard_limit")
    lock(desk)
    refused("stale", desk.vote, asked, "anna")


def test_red_checks_keep_it_shut_and_the_proposal_open(desk: Desk) -> None:
    lock(desk)
    asked = ask(desk, "hard_limit")
    stage.put_position(DEX, "221000", "1", "0")
    refused("checks_red", desk.vote, asked, "anna")
    stage.put_position(DEX, "218500", "1", "0")
    compared(DEX, desk.now, equal=False)
    refused("checks_red", desk.vote, asked, "anna")
    compared(DEX, desk.now)
    feed(DEX, desk.now, connected=False)
    refused("checks_red", desk.vote, asked, "anna")
    assert (state(asked), asked.votes.count()) == ("IN_REVIEW", 0)
    feed(DEX, desk.now)
    assert desk.vote(asked, "anna").state == "APPLIED", "beyond the soft limit the cycles only reduce"


def test_a_check_that_turns_red_after_the_vote_counts_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    halt(desk)
    asked = ask(desk)
    with monkeypatch.context() as held:
        held.setattr(voting, "_apply_if_due", lambda proposal, now: proposal)
        desk.vote(asked, "anna")
    compared(DEX, desk.now, equal=False)
    assert (desk.apply(asked).state, failure(asked)) == ("FAILED", "checks_red")
    assert stands(desk) is TradingState.HALTED


def test_while_a_review_is_overdue_nothing_is_asked_or_voted(desk: Desk) -> None:
    halt(desk)
    desk.propose(SAFER, apply_at_once=True)
    desk.forward(hours=24, minutes=-1)
    asked = ask(desk)
    desk.forward(minutes=2)
    green(desk.now)
    refused("review_overdue", desk.vote, asked, "anna")
    desk.forward(minutes=30)
    refused("review_overdue", ask, desk)
    assert stands(desk) is TradingState.HALTED


def test_an_overdue_review_of_a_market_that_is_off_keeps_the_desk_halted_too(desk: Desk) -> None:
    off = {"registry": {f"market:{CEX}": {"is_active": "false"}}}
    desk.propose(off, kind="registry", apply_at_once=True)
    kill("desk", actor=OPERATOR, reason="emergency", idempotency_key="all", now=desk.now)
    desk.forward(hours=24, minutes=1)
    green(desk.now)
    change = {"scope": "desk", "rule": "kill"}
    refused("review_overdue", desk.propose, change, "opal", "control", submit_at_once=True)


def together(count: int, act: Callable[[int], Any]) -> tuple[list[Any], list[str]]:
    """Run `act` in that many threads at once: what came of it, and the codes of refusals."""
    start, done, codes = threading.Barrier(count), [], []

    def run(number: int) -> None:
        try:
            start.wait(timeout=5)
            done.append(act(number))
        except ReviewRefused as refusal:
            codes.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    [thread.start() for thread in threads]
    [thread.join(timeout=20) for thread in threads]
    return done, codes


def test_many_at_once_ask_once_and_lift_once(committed_db: None, redis_url: str) -> None:
    with database_time_kept():
        desk = open_desk()
        green(desk.now)
        halt(desk)
        made, codes = together(4, lambda number: ask(desk, by=("opal", "oscar")[number % 2]))
        assert (len(made), codes) == (1, ["already_asked"] * 3)
        asked, voters = made[0], ("anna", "ben", "cara")

        def say_yes(number: int) -> Proposal:
            person, shown = desk.people[voters[number]], StepUp("totp", desk.now)
            return voting.vote(person, asked.pk, "approve", asked.content_hash, "", shown, key=key(), now=desk.now)

        voted, codes = together(3, say_yes)
        assert ([one.state for one in voted], codes) == (["APPLIED"], ["bad_state"] * 2)
        assert TradingControl.objects.get(scope=DEX).version == 3
        assert ProposalTransition.objects.filter(proposal=asked, action="apply").count() == 1
