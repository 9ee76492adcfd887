"""Reports of incidents by people: an operator or compliance writes, another approves; versions, notes, tombstone."""

from __future__ import annotations

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from disclosures.documents import drafting
from disclosures.documents.checklist import checklist
from disclosures.documents.forms import ReportForm
from disclosures.documents.incident import SECTIONS
from disclosures.documents.kinds import KINDS, incident_slug, is_incident
from disclosures.documents.pdf import NOT_PRINTED, pages_of
from disclosures.documents.selectors import incident_reports
from disclosures.feeds.changes import entries
from disclosures.models import DisclosureDraft, DisclosureVersion
from governance.models import Proposal
from tests.disclosures.library import Library
from tests.pages import stage
from tests.review.desk import CEX, DEX, T0, key, refused
from trading.models import Lock, Market

SLUG = "incident-20260302-1"
PAGE = f"/incidents/reports/{SLUG}/"
API = "/api/v1/public/incidents/reports"


def text(**changes: str) -> dict[str, str]:
    """Every section with a line below it; `changes` by number of the section ("s0")."""
    return {
        language: "\n\n".join(f"## {head}\n\n{changes.get(f's{n}', f'Line {n}.')}" for n, head in enumerate(heads))
        for language, heads in SECTIONS.items()
    }


def written(library: Library, by: str = "opal", **changes: Any) -> DisclosureDraft:
    """A draft with everything in it."""
    desk = library.desk
    made = drafting.start_report(desk.people[by], T0.isoformat(), key=key(), now=library.now)
    incident = {"starts_at": T0.isoformat(), "ends_at": (T0 + timedelta(minutes=30)).isoformat(), "markets": [DEX]}
    words = {"title": {"en": "Quotes stood still", "dv": "ކޯޓު މަޑުޖެހުން"}, "text": text(), "incident": incident}
    more = {"revision": 1, "says_the_same": True, "key": key(), "now": library.now}
    return drafting.write_draft(desk.people[by], made.pk, words | changes, **more)


def published(library: Library, **changes: Any) -> DisclosureVersion:
    done = library.desk.vote(library.submitted(written(library, **changes)), "dina")
    assert (done.state, done.failure) == ("APPLIED", "")
    return DisclosureVersion.objects.get(kind=SLUG)


def seen(client: Client, address: str, status: int = 200) -> str:
    cache.clear()
    answer = client.get(address)
    assert answer.status_code == status, (address, answer.status_code, answer.content[:300])
    return answer.content.decode()


def test_an_operator_writes_compliance_asks_and_another_approves(library: Library, client: Client) -> None:
    draft, desk = written(library), library.desk
    assert (draft.kind, draft.authors) == (SLUG, ["opal"])
    assert SLUG not in seen(client, "/incidents/")
    refused("no_role", drafting.ask_to_publish, desk.people["opal"], draft.pk, "a reason", key=key(), now=library.now)
    proposal = library.submitted(draft)
    assert proposal.title == "Publish: Incident report 20260302-1"
    for name, code in (("cora", "own_proposal"), ("opal", "about_you"), ("anna", "no_role")):
        refused(code, desk.vote, proposal, name)
    for address in (PAGE, f"{PAGE}1/", f"/disclosures/{SLUG}/1/", f"/api/v1/public/disclosures/{SLUG}/1/"):
        seen(client, address, 404)
    assert "Quotes stood still" not in seen(client, "/incidents/") + seen(client, f"{API}/") + seen(client, "/feed.xml")
    assert desk.vote(proposal, "dina").state == "APPLIED"
    row = DisclosureVersion.objects.get(kind=SLUG)
    assert (row.version, row.author_name, row.approver_name) == (1, "cora", "dina")


