"""The documents decide: what is published opens the gate that a market demands, what is withdrawn closes it."""

from __future__ import annotations

from disclosures.documents.checklist import check
from tests.disclosures.library import EVERY_KIND, Library
from tests.review.desk import DEX, Desk
from trading.controls.selectors import effective_state
from trading.models import NamedGate
from trading.quoting.governed import load_states
from trading.risk.states import TradingState

DEMAND = {"registry": {f"market:{DEX}": {"demanded_gates": "disclosures"}}}


def stands(desk: Desk) -> TradingState:
    return effective_state(DEX, desk.now)[0]


def test_published_documents_open_the_gate_and_a_withdrawal_closes_it(library: Library) -> None:
    desk = library.desk
    desk.propose(DEMAND, kind="registry", apply_at_once=True)
    check(desk.now)
    assert NamedGate.objects.get(name="disclosures").is_open is False
    assert stands(desk) is TradingState.REDUCING
    versions = [library.published(kind) for kind in EVERY_KIND]
    check(desk.now)
    assert stands(desk) is TradingState.ACTIVE
    assert load_states(desk.now)[DEX].reason == "control_active"
    assert library.noticed("withdraw", versions[0]).state == "APPLIED"
    check(desk.now)
    state, (why,) = effective_state(DEX, desk.now)
    assert (state, why.rule, why.reason) == (
        TradingState.REDUCING, "gate_disclosures", "a required disclosure is missing"
    )  # fmt: skip
