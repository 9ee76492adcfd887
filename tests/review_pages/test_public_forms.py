"""Forms that the upper room brings: explained, judged, shown as the public would see it, saved, applied."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils.html import escape

from disclosures.jurisdictions.rules import rules_in_force
from disclosures.transparency.publication import publication_in_force
from governance.models import Proposal
from tests.review.desk import Desk
from tests.review_pages.test_forms import sending

THAANA = "މިތާކު ތިޔަ ފަރާތަކަށް ނޫނެވެ."
RULE = {"country": "MV", "mode": "block", "scope": "site", "notice_en": "Not for you, here.", "notice_dv": THAANA}
POLICY = {"delay_s": "60", "inventory_step_share": "0.05", "pnl_granularity_days": "1", "quote_granularity_s": "0"}


def test_the_form_of_publication_explains_every_value(desk: Desk, door: Callable) -> None:
    page = door("gus").get("/desk/review/new/publication/").content.decode()
    for words in (
        'name="delay_s" value="60"', "0 – 604800", "(0:00 – 7 d 0:00:00)", 'name="inventory_step_share" value="0.05"',
        "0.001 – 1", "of the hard limit", "0.05 is 5 %", "1 – 31", "0 – 86400", "nobody trades against what we hold now",
    ):  # fmt: skip
        assert words in page, words
    assert door("opal").get("/desk/review/new/publication/").status_code == 403


def test_a_finer_publication_is_judged_previewed_saved_and_edited(desk: Desk, door: Callable) -> None:
    finer = POLICY | {"delay_s": "30", "inventory_step_share": "0.025"}
    judged = sending(door, "gus", "publication", "check", **finer)
    page = judged.content.decode()
    assert (judged.status_code, "“delay of inventory” moves its riskier way" in page) == (200, True)
    assert "Apply at once" not in page
    # 20 lots of 1,000: 5 % of the hard limit, and half of it.
    for words in (
        "What the public would see",
        "60 s ago</td><td>30 s ago",
        "<td>1000 DCT</td><td>500 DCT</td>",
        "<td>live</td>",
    ):
        assert words in page, words
    assert not Proposal.objects.exists()
    sending(door, "gus", "publication", "save", **finer)
    draft = Proposal.objects.get()
    assert (draft.kind, draft.change) == ("publication", {"delay_s": "30", "inventory_step_share": "0.025"})
    form = door("gus").get(f"/desk/review/{draft.pk}/edit/").content.decode()
    assert 'name="delay_s" value="30"' in form and 'name="pnl_granularity_days" value="1"' in form
    coarser = sending(door, "gus", "publication", "check", **POLICY | {"quote_granularity_s": "60"}).content.decode()
    assert "Apply at once" in coarser and "<td>every 60 s, without sizes</td>" in coarser
    done = sending(door, "gus", "publication", "apply_at_once", **POLICY | {"quote_granularity_s": "60"})
    assert (done.status_code, publication_in_force().quote_granularity_s) == (302, 60)


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("delay_s", "", "invalid"), ("delay_s", "-1", "invalid"), ("delay_s", "1.5", "invalid"), ("delay_s", "NaN", "invalid"),
        ("delay_s", "604801", "invalid"), ("delay_s", "1e3", "invalid"), ("delay_s", "٣٠", "invalid"),
        ("inventory_step_share", "0", "invalid"), ("inventory_step_share", "1.1", "invalid"),
        ("inventory_step_share", "0.00001", "invalid"), ("inventory_step_share", "0.05001", "invalid"),
        ("inventory_step_share", "<b>", "invalid"), ("pnl_granularity_days", "0", "invalid"),
        ("quote_granularity_s", "86401", "invalid"), ("delay_s", "60", "no_change"), ("delay_s", " 60 ", "no_change"),
    ],
)  # fmt: skip
def test_what_can_be_no_publication_policy_is_named_and_kept(
    desk: Desk, door: Callable, name: str, text: str, code: str
) -> None:
    for how in ("check", "save", "apply_at_once"):
        answer = sending(door, "gus", "publication", how, **POLICY | {name: text})
        page = answer.content.decode()
        assert (answer.status_code, f"<code>{code}</code>" in page) == (422, True), how
        assert f'value="{escape(text.strip())}"' in page
    assert not Proposal.objects.exists()
    assert publication_in_force().version == 1


def test_the_form_of_a_jurisdiction_judges_previews_and_applies(desk: Desk, door: Callable) -> None:
    empty = door("gus").get("/desk/review/new/jurisdiction/").content.decode()
    assert "Maldives (MV) (a notice, the whole public site, v1)" in empty and "Everywhere else (a notice" in empty
    assert "<textarea" in empty and 'maxlength="1500"' in empty and "certificate" in empty
    judged = sending(door, "gus", "jurisdiction", "check", **RULE).content.decode()
    assert "nothing is told or refused less there than now" in judged and "Apply at once" in judged
    assert "<td>a notice</td><td>a refusal</td>" in judged and THAANA in judged
    assert not Proposal.objects.exists()
    sending(door, "gus", "jurisdiction", "apply_at_once", **RULE | {"notice_en": "Not for you,\r\nhere."})
    assert rules_in_force()["MV"].notice_en == "Not for you,\nhere."
    applied = Proposal.objects.get()
    shown = door("gus").get(f"/desk/review/{applied.pk}/").content.decode()
    # Of what it changed alone, not of the default rule that it was judged beside.
    assert "jurisdiction:MV@1" in shown and "jurisdiction:default@1" not in shown
    looser = RULE | {"mode": "banner", "notice_en": "", "notice_dv": ""}
    page = sending(door, "gus", "jurisdiction", "check", **looser).content.decode()
    assert "less is told or refused there than now" in page and "Apply at once" not in page
    sending(door, "gus", "jurisdiction", "save", **looser)
    draft = Proposal.objects.latest("pk")
    # The words of the rule in force are what is voted on.
    assert (draft.change["notice_en"], draft.risk_class) == ("Not for you,\nhere.", "increasing")
    form = door("gus").get(f"/desk/review/{draft.pk}/edit/").content.decode()
    assert 'value="banner" checked' in form and "Not for you,\nhere.</textarea>" in form
    assert door("opal").get("/desk/review/new/jurisdiction/").status_code == 403


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ({"country": ""}, "invalid"), ({"country": "XX"}, "invalid"), ({"mode": "maybe"}, "invalid"),
        ({"scope": "documents"}, "invalid"), ({"notice_dv": ""}, "one_language"),
        ({"notice_en": "<i>Refused here.</i>"}, "bad_text"), ({"notice_en": "x" * 1501}, "invalid"),
        ({"mode": "none"}, "bad_text"), ({"notice_dv": "In English."}, "bad_text"),
    ],
)  # fmt: skip
def test_what_can_be_no_rule_of_a_jurisdiction(desk: Desk, door: Callable, typed: dict[str, str], code: str) -> None:
    for how in ("check", "save", "apply_at_once"):
        answer = sending(door, "gus", "jurisdiction", how, **RULE | typed)
        assert (answer.status_code, f"<code>{code}</code>" in answer.content.decode()) == (422, True), how
    assert "<i>Refused" not in answer.content.decode()
    assert not Proposal.objects.exists() and rules_in_force()["MV"].version == 1