def test_who_wrote_of_compliance_does_not_approve(library: Library) -> None:
    draft = written(library, by="dina")
    refused("about_you", library.desk.vote, library.submitted(draft), "dina")
    for name in ("anna", "ada", "audrey", "ivy"):
        refused("no_role", drafting.start_report, library.desk.people[name], T0.isoformat(), key=key(), now=library.now)
        refused(
            "no_role", drafting.write_draft, library.desk.people[name], draft.pk, {"counsel": "x"}, revision=2,
            says_the_same=False, key=key(), now=library.now,
        )  # fmt: skip
    # Whoever operates writes of incidents, and of nothing else.
    refused("no_role", drafting.start_draft, library.desk.people["opal"], "general-risk", key=key(), now=library.now)
    other = library.draft("general-risk")
    refused(
        "no_role", drafting.write_draft, library.desk.people["opal"], other.pk, {"counsel": "x"}, revision=1,
        says_the_same=False, key=key(), now=library.now,
    )  # fmt: skip


def test_it_stands_beside_what_the_machine_recorded(library: Library, client: Client) -> None:
    row = published(library)
    page = seen(client, "/incidents/")
    assert f'href="{PAGE}1/"' in page and "Quotes stood still" in page and "2026-03-02 14:00" in page
    assert "Quotes stood still" in seen(client, f"/incidents/?market={DEX}")
    assert "Quotes stood still" not in seen(client, f"/incidents/?market={CEX}")
    client.cookies["django_language"] = "dv"
    assert "ކޯޓު މަޑުޖެހުން" in seen(client, "/incidents/")
    client.cookies["django_language"] = "en"
    report = seen(client, f"{PAGE}1/")
    assert "Incident from 2026-03-02 09:00 to 2026-03-02 09:30 UTC. Markets: dct-usdt-dex." in report
    assert row.sha256 in report and f'<bdi dir="ltr">{PAGE}1/</bdi>' in report and "Line 4." in report
    assert seen(client, PAGE).split("<main")[1] == report.split("<main")[1]
    version = client.get(f"/disclosures/{SLUG}/1/")
    assert (version.status_code, version.headers["Location"]) == (301, f"{PAGE}1/")
    # Which one is the newest changes: no browser may keep that for ever.
    newest = client.get(f"/disclosures/{SLUG}/")
    assert (newest.status_code, newest.headers["Location"]) == (302, PAGE)
    assert client.get(f"/disclosures/{SLUG}/1/en.pdf").content[:5] == b"%PDF-"
    assert client.get(f"/disclosures/{SLUG}/1/content.json").content == row.content.encode()
    told = client.get(f"/api/v1/public/disclosures/{SLUG}/1/").json()
    assert (told["sha256"], told["address"].endswith(f"{PAGE}1/")) == (row.sha256, True)
    (entry,) = [one for one in entries(library.now) if one.anchor == "incident-reports"]
    assert (entry.path, entry.title) == (f"{PAGE}1/", "Quotes stood still")
    assert len(pages_of({**written(library).content, "facts": {}}, "dv", NOT_PRINTED)) >= 1


def test_json_and_csv_tell_the_same(library: Library, client: Client) -> None:
    row = published(library)
    body = client.get(f"{API}/").json()
    (told,) = [dict(zip(body["columns"], one, strict=True)) for one in body["rows"]]
    assert [told[name] for name in ("starts_at", "ends_at", "markets", "report", "version", "state", "sha256")] == [
        "2026-03-02T09:00:00.000Z", "2026-03-02T09:30:00.000Z", DEX, SLUG, 1, "in_force", row.sha256,
    ]  # fmt: skip
    lines = [one for one in csv.reader(io.StringIO(seen(client, f"{API}.csv"))) if not one[0].startswith("# ")]
    assert lines[1] == [str(told[name]) for name in body["columns"]]


