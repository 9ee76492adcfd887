"""Demanding a gate from the proposal to the order, and resuming what demands one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from governance.review.story import proposal_story
from tests.controls.green import green
from tests.review.clock import database_time_kept
from tests.review.desk import DEX, Desk, key, open_desk, refused
from tests.review.test_registry import committed
from trading.controls.checks import failing, refuse_if_red, refuse_if_red_for_two
from trading.controls.commands import ControlRefused
from trading.controls.selectors import effective_state
from trading.controls.services import Actor, kill, reduce, resume
from trading.models import Event, Market
from trading.quoting.governed import load_states
from trading.risk.states import TradingState

OPERATOR = Actor("u1", "Operator One", frozenset({"operator"}))
DEMAND = {"registry": {f"market:{DEX}": {"demanded_gates": "disclosures"}}}
DROP = {"registry": {f"market:{DEX}": {"demanded_gates": ""}}}


@pytest.fixture
def desk(db: None, redis_url: str) -> Iterator[Desk]:
    with database_time_kept():
        desk = open_desk()
        green(desk.now)
        yield desk


def stands(desk: Desk) -> TradingState:
    return effective_state(DEX, desk.now)[0]


def test_a_market_demands_at_once_and_stops_demanding_by_two_others(desk: Desk) -> None:
    assert stands(desk) is TradingState.ACTIVE
    made = desk.propose(DEMAND, kind="registry", apply_at_once=True)
    assert (made.state, made.risk_class, made.risk_reasons) == (
        "APPLIED", "reducing", [f"market:{DEX}:demanded_gates:demands_gate"]
    )  # fmt: skip
    row = Market.objects.get(slug=DEX)
    assert (row.demanded_gates, row.version, row.authorised_by) == ("disclosures", 2, f"proposal:{made.pk}")
    assert Event.objects.get(type="registry.applied").payload["changed"] == {
        "demanded_gates": {"from": "", "to": "disclosures"}
    }
    (shown,) = proposal_story(made.pk, desk.now).diff
    assert (shown.before, shown.after) == ("", "disclosures")
    assert stands(desk) is TradingState.REDUCING
    assert load_states(desk.now)[DEX].reason == "gate_disclosures"
    committed()
    refused("needs_review", desk.propose, DROP, kind="registry", apply_at_once=True)
    drop = desk.approved(DROP, kind="registry")
    assert (drop.risk_class, drop.risk_reasons) == ("strictest", [f"market:{DEX}:demanded_gates:drops_gate"])
    desk.review(made, "cara")
    desk.forward(hours=1)
    assert desk.apply(drop).state == "APPLIED"
    assert stands(desk) is TradingState.ACTIVE


def test_only_gates_that_there_are_in_their_one_spelling(desk: Desk) -> None:
    for text in ("live", "disclosures,live", "disclosures,disclosures", "Disclosures", " disclosures", "disclosures,"):
        change = {"registry": {f"market:{DEX}": {"demanded_gates": text}}}
        refused("invalid", desk.propose, change, kind="registry")
    refused("no_change", desk.propose, DROP, kind="registry")
    on_a_venue = {"registry": {"venue:dex": {"demanded_gates": "disclosures"}}}
    refused("bad_change", desk.propose, on_a_venue, kind="registry")
    assert Market.objects.get(slug=DEX).demanded_gates == ""


def test_resuming_tells_the_closed_gate(desk: Desk) -> None:
    desk.propose(DEMAND, kind="registry", apply_at_once=True)
    reduce(DEX, actor=OPERATOR, reason="test", idempotency_key="k1", now=desk.now)
    (one,) = failing(DEX, desk.now)
    assert (one.code, one.verdict.state_imposed) == (f"{DEX}:gate_disclosures", TradingState.REDUCING)
    assert "“disclosures”, which is closed" in one.message
    with pytest.raises(ControlRefused) as refusal:
        resume(DEX, actor=OPERATOR, reason="fine again", idempotency_key="k2", now=desk.now)
    assert (refusal.value.code, refusal.value.reasons) == ("checks_red", (f"{DEX}:gate_disclosures",))
    refuse_if_red((one,), TradingState.REDUCING)
    refuse_if_red_for_two((one,))


def test_two_people_end_a_kill_and_the_market_reduces_only(desk: Desk) -> None:
    desk.propose(DEMAND, kind="registry", apply_at_once=True)
    kill(DEX, actor=OPERATOR, reason="emergency", idempotency_key="k1", now=desk.now)
    asked = desk.propose({"scope": DEX, "rule": "kill"}, "opal", "control", submit_at_once=True, key=key())
    assert desk.vote(asked, "anna").state == "APPLIED"
    assert stands(desk) is TradingState.REDUCING
