"""Votes on the page by a security key: signed about this very content, and nothing else where the rules ask for keys."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from governance.access import step_up
from governance.models import Proposal, Vote
from governance.review.policies import write_policy
from governance.review.starting_policy import starting_policy
from tests.access.authenticator import Authenticator
from tests.review.desk import RISKIER, SAFER, Desk, failure, state
from trading.models import Event


@pytest.fixture
def keys(desk: Desk, clock: Callable) -> dict[str, Authenticator]:
    """Anna's and Ben's, enrolled before anything is proposed; cara has her app alone."""
    made = {"anna": Authenticator(), "ben": Authenticator()}
    for name, authenticator in made.items():
        authenticator.enrol(desk.people[name])
    clock(hours=1)
    return made


@pytest.fixture
def sign(door: Callable, keys: dict[str, Authenticator]) -> Callable[..., str]:
    """What the page's script does: ask for the options of a proposal's content, and let the key sign their challenge."""

    def signed(name: str, proposal: Proposal, content: str = "") -> str:
        asked = {
            "purpose": f"review:{proposal.pk}:{proposal.revision}",
            "content_hash": content or proposal.content_hash,
        }
        options = json.loads(door(name).post("/accounts/keys/options/", asked | {"for": "step_up"}).content)
        challenge = base64.urlsafe_b64decode(options["challenge"] + "=")
        assert challenge.hex() == asked["content_hash"]
        return keys[name].assertion(challenge)

    return signed


def ballot(proposal: Proposal, **more: str) -> dict[str, str]:
    return {"choice": "approve", "content_hash": proposal.content_hash} | more


def keys_demanded(desk: Desk) -> None:
    """The next rules: what increases risk, and the strictest, is voted on by security keys."""
    body: dict[str, Any] = copy.deepcopy(starting_policy())
    for name in ("increasing", "strictest"):
        body["classes"][name]["demands_security_key"] = True
    write_policy(body, authorised_by="genesis", actor_id="b", actor_name="b", reason="keys", now=desk.now)


def test_a_vote_signed_by_a_key_is_kept_and_applies(
    desk: Desk, clock: Callable, send: Callable, sign: Callable, code_of: Callable
) -> None:
    proposal = desk.in_review()
    at = f"{proposal.pk}/vote/"
    assert "1 of 2 approvals" in send("anna", at, **ballot(proposal, assertion=sign("anna", proposal))).content.decode()
    vote = Vote.objects.get()
    assert (vote.method, vote.content_hash) == ("webauthn", proposal.content_hash)
    assert step_up.verify_stored(vote.assertion, proposal.content_hash, desk.people["anna"])
    send("cara", at, **ballot(proposal, code=code_of("cara")))
    clock(hours=1)
    desk.clockwork()
    assert state(proposal) == "APPLIED"


def test_a_signature_about_other_content_or_by_another_key_is_no_vote(
    desk: Desk, send: Callable, sign: Callable, keys: dict[str, Authenticator]
) -> None:
    proposal, other = desk.in_review(), desk.in_review({"markets": {"dct-usdt-dex": {"spread_floor_bps": "3"}}})
    at = f"{proposal.pk}/vote/"
    about_other = sign("anna", other)
    assert "<code>stale</code>" in send("anna", at, **ballot(proposal, assertion=about_other)).content.decode()
    sign("anna", proposal)
    for assertion in (
        about_other,
        keys["anna"].assertion(bytes(32)),
        keys["ben"].assertion(bytes.fromhex(proposal.content_hash)),
    ):
        answer = send("anna", at, **ballot(proposal, assertion=assertion))
        assert (answer.status_code, "<code>refused</code>" in answer.content.decode()) == (422, True)
    moved = ballot(proposal, assertion=sign("anna", proposal)) | {"content_hash": other.content_hash}
    assert "<code>content_changed</code>" in send("anna", at, **moved).content.decode()
    assert not Vote.objects.exists()


def test_where_the_rules_ask_for_keys_a_code_does_not_do(
    desk: Desk, clock: Callable, send: Callable, sign: Callable, door: Callable, code_of: Callable
) -> None:
    early = desk.approved()
    keys_demanded(desk)
    proposal = desk.in_review()
    at = f"{proposal.pk}/vote/"
    page = door("anna").get(f"/desk/review/{proposal.pk}/").content.decode()
    assert ('name="assertion"' in page, 'name="code"' in page) == (True, False)
    assert "each with a security key" in page
    # Who has no key is told so, and is not counted among those who may still vote.
    carers = door("cara").get(f"/desk/review/{proposal.pk}/").content.decode()
    assert "The rules ask for a security key here: a code does not count." in carers
    assert f"{at}" not in carers
    assert "anna, ben" in carers
    answer = send("anna", at, **ballot(proposal, code=code_of("anna")))
    assert (answer.status_code, "<code>needs_key</code>" in answer.content.decode()) == (422, True)
    for name in ("anna", "ben"):
        send(name, at, **ballot(proposal, assertion=sign(name, proposal)))
    assert state(proposal) == "APPROVED"
    clock(hours=1)
    desk.clockwork()
    assert state(proposal) == "APPLIED"
    # Approved by codes before the rule: they do not count when it is applied.
    assert (state(early), failure(early)) == ("FAILED", "quorum_lost")


def test_a_look_afterwards_needs_the_key_too(
    desk: Desk, send: Callable, sign: Callable, code_of: Callable, keys: dict[str, Authenticator]
) -> None:
    keys_demanded(desk)
    applied = desk.propose(SAFER, apply_at_once=True)
    at = f"{applied.pk}/review/"
    by_code = send("anna", at, reason="fine", code=code_of("anna"))
    assert "<code>needs_key</code>" in by_code.content.decode()
    assert "Reviewed." in send("anna", at, reason="fine", assertion=sign("anna", applied)).content.decode()


def test_too_few_keys_are_too_few_voters(desk: Desk, keys: dict[str, Authenticator]) -> None:
    keys_demanded(desk)
    desk.people["ben"].security_keys.update(revoked_at=desk.now)
    desk.in_review(RISKIER)
    told = Event.objects.get(type="proposal.voters_missing").payload
    assert (told["able"], told["quorum"]) == (1, 2)