def test_a_new_version_takes_its_place_and_the_old_text_stays(library: Library, client: Client) -> None:
    published(library)
    desk = library.desk
    draft = drafting.start_draft(desk.people["opal"], SLUG, key=key(), now=library.now)
    assert draft.content["incident"]["markets"] == [DEX]
    drafting.write_draft(
        desk.people["opal"], draft.pk, {"text": text(s2="A clock was wrong.")}, revision=1, says_the_same=True, key=key(),
        now=library.now,
    )  # fmt: skip
    assert desk.vote(library.submitted(draft), "dina").state == "APPLIED"
    old, new = seen(client, f"{PAGE}1/"), seen(client, f"{PAGE}2/")
    assert "Line 2." in old and "A clock was wrong." not in old and f'href="{PAGE}2/"' in old
    assert "A clock was wrong." in new and f'href="{PAGE}2/"' in seen(client, "/incidents/")


def test_corrections_stand_above_and_a_withdrawal_leaves_a_tombstone(library: Library, client: Client) -> None:
    row = published(library)
    assert library.noticed("correct", row).state == "APPLIED"
    assert "It named a wrong limit." in seen(client, f"{PAGE}1/")
    assert library.noticed("withdraw", row, en="Names of others were in it.").state == "APPLIED"
    page = seen(client, f"{PAGE}1/", 410)
    assert "Names of others were in it." in page and row.sha256 in page and "Line 0." not in page
    assert client.get(f"/disclosures/{SLUG}/1/en.pdf").status_code == 404
    for told in (
        seen(client, "/incidents/"),
        seen(client, f"{API}/"),
        seen(client, f"{API}.csv"),
        seen(client, "/feed.xml"),
    ):
        assert "Quotes stood still" not in told
    assert f'href="{PAGE}1/"' in seen(client, "/incidents/")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"text": text(s3=" ")}, "section_missing"),
        ({"text": {**text(), "dv": "## ސަބަބު\n\nx"}}, "section_missing"),
        ({"title": {"en": "x", "dv": ""}}, "one_language"),
        ({"incident": {"starts_at": "2026-03-02T11:00Z", "ends_at": None, "markets": []}}, "bad_dates"),
        ({"incident": {"starts_at": T0.isoformat(), "ends_at": "2026-03-02T11:00Z", "markets": []}}, "bad_dates"),
        ({"effective_until": "2026-05-01T00:00Z"}, "bad_dates"),
    ],
)  # fmt: skip
def test_what_is_not_finished_is_not_asked_for(library: Library, changes: dict[str, Any], code: str) -> None:
    refused(code, library.submitted, written(library, **{"by": "cora"} | changes), "dina")
    assert not Proposal.objects.filter(kind="document").exists()


@pytest.mark.parametrize(
    ("incident", "code"),
    [
        (None, "bad_incident"),
        ({}, "bad_incident"),
        ({"starts_at": None, "ends_at": None, "markets": []}, "bad_incident"),
        ({"starts_at": "yesterday", "ends_at": None, "markets": []}, "bad_dates"),
        ({"starts_at": "2026-03-02T09:00", "ends_at": None, "markets": []}, "bad_dates"),
        ({"starts_at": "2026-03-02T09:00Z", "ends_at": "2026-03-02T08:00Z", "markets": []}, "bad_dates"),
        ({"starts_at": "2026-03-02T09:00Z", "ends_at": None, "markets": ["nowhere"]}, "unknown_market"),
        ({"starts_at": "2026-03-02T09:00Z", "ends_at": None, "markets": DEX}, "unknown_market"),
    ],
)
def test_bad_input_changes_nothing(library: Library, incident: Any, code: str) -> None:
    refused(code, written, library, incident=incident)
    assert DisclosureDraft.objects.get().revision == 1


def test_an_incident_is_of_the_past_and_a_document_has_none(library: Library) -> None:
    person, now = library.desk.people["opal"], library.now
    for moment in ("2026-03-02T10:01+00:00", "", "x", "2026-03-02T09:00", "1999-01-01T00:00+00:00"):
        refused("bad_dates", drafting.start_report, person, moment, key=key(), now=now)
    refused("unknown_document", drafting.start_draft, person, SLUG, key=key(), now=now)
    refused(
        "bad_change",
        library.draft,
        "general-risk",
        incident={"starts_at": T0.isoformat(), "ends_at": None, "markets": []},
    )
    refused("bad_change", library.draft, SLUG)
    for slug in (
        "incident-20260302-0",
        "incident-20260302-1000",
        "incident-2026032-1",
        "incident-20260302-1 ",
        "incident-",
    ):
        refused("unknown_document", library.draft, slug)


