"""Pages of review keep to their committed number of queries, however many proposals there are."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.review.desk import DEX, Desk
from tests.support.query_budget import get_within_budget, query_count

PAGES = {
    "review:inbox": "/desk/review/",
    "review:all": "/desk/review/all/",
    "review:new": f"/desk/review/new/?market={DEX}",
    "review:versions": f"/desk/review/versions/{DEX}/",
    "review:notifications": "/desk/notifications/",
    "review:deliveries": "/desk/notifications/deliveries/",
    "review:widen": f"/desk/widen/{DEX}/",
}


FORMS = {
    "policy": "ada",
    "role_grant": "ada",
    "credentials": "ada",
    "token": "ada",
    "account": "ada",
    "limits": "opal",
    "registry": "opal",
    "publication": "ada",
    "jurisdiction": "gus",
}


@pytest.mark.parametrize("kind", FORMS)
def test_forms(desk: Desk, door: Callable, kind: str) -> None:
    get_within_budget(door(FORMS[kind]), f"review:new:{kind}", f"/desk/review/new/{kind}/")


@pytest.mark.parametrize("page", PAGES)
def test_pages(desk: Desk, door: Callable, page: str) -> None:
    desk.in_review()
    get_within_budget(door("opal"), page, PAGES[page])


def test_the_proposal(desk: Desk, door: Callable) -> None:
    proposal = desk.in_review()
    desk.vote(proposal, "anna")
    desk.comment(proposal, "audrey")
    get_within_budget(door("cara"), "review:proposal", f"/desk/review/{proposal.pk}/")
    get_within_budget(door("opal"), "review:edit", f"/desk/review/{proposal.pk}/edit/")


def test_more_proposals_votes_and_comments_make_no_more_queries(desk: Desk, door: Callable) -> None:
    proposal, anna = desk.in_review(), door("anna")
    addresses = ("/desk/review/", "/desk/review/all/", f"/desk/review/{proposal.pk}/", "/desk/notifications/")
    # One in each list: what is empty asks for less.
    desk.vote(proposal, "anna")
    desk.comment(proposal, "audrey")
    desk.vote(desk.in_review(), "ben", "reject")
    desk.in_review()
    few = {address: query_count(anna, address) for address in addresses}
    for n in range(4):
        desk.in_review({"markets": {DEX: {"spread_floor_bps": f"4.{n + 1}"}}})
        desk.comment(proposal, "gus")
        desk.vote(desk.in_review(), "ben", "reject")
    assert {address: query_count(anna, address) for address in addresses} == few
