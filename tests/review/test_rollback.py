"""Back to any version, as a proposal like any other; and prepared after a kill."""

from __future__ import annotations

from governance.models import Proposal
from governance.review.rollback import prepare_after_kill
from tests.review.desk import CEX, DEX, Desk, force_version, in_force, refused
from trading.controls.commands import Actor
from trading.controls.services import kill
from trading.models import ParameterSet


def test_back_to_any_version(desk: Desk) -> None:
    force_version(DEX, {"spread_floor_bps": "6", "beta": "0.4"}, desk.now)
    force_version(DEX, {"spread_floor_bps": "7"}, desk.now)
    draft = desk.roll_back(DEX, 1)
    assert (draft.state, draft.rolls_back_to, draft.title) == ("DRAFT", f"{DEX}@1", f"Back to {DEX}@1")
    assert draft.change == {"markets": {DEX: {"beta": "0.3", "spread_floor_bps": "5"}}}
    assert draft.risk_class == "increasing", "going back may be the riskier way: it is reviewed like any other"
    desk.submit(draft)
    desk.vote(draft, "anna")
    desk.vote(draft, "ben")
    desk.forward(hours=1)
    desk.clockwork()
    assert (in_force(DEX, "spread_floor_bps"), in_force(DEX, "beta")) == ("5", "0.3")
    row = ParameterSet.objects.get(market__slug=DEX)
    hashes = ParameterSet.history.filter(market__slug=DEX, version__in=(1, 4)).values_list("values_hash", flat=True)
    assert row.version == 4 and len(set(hashes)) == 1


def test_what_cannot_be_gone_back_to(desk: Desk) -> None:
    refused("no_change", desk.roll_back, DEX, 1)
    refused("unknown_version", desk.roll_back, DEX, 9)
    refused("unknown_market", desk.roll_back, "nowhere", 1)
    force_version(DEX, {"spread_floor_bps": "6"}, desk.now)
    refused("no_role", desk.roll_back, DEX, 1, "anna")


def halt(desk: Desk, scope: str, actor_id: str = "") -> None:
    actor = Actor(actor_id or str(desk.people["oscar"].pk), "oscar", frozenset({"operator"}))
    kill(scope, actor=actor, reason="emergency", idempotency_key=f"halt-{scope}", now=desk.now)


def test_after_a_kill_the_way_back_is_prepared_once(desk: Desk) -> None:
    force_version(DEX, {"spread_floor_bps": "4"}, desk.now)
    desk.forward(minutes=5)
    halt(desk, DEX)
    (made,) = prepare_after_kill(desk.now)
    draft = Proposal.objects.get(pk=made)
    assert (draft.state, draft.proposer_name, draft.rolls_back_to) == ("DRAFT", "oscar", f"{DEX}@1")
    assert draft.change == {"markets": {DEX: {"spread_floor_bps": "5"}}}
    assert prepare_after_kill(desk.now) == []


def test_after_a_kill_of_the_desk_every_market_that_changed_goes_back(desk: Desk) -> None:
    force_version(DEX, {"spread_floor_bps": "4"}, desk.now)
    force_version(CEX, {"beta": "0.4"}, desk.now)
    halt(desk, "desk")
    (made,) = prepare_after_kill(desk.now)
    assert set(Proposal.objects.get(pk=made).change["markets"]) == {DEX, CEX}


def test_nothing_is_prepared_where_there_is_no_way_back_or_nobody_to_own_it(desk: Desk) -> None:
    halt(desk, DEX)
    assert prepare_after_kill(desk.now) == []
    force_version(CEX, {"beta": "0.4"}, desk.now)
    halt(desk, CEX, "shell:root")
    assert prepare_after_kill(desk.now) == []