def test_a_report_is_no_required_document(library: Library, client: Client) -> None:
    published(library)
    assert [item.kind.slug for item in checklist(library.now)] == [kind.slug for kind in KINDS]
    assert SLUG not in seen(client, "/disclosures/")


def test_the_database_knows_the_same_kinds(db: None) -> None:
    tried = (SLUG, "incident-20260302-999", "incident-20260302-1000", "incident-20260302-0", "incident-19990101-1",
             "xincident-20260302-1", "incident-20260302-1x", "incident-20260302-1\n", "general-risk")  # fmt: skip
    with connection.cursor() as cursor:
        each = "unnest(%s::text[]) WITH ORDINALITY AS t(kind, place)"
        cursor.execute(
            f"SELECT array_agg(governance.is_incident_report(kind) ORDER BY place) FROM {each}", [list(tried)]
        )
        assert cursor.fetchone()[0] == [is_incident(one) for one in tried] == [True, True, *[False] * 7]
    assert incident_slug(T0, 7) == "incident-20260302-7"


def test_two_of_one_day_have_numbers_of_their_own(committed_library: Library) -> None:
    library, now = committed_library, committed_library.now

    def one(name: str) -> str:
        try:
            return drafting.start_report(library.desk.people[name], T0.isoformat(), key=key(), now=now).kind
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(one, ("opal", "oscar", "cora"))) == [incident_slug(T0, n) for n in (1, 2, 3)]
    kept = key()
    first = drafting.start_report(library.desk.people["opal"], T0.isoformat(), key=kept, now=now)
    assert drafting.start_report(library.desk.people["opal"], T0.isoformat(), key=kept, now=now).pk == first.pk


def test_the_desk_writes_it_on_its_pages(library: Library, client: Client) -> None:
    # The pages take the machine's time, which is later than the desk's.
    stage.sign_in(client, library.desk.people["opal"])
    library.desk.people["opal"].is_staff = True
    library.desk.people["opal"].save(update_fields=["is_staff"])
    index = seen(client, "/desk/disclosures/")
    assert 'name="starts_at"' in index
    made = client.post("/desk/disclosures/report/", {"starts_at": "2026-03-02T09:00", "idempotency_key": "k1"})
    assert made.status_code == 302
    page = seen(client, made.headers["Location"])
    assert "## What happened" in page and 'name="incident_markets"' in page and "requires_acknowledgement" not in page
    assert "Compliance asks for the publication" in page and "Submit for legal review" not in page
    fields = {
        "title_en": "Quotes stood still", "title_dv": "ކޯޓު", "text_en": text()["en"], "text_dv": text()["dv"], "revision": "1",
        "incident_starts_at": "2026-03-02T09:05", "incident_ends_at": "", "incident_markets": [DEX], "idempotency_key": "k2",
        "review_due_on": "2026-06-01",
    }  # fmt: skip
    assert client.post(made.headers["Location"], fields | {"incident_markets": ["x"]}).status_code == 422
    assert client.post(made.headers["Location"], fields | {"incident_starts_at": ""}).status_code == 422
    assert client.post(made.headers["Location"], fields).status_code == 302
    draft = DisclosureDraft.objects.get()
    assert draft.content["incident"] == {"starts_at": "2026-03-02T09:05:00+00:00", "ends_at": None, "markets": [DEX]}
    assert "not over when this was written" in seen(client, f"{made.headers['Location']}preview/")
    bad = client.post("/desk/disclosures/report/", {"starts_at": "soon", "idempotency_key": "k3"})
    assert bad.status_code == 422


