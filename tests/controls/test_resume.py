"""Ending what only two people may end, and the ways round it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from tests.controls.green import compared, feed, green
from tests.pages import stage
from tests.support.demo import declare_two_markets
from trading.controls.resume import confirm_resume, refuse_resume, request_resume
from trading.controls.selectors import effective_state, needs_two_people, pending_requests
from trading.controls.services import Actor, ControlRefused, impose_lock, kill, reduce
from trading.models import CommandReceipt, Event, Lock, ResumeRequest, TradingControl
from trading.risk.states import TradingState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SOON = NOW + timedelta(seconds=1)
DEX = "dct-usdt-dex"
OPERATOR = Actor("u1", "Operator One", frozenset({"operator"}))
APPROVER = Actor("u2", "Approver Two", frozenset({"approver"}))
BOTH = Actor("u3", "Both Three", frozenset({"operator", "approver"}))
NOBODY = Actor("u4", "Super User", frozenset())


@pytest.fixture
def desk(db: None, redis_url: str) -> Iterator[None]:
    declare_two_markets(NOW)
    green(NOW)
    yield


def ask(
    rule: str | None = None, *, by: Actor = OPERATOR, key: str = "a1", now: datetime = NOW, scope: str = DEX
) -> int:
    return request_resume(scope, rule, operator=by, reason="it is over", idempotency_key=key, now=now).request


def confirm(request: int, *, by: Actor = APPROVER, key: str = "c1", now: datetime = SOON) -> Any:
    return confirm_resume(request, approver=by, reason="I agree", idempotency_key=key, now=now)


def halt(scope: str = DEX) -> None:
    kill(scope, actor=OPERATOR, reason="emergency", idempotency_key=f"kill-{scope}", now=NOW)


def lock(rule: str = "hard_limit", state: TradingState = TradingState.PAUSED) -> None:
    impose_lock(DEX, state, rule, "q 21 lots", imposed_by="quoting", now=NOW)


def refused(code: str, call: Any, *args: Any, **kwargs: Any) -> None:
    with pytest.raises(ControlRefused) as refusal:
        call(*args, **kwargs)
    assert refusal.value.code == code and str(refusal.value)


def test_two_people_lift_a_kill(desk: None) -> None:
    halt()
    request = ask()
    assert effective_state(DEX, NOW)[0] is TradingState.HALTED, "asking changes nothing"
    done = confirm(request)
    assert (done.outcome, done.state, done.version) == ("CONFIRMED", "ACTIVE", 3)
    assert effective_state(DEX, SOON) == (TradingState.ACTIVE, ())
    row = ResumeRequest.objects.get()
    assert (row.asked_by_name, row.decided_by_name, row.decision_reason) == ("Operator One", "Approver Two", "I agree")
    types = Event.objects.filter(aggregate=f"control:{DEX}").order_by("aggregate_seq").values_list("type", flat=True)
    assert list(types)[-3:] == ["resume.asked", "control.changed", "resume.confirmed"]
    assert not needs_two_people(SOON)


@pytest.mark.parametrize(
    ("rule", "state"),
    [
        ("hard_limit", TradingState.PAUSED),
        ("fill_conflict", TradingState.REDUCING),
        ("reconciliation", TradingState.REDUCING),
    ],
)
def test_two_people_lift_a_lock(desk: None, rule: str, state: TradingState) -> None:
    lock(rule, state)
    (standing,) = needs_two_people(NOW)
    assert (standing.scope, standing.rule, standing.request) == (DEX, rule, None)
    request = ask(rule)
    assert needs_two_people(NOW)[0].request == ResumeRequest.objects.get(pk=request)
    assert confirm(request).outcome == "CONFIRMED"
    assert effective_state(DEX, SOON) == (TradingState.ACTIVE, ())
    row = Lock.objects.get()
    assert (row.lifted_by, row.lift_reason) == ("Approver Two", "I agree")


def test_a_lock_and_a_kill_end_separately(desk: None) -> None:
    lock()
    halt()
    confirm(ask())
    assert effective_state(DEX, SOON)[0] is TradingState.PAUSED
    confirm(ask("hard_limit", key="a2", now=SOON), key="c2")
    assert effective_state(DEX, SOON)[0] is TradingState.ACTIVE


def test_the_approver_may_say_no(desk: None) -> None:
    halt()
    request = ask()
    done = refuse_resume(request, approver=APPROVER, reason="not yet", idempotency_key="c1", now=SOON)
    assert (done.outcome, done.state) == ("REFUSED", "HALTED")
    refused("already_decided", confirm, request, key="c2")
    assert pending_requests(SOON) == ()


def test_who_may_not(desk: None) -> None:
    halt()
    for actor in (APPROVER, NOBODY):
        refused("not_operator", ask, by=actor)
    request = ask(by=BOTH)
    refused("same_person", confirm, request, by=BOTH)
    for actor in (OPERATOR, NOBODY):
        refused("not_approver", confirm, request, by=actor)
    assert effective_state(DEX, SOON)[0] is TradingState.HALTED
    assert CommandReceipt.objects.count() == 2


def test_a_request_expires(desk: None) -> None:
    halt()
    request = ask()
    late = NOW + timedelta(minutes=30)
    green(late)
    refused("expired", confirm, request, now=late)
    refused("expired", confirm, request, now=NOW - timedelta(seconds=1))
    assert pending_requests(late) == ()
    confirm(ask(key="a2", now=late), now=late + timedelta(seconds=1))
    assert list(ResumeRequest.objects.order_by("pk").values_list("outcome", flat=True)) == ["LAPSED", "CONFIRMED"]


def test_a_decided_request_is_not_decided_again(desk: None) -> None:
    halt()
    request = ask()
    confirm(request)
    kill(DEX, actor=OPERATOR, reason="once more", idempotency_key="k9", now=SOON)
    refused("already_decided", confirm, request, key="c2")
    assert confirm(request, key="c1").repeated, "the same key answers with what was done, and does nothing"
    assert TradingControl.objects.get(scope=DEX).state == "HALTED"


def test_keys_serve_one_person_and_one_thing(desk: None) -> None:
    halt()
    request = ask()
    assert ask() == request
    other = Actor("u7", "Approver Seven", frozenset({"approver"}))
    refused("already_asked", ask, key="a2")
    refused("key_used", ask, by=BOTH, key="a1")
    confirm(request)
    refused("key_used", confirm, request, by=other)
    refused("key_used", refuse_resume, request, approver=APPROVER, reason="no no", idempotency_key="c1", now=SOON)


def test_a_changed_situation_needs_a_new_request(desk: None) -> None:
    lock()
    request = ask("hard_limit")
    reduce(DEX, actor=OPERATOR, reason="careful", idempotency_key="r1", now=NOW)
    refused("changed", confirm, request)
    assert Lock.objects.get().lifted_at is None
    confirm(ask("hard_limit", key="a2"), key="c2")
    assert effective_state(DEX, SOON)[0] is TradingState.REDUCING


def test_red_checks_keep_it_shut_and_the_request_open(desk: None) -> None:
    lock()
    request = ask("hard_limit")
    stage.put_position(DEX, "221000", "1", "0")
    refused("checks_red", confirm, request)
    stage.put_position(DEX, "218500", "1", "0")
    compared(DEX, SOON, equal=False)
    refused("checks_red", confirm, request, key="c2")
    compared(DEX, SOON)
    feed(DEX, SOON, connected=False)
    refused("checks_red", confirm, request, key="c3")
    feed(DEX, SOON)
    assert confirm(request, key="c4").outcome == "CONFIRMED", "beyond the soft limit the cycles only reduce"


def test_nothing_to_resume(desk: None) -> None:
    refused("nothing_to_resume", ask)
    refused("nothing_to_resume", ask, "hard_limit")
    refused("nothing_to_resume", ask, "x\x00")
    lock("breaker")
    refused("one_person", ask, "breaker")
    refused("unknown_scope", ask, scope="nowhere")
    refused("unknown_request", confirm, 999)
    assert not ResumeRequest.objects.exists() and not CommandReceipt.objects.exists()


def _sql(statement: str, *values: object) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_the_database_keeps_two_people_apart(desk: None) -> None:
    halt()
    lock()
    request = ask(by=BOTH)
    decide = "UPDATE resume_requests SET outcome = 'CONFIRMED', decided_at = %s, decided_by_id = %s WHERE id = %s"
    _sql(decide, SOON, "u3", request)
    _sql(decide, SOON, "", request)
    _sql(decide, NOW + timedelta(hours=1), "u2", request)
    _sql("UPDATE resume_requests SET asked_by_id = 'u9' WHERE id = %s", request)
    _sql("UPDATE resume_requests SET expires_at = %s WHERE id = %s", NOW + timedelta(days=9), request)
    _sql("DELETE FROM resume_requests")
    _sql("TRUNCATE resume_requests")
    _sql(
        "INSERT INTO resume_requests (scope, rule, control_version, reason, asked_by_id, asked_by_name, asked_at, expires_at,"
        " outcome, decided_by_id, decided_by_name, decided_at, decision_reason)"
        " VALUES (%s, 'kill', 2, '', 'a', '', %s, %s, 'CONFIRMED', 'b', '', %s, '')", "desk", NOW, SOON, NOW,
    )  # fmt: skip
    _sql("UPDATE trading_controls SET state = 'ACTIVE' WHERE scope = %s", DEX)
    _sql("UPDATE locks SET lifted_at = %s", SOON)
    _sql("UPDATE locks SET until = %s", SOON)
    _sql("UPDATE locks SET state = 'REDUCING'")
    _sql("UPDATE locks SET rule = 'person'")
    _sql("DELETE FROM locks")
    refuse_resume(request, approver=APPROVER, reason="not yet", idempotency_key="c1", now=SOON)
    _sql("UPDATE resume_requests SET outcome = 'CONFIRMED' WHERE id = %s", request)
    assert effective_state(DEX, SOON)[0] is TradingState.HALTED


def test_an_old_confirmation_does_not_lift_a_new_kill(desk: None) -> None:
    halt()
    confirm(ask())
    kill(DEX, actor=OPERATOR, reason="once more", idempotency_key="k9", now=SOON)
    _sql("UPDATE trading_controls SET state = 'ACTIVE' WHERE scope = %s", DEX)


def test_two_approvers_at_once_lift_once(committed_db: None, redis_url: str) -> None:
    declare_two_markets(NOW)
    green(NOW)
    halt()
    request = ask()
    start, results, codes = threading.Barrier(4), [], []

    def decide(n: int) -> None:
        try:
            start.wait(timeout=5)
            results.append(confirm(request, by=Actor(f"a{n}", f"Approver {n}", frozenset({"approver"})), key=f"c{n}"))
        except ControlRefused as refusal:
            codes.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=decide, args=(n,)) for n in range(4)]
    [thread.start() for thread in threads]
    [thread.join(timeout=10) for thread in threads]
    assert (len(results), codes) == (1, ["already_decided"] * 3)
    assert TradingControl.objects.get(scope=DEX).version == 3
    assert Event.objects.filter(type="resume.confirmed").count() == 1
