"""Pages of review: who sees which buttons in which state, what forms do, and how refusals are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from governance.models import Proposal, Vote
from tests.pages import stage
from tests.review.desk import CEX, DEX, RISKIER, SAFER, SMALL, Desk, force_version, in_force, key, state
from tests.review.test_decision_table import one_in_each_state

# A column per state as in tests/review/decision_table.py: D draft  d draft that only makes safer  I in review
# C changes requested  A approved  P applied at once  R rejected  E expired  W withdrawn  S superseded  X cancelled  F failed.
# opal made them all; anna and ben have voted on A, so cara stands for an approver who has not.
STATES = "DdICAPREWSXF"
BUTTONS = """
opal    preview        y...........
opal    submit         y...........
opal    apply-at-once  .y..........
opal    edit           yyyy........
opal    withdraw       yyyyy.......
opal    schedule       ....y.......
opal    vote           ............
opal    review         ............
opal    cancel         ............
opal    roll-back      .....y......
opal    comment        yyyyyyyyyyyy
oscar   preview        ............
oscar   submit         ............
oscar   apply-at-once  ............
oscar   edit           ............
oscar   withdraw       ............
oscar   schedule       ............
oscar   vote           ............
oscar   review         ............
oscar   cancel         ............
oscar   roll-back      .....y......
oscar   comment        yyyyyyyyyyyy
cara    preview        ............
cara    submit         ............
cara    apply-at-once  ............
cara    edit           ............
cara    withdraw       ............
cara    schedule       ............
cara    vote           ..y.........
cara    review         .....y......
cara    cancel         ............
cara    roll-back      ............
cara    comment        yyyyyyyyyyyy
gus     vote           ............
gus     review         ............
gus     cancel         yyyyy.......
gus     edit           ............
gus     withdraw       ............
gus     roll-back      ............
gus     comment        yyyyyyyyyyyy
ada     vote           ............
ada     cancel         ............
ada     withdraw       ............
ada     roll-back      ............
ada     comment        yyyyyyyyyyyy
audrey  vote           ............
audrey  review         ............
audrey  cancel         ............
audrey  withdraw       ............
audrey  comment        yyyyyyyyyyyy
"""


def test_each_role_sees_the_buttons_of_each_state(desk: Desk, clock: Callable, door: Callable) -> None:
    made = one_in_each_state(desk, "opal")
    clock(seconds=0)
    rows = [line.split() for line in BUTTONS.strip().splitlines()]
    pages: dict[str, dict[str, str]] = {}
    for name in dict.fromkeys(row[0] for row in rows):
        browser = door(name)
        pages[name] = {letter: browser.get(f"/desk/review/{one.pk}/").content.decode() for letter, one in made.items()}
    actual = [
        [
            name,
            verb,
            "".join("y" if f'/{made[letter].pk}/{verb}/"' in pages[name][letter] else "." for letter in STATES),
        ]
        for name, verb, _ in rows
    ]
    assert actual == rows


def test_strangers_and_investors_see_nothing(desk: Desk, door: Callable) -> None:
    proposal = desk.propose()
    for address in ("", "all/", "new/", f"{proposal.pk}/", f"{proposal.pk}/edit/", f"versions/{DEX}/"):
        assert Client().get(f"/desk/review/{address}").status_code == 302
        assert door("ivy").get(f"/desk/review/{address}").status_code == 403
    assert door("ivy").post(f"/desk/review/{proposal.pk}/comment/", {"text": "hi"}).status_code == 403
    assert door("anna").get(f"/desk/review/new/?market={DEX}").status_code == 403


def test_the_form_is_made_from_the_schema_and_judges_before_it_saves(desk: Desk, door: Callable) -> None:
    opal = door("opal")
    page = opal.get(f"/desk/review/new/?market={DEX}").content.decode()
    for words in ("Spread floor", "bps of price, full spread", "0 – 2000", "down is riskier", f'name="{DEX}:gamma"'):
        assert words in page
    form = {"market": [DEX, CEX], f"{DEX}:spread_floor_bps": "4", f"{CEX}:spread_floor_bps": "4.5", "reason": "tighter"}
    form["idempotency_key"] = key()
    judged = opal.post("/desk/review/new/", form | {"action": "check"}).content.decode()
    assert "“Spread floor” moves its riskier way" in judged
    assert "Needs 2 approvals by other people" in judged
    assert "Apply at once" not in judged
    assert not Proposal.objects.exists()
    saved = opal.post("/desk/review/new/", form | {"action": "save"})
    proposal = Proposal.objects.get()
    assert saved.headers["Location"] == f"/desk/review/{proposal.pk}/"
    assert proposal.change == {"markets": {DEX: {"spread_floor_bps": "4"}, CEX: {"spread_floor_bps": "4.5"}}}
    # The same form sent twice is one proposal.
    assert opal.post("/desk/review/new/", form | {"action": "save"}).headers["Location"] == saved.headers["Location"]
    assert Proposal.objects.count() == 1


def test_another_market_is_added_to_what_was_typed(desk: Desk, door: Callable) -> None:
    form = {"market": [DEX, CEX], f"{DEX}:spread_floor_bps": "4.25", "reason": "both", "idempotency_key": key()}
    page = door("opal").post("/desk/review/new/", form).content.decode()
    assert f'name="{DEX}:spread_floor_bps" value="4.25"' in page
    assert f'name="{CEX}:spread_floor_bps" value="{in_force(CEX, "spread_floor_bps")}"' in page
    assert not Proposal.objects.exists()


def test_what_only_makes_safer_is_applied_at_once_from_the_form(desk: Desk, door: Callable) -> None:
    opal = door("opal")
    form = {"market": DEX, f"{DEX}:spread_floor_bps": "6", "reason": "wild market", "idempotency_key": key()}
    judged = opal.post("/desk/review/new/", form | {"action": "check"}).content.decode()
    assert "one person may apply it at once" in judged
    assert "Apply at once" in judged
    opal.post("/desk/review/new/", form | {"action": "apply_at_once"})
    assert in_force(DEX, "spread_floor_bps") == "6"
    riskier = form | {f"{DEX}:spread_floor_bps": "2", "action": "apply_at_once", "idempotency_key": key()}
    refused = opal.post("/desk/review/new/", riskier)
    assert refused.status_code == 422
    assert "needs_review" in refused.content.decode()
    assert "submit it for review" in refused.content.decode()
    assert in_force(DEX, "spread_floor_bps") == "6"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("2001", "must be between 0 and 2000"),
        ("NaN", "must be a number"),
        ("five", "must be a number"),
        ("4.00001", "more than 4 decimal places"),
        ("5", "Every value is the one in force."),
    ],
)
def test_bad_values_stay_in_the_form_with_the_reason(desk: Desk, door: Callable, value: str, words: str) -> None:
    form = {"market": DEX, f"{DEX}:spread_floor_bps": value, "reason": "why not", "idempotency_key": key()}
    answer = door("opal").post("/desk/review/new/", form | {"action": "save"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    assert f'value="{value}"' in page
    assert "why not" in page
    assert "Nothing was changed." in page
    assert not Proposal.objects.exists()


def test_the_whole_way_through_the_pages(
    desk: Desk, clock: Callable, send: Callable, code_of: Callable, door: Callable
) -> None:
    proposal = desk.propose()
    at = f"{proposal.pk}/"
    assert "no_preview" in send("opal", at + "submit/").content.decode()
    assert "The preview is made" in send("opal", at + "preview/").content.decode()
    assert "In review" in send("opal", at + "submit/").content.decode()
    vote = {"choice": "approve", "content_hash": Proposal.objects.get().content_hash}
    own = send("opal", at + "vote/", **vote, code=code_of("opal")).content.decode()
    assert ("own_proposal" in own, "Ask the people named under" in own) == (True, True)
    without = send("anna", at + "vote/", **vote).content.decode()
    assert "Type a fresh code of your app" in without
    assert "1 of 2 approvals" in send("anna", at + "vote/", **vote, code=code_of("anna")).content.decode()
    assert "already_voted" in send("anna", at + "vote/", **vote, code=code_of("anna")).content.decode()
    done = send("ben", at + "vote/", **vote, code=code_of("ben")).content.decode()
    assert "data-countdown=" in done
    assert "applies in" in done
    assert {one.method for one in Vote.objects.all()} == {"totp"}
    clock(hours=1)
    desk.clockwork()
    assert in_force(DEX, "spread_floor_bps") == "4"
    assert "applied" in door("audrey").get(f"/desk/review/{at}").content.decode()


def test_a_vote_sent_twice_counts_once_and_needs_no_second_code(desk: Desk, send: Callable, code_of: Callable) -> None:
    proposal = desk.in_review()
    vote = {
        "choice": "approve", "content_hash": proposal.content_hash, "code": code_of("anna"), "idempotency_key": "one-press",
    }  # fmt: skip
    for _ in range(2):
        assert "Your vote is counted" in send("anna", f"{proposal.pk}/vote/", **vote).content.decode()
    assert Vote.objects.count() == 1
    other = send("anna", f"{proposal.pk}/vote/", **vote | {"choice": "reject", "reason": "changed my mind"})
    assert (other.status_code, "key_used" in other.content.decode()) == (422, True)


def test_a_code_is_not_used_up_by_a_vote_on_other_content(desk: Desk, send: Callable, code_of: Callable) -> None:
    proposal = desk.in_review()
    code = code_of("anna")
    vote = {"choice": "approve", "content_hash": "0" * 64, "code": code}
    assert "content_changed" in send("anna", f"{proposal.pk}/vote/", **vote).content.decode()
    good = vote | {"content_hash": proposal.content_hash}
    assert "Your vote is counted" in send("anna", f"{proposal.pk}/vote/", **good).content.decode()


def test_a_refused_vote_says_why_and_what_to_do(desk: Desk, send: Callable, code_of: Callable) -> None:
    proposal = desk.in_review()
    force_version(DEX, {"spread_cap_bps": "55"}, desk.now)
    vote = {"choice": "approve", "content_hash": proposal.content_hash, "code": code_of("anna"), "reason": "looks good"}
    answer = send("anna", f"{proposal.pk}/vote/", **vote)
    page = answer.content.decode()
    assert answer.status_code == 422
    for words in (
        "stale",
        "Edit the proposal: the form starts from what is in force now.",
        "Nothing was changed.",
        "looks good",
    ):
        assert words in page
    assert not Vote.objects.exists()


def test_every_form_has_a_key_of_its_own_and_a_form_without_one_is_refused(desk: Desk, door: Callable) -> None:
    proposal = desk.in_review()
    page = door("cara").get(f"/desk/review/{proposal.pk}/").content.decode()
    keys = [part.split('"')[0] for part in page.split('name="idempotency_key" value="')[1:]]
    forms = page.count('action="/desk/review/')
    assert len(keys) == len(set(keys)) == forms > 1
    assert page.count("csrfmiddlewaretoken") >= forms
    answer = door("cara").post(f"/desk/review/{proposal.pk}/comment/", {"text": "hello"})
    assert (answer.status_code, "bad_key" in answer.content.decode()) == (422, True)
    strict = stage.sign_in(Client(enforce_csrf_checks=True), desk.people["cara"])
    assert strict.post(f"/desk/review/{proposal.pk}/comment/", {"text": "hello"}).status_code == 403


def test_discussion_history_and_download(desk: Desk, send: Callable, door: Callable) -> None:
    proposal = desk.in_review()
    page = send("audrey", f"{proposal.pk}/comment/", text="<b>why</b> now?").content.decode()
    assert "&lt;b&gt;why&lt;/b&gt; now?" in page
    assert page.index("made") < page.index("submitted")
    answer = door("audrey").get(f"/desk/review/{proposal.pk}/story.json")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="proposal-{proposal.pk}.json"'
    story = json.loads(answer.content)
    assert story["content_hash_recomputed"] == story["proposal"]["content_hash"]
    assert [one["action"] for one in story["transitions"]] == ["make", "submit"]


def test_guardian_cancels_and_the_proposer_schedules_and_withdraws(desk: Desk, clock: Callable, send: Callable) -> None:
    cancelled, scheduled = desk.approved(), desk.approved()
    page = send("gus", f"{cancelled.pk}/cancel/", reason="too near the news").content.decode()
    assert "Cancelled: nothing was changed." in page
    assert "bad_time" in send("opal", f"{scheduled.pk}/schedule/", at="tomorrow").content.decode()
    assert "bad_time" in send("opal", f"{scheduled.pk}/schedule/", at="2026-03-02T09:10").content.decode()
    assert "Scheduled." in send("opal", f"{scheduled.pk}/schedule/", at="2026-03-02T11:30").content.decode()
    assert Proposal.objects.get(pk=scheduled.pk).scheduled_for.isoformat() == "2026-03-02T11:30:00+00:00"
    assert "Withdrawn" in send("opal", f"{scheduled.pk}/withdraw/", reason="not any more").content.decode()


def test_editing_starts_from_what_is_in_force(desk: Desk, door: Callable) -> None:
    proposal = desk.in_review()
    opal = door("opal")
    page = opal.get(f"/desk/review/{proposal.pk}/edit/").content.decode()
    assert f'name="{DEX}:spread_floor_bps" value="4"' in page
    form = {f"{DEX}:spread_floor_bps": "4.5", "reason": "less tight", "idempotency_key": key(), "action": "save"}
    opal.post(f"/desk/review/{proposal.pk}/edit/", form)
    proposal.refresh_from_db()
    assert (proposal.state, proposal.revision) == ("DRAFT", 2)
    assert proposal.change == {"markets": {DEX: {"spread_floor_bps": "4.5"}}}
    refused = door("oscar").post(f"/desk/review/{proposal.pk}/edit/", form | {"idempotency_key": key()})
    assert (refused.status_code, "not_yours" in refused.content.decode()) == (422, True)


def test_review_afterwards(desk: Desk, send: Callable, code_of: Callable, door: Callable) -> None:
    proposal = desk.propose(SAFER, apply_at_once=True)
    assert f"/desk/review/{proposal.pk}/" in door("anna").get("/desk/review/").content.decode()
    page = send("anna", f"{proposal.pk}/review/", reason="right so", code=code_of("anna")).content.decode()
    assert "Reviewed afterwards by" in page
    assert Proposal.objects.get().reviewed_by_name == "anna"


def test_versions_are_compared_and_gone_back_to(desk: Desk, clock: Callable, send: Callable, door: Callable) -> None:
    desk.applied()
    clock(seconds=0)
    page = door("audrey").get(f"/desk/review/versions/{DEX}/").content.decode()
    assert "Spread floor" in page
    assert "Roll back to" not in page
    same = door("audrey").get(f"/desk/review/versions/{DEX}/?a=2&b=2").content.decode()
    assert "There is no difference between these two" in same
    assert door("audrey").get(f"/desk/review/versions/{DEX}/?a=9&b=2").status_code == 404
    made = send("opal", f"versions/{DEX}/", version="1", reason="back")
    assert "A draft back to that version is prepared" in made.content.decode()
    draft = Proposal.objects.latest("pk")
    assert (draft.change, draft.rolls_back_to) == ({"markets": {DEX: {"spread_floor_bps": "5"}}}, f"{DEX}@1")
    assert send("opal", f"versions/{DEX}/", version="2", reason="back").status_code == 422
    assert send("anna", f"versions/{DEX}/", version="1", reason="back").status_code == 422


def test_the_inbox_shows_each_what_waits_for_them(desk: Desk, door: Callable) -> None:
    waiting, draft = desk.in_review(), desk.propose(SMALL)
    pages = {name: door(name).get("/desk/review/").content.decode() for name in ("opal", "anna", "audrey")}
    seen = {name: [f'/desk/review/{one.pk}/"' in page for one in (waiting, draft)] for name, page in pages.items()}
    assert seen == {"opal": [True, True], "anna": [True, False], "audrey": [False, False]}
    assert "Nothing waits for your vote." in pages["audrey"]
    assert "Propose a change" in pages["opal"]
    found = door("audrey").get(f"/desk/review/all/?state=DRAFT&market={DEX}").content.decode()
    assert [f'/desk/review/{one.pk}/"' in found for one in (waiting, draft)] == [False, True]
    assert "No proposal is like that" in door("audrey").get("/desk/review/all/?state=FAILED").content.decode()


def test_widening_at_once(desk: Desk, door: Callable) -> None:
    opal, form = door("opal"), {"factor": "1.5", "reason": "news", "idempotency_key": key()}
    assert f"/desk/widen/{DEX}/" in opal.get("/desk/").content.decode()
    assert door("anna").get(f"/desk/widen/{DEX}/").status_code == 403
    for _ in range(2):
        page = opal.post(f"/desk/widen/{DEX}/", form, follow=True).content.decode()
        assert "is widened to a factor of 1.5" in page
    assert in_force(DEX, "widen_factor") == "1.5"
    assert Proposal.objects.count() == 1
    narrower = opal.post(f"/desk/widen/{DEX}/", form | {"factor": "1.2", "idempotency_key": key()})
    assert (narrower.status_code, "needs_review" in narrower.content.decode()) == (422, True)
    wrong = opal.post(f"/desk/widen/{DEX}/", form | {"factor": "wide", "idempotency_key": key()})
    assert (wrong.status_code, in_force(DEX, "widen_factor")) == (422, "1.5")


def test_nothing_to_find(desk: Desk, door: Callable) -> None:
    for address in ("999/", "999/story.json", "999/edit/", "versions/nowhere/", "new/?market=nowhere"):
        assert door("opal").get(f"/desk/review/{address}").status_code == 404
    assert door("opal").post("/desk/review/999/submit/").status_code == 404
    assert door("opal").post(f"/desk/review/{desk.propose().pk}/dance/").status_code == 404


def test_dhivehi(desk: Desk, door: Callable) -> None:
    proposal = desk.in_review(RISKIER)
    anna: Any = door("anna")
    anna.cookies["django_language"] = "dv"
    page = anna.get(f"/desk/review/{proposal.pk}/").content.decode()
    assert 'dir="rtl"' in page
    assert "What changes" not in page
    assert state(proposal) == "IN_REVIEW"
