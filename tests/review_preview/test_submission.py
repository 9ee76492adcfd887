"""A parameters proposal is submitted with a preview that was made of it lately, and with no other."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from governance.models import Proposal, ProposalPreview
from governance.review.canonical import canonical, digest
from governance.review.errors import ReviewRefused
from tests.review.conftest import desk
from tests.review.desk import CEX, DEX, RISKIER, Desk
from trading.backtest.engine import canonical_hash, canonical_json
from trading.models import Market, ParameterSet
from trading.parameters.services import apply_version, current_values

__all__ = ["desk"]


def _refused(desk: Desk, proposal: Proposal) -> str:
    with pytest.raises(ReviewRefused) as refused:
        desk.submit(proposal, with_preview=False)
    return refused.value.code


def test_without_a_preview_it_is_not_submitted(desk: Desk) -> None:
    assert _refused(desk, desk.propose()) == "no_preview"


def test_the_stored_preview_is_the_change_s_and_keeps_its_hash(desk: Desk) -> None:
    proposal = desk.preview(desk.propose())
    row = ProposalPreview.objects.get(proposal=proposal)
    assert row.body["change"] == RISKIER and row.body["base"] == proposal.base
    assert row.hash == proposal.preview_hash == digest(row.body) == canonical_hash(row.body)
    assert canonical_json(row.body) == canonical(row.body)
    assert desk.submit(proposal, with_preview=False).state == "IN_REVIEW"


def test_it_is_stale_after_thirty_minutes(desk: Desk) -> None:
    proposal = desk.preview(desk.propose())
    desk.forward(seconds=1801)
    assert _refused(desk, proposal) == "stale_preview"
    desk.preview(proposal)
    desk.forward(seconds=1800)
    assert desk.submit(proposal, with_preview=False).state == "IN_REVIEW"


def test_an_edited_change_needs_another(desk: Desk) -> None:
    proposal = desk.preview(desk.propose())
    desk.edit(proposal, {"markets": {DEX: {"spread_floor_bps": "3"}}})
    assert _refused(desk, proposal) == "no_preview"


def test_a_version_applied_meanwhile_makes_proposal_and_preview_stale(desk: Desk) -> None:
    proposal = desk.preview(desk.propose())
    market = Market.objects.get(slug=DEX)
    values = current_values(ParameterSet.objects.get(market=market)) | {"gamma": 21}
    apply_version(
        market, values, authorised_by="genesis", actor_id="1", actor_name="A", reason="other", now=datetime.now(UTC)
    )
    assert _refused(desk, proposal) == "stale"
    with pytest.raises(ReviewRefused) as refused:
        desk.preview(proposal)
    assert refused.value.code == "stale"


def test_several_markets_are_one_preview(desk: Desk) -> None:
    change = {"markets": {DEX: {"q_hard_lots": "30"}, CEX: {"q_hard_lots": "25"}}}
    proposal = desk.preview(desk.propose(change))
    body = ProposalPreview.objects.get(proposal=proposal).body
    assert [one["market"] for one in body["markets"]] == [DEX, CEX]
    assert [one["market"] for one in body["money"]["markets"]] == [DEX, CEX]
    assert body["money"]["markets"][0]["after"]["from_target_base"] == "30000"
    # Nothing was recorded of this desk: that is said, and nothing is made up.
    assert body["markets"][0]["caveats"] == ["nothing_recorded", "prints_unknown"]
    assert body["markets"][0]["before"] is None and body["money"]["unmarked"] == [DEX, CEX]
