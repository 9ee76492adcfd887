"""Rules by jurisdiction: stricter at once, looser or other words with two others and the timelock; what can be no rule."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from babel import Locale
from django.db import connections

from disclosures.jurisdictions.countries import COUNTRIES
from disclosures.jurisdictions.rules import CLOSED, Room, Rule, rules_in_force, standing_of
from disclosures.models import JurisdictionRule
from governance.models import Proposal
from governance.review.assessing import assess_change
from governance.review.errors import ReviewRefused
from tests.review.clock import database_time_kept
from tests.review.desk import Desk, open_desk, refused

ENGLISH, THAANA = "Not for you, here.", "މިތާކު ތިޔަ ފަރާތަކަށް ނޫނެވެ."
WORDS = {"notice_en": ENGLISH, "notice_dv": THAANA}
BLOCK = {"country": "MV", "mode": "block"}


@pytest.fixture
def desk(db: None, redis_url: str) -> Iterator[Desk]:
    with database_time_kept():
        yield open_desk()


@pytest.fixture
def committed_desk(committed_db: None, redis_url: str) -> Iterator[Desk]:
    with database_time_kept():
        yield open_desk()


def at_once(desk: Desk, **change: Any) -> Proposal:
    return desk.propose(change, "gus", "jurisdiction", apply_at_once=True)


def in_force(country: str) -> tuple[int, str, str]:
    rule = rules_in_force()[country]
    return rule.version, rule.mode, rule.scope


def test_it_starts_with_drafts_for_counsel_that_certify_nothing(db: None) -> None:
    rules = rules_in_force()
    assert {name: (rule.version, rule.mode, rule.scope) for name, rule in rules.items()} == {
        "default": (1, "banner", "site"), "MV": (1, "banner", "site"),
    }  # fmt: skip
    for rule in rules.values():
        assert rule.notice_en.startswith("Draft for counsel.") and rule.notice_dv.startswith("ޤާނޫނީ ޑްރާފްޓެކެވެ.")
        assert "compliant" not in rule.notice_en and "licensed, approved or looked at" in rule.notice_en
    assert "11 October 2018" in rules["MV"].notice_en and "(2/2006)" in rules["MV"].notice_en


def test_a_block_holds_at_once_and_is_reviewed_afterwards(desk: Desk) -> None:
    proposal = at_once(desk, **BLOCK, **WORDS)
    assert (proposal.state, proposal.risk_class, proposal.risk_reasons) == (
        "APPLIED", "reducing", ["MV:rule:guards_no_less"],
    )  # fmt: skip
    assert proposal.review_due_at is not None
    assert in_force("MV") == (2, "block", "site")
    row = JurisdictionRule.objects.get(country="MV", version=2)
    assert (row.notice_en, row.notice_dv, row.reason, row.actor_name) == (ENGLISH, THAANA, "tighter book", "gus")
    assert row.authorised_by == f"proposal:{proposal.pk}"
    assert in_force("default") == (1, "banner", "site")


@pytest.mark.parametrize(
    ("change", "risk_class"),
    [
        ({"mode": "none"}, "increasing"),
        ({"mode": "banner", "scope": "dashboards"}, "increasing"),
        # Documents and acceptance lose the notice they had, whatever the figures get.
        ({"mode": "block", "scope": "dashboards", **WORDS}, "increasing"),
        ({"mode": "banner", **WORDS}, "strictest"),
        ({"mode": "block"}, "reducing"),
        ({"mode": "block", **WORDS}, "reducing"),
        ({"country": "US", "mode": "none"}, "increasing"),
        ({"country": "US", "mode": "banner", **WORDS}, "strictest"),
        # As strict as the default rule today, and out of its reach when it gets stricter.
        ({"country": "US", "mode": "banner"}, "increasing"),
        ({"country": "US", "mode": "block", **WORDS}, "reducing"),
        ({"country": "default", "mode": "none"}, "increasing"),
    ],
)
def test_what_guards_less_and_other_words_wait_for_two_others(
    desk: Desk, change: dict[str, str], risk_class: str
) -> None:
    wanted = {"country": "MV"} | change
    judged = assess_change(desk.people["ada"], "jurisdiction", wanted, desk.now)
    assert judged.risk_class == risk_class
    assert (judged.needed.quorum, judged.needed.timelock_s) == ((0, 0) if risk_class == "reducing" else (2, 3600))
    if risk_class != "reducing":
        refused("needs_review", at_once, desk, **wanted)
        assert JurisdictionRule.objects.count() == 2


def test_looser_needs_two_others_and_the_timelock_and_the_way_back_is_a_proposal(desk: Desk) -> None:
    at_once(desk, **BLOCK)
    proposal = desk.approved({"country": "MV", "mode": "none"}, "gus", "jurisdiction")
    refused("too_early", desk.apply, proposal)
    assert in_force("MV") == (2, "block", "site")
    desk.forward(hours=1)
    assert desk.apply(proposal).state == "APPLIED"
    assert in_force("MV") == (3, "none", "site")
    # Back to what version 2 said: stricter than now, so at once.
    back = desk.roll_back("jurisdiction:MV", 2, "gus")
    assert (back.kind, back.state, back.title, back.rolls_back_to) == (
        "jurisdiction", "DRAFT", "Back to jurisdiction:MV@2", "jurisdiction:MV@2",
    )  # fmt: skip
    assert (in_force("MV"), back.risk_class) == ((3, "none", "site"), "reducing")
    desk.apply_at_once(back, "gus")
    assert in_force("MV") == (4, "block", "site")
    # And to what version 3 said: a proposal that others decide.
    assert desk.roll_back("jurisdiction:MV", 3, "gus").risk_class == "increasing"
    refused("no_change", desk.roll_back, "jurisdiction:MV", 2, "gus")
    refused("unknown_version", desk.roll_back, "jurisdiction:MV", 9, "gus")
    refused("unknown_version", desk.roll_back, "jurisdiction:US", 1, "gus")
    refused("no_role", desk.roll_back, "jurisdiction:MV", 1, "opal")


def test_what_was_approved_for_another_version_is_not_applied(desk: Desk) -> None:
    for country, moved in (("MV", "MV"), ("US", "default")):
        proposal = desk.approved({"country": country, "mode": "none"}, "gus", "jurisdiction")
        at_once(desk, country=moved, mode="block")
        desk.forward(hours=1)
        assert desk.apply(proposal).state == "FAILED"
    assert "US" not in rules_in_force() and in_force("MV")[1] == in_force("default")[1] == "block"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"country": "XX"}, "invalid"),
        ({"country": "EU"}, "invalid"),
        ({"country": ""}, "invalid"),
        ({"country": "Maldives"}, "invalid"),
        ({"mode": "maybe"}, "invalid"),
        ({"scope": "documents"}, "invalid"),
        ({"mode": 1}, "bad_change"),
        ({"mode": None}, "bad_change"),
        ({"version": "7"}, "bad_change"),
        ({"authorised_by": "genesis"}, "bad_change"),
        ({"notice_dv": ""}, "one_language"),
        ({"notice_en": "short"}, "bad_text"),
        ({"notice_en": "<b>Refused</b>, all of it."}, "bad_text"),
        ({"notice_en": "Refused &lt; and > here."}, "bad_text"),
        ({"notice_en": "Refused \u202e backwards."}, "bad_text"),
        ({"notice_en": "Refused \x07 with a bell."}, "bad_text"),
        ({"notice_en": "Refused \x00 with a nul."}, "bad_text"),
        ({"notice_en": "Refused \ud800 with half a pair."}, "bad_text"),
        ({"notice_en": "x" * 1501}, "bad_text"),
        ({"notice_dv": "In English by mistake."}, "bad_text"),
        ({"mode": "none"}, "bad_text"),
    ],
)
def test_what_can_be_no_rule(desk: Desk, change: dict[str, Any], code: str) -> None:
    refused(code, desk.propose, BLOCK | WORDS | change, "gus", "jurisdiction")
    assert not Proposal.objects.exists()


def test_what_says_nothing_or_nothing_new(desk: Desk) -> None:
    for change in ({}, [], None, "MV", {"country": "MV"}, {"mode": "block"}):
        refused("bad_change", desk.propose, change, "gus", "jurisdiction")
    refused("no_change", desk.propose, {"country": "mv", "mode": "banner"}, "gus", "jurisdiction")
    assert not Proposal.objects.exists()


def test_a_line_may_end_and_begin_anew(desk: Desk) -> None:
    at_once(desk, **BLOCK, notice_en="First line.\r\nSecond line.", notice_dv=THAANA)
    assert rules_in_force()["MV"].notice_en == "First line.\nSecond line."


def test_two_at_once_write_one_version(committed_desk: Desk) -> None:
    desk = committed_desk

    def one(number: int) -> str:
        try:
            at_once(desk, **BLOCK, notice_en=f"Words of number {number}.", notice_dv=THAANA)
        except ReviewRefused as no:
            return no.code
        finally:
            connections.close_all()
        return "done"

    with ThreadPoolExecutor(2) as pool:
        came = sorted(pool.map(one, range(2)))
    # The second finds the first one's block, and other words of a block wait for others.
    assert came[0] == "done" and came[1] in ("needs_review", "stale")
    assert list(JurisdictionRule.objects.filter(country="MV").values_list("version", flat=True)) == [1, 2]


def rule(country: str, mode: str, scope: str = "site") -> Rule:
    return Rule(country, 1, mode, scope, ENGLISH, THAANA, None)


def levels(rules: dict[str, Rule], *countries: str) -> list[int]:
    standing = standing_of(rules, countries)
    return [standing.level(room) for room in (Room.DASHBOARDS, Room.ACKNOWLEDGEMENT, Room.DOCUMENTS)]


def test_the_strictest_of_all_that_applies_holds_room_by_room() -> None:
    rules = {
        "default": rule("default", "banner"), "US": rule("US", "block"), "MV": rule("MV", "none"),
        "FR": rule("FR", "block", "dashboards"), "DE": rule("DE", "block", "acknowledgement"),
    }  # fmt: skip
    assert levels(rules, "US") == [2, 2, 1]
    assert levels(rules, "MV") == [0, 0, 0]
    assert levels(rules, "") == levels(rules, "JP") == [1, 1, 1]
    assert levels(rules, "FR") == [2, 0, 0]
    assert levels(rules, "FR", "DE") == [2, 2, 0]
    assert levels(rules, "MV", "US") == levels(rules, "US", "MV") == [2, 2, 1]
    assert [one.country for one in standing_of(rules, ("", "US")).notices(Room.DASHBOARDS)] == ["US", "default"]
    assert [one.country for one in standing_of(rules, ("JP", "")).notices(Room.DASHBOARDS)] == ["default"]


def test_without_a_default_rule_everything_is_refused_that_can_be() -> None:
    assert standing_of({"MV": rule("MV", "none")}, ("MV",)).rules == (CLOSED,)
    assert levels({}, "MV") == [2, 2, 1]


def test_the_countries_are_those_of_iso_3166() -> None:
    assert len(COUNTRIES) == 249
    assert COUNTRIES["MV"] == "Maldives"
    names = Locale("en").territories
    assert {code: name for code, name in COUNTRIES.items() if names.get(code) != name} == {}
    assert not {"XX", "T1", "EU", "UN", "ZZ", "XK"} & set(COUNTRIES)
