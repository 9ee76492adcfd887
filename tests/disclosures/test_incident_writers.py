"""Reports of incidents: what an operator may write of them, and days amid Dhivehi."""

from __future__ import annotations

from typing import Any

from django.test import Client

from disclosures.documents import drafting
from disclosures.documents.pdf import NOT_PRINTED, pages_of
from disclosures.documents.standing import notes_of
from disclosures.models import DisclosureDraft
from disclosures.printing.letters import printable
from governance.access.roles import Role
from tests.disclosures.library import Library
from tests.disclosures.test_incident_reports import seen, text, written
from tests.pages import stage
from tests.review.desk import DEX, key, refused


def test_days_amid_dhivehi_are_not_read_backwards(library: Library) -> None:
    """Hyphens after Thaana would turn them round: they stand apart, in page and PDF. What people typed turns nothing either."""
    looked = {"counsel": "X. Y \u2069\u202e, 2026-03-01", "native_reviewer": "A, 2026-03-02"}
    content = written(library, by="cora", **looked).content
    english, thaana = notes_of(content, "en"), notes_of(content, "dv")
    assert english[0] == "Incident from 2026-03-02 09:00 to 2026-03-02 09:30 UTC. Markets: dct-usdt-dex."
    for amid in ("2026-03-02 09:00", "2026-03-02 09:30", DEX):
        assert f"\u2066{amid}\u2069" in thaana[0]
    assert "\u2066X. Y \ufffd\ufffd, 2026-03-01\u2069" in thaana[1] and "\u202e" not in english[1]
    assert "\u2066A, 2026-03-02\u2069" in thaana[2]
    named = content | {"native_reviewer": "ނަން, 2026-03-02", "counsel": "ނަން 2026-03-01"}
    assert (
        "ނަން, \u20662026-03-02\u2069" in notes_of(named, "dv")[2]
        and "ނަން \u20662026-03-01\u2069." in notes_of(named, "en")[1]
    )
    everywhere = content | {"incident": content["incident"] | {"markets": []}}
    assert "\u2069" not in notes_of(everywhere, "dv")[0].split("UTC")[1]
    # The fonts have what holds them apart, or rather need nothing for it.
    assert printable("\u2066x\u2069") == "\u2066x\u2069"
    assert len(pages_of({**content, "facts": {}}, "dv", NOT_PRINTED)) >= 1


def test_an_operator_says_what_happened_and_nothing_else(library: Library) -> None:
    desk, draft = library.desk, written(library)
    kept: dict[str, Any] = {
        "counsel": "X. Y", "native_reviewer": "A", "effective_from": "2026-03-09T09:00:00+00:00", "review_due_on": "2026-06-01",
        "is_material": False,
    }  # fmt: skip
    more: dict[str, Any] = {"says_the_same": True, "now": library.now}
    drafting.write_draft(desk.people["cora"], draft.pk, kept, revision=2, key=key(), **more)
    for name, value in kept.items():
        for also in ({}, {"title": {"en": "Other", "dv": "ކޯޓު"}}):
            tried = {name: value} | also
            refused(
                "no_role", drafting.write_draft, desk.people["opal"], draft.pk, tried, revision=3, key=key(), **more
            )
    for name in ("effective_until", "requires_acknowledgement"):
        tried = {name: None}
        refused("no_role", drafting.write_draft, desk.people["opal"], draft.pk, tried, revision=3, key=key(), **more)
    drafting.write_draft(desk.people["opal"], draft.pk, {"text": text(s0="More.")}, revision=3, key=key(), **more)
    found = DisclosureDraft.objects.get().content
    assert {name: found[name] for name in kept} == kept and "More." in found["text"]["en"]
    refused("no_role", drafting.make_draft, desk.people["opal"], found, key=key(), now=library.now)


def test_an_operator_throws_away_only_what_nobody_else_wrote_in(library: Library) -> None:
    desk, now = library.desk, library.now
    desk.person("otto", Role.OPERATOR)
    alone, shared, others = written(library), written(library), written(library, by="cora")
    line: dict[str, Any] = {"revision": 2, "says_the_same": True, "now": now}
    drafting.write_draft(desk.people["cora"], shared.pk, {"text": text(s0="More.")}, key=key(), **line)
    for name, draft in (("opal", shared), ("opal", others), ("otto", alone), ("otto", others)):
        refused("no_role", drafting.drop_draft, desk.people[name], draft.pk, key=key(), now=now)
    assert DisclosureDraft.objects.count() == 3
    drafting.drop_draft(desk.people["opal"], alone.pk, key=key(), now=now)
    drafting.drop_draft(desk.people["dina"], shared.pk, key=key(), now=now)
    assert [one.pk for one in DisclosureDraft.objects.all()] == [others.pk]


def test_the_pages_offer_an_operator_what_is_theirs(library: Library, client: Client) -> None:
    desk = library.desk
    draft = written(library, by="cora", counsel="X. Y", review_due_on="2026-06-01")
    for name in ("opal", "cora"):
        desk.people[name].is_staff = True
        desk.people[name].save(update_fields=["is_staff"])
    address = f"/desk/disclosures/drafts/{draft.pk}/"
    stage.sign_in(client, desk.people["cora"])
    page = seen(client, address)
    assert "Throw this draft away" in page and 'name="counsel"' in page and 'name="review_due_on"' in page
    stage.sign_in(client, desk.people["opal"])
    page = seen(client, address)
    assert "Throw this draft away" not in page and 'name="text_en"' in page and 'name="incident_markets"' in page
    for name in ("counsel", "native_reviewer", "effective_from", "review_due_on", "is_material"):
        assert f'name="{name}"' not in page, name
    fields = {
        "title_en": "Quotes stood still", "title_dv": "ކޯޓު", "text_en": text(s0="More.")["en"], "text_dv": text()["dv"],
        "revision": "2", "incident_starts_at": "2026-03-02T09:05", "incident_ends_at": "", "incident_markets": [DEX],
        "idempotency_key": "k9", "counsel": "Nobody", "review_due_on": "2027-01-01", "effective_from": "2026-03-03T00:00",
    }  # fmt: skip
    assert client.post(address, fields).status_code == 302
    found = DisclosureDraft.objects.get().content
    assert "More." in found["text"]["en"]
    assert (found["counsel"], found["review_due_on"], found["effective_from"]) == ("X. Y", "2026-06-01", None)
    assert client.post(f"{address}drop/", {"idempotency_key": "k10"}).status_code == 422
    assert DisclosureDraft.objects.count() == 1
