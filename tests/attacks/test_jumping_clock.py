"""The clock of the machine that runs us jumps, or somebody sets it: the database's clock decides what its time has come for."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import pytest
from django.db import transaction

from governance.access import step_up, totp
from governance.access.actors import actor_of
from governance.access.tokens import authenticate, collect, issue
from governance.models import Proposal, User
from governance.review import applying, clockwork, drafting, previewing
from governance.review.kinds import control
from governance.review.step_up import StepUp
from governance.review.voting import vote
from tests.attacks.desk import SLUG, TIMELOCK, Desk, refusal
from tests.attacks.test_controls_by_sql import END_KILL, KILL, LIFT, halted
from tests.pages import stage
from trading.controls.services import ControlRefused, impose_lock, set_state
from trading.models import Lock, TradingControl

__all__ = ["halted"]
LOOSER = {"markets": {SLUG: {"spread_floor_bps": "1"}}}
HOUR, DAY, YEAR = timedelta(hours=1), timedelta(days=1), timedelta(days=365)


def state(made: Proposal) -> str:
    return Proposal.objects.get(pk=made.pk).state


@pytest.mark.attacks("parameter_sets.*", "proposals.not_before", "proposals.valid_until")
def test_a_clock_ahead_applies_nothing_early_and_ends_nothing(desk: Desk) -> None:
    waiting, in_review = desk.approved(LOOSER), desk.in_review({"markets": {SLUG: {"spread_floor_bps": "2"}}})
    for ahead in (HOUR, DAY, YEAR):
        now = desk.now() + ahead
        assert (clockwork.apply_due(now), clockwork.expire_due(now)) == ([], [])
        assert refusal(lambda now=now: applying.apply(waiting.pk, now=now)) == "too_early"
    assert (state(waiting), state(in_review), desk.version()) == ("APPROVED", "IN_REVIEW", 1)
    # Once its time has come by the database, a clock that is ahead does not end it either.
    desk.travel(TIMELOCK + timedelta(seconds=5))
    assert clockwork.apply_due(desk.now() + YEAR) == [waiting.pk]
    assert (state(waiting), desk.version()) == ("APPLIED", 2)


@pytest.mark.attacks("parameter_sets.*", "votes.voted_at", "proposals.valid_until")
def test_a_clock_put_back_keeps_nothing_alive(desk: Desk) -> None:
    waiting, in_review = desk.approved(LOOSER), desk.in_review({"markets": {SLUG: {"spread_floor_bps": "2"}}})
    due = Proposal.objects.get(pk=waiting.pk).not_before
    then = desk.now()
    desk.travel(20 * DAY)
    late = in_review.content_hash

    def vote_back_then() -> object:
        shown = StepUp("totp", then)
        return vote(desk.people["anna"], in_review.pk, "approve", late, "", shown, key=uuid.uuid4().hex, now=then)

    assert refusal(vote_back_then) == "expired"
    # Between timelock and validity by our clock, long over by the database's.
    assert applying.apply(waiting.pk, now=due + timedelta(minutes=1)).state == "EXPIRED"
    assert desk.version() == 1


@pytest.mark.attacks("parameter_sets.*", "proposals.review_due_at")
def test_a_clock_put_back_hides_no_overdue_review(desk: Desk) -> None:
    safer = desk.draft({"markets": {SLUG: {"spread_floor_bps": "9"}}})
    applying.apply_at_once(desk.people["olga"], safer.pk, key="safer", now=desk.now())
    then = desk.now()
    desk.travel(2 * DAY)
    olga = desk.people["olga"]
    made = drafting.propose(olga, "parameters", None, LOOSER, "a reason", key="looser", now=then)
    previewing.attach_preview(olga, made.pk, key="preview", now=then)
    assert refusal(lambda: drafting.submit(olga, made.pk, key="submit", now=then)) == "review_overdue"


@pytest.mark.attacks("trading_controls.state", "proposals.valid_until")
def test_an_end_of_a_kill_that_is_over_is_allowed_by_no_date(halted: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "failing", lambda scope, now: ())
    made = halted.in_review(KILL, "control")
    then = halted.now()
    halted.travel(HOUR)
    # The application's clock is an hour behind: by it the question is still good.
    shown = StepUp("totp", then)
    anna, content = halted.people["anna"], made.content_hash
    assert refusal(lambda: vote(anna, made.pk, "approve", content, "", shown, key="late", now=then)) == "expired"
    assert "not approved" in halted.refused(END_KILL, {"id": made.pk})
    assert "by an approved proposal" in halted.refused(LIFT)


@pytest.mark.attacks("trading_controls.state", "proposals.review_due_at")
def test_a_clock_put_back_resumes_nothing_and_says_why(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    olga = desk.people["olga"]

    def to(state: str, key: str, now: datetime) -> None:
        set_state(SLUG, state, actor=actor_of(olga), reason="a reason", idempotency_key=key, now=now)

    to("PAUSED", "pause", desk.now())
    safer = desk.draft({"markets": {SLUG: {"spread_floor_bps": "9"}}})
    applying.apply_at_once(olga, safer.pk, key="safer", now=desk.now())
    then = desk.now()
    desk.travel(2 * DAY)
    monkeypatch.setattr("trading.controls.services.failing", lambda *_: ())
    with transaction.atomic(), pytest.raises(ControlRefused, match="set its time right") as caught:
        to("ACTIVE", "resume", then)
    assert (caught.value.code, "overdue for review" in str(caught.value)) == ("database_refused", True)
    assert TradingControl.objects.get(scope=SLUG).state == "PAUSED"


@pytest.mark.attacks("locks.lifted_at")
def test_a_lock_that_ran_out_is_ended_by_no_clock_put_back(desk: Desk) -> None:
    then = desk.now()
    impose_lock(SLUG, "paused", "drawdown", "2 %", imposed_by="quoting", now=then, until=then + timedelta(minutes=10))
    change, olga = {"scope": SLUG, "rule": "drawdown"}, desk.people["olga"]
    asked = desk.in_review(change, "control")
    desk.travel(timedelta(minutes=20))
    assert refusal(lambda: drafting.propose(olga, "control", None, change, "a reason", key="x", now=then)) == "ran_out"
    shown, content = StepUp("totp", then), asked.content_hash
    late = refusal(lambda: vote(desk.people["anna"], asked.pk, "approve", content, "", shown, key="v", now=then))
    assert (late, Lock.objects.get().lifted_at) == ("ran_out", None)


def test_a_code_and_a_token_are_not_good_again(desk: Desk) -> None:
    anna, now = stage.enrol(User.objects.get(username="anna")), desk.now()
    code, content = totp.code_at(stage.TOTP_SECRET, now), "a" * 64
    step_up.verify(anna, {"code": code}, "vote", content, now)
    earlier = totp.code_at(stage.TOTP_SECRET, now - HOUR)
    for given, at in ((code, now), (code, now - timedelta(seconds=29)), (earlier, now - HOUR)):
        with pytest.raises(step_up.StepUpRefused) as caught:
            step_up.verify(anna, {"code": given}, "vote", content, at)
        assert caught.value.code == "refused"
    desk.owner.execute("UPDATE governance_genesis SET is_open = true")
    row = issue(anna, "bot", ["approver"], 1, authorised_by="genesis", now=now)
    desk.owner.execute("UPDATE governance_genesis SET is_open = false")
    token = collect(anna, row.prefix, now=now).token
    assert authenticate(token, now) == anna
    desk.travel(2 * DAY)
    assert authenticate(token, now) is None
