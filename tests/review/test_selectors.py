"""What pages and auditors read."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.models import Proposal
from governance.review.canonical import content_hash, digest
from governance.review.selectors import compare, inbox, proposals, versions
from governance.review.story import export_story, proposal_story, why_may_not_vote
from tests.review.desk import CEX, DEX, ONE_OF_EACH, RISKIER, SAFER, T0, Desk, force_version, refused
from trading.controls.services import impose_lock


def ids(lines: Any) -> list[int]:
    return [line.id for line in lines]


def test_what_waits_for_whom(desk: Desk) -> None:
    waiting, approved = desk.in_review(), desk.approved({"markets": {CEX: {"spread_floor_bps": "7"}}})
    desk.vote(waiting, "ben")
    reduced, draft = desk.propose(SAFER, "oscar", apply_at_once=True), desk.propose(by="oscar")
    found = {name: inbox(desk.people[name], desk.now) for name in ("anna", "ben", "opal", "oscar", "gus", "ivy")}
    assert {name: ids(box.to_vote) for name, box in found.items()} == {
        "anna": [waiting.pk], "ben": [], "opal": [], "oscar": [], "gus": [], "ivy": [],
    }  # fmt: skip
    assert {name: ids(box.to_review) for name, box in found.items()} == {
        "anna": [reduced.pk], "ben": [reduced.pk], "opal": [], "oscar": [], "gus": [], "ivy": [],
    }  # fmt: skip
    assert (ids(found["opal"].own), ids(found["oscar"].own)) == ([approved.pk, waiting.pk], [draft.pk])
    (coming,) = found["anna"].coming
    assert (coming.id, coming.approvals, coming.quorum, coming.not_before) == (
        approved.pk,
        2,
        2,
        T0 + timedelta(hours=1),
    )
    assert found["anna"].to_vote[0].approvals == 1


def test_the_inbox_asks_as_many_questions_for_many_as_for_few(desk: Desk) -> None:
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            inbox(desk.people["anna"], desk.now)
        return len(asked)

    first = desk.in_review()
    few = count()
    for _ in range(5):
        desk.in_review()
    assert count() == few <= 12
    desk.vote(first, "anna")
    desk.comment(first, "audrey")
    with CaptureQueriesContext(connection) as asked:
        proposal_story(first.pk, desk.now)
    assert len(asked) <= 20


def test_a_list_is_filtered_and_paged(desk: Desk) -> None:
    first, second, third = desk.propose(), desk.propose({"markets": {CEX: {"beta": "0.5"}}}), desk.in_review()
    assert ids(proposals()) == [third.pk, second.pk, first.pk]
    assert ids(proposals(market=CEX)) == [second.pk]
    assert ids(proposals(state="IN_REVIEW")) == [third.pk]
    assert ids(proposals(kind="policy")) == []
    assert ids(proposals(before=second.pk)) == [first.pk]


def test_the_story_of_a_proposal(desk: Desk) -> None:
    proposal, rival = desk.in_review(), desk.propose(SAFER, "oscar")
    desk.vote(proposal, "anna")
    desk.comment(proposal, "audrey", "Why below the fee?")
    story = proposal_story(proposal.pk, desk.now)
    assert [asdict(row) for row in story.diff] == [
        {
            "part": DEX, "name": "spread_floor_bps", "label": "Spread floor", "unit": "bps of price, full spread",
            "before": "5", "after": "4", "code": "riskier", "bounds": ("0", "2000"),
        }
    ]  # fmt: skip
    assert (story.approvals, story.may_still_vote, story.rivals) == (1, ("ben", "cara"), (rival.pk,))
    assert [(vote.voter_name, vote.void) for vote in story.votes] == [("anna", "")]
    assert story.countdown is not None
    assert (story.countdown.what, story.countdown.seconds) == ("expires", 14 * 86_400.0)
    assert [comment.text for comment in story.comments] == ["Why below the fee?"]
    assert [row.action for row in story.history] == ["make", "submit"]
    desk.vote(proposal, "ben")
    desk.forward(minutes=10)
    counting = proposal_story(proposal.pk, desk.now).countdown
    assert counting is not None and (counting.what, counting.seconds) == ("applies", 3000.0)
    force_version(DEX, {"beta": "0.4"}, desk.now)
    assert proposal_story(proposal.pk, desk.now).is_stale
    assert proposal_story(proposal.pk, desk.now).diff[0].before == "5", "the base's value, whatever is in force now"
    refused("unknown", proposal_story, 10**9, desk.now)


def test_a_vote_about_other_content_is_shown_as_void(desk: Desk) -> None:
    proposal = desk.in_review()
    desk.vote(proposal, "anna")
    desk.edit(proposal, SAFER)
    assert [vote.void for vote in proposal_story(proposal.pk, desk.now).votes] == ["other_content"]


def test_why_one_may_not_vote(desk: Desk) -> None:
    proposal = Proposal.objects.get(pk=desk.in_review().pk)
    desk.vote(proposal, "anna")
    found = {name: why_may_not_vote(person, proposal, desk.now) for name, person in desk.people.items()}
    assert found == {
        "opal": "own_proposal", "oscar": "no_role", "anna": "already_voted", "ben": None, "cara": None, "gus": "guardian",
        "ada": "no_role", "audrey": "no_role", "ivy": "no_role",
    }  # fmt: skip


def test_versions_and_what_differs_between_any_two(desk: Desk) -> None:
    applied = desk.applied(RISKIER)
    force_version(DEX, {"beta": "0.4", "spread_floor_bps": "5"}, desk.now)
    rows = versions(DEX)
    assert [(row["version"], row["proposal"], row["authorised_by"]) for row in rows] == [
        (3, None, "genesis"),
        (2, applied.pk, f"proposal:{applied.pk}"),
        (1, None, "genesis"),
    ]
    assert [(row.name, row.before, row.after) for row in compare(DEX, 1, 3)] == [("beta", "0.3", "0.4")]
    assert [(row.name, row.before, row.after) for row in compare(DEX, 3, 2)] == [
        ("beta", "0.4", "0.3"), ("spread_floor_bps", "5", "4"),
    ]  # fmt: skip
    assert compare(DEX, 2, 2) == []
    refused("unknown_version", compare, DEX, 1, 4)
    refused("unknown_market", versions, "nowhere")


def test_an_auditor_takes_the_whole_story_away(desk: Desk) -> None:
    applied = desk.applied(RISKIER)
    desk.comment(applied, "audrey", "Seen.")
    told = json.loads(json.dumps(export_story(applied.pk)))
    signed = told.pop("sha256")
    assert signed == digest(told)
    row = told["proposal"]
    again = content_hash(row["kind"], row["subject"], row["change"], row["base"], row["policy_version"])
    assert row["content_hash"] == told["content_hash_recomputed"] == again
    assert [(vote["voter_name"], vote["choice"], vote["content_hash"]) for vote in told["votes"]] == [
        ("anna", "approve", again),
        ("ben", "approve", again),
    ]
    assert [one["action"] for one in told["transitions"]] == ["make", "submit", "approve", "apply"]
    assert [(one["market__slug"], one["version"]) for one in told["versions_made"]] == [(DEX, 2)]
    assert told["policy"]["version"] == 1 and told["comments"][0]["text"] == "Seen."
    assert [event["type"] for event in told["events"]][-2:] == ["proposal.applied", "proposal.commented"]


@pytest.mark.parametrize(
    "kind", ["policy", "role_grant", "credentials", "control", "limits", "registry", "publication", "jurisdiction"]
)
def test_every_kind_tells_its_story(desk: Desk, kind: str) -> None:
    impose_lock(DEX, "paused", "hard_limit", "q 21 lots", imposed_by="quoting", now=desk.now)
    by = "opal" if kind in ("control", "limits", "registry") else "ada"
    proposal = desk.propose(ONE_OF_EACH[kind], by, kind)
    assert proposal_story(proposal.pk, desk.now).diff
    assert export_story(proposal.pk)["diff"]
