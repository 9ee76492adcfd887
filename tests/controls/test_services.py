"""Commands on trading states: who, why, once; and what one person may not loosen."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from tests.controls.green import compared, feed, green
from tests.pages import stage
from tests.support.demo import declare_two_markets
from trading.controls.selectors import effective_state
from trading.controls.services import (
    Actor,
    ControlRefused,
    impose_lock,
    kill,
    pause,
    reduce,
    resume,
    set_state,
)
from trading.hot_state import keys
from trading.hot_state.connection import sync_client
from trading.models import CommandReceipt, Event, Lock, ParameterSet, TradingControl
from trading.risk.states import TradingState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DEX = "dct-usdt-dex"
OPERATOR = Actor("u1", "Operator One", frozenset({"operator"}))
APPROVER = Actor("u2", "Approver Two", frozenset({"approver", "administrator"}))


@pytest.fixture
def desk(db: None, redis_url: str) -> Iterator[None]:
    from trading.hot_state.connection import sync_client

    sync_client.cache_clear()
    declare_two_markets(NOW)
    green(NOW)
    yield


def test_pause_stores_state_event_and_reason(desk: None) -> None:
    result = pause(DEX, actor=OPERATOR, reason="feed looks odd", idempotency_key="k1", now=NOW)
    assert (result.state, result.version, result.repeated) == ("PAUSED", 2, False)
    control = TradingControl.objects.get(scope=DEX)
    assert (control.state, control.reason, control.actor_name) == ("PAUSED", "feed looks odd", "Operator One")
    event = Event.objects.get(type="control.changed", aggregate=f"control:{DEX}", aggregate_seq=2)
    assert event.payload == {
        "scope": DEX, "from": "ACTIVE", "to": "PAUSED", "reason": "feed looks odd", "version": 2,
    }  # fmt: skip
    assert event.actor_id == "u1"
    assert effective_state(DEX, NOW)[0] is TradingState.PAUSED
    assert effective_state("gram-usdt-cex", NOW)[0] is TradingState.ACTIVE


def test_the_same_key_acts_once(desk: None) -> None:
    first = pause(DEX, actor=OPERATOR, reason="odd", idempotency_key="k1", now=NOW)
    resume(DEX, actor=OPERATOR, reason="fine", idempotency_key="k2", now=NOW)
    again = pause(DEX, actor=OPERATOR, reason="odd", idempotency_key="k1", now=NOW)
    assert again.repeated and again.version == first.version
    assert TradingControl.objects.get(scope=DEX).state == "ACTIVE"
    assert Event.objects.filter(type="control.changed", actor_id="u1").count() == 2


def test_a_key_used_for_another_command_is_refused(desk: None) -> None:
    pause(DEX, actor=OPERATOR, reason="odd", idempotency_key="k1", now=NOW)
    with pytest.raises(ControlRefused) as refusal:
        kill(DEX, actor=OPERATOR, reason="odd", idempotency_key="k1", now=NOW)
    assert refusal.value.code == "key_used"
    assert TradingControl.objects.get(scope=DEX).state == "PAUSED"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"actor": APPROVER}, "not_operator"),
        ({"reason": "  "}, "no_reason"),
        ({"reason": "x" * 501}, "long_reason"),
        ({"reason": " xy "}, "no_reason"),
        ({"reason": "odd\x00"}, "no_reason"),
        ({"idempotency_key": "k\x00"}, "bad_key"),
        ({"scope": "desk\x00"}, "unknown_scope"),
        ({"scope": "no-such-market"}, "unknown_scope"),
        ({"state": "SLEEPING"}, "bad_state"),
        ({"idempotency_key": ""}, "bad_key"),
        ({"idempotency_key": "k" * 81}, "bad_key"),
    ],
)
def test_refusals_change_nothing(desk: None, changes: dict, code: str) -> None:
    arguments = {
        "scope": DEX,
        "state": "PAUSED",
        "actor": OPERATOR,
        "reason": "odd",
        "idempotency_key": "k",
        "now": NOW,
    }
    arguments |= changes
    scope, state = arguments.pop("scope"), arguments.pop("state")
    with pytest.raises(ControlRefused) as refusal:
        set_state(scope, state, **arguments)
    assert refusal.value.code == code and str(refusal.value)
    assert set(TradingControl.objects.values_list("state", "version")) == {("ACTIVE", 1)}
    assert not Event.objects.filter(type="control.changed").exclude(actor_id="bootstrap").exists()
    assert not CommandReceipt.objects.exists()


def test_one_person_resumes_a_pause_but_not_a_kill(desk: None) -> None:
    kill("desk", actor=OPERATOR, reason="emergency", idempotency_key="k1", now=NOW)
    for state in ("ACTIVE", "REDUCING", "PAUSED"):
        with pytest.raises(ControlRefused) as refusal:
            set_state("desk", state, actor=OPERATOR, reason="over", idempotency_key=f"r-{state}", now=NOW)
        assert refusal.value.code == "two_people"
    assert effective_state(DEX, NOW)[0] is TradingState.HALTED
    reduce(DEX, actor=OPERATOR, reason="careful", idempotency_key="k2", now=NOW)
    resume(DEX, actor=OPERATOR, reason="fine", idempotency_key="k3", now=NOW)
    assert effective_state(DEX, NOW)[0] is TradingState.HALTED, "the desk's state holds for the market"


def test_a_hard_limit_lock_cannot_be_lifted_or_resumed_by_one_person(desk: None) -> None:
    assert impose_lock(DEX, TradingState.PAUSED, "hard_limit", "q 21 lots", imposed_by="quoting", now=NOW)
    assert not impose_lock(DEX, "PAUSED", "hard_limit", "again", imposed_by="quoting", now=NOW)
    pause(DEX, actor=OPERATOR, reason="look", idempotency_key="k0", now=NOW)
    with pytest.raises(ControlRefused, match="approver"):
        resume(DEX, actor=OPERATOR, reason="fine", idempotency_key="k1", now=NOW)
    assert Lock.objects.get().lifted_at is None
    assert effective_state(DEX, NOW)[1][0].rule in ("control", "hard_limit")


@pytest.mark.parametrize("rule", ["person", "breaker"])
def test_one_operator_resumes_what_one_may_lift(desk: None, rule: str) -> None:
    impose_lock(DEX, TradingState.REDUCING, rule, "watching", imposed_by="Operator One", now=NOW)
    result = resume(DEX, actor=OPERATOR, reason="watched", idempotency_key="k1", now=NOW)
    assert (result.state, result.version, result.changed) == ("ACTIVE", 1, True)
    assert effective_state(DEX, NOW) == (TradingState.ACTIVE, ())
    assert Lock.objects.get().lifted_by == "Operator One"
    assert Event.objects.get(type="lock.lifted").payload == {"scope": DEX, "rule": rule, "reason": "watched"}


def test_a_lock_that_stands_costs_one_read(desk: None, django_assert_num_queries: Any) -> None:
    impose_lock(DEX, TradingState.REDUCING, "hard_limit", "q 21 lots", imposed_by="quoting", now=NOW)
    before = Event.objects.count()
    with django_assert_num_queries(1) as asked:
        assert not impose_lock(DEX, TradingState.REDUCING, "hard_limit", "q 22 lots", imposed_by="quoting", now=NOW)
    assert "FOR UPDATE" not in asked.captured_queries[0]["sql"]
    assert (Event.objects.count(), Lock.objects.get().reason) == (before, "q 21 lots")


def test_a_rule_may_become_stricter_but_not_weaker(desk: None) -> None:
    impose_lock(DEX, TradingState.REDUCING, "hard_limit", "near", imposed_by="quoting", now=NOW)
    assert impose_lock(DEX, TradingState.PAUSED, "hard_limit", "over", imposed_by="quoting", now=NOW)
    assert not impose_lock(DEX, TradingState.REDUCING, "hard_limit", "near", imposed_by="quoting", now=NOW)
    assert (Lock.objects.get().state, Lock.objects.get().reason) == ("PAUSED", "over")


def test_the_state_that_stands_is_not_written_again(desk: None) -> None:
    kill(DEX, actor=OPERATOR, reason="emergency", idempotency_key="k1", now=NOW)
    events = Event.objects.count()
    other = Actor("u9", "Operator Nine", frozenset({"operator"}))
    again = kill(DEX, actor=other, reason="me too", idempotency_key="k2", now=NOW)
    assert (again.state, again.version, again.changed) == ("HALTED", 2, False)
    control = TradingControl.objects.get(scope=DEX)
    assert (control.reason, control.actor_name, control.version) == ("emergency", "Operator One", 2)
    assert Event.objects.count() == events
    assert CommandReceipt.objects.count() == 2


@pytest.mark.parametrize(
    ("break_it", "code"),
    [
        (lambda: feed(DEX, NOW - timedelta(seconds=9)), f"{DEX}:feed_stale"),
        (lambda: feed(DEX, NOW, connected=False), f"{DEX}:feed_disconnected"),
        (lambda: feed(DEX, NOW, reference=None), f"{DEX}:no_reference"),
        (lambda: stage.put_position(DEX, "221000", "1", "0"), f"{DEX}:hard_limit_reached"),
        (lambda: stage.put_position(DEX, "218500", "1", "0"), f"{DEX}:soft_limit_reached"),
        (lambda: sync_client().delete(keys.position(DEX)), f"{DEX}:inventory_unknown"),
        (lambda: compared(DEX, NOW, equal=False), f"{DEX}:reconciliation_differs"),
        (lambda: ParameterSet.objects.update(gamma=77), f"{DEX}:parameters_unknown"),
    ],
)
def test_nobody_resumes_while_a_check_is_red(desk: None, break_it: Callable[[], object], code: str) -> None:
    pause(DEX, actor=OPERATOR, reason="look", idempotency_key="k0", now=NOW)
    with transaction.atomic():
        break_it()
        with pytest.raises(ControlRefused) as refusal:
            resume(DEX, actor=OPERATOR, reason="fine", idempotency_key="k1", now=NOW)
        # The database would not let the transaction end with parameters that no version has.
        transaction.set_rollback(True)
    assert (refusal.value.code, refusal.value.reasons[0]) == ("checks_red", code)
    assert DEX in str(refusal.value)
    assert TradingControl.objects.get(scope=DEX).state == "PAUSED"


def test_a_comparison_of_long_ago_counts_for_nothing(desk: None) -> None:
    later = NOW + timedelta(seconds=301)
    pause(DEX, actor=OPERATOR, reason="look", idempotency_key="k0", now=NOW)
    feed(DEX, later)
    with pytest.raises(ControlRefused) as refusal:
        resume(DEX, actor=OPERATOR, reason="fine", idempotency_key="k1", now=later)
    assert refusal.value.reasons == (f"{DEX}:not_reconciled",)


def test_outside_the_soft_limit_a_market_may_only_reduce(desk: None) -> None:
    pause(DEX, actor=OPERATOR, reason="look", idempotency_key="k0", now=NOW)
    stage.put_position(DEX, "218500", "1", "0")
    assert reduce(DEX, actor=OPERATOR, reason="back inside", idempotency_key="k1", now=NOW).state == "REDUCING"


def test_the_desk_resumes_when_its_open_markets_are_green(desk: None) -> None:
    pause("desk", actor=OPERATOR, reason="look", idempotency_key="k0", now=NOW)
    feed("gram-usdt-cex", NOW, connected=False)
    with pytest.raises(ControlRefused) as refusal:
        resume("desk", actor=OPERATOR, reason="fine", idempotency_key="k1", now=NOW)
    assert refusal.value.reasons == ("gram-usdt-cex:feed_disconnected",)
    pause("gram-usdt-cex", actor=OPERATOR, reason="its feed", idempotency_key="k2", now=NOW)
    assert resume("desk", actor=OPERATOR, reason="fine", idempotency_key="k3", now=NOW).state == "ACTIVE"


def test_a_lock_ends_by_time_and_can_be_imposed_again(desk: None) -> None:
    until = datetime(2026, 1, 1, 0, 10, tzinfo=UTC)
    later = datetime(2026, 1, 1, 0, 11, tzinfo=UTC)
    impose_lock(DEX, TradingState.PAUSED, "breaker", "jump", imposed_by="quoting", now=NOW, until=until)
    assert effective_state(DEX, NOW)[0] is TradingState.PAUSED
    assert effective_state(DEX, later)[0] is TradingState.ACTIVE
    assert impose_lock(DEX, TradingState.PAUSED, "breaker", "jump", imposed_by="quoting", now=later)
    assert effective_state(DEX, later)[0] is TradingState.PAUSED


def test_a_missing_control_counts_as_halted(desk: None) -> None:
    TradingControl.objects.filter(scope=DEX).update(scope="elsewhere")
    assert effective_state(DEX, NOW)[0] is TradingState.HALTED
    with pytest.raises(ControlRefused, match="no trading control"):
        pause(DEX, actor=OPERATOR, reason="odd", idempotency_key="k", now=NOW)


def test_two_at_once_with_one_key_act_once(committed_db: None, redis_url: str) -> None:
    from trading.hot_state.connection import sync_client

    sync_client.cache_clear()
    declare_two_markets(NOW)
    start, results, errors = threading.Barrier(4), [], []

    def command() -> None:
        try:
            start.wait(timeout=5)
            results.append(pause(DEX, actor=OPERATOR, reason="odd", idempotency_key="same", now=NOW))
        except Exception as problem:
            errors.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=command) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join(timeout=10) for thread in threads]
    assert errors == []
    assert sorted(result.repeated for result in results) == [False, True, True, True]
    assert TradingControl.objects.get(scope=DEX).version == 2
    assert Event.objects.filter(type="control.changed", actor_id="u1").count() == 1
