"""Rules by jurisdiction, attacked in SQL with the application's own password: nothing guards less without a review."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from disclosures.models import JurisdictionRule
from governance.review.applying import apply, apply_at_once
from tests.attacks.desk import TIMELOCK, Desk, refusal

THAANA = "މިއީ ތަޖުރިބާގެ ނޯޓިހެކެވެ"
LOOSER = {"country": "MV", "mode": "none"}
STRICTER = {
    "country": "MV", "mode": "block", "scope": "site", "notice_en": "Refused for a test.", "notice_dv": THAANA,
}  # fmt: skip
INSERT = (
    "INSERT INTO jurisdiction_rules (country, version, mode, scope, notice_en, notice_dv, reason, authorised_by, actor_id,"
    " actor_name, applied_at) VALUES (%s, %s, %s, %s, %s, %s, 'r', %s, '1', 'olga', now())"
)
pytestmark = pytest.mark.attacks("jurisdiction_rules.*")


def values(by: str = "", **more: Any) -> list[Any]:
    row = {"country": "MV", "version": 2, "mode": "none", "scope": "site", "notice_en": "", "notice_dv": ""} | more
    return [*row.values(), by]


def refusing(by: str, **more: Any) -> list[Any]:
    return values(by, **(STRICTER | more))


def rewrite(desk: Desk, draft: int, **change: str) -> None:
    """A draft's own record says something else from now on."""
    statement = "UPDATE proposals SET change = change || %s::jsonb, revision = revision + 1 WHERE id = %s"
    desk.app.execute(statement, [json.dumps(change), draft])


def test_the_legitimate_way_is_open(desk: Desk) -> None:
    """Without it, every refusal below would prove nothing."""
    later = desk.draft(STRICTER, "jurisdiction", "carl")
    assert apply_at_once(desk.people["carl"], later.pk, key="later", now=desk.now()).state == "APPLIED"
    made = desk.approved(LOOSER, "jurisdiction", "carl")
    desk.travel(TIMELOCK + timedelta(seconds=5))
    assert apply(made.pk, now=desk.now()).state == "APPLIED"
    row = JurisdictionRule.objects.get(country="MV", version=3)
    assert (row.mode, row.notice_en, row.authorised_by, row.actor_name) == ("none", "", f"proposal:{made.pk}", "carl")


def test_without_an_approved_proposal_or_before_its_time(desk: Desk) -> None:
    for authority in ("", "genesis", "proposal:999", "me"):
        told = desk.refused(INSERT, values(authority))
        assert "changes only by an approved proposal" in told or "explains no change" in told
        assert desk.refused(INSERT, refusing(authority)) == told
    draft = desk.draft(LOOSER, "jurisdiction", "carl")
    assert "not approved" in desk.refused(INSERT, values(f"proposal:{draft.pk}"))
    other = desk.draft({"delay_s": "5"}, "publication", "carl")
    assert "explains no change of jurisdiction" in desk.refused(INSERT, values(f"proposal:{other.pk}"))
    made = desk.approved(LOOSER, "jurisdiction", "carl")
    assert "still in its timelock" in desk.refused(INSERT, values(f"proposal:{made.pk}"))
    desk.travel(TIMELOCK + timedelta(seconds=5))
    authority = f"proposal:{made.pk}"
    assert "says another mode" in desk.refused(
        INSERT, values(authority, mode="banner", notice_en="Other words.", notice_dv=THAANA)
    )
    assert "about another jurisdiction" in desk.refused(INSERT, values(authority, country="default"))
    assert "about another jurisdiction" in desk.refused(INSERT, values(authority, country="US", version=1))
    assert "only as its next version" in desk.refused(INSERT, values(authority, version=3))
    desk.travel(timedelta(days=2))
    assert "no longer valid" in desk.refused(INSERT, values(authority))