def test_a_market_that_was_switched_off_is_still_named(library: Library, client: Client) -> None:
    """A report is of the past: it can be corrected, and reported, whatever became of its markets."""
    published(library)
    desk = library.desk
    desk.propose({"registry": {f"market:{DEX}": {"is_active": "false"}}}, kind="registry", apply_at_once=True)
    assert not Market.objects.get(slug=DEX).is_active
    draft = drafting.start_draft(desk.people["opal"], SLUG, key=key(), now=library.now)
    assert [slug for slug, _word in ReportForm().fields["incident_markets"].choices] == [DEX, "eth-usdt-perp", CEX]
    again = {"text": text(s2="A clock was wrong."), "incident": draft.content["incident"]}
    more: dict[str, Any] = {"revision": 1, "says_the_same": True, "now": library.now}
    drafting.write_draft(desk.people["opal"], draft.pk, again, key=key(), **more)
    assert desk.vote(library.submitted(draft), "dina").state == "APPLIED"
    assert "A clock was wrong." in seen(client, PAGE)


def of_day(library: Library, number: int, markets: list[str]) -> str:
    """One published that began `number` hours before the desk's time; its kind."""
    person, began = library.desk.people["cora"], (library.now - timedelta(hours=number)).isoformat()
    made = drafting.start_report(person, began, key=key(), now=library.now)
    incident = {"starts_at": began, "ends_at": None, "markets": markets}
    words = {"title": {"en": f"Number {number}", "dv": "ކޯޓު"}, "text": text(), "incident": incident}
    drafting.write_draft(person, made.pk, words, revision=1, says_the_same=True, key=key(), now=library.now)
    assert library.desk.vote(library.submitted(made), "dina").state == "APPLIED"
    return made.kind


def test_lists_read_no_texts_and_are_put_in_order_by_the_database(library: Library) -> None:
    kinds = [of_day(library, number, markets) for number, markets in ((5, [CEX]), (3, [DEX, CEX]), (7, []), (1, [DEX]))]
    draft = drafting.start_draft(library.desk.people["cora"], kinds[1], key=key(), now=library.now)
    assert library.desk.vote(library.submitted(draft), "dina").state == "APPLIED"
    library.noticed("withdraw", DisclosureVersion.objects.get(kind=kinds[0]))
    with CaptureQueriesContext(connection) as asked:
        found = incident_reports()
    assert [(one.title["en"], one.row.version, one.state) for one in found] == [
        ("Number 1", 1, "in_force"), ("Number 3", 2, "in_force"), ("Number 5", 1, "withdrawn"), ("Number 7", 1, "in_force"),
    ]  # fmt: skip
    assert [one.title["en"] for one in incident_reports(DEX)] == ["Number 1", "Number 3", "Number 7"]
    assert [one.title["en"] for one in incident_reports(CEX, 2)] == ["Number 3", "Number 5"]
    assert not hasattr(found[0], "content") and found[0].row.get_deferred_fields() == {"content", "pdf_en", "pdf_dv"}
    # The reports, and their notices.
    assert len(asked.captured_queries) == 2 and " LIMIT 500" in asked.captured_queries[0]["sql"]


def test_only_the_first_page_of_incidents_asks_for_them(
    library: Library, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(library)
    monkeypatch.setattr("disclosures.transparency.histories.PAGE_ROWS", 1)
    for number in range(2):
        Lock.objects.create(
            scope=DEX, state="PAUSED", rule="person", reason="x", imposed_by="x", imposed_at=T0 - timedelta(days=3 + number),
            lifted_at=T0 - timedelta(days=2 + number), lift_reason="looked at it",
        )  # fmt: skip
    for first in ("/incidents/", "/incidents/?page=1", "/incidents/?page=01"):
        assert "Quotes stood still" in seen(client, first), first
    monkeypatch.setattr("disclosures.transparency.views.told_reports", lambda slug: 1 / 0)
    assert "Quotes stood still" not in seen(client, "/incidents/?page=2")
