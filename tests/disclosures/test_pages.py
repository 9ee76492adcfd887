"""The pages and the API of documents, for the public and for the desk."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from disclosures.models import DisclosureDraft, DisclosureVersion
from governance.access.roles import Role
from governance.models import Proposal
from tests.disclosures.library import RISK, TEXT, Library
from tests.pages import stage
from tests.review.desk import key


@pytest.fixture
def clock(library: Library) -> Iterator[Any]:
    with time_machine.travel(library.now, tick=False) as traveller:
        yield traveller


@pytest.fixture
def door(library: Library, clock: Any) -> Callable[[str], Client]:
    def enter(name: str) -> Client:
        return stage.sign_in(Client(), library.desk.people[name])

    return enter


def page(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status, answer.content[:500]
    return answer.content.decode()


def test_each_version_keeps_its_address(library: Library, clock: Any) -> None:
    client = Client()
    assert "Nothing has been published yet." in page(client.get("/disclosures/"))
    page(client.get(f"/disclosures/{RISK}/"), 404)
    library.published()
    library.published(text={"en": "Other words.", "dv": TEXT["dv"]})
    newest, old = page(client.get(f"/disclosures/{RISK}/")), page(client.get(f"/disclosures/{RISK}/1/"))
    assert "Other words." in newest and "It quotes both sides." not in newest
    assert "It quotes both sides." in old and "a newer version took its place" in old
    library.noticed("correct", DisclosureVersion.objects.get(version=1))
    corrected = page(client.get(f"/disclosures/{RISK}/1/"))
    assert "It named a wrong limit." in corrected and "It quotes both sides." in corrected
    library.noticed("withdraw", DisclosureVersion.objects.get(version=2), en="It should not have been published.")
    gone = page(client.get(f"/disclosures/{RISK}/2/"), 410)
    assert "It should not have been published." in gone and "Other words." not in gone
    for rest in ("en.pdf", "content.json"):
        page(client.get(f"/disclosures/{RISK}/2/{rest}"), 404)
    for wrong in ("constitution/", f"{RISK}/3/", f"{RISK}/1/fr.pdf", f"{RISK}/0/", f"{RISK}/99999999999999999999/"):
        assert client.get(f"/disclosures/{wrong}").status_code == 404, wrong


def test_dhivehi_runs_from_the_right_and_both_stand_side_by_side(library: Library, clock: Any) -> None:
    library.published()
    client = Client(headers={"accept-language": "dv"})
    shown = page(client.get(f"/disclosures/{RISK}/"))
    assert '<html lang="dv" dir="rtl">' in shown and 'lang="dv" dir="rtl"><h1>ރިސްކް' in shown
    both = page(client.get(f"/disclosures/{RISK}/?text=both"))
    assert 'lang="en" dir="ltr"><h1>Risk' in both and 'lang="dv" dir="rtl"><h1>ރިސްކް' in both


def test_the_bytes_can_be_checked_by_anybody(library: Library, clock: Any) -> None:
    row, client = library.published(), Client()
    source = client.get(f"/disclosures/{RISK}/1/content.json")
    assert hashlib.sha256(source.content).hexdigest() == row.sha256
    told = client.get(f"/api/v1/public/disclosures/{RISK}/1/").json()
    assert hashlib.sha256(told["content"].encode()).hexdigest() == told["sha256"] == row.sha256
    listed = client.get("/api/v1/public/disclosures/").json()
    assert [(one["kind"], one["version"], one["state"]) for one in listed] == [(RISK, 1, "in_force")]
    pdf = client.get(f"/disclosures/{RISK}/1/dv.pdf")
    assert (pdf["Content-Type"], pdf.content) == ("application/pdf", bytes(row.pdf_dv))
    again = client.get(f"/disclosures/{RISK}/1/dv.pdf", headers={"if-none-match": pdf["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("changes", [{}, {"review_due_on": "2026-03-02"}])
def test_the_api_for_every_kind_puts_no_document_to_review(
    library: Library, door: Any, changes: dict[str, str]
) -> None:
    draft, cora = library.draft(**changes), door("cora")

    def send(method: str, address: str, change: dict[str, Any]) -> tuple[int, str]:
        body = json.dumps({"kind": "document", "change": change, "reason": "past its page"})
        sent = getattr(cora, method)(address, body, "application/json", headers={"Idempotency-Key": key()})
        return sent.status_code, sent.json()["code"]

    publish = {"action": "publish", "draft": draft.pk}
    assert send("post", "/api/v1/review/", publish) == (400, "bad_change")
    assert not Proposal.objects.exists()
    if changes:
        return
    proposal, version = library.submitted(draft), library.published("treasury-usage")
    told = {"action": "withdraw", "kind": version.kind, "version": 1, "text": {"en": "Wrong.", "dv": "ނުބައި"}}
    for change in (publish, {"action": "publish", "draft": library.draft("general-risk").pk}, told):
        assert send("put", f"/api/v1/review/{proposal.pk}/", change) == (400, "bad_change")
    proposal.refresh_from_db()
    assert (proposal.state, proposal.revision) == ("IN_REVIEW", 1)


def form(draft: DisclosureDraft, **changes: str) -> dict[str, str]:
    return {
        "title_en": "Risk", "title_dv": "ރިސްކް", "text_en": "New words.", "text_dv": TEXT["dv"], "counsel": "",
        "native_reviewer": "", "review_due_on": "2026-08-01", "effective_from": "", "effective_until": "",
        "revision": str(draft.revision), "idempotency_key": key(),
    } | changes  # fmt: skip


def test_from_the_first_draft_to_the_public_by_pages_alone(library: Library, door: Any) -> None:
    cora, dina = door("cora"), door("dina")
    made = cora.post("/desk/disclosures/new/", {"kind": RISK, "idempotency_key": key()})
    address, draft = made["Location"], DisclosureDraft.objects.get()
    page(cora.get(address))
    assert "There is no placeholder" in page(cora.post(address, form(draft, text_en="{{nothing}}")), 422)
    assert cora.post(address, form(draft, says_the_same="on")).status_code == 302
    shown = page(cora.get(f"{address}preview/?text=both"))
    assert "New words." in shown and "Draft for counsel" in shown
    sent = cora.post(f"{address}submit/", {"reason": "a first text", "idempotency_key": key()})
    proposal = Proposal.objects.get()
    assert sent["Location"] == f"/desk/review/{proposal.pk}/"
    assert f"/desk/disclosures/proposals/{proposal.pk}/" in page(dina.get(sent["Location"]))
    assert "New words." in page(dina.get(f"/desk/disclosures/proposals/{proposal.pk}/"))
    library.desk.vote(proposal, "dina")
    assert "New words." in page(Client().get(f"/disclosures/{RISK}/1/"))
    assert "in force" in page(dina.get("/desk/disclosures/"))
    page(cora.post(address, form(draft)), 422)
    notice = cora.post(
        f"/desk/disclosures/{RISK}/1/",
        {"action": "withdraw", "text_en": "Wrong text.", "text_dv": "ނުބައި", "reason": "wrong", "idempotency_key": key()},
    )
    assert "Wrong text." in page(dina.get(f"/desk/disclosures/proposals/{Proposal.objects.latest('pk').pk}/"))
    assert notice.status_code == 302


@pytest.mark.parametrize("wrong", [{"revision": "x"}, {"revision": "9"}, {"review_due_on": "soon"}, {"effective_from": "x"},
                                   {"text_en": "x" * 40_001}, {"idempotency_key": ""}])  # fmt: skip
def test_a_bad_form_changes_nothing_and_keeps_what_was_typed(
    library: Library, door: Any, wrong: dict[str, str]
) -> None:
    draft = library.draft()
    shown = page(
        door("cora").post(f"/desk/disclosures/drafts/{draft.pk}/", form(draft, counsel="A. Advocate") | wrong), 422
    )
    assert "A. Advocate" in shown
    assert DisclosureDraft.objects.get().revision == 1


def test_an_investor_accepts_and_is_asked_again_only_where_it_matters(library: Library, door: Any) -> None:
    def publish(text: str, is_material: bool) -> DisclosureVersion:
        words = {"en": text, "dv": TEXT["dv"]}
        return library.published(text=words, requires_acknowledgement=True, is_material=is_material)

    def accept(row: DisclosureVersion, **changes: str) -> Any:
        data = {"sha256": row.sha256, "idempotency_key": key()} | changes
        return ivy.post(f"/disclosures/{RISK}/{row.version}/accept/", data, follow=True)

    ivy, first = door("ivy"), publish("One.", True)
    assert "I have read this and accept it" in page(ivy.get(f"/disclosures/{RISK}/"))
    assert "Sign in with your e-mail address" in page(Client().get(f"/disclosures/{RISK}/"))
    assert "not the text that you were shown" in page(accept(first, sha256="0" * 64))
    assert first.acknowledgements.count() == 0
    assert "You accepted version 1" in page(accept(first)) and "You accepted version 1" in page(accept(first))
    row = first.acknowledgements.get()
    assert (row.person.username, row.sha256, row.at) == ("ivy", first.sha256, library.now)
    publish("A comma.", False)
    assert "You accepted version 1" in page(ivy.get(f"/disclosures/{RISK}/"))
    third = publish("Another limit.", True)
    assert "Waiting for you" in page(ivy.get("/disclosures/"))
    assert "not the one in force" in page(accept(first))
    assert "You accepted version 3" in page(accept(third))
    assert "Waiting for you" not in page(ivy.get("/disclosures/"))
    refused = door("opal").post(
        f"/disclosures/{RISK}/3/accept/", {"sha256": third.sha256, "idempotency_key": key()}, follow=True
    )
    assert "This needs the role investor." in page(refused)
    table = door("cora").get("/desk/disclosures/acknowledgements.csv").content.decode().splitlines()
    assert table[1].startswith(f'"ivy","{RISK}","1","{first.sha256}"') and len(table) == 3
    assert door("opal").get("/desk/disclosures/acknowledgements.csv").status_code == 403


def test_no_cell_of_the_export_is_a_formula(library: Library) -> None:
    from disclosures.documents.acknowledging import acknowledge, export_csv

    eve = library.desk.person("=cmd|' /C calc'!A0", Role.INVESTOR)
    eve.email = "eve@example.org"
    eve.save(update_fields=["email"])
    row = library.published(requires_acknowledgement=True)
    acknowledge(eve, RISK, 1, row.sha256, key="k", now=library.now)
    told = export_csv()
    assert "\"'=cmd|' /C calc'!A0\"" in told and "eve@example.org" not in told


def test_a_page_of_the_public_asks_few_questions(
    library: Library, clock: Any, django_assert_max_num_queries: Any
) -> None:
    for number in range(3):
        library.published(text={"en": f"Words {number}.", "dv": TEXT["dv"]})
    client = Client()
    for address, most in (("/disclosures/", 4), (f"/disclosures/{RISK}/", 6), (f"/disclosures/{RISK}/1/", 7)):
        with django_assert_max_num_queries(most):
            page(client.get(address))


def test_the_content_holds_no_markup_of_ours(library: Library, clock: Any) -> None:
    hostile = '<script>alert(1)</script> [x](https://e.example/?q="><script>)'
    library.published(text={"en": hostile, "dv": hostile}, title={"en": "<img src=x>", "dv": "<b>x</b>"})
    shown = page(Client().get(f"/disclosures/{RISK}/?text=both"))
    assert not re.search(r"<script>|<img src=x", shown)
    assert json.loads(DisclosureVersion.objects.get().content)["title"]["en"] == "<img src=x>"