def test_looser_called_reducing_other_words_and_a_proposal_used_twice(desk: Desk) -> None:
    """The class is judged from the rows: a draft whose own record says reducing opens nothing."""
    draft = desk.draft(STRICTER, "jurisdiction", "carl")
    authority = f"proposal:{draft.pk}"
    rewrite(desk, draft.pk, scope="dashboards")
    # A refusal of the figures alone leaves acceptance and documents without the notice they had.
    assert "not approved" in desk.refused(INSERT, refusing(authority, scope="dashboards"))
    rewrite(desk, draft.pk, scope="site", mode="banner")
    assert "not approved" in desk.refused(INSERT, refusing(authority, mode="banner"))
    applied = desk.draft(STRICTER, "jurisdiction", "carl")
    apply_at_once(desk.people["carl"], applied.pk, key="later", now=desk.now())
    assert "another version" in desk.refused(INSERT, refusing(f"proposal:{applied.pk}", version=3))


def test_a_first_rule_is_judged_against_everywhere_else(desk: Desk) -> None:
    """Neither by a country that nobody named before, nor by one that is none, is the default got round."""
    draft = desk.draft({**LOOSER, "country": "US"}, "jurisdiction", "carl")
    assert draft.risk_class == "increasing"
    assert "not approved" in desk.refused(INSERT, values(f"proposal:{draft.pk}", country="US", version=1))
    made = desk.approved({**LOOSER, "country": "US"}, "jurisdiction", "carl")
    stricter = desk.draft({**STRICTER, "country": "default"}, "jurisdiction", "carl")
    apply_at_once(desk.people["carl"], stricter.pk, key="all", now=desk.now())
    desk.travel(TIMELOCK + timedelta(seconds=5))
    told = desk.refused(INSERT, values(f"proposal:{made.pk}", country="US", version=1))
    assert "another version of the rules by jurisdiction" in told


def test_a_first_rule_as_strict_as_everywhere_else_needs_others(desk: Desk) -> None:
    """Written by one person, it would take a country out of the reach of a default that gets stricter."""
    default = JurisdictionRule.objects.get(country="default")
    same = {name: getattr(default, name) for name in ("mode", "scope", "notice_en", "notice_dv")} | {"country": "US"}
    draft = desk.draft(same, "jurisdiction", "carl")
    assert draft.risk_class == "increasing"
    assert "not approved" in desk.refused(INSERT, values(f"proposal:{draft.pk}", **same, version=1))


def test_words_that_are_no_plain_text(desk: Desk) -> None:
    draft = desk.draft(STRICTER, "jurisdiction", "carl")
    authority = f"proposal:{draft.pk}"
    for words in ("<b>Refused</b> here.", "short", "turned \u202e round, long", "a bell \x07 rings, long", "x" * 1501):
        rewrite(desk, draft.pk, notice_en=words)
        told = desk.refused(INSERT, refusing(authority, notice_en=words))
        assert "jurisdiction_words" in told or "too long" in told


def test_versions_stay_as_they_are(desk: Desk) -> None:
    # The application has no right to either; the owner's own slips meet the guard.
    for statement in (
        "UPDATE jurisdiction_rules SET mode = 'none', notice_en = '', notice_dv = ''",
        "DELETE FROM jurisdiction_rules",
        "TRUNCATE jurisdiction_rules",
    ):
        assert "permission denied" in desk.refused(statement)
        with pytest.raises(Exception, match=r"never changed or deleted|only grows"), desk.owner.transaction():
            desk.owner.execute(statement)
    assert JurisdictionRule.objects.count() == 2


def test_a_proposal_that_says_applied_has_a_version(desk: Desk) -> None:
    made = desk.approved(LOOSER, "jurisdiction", "carl")
    desk.travel(TIMELOCK + timedelta(seconds=5))
    told = desk.refused("UPDATE proposals SET state = 'APPLIED' WHERE id = %s", [made.pk])
    assert "no rule of a jurisdiction names it" in told


def test_another_role_proposes_nothing(desk: Desk) -> None:
    for name in ("olga", "anna"):
        assert refusal(lambda name=name: desk.draft(LOOSER, "jurisdiction", name)) == "no_role"
