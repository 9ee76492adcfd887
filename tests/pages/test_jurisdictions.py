"""The gate of the public site: who is refused where, what stays readable, and that no cache and no header opens it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.core.handlers.asgi import ASGIRequest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from disclosures.api.urls import urlpatterns as api_patterns
from disclosures.desk_urls import urlpatterns as desk_patterns
from disclosures.jurisdictions import sockets
from disclosures.jurisdictions.gate import NOT_PUBLIC, READABLE, room_of
from disclosures.jurisdictions.rules import Room, rules_in_force
from disclosures.jurisdictions.whereabouts import countries_of_request
from disclosures.models import DisclosureVersion, JurisdictionRule
from disclosures.urls import urlpatterns as page_patterns
from governance.access.roles import Role
from tests.disclosures.library import Library
from tests.pages import stage
from tests.review.clock import database_time_kept
from tests.review.desk import Desk, open_desk

ENGLISH, THAANA = "Not for you, here.", "މިތާކު ތިޔަ ފަރާތަކަށް ނޫނެވެ."
WORDS = {"notice_en": ENGLISH, "notice_dv": THAANA}
API = "/api/v1/public/"
FIGURES = (
    "/", "/markets/", f"/markets/{stage.DEX}/", f"/markets/{stage.DEX}/spread/", "/changes/", "/incidents/", "/restatements/",
    "/reports/",
)  # fmt: skip
FILES = (
    "/feed.xml", f"{API}markets/", f"{API}markets/{stage.DEX}/", f"{API}markets/{stage.DEX}/history/", f"{API}markets.csv",
    f"{API}markets/{stage.DEX}/series/?metric=spread", f"{API}markets/{stage.DEX}/series.csv?metric=spread",
    f"{API}markets/{stage.DEX}/parameters/", f"{API}incidents.csv", f"{API}reports/", f"{API}publication/",
    "/reports/daily/2026-03-04.csv", "/reports/daily/2026-03-04.pdf",
)  # fmt: skip
STAY = (
    "/disclosures/", "/definitions/", "/jurisdictions/", f"{API}disclosures/", f"{API}jurisdictions/",
    f"{API}jurisdictions.csv",
)  # fmt: skip
MALDIVES = {"CF-IPCountry": "MV", "X-Forwarded-For": "203.0.113.7"}
INDIA = {"CF-IPCountry": "IN", "X-Forwarded-For": "203.0.113.8"}


@pytest.fixture
def desk(db: None, valkey: str) -> Iterator[Desk]:
    cache.clear()
    sockets.forget_rules()
    with database_time_kept():
        yield open_desk()


@pytest.fixture
def proxied(settings: Any) -> None:
    settings.TRUSTED_PROXIES, settings.COUNTRY_HEADER = 1, "CF-IPCountry"


def rule(desk: Desk, country: str, mode: str, scope: str = "site", **words: str) -> None:
    change = {"country": country, "mode": mode, "scope": scope} | (WORDS | words if mode != "none" else {})
    judged = desk.propose(change, "gus", "jurisdiction")
    if judged.risk_class == "reducing":
        desk.apply_at_once(judged, "gus")
        return
    desk.submit(judged, "gus")
    desk.vote(judged, "anna")
    desk.vote(judged, "ben")
    desk.forward(hours=1)
    assert desk.apply(judged).state == "APPLIED"


def status(address: str, client: Client | None = None, **headers: str) -> int:
    return (client or Client()).get(address, headers=headers).status_code


def declared(country: str) -> Client:
    client = Client()
    client.cookies["dcmm_country"] = country
    return client


def test_to_begin_with_everybody_reads_the_notice_and_everything_else(desk: Desk) -> None:
    page = Client().get("/markets/")
    assert page.status_code == 200
    assert "We know of no authority anywhere" in page.content.decode()
    assert "އެއްވެސް އިދާރާއަކުން" in Client().get("/markets/", headers={"Accept-Language": "dv"}).content.decode()
    there = declared("mv").get("/markets/").content.decode()
    # What is said can only add: the notice of nobody knows where stays.
    assert "Capital Market Development Authority" in there and "We know of no authority anywhere" in there


@pytest.mark.usefixtures("proxied")
def test_a_refused_jurisdiction_meets_451_at_every_figure(desk: Desk) -> None:
    rule(desk, "MV", "block")
    for address in FIGURES:
        answer = Client().get(address, headers=MALDIVES)
        page = answer.content.decode()
        assert answer.status_code == 451, address
        assert answer.headers["Link"] == '</jurisdictions/>; rel="blocked-by"'
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert ENGLISH in page and THAANA in page and 'dir="rtl"' in page and 'href="/disclosures/"' in page
        assert status(address, **INDIA) == 200, address
    for address in FILES:
        answer = Client().get(address, headers=MALDIVES)
        assert (answer.status_code, answer.headers["Content-Type"]) == (451, "application/json"), address
        body = answer.json()
        assert (body["code"], body["details"]) == (
            "refused_in_jurisdiction", {"jurisdiction": "MV", "version": 2, "notice": ENGLISH},
        ), address  # fmt: skip
        assert "http://testserver/jurisdictions/" in body["message"]
        assert status(address, **INDIA) in (200, 404), address


@pytest.mark.usefixtures("proxied")
def test_documents_and_the_rules_stay_readable_and_carry_the_notice(desk: Desk) -> None:
    rule(desk, "MV", "block")
    for address in STAY:
        answer = Client().get(address, headers=MALDIVES)
        assert answer.status_code == 200, address
        assert (ENGLISH in answer.content.decode()) is (not address.startswith(API)) or "jurisdictions" in address
    told = Client().get("/jurisdictions/", headers=MALDIVES).content.decode()
    assert "Maldives (MV)" in told and "tighter book" in told and "figures about trading: a refusal" in told
    assert Client().post("/disclosures/general-risk/1/accept/", headers=MALDIVES).status_code == 451
    assert Client().post("/disclosures/general-risk/1/accept/", headers=INDIA).status_code == 302


@pytest.mark.usefixtures("proxied")
def test_each_scope_refuses_its_own_room(desk: Desk) -> None:
    rule(desk, "FR", "block", "dashboards")
    rule(desk, "DE", "block", "acknowledgement")
    accept = "/disclosures/general-risk/1/accept/"
    for country, figures, accepting in (("FR", 451, 302), ("DE", 200, 451)):
        headers = MALDIVES | {"CF-IPCountry": country}
        assert status("/markets/", **headers) == status(f"{API}markets/", **headers) == figures
        assert Client().post(accept, headers=headers).status_code == accepting
    assert ENGLISH not in Client().get("/disclosures/", headers=MALDIVES | {"CF-IPCountry": "FR"}).content.decode()


@pytest.mark.usefixtures("proxied")
@pytest.mark.parametrize("scope", ["acknowledgement", "site"])
def test_where_nobody_may_accept_the_notice_stands_in_the_buttons_place(desk: Desk, scope: str) -> None:
    for name in ("cora", "dina"):
        desk.person(name, Role.COMPLIANCE)
    desk.forward(hours=1)
    Library(desk).published("general-risk", requires_acknowledgement=True)
    rule(desk, "DE", "block", scope)
    ivy = desk.people["ivy"] if "ivy" in desk.people else desk.person("ivy", Role.INVESTOR)
    here = MALDIVES | {"CF-IPCountry": "DE"}
    page, elsewhere = "/disclosures/general-risk/", INDIA
    with time_machine.travel(desk.now, tick=False):
        client = stage.sign_in(Client(), ivy)
        asked, refused = (client.get(page, headers=headers).content.decode() for headers in (elsewhere, here))
        assert 'action="/disclosures/general-risk/1/accept/"' in asked and "Nobody can accept this" not in asked
        assert "accept/" not in refused and '<button class="button primary"' not in refused
        place = refused.split('id="accept"')[1].split("</section>")[0]
        assert "Nobody can accept this from where you are:" in place and ENGLISH in place
        assert 'href="/jurisdictions/"' in place
        assert (
            THAANA
            in client.get(page, headers=here | {"Accept-Language": "dv"}).content.decode().split('id="accept"')[1]
        )
        # Nobody is sent there, nor asked to sign in for it.
        assert "Waiting for you" in client.get("/disclosures/", headers=elsewhere).content.decode()
        assert "Waiting for you" not in client.get("/disclosures/", headers=here).content.decode()
        assert (
            "/accounts/"
            not in Client().get(page, headers=here).content.decode().split('id="accept"')[1].split("</section>")[0]
        )
        # What was accepted elsewhere stays accepted.
        row = DisclosureVersion.objects.get()
        sent = {"sha256": row.sha256, "idempotency_key": "k1"}
        assert client.post(f"{page}1/accept/", sent, headers=here).status_code == 451
        assert client.post(f"{page}1/accept/", sent, headers=elsewhere).status_code == 302
        assert "You accepted version 1" in client.get(page, headers=here).content.decode()


@pytest.mark.usefixtures("proxied")
def test_nobody_is_locked_out_of_the_desk(desk: Desk) -> None:
    rule(desk, "default", "block")
    rule(desk, "MV", "block")
    client = stage.sign_in(Client(), stage.person("root", Role.ADMINISTRATOR, Role.COMPLIANCE))
    form = "/desk/review/new/jurisdiction/"
    for address in ("/desk/", "/desk/review/", "/desk/disclosures/", form, "/admin/", "/accounts/me/"):
        assert status(address, client, **MALDIVES) == 200, address
    for address in ("/accounts/sign-in/", "/healthz", "/robots.txt", "/api/v1/schema/"):
        assert status(address, **MALDIVES) == 200, address
    assert status("/api/v1/markets/", client, **MALDIVES) == 200
    assert Client().post("/language/setlang/", {"language": "dv"}, headers=MALDIVES).status_code == 302
    # On the public pages staff see what everybody sees.
    assert status("/markets/", client, **MALDIVES) == 451
    assert status("/nothing-there/", **MALDIVES) == 404


@pytest.mark.usefixtures("proxied")
def test_it_is_in_force_the_moment_it_is_applied(desk: Desk) -> None:
    assert status("/", **MALDIVES) == 200
    rule(desk, "MV", "block")
    assert status("/", **MALDIVES) == 451
    rule(desk, "MV", "none")
    assert status("/", **MALDIVES) == 200
    assert "aside" not in Client().get("/", headers=MALDIVES).content.decode()


def test_a_header_is_believed_only_of_trusted_proxies(desk: Desk, settings: Any) -> None:
    rule(desk, "default", "block")
    rule(desk, "IN", "none")
    # Nothing is configured: no header opens anything.
    assert status("/", **INDIA) == 451
    settings.COUNTRY_HEADER = "CF-IPCountry"
    assert status("/", **INDIA) == 451
    settings.TRUSTED_PROXIES = 2
    # It did not come through both proxies: somebody reached the portal past them.
    assert status("/", **INDIA) == 451
    assert status("/", **{"CF-IPCountry": "IN"}) == 451
    through = INDIA | {"X-Forwarded-For": "203.0.113.8, 198.51.100.1"}
    assert status("/", **through) == 200
    for spelled in ("in", " IN "):
        assert status("/", **(through | {"CF-IPCountry": spelled})) == 200
    # Unknown, Tor, rubbish, and a client's own value beside the proxy's.
    for other in ("", "XX", "T1", "India", "I", "IN;MV", "IN,XX", "ZZ,IN", "IN,", "\u0406N", "IN" * 5000):
        assert status("/", **(through | {"CF-IPCountry": other})) == 451, other
    assert status("/", **(through | {"CF-IPCountry": "IN,IN"})) == 200
    assert status("/", **(through | {"CF-IPCountry": "", "X-Country": "IN", "Accept-Language": "en-IN"})) == 451


@pytest.mark.usefixtures("proxied")
def test_what_a_visitor_says_only_makes_it_stricter(desk: Desk) -> None:
    rule(desk, "MV", "block")
    rule(desk, "IN", "none")
    # Looser by a cookie: never.
    assert status("/", declared("IN"), **MALDIVES) == 451
    assert status("/", declared("XX"), **MALDIVES) == 451
    assert status("/", declared("IN,IN"), **MALDIVES) == 451
    # Stricter: yes.
    assert status("/", declared("MV"), **INDIA) == 451
    assert "You said where you are" in declared("MV").get("/", headers=INDIA).content.decode()
    rule(desk, "default", "block")
    assert status("/", declared("IN")) == 451
    assert status("/", declared("IN"), **INDIA) == 200


def test_the_form_keeps_a_country_in_the_browser_and_refuses_what_is_none(desk: Desk) -> None:
    client = Client(enforce_csrf_checks=True)
    page = client.get("/jurisdictions/")
    token = page.context["csrf_token"]
    sent = client.post("/jurisdictions/here/", {"country": "MV", "csrfmiddlewaretoken": token})
    kept = client.cookies["dcmm_country"]
    assert (sent.status_code, sent.headers["Location"], kept.value) == (302, "/jurisdictions/", "MV")
    assert (kept["httponly"], kept["samesite"], kept["max-age"]) == (True, "Lax", 31_536_000)
    assert '<option value="MV" lang="en" selected>' in client.get("/jurisdictions/").content.decode()
    for wrong in ("XX", "<script>", "MVV", "\x00", "default"):
        answer = client.post("/jurisdictions/here/", {"country": wrong, "csrfmiddlewaretoken": token})
        assert (answer.status_code, client.cookies["dcmm_country"].value) == (400, "MV"), wrong
        assert "<script>alert" not in answer.content.decode()
    assert client.post("/jurisdictions/here/", {"country": "IN"}).status_code == 403
    client.post("/jurisdictions/here/", {"country": "", "csrfmiddlewaretoken": token})
    assert client.cookies["dcmm_country"].value == ""
    assert client.get("/jurisdictions/here/").status_code == 405


@pytest.mark.usefixtures("proxied")
def test_no_cache_gives_one_visitors_answer_to_another(desk: Desk) -> None:
    """Asked in turn, by address and with the other's ETag; what depends on who asks says so."""
    rule(desk, "MV", "block")
    rule(desk, "IN", "banner", "dashboards", notice_en="Only for readers in India.", notice_dv=THAANA)
    for address in (*FIGURES, *FILES):
        first = Client().get(address, headers=INDIA)
        seen = {"If-None-Match": first.headers.get("ETag", '"none"')}
        for _turn in range(2):
            assert status(address, **(MALDIVES | seen)) == 451, address
            again = Client().get(address, headers=INDIA)
            assert again.status_code == first.status_code, address
        for answer in (first, Client().get(address, headers=MALDIVES)):
            told = answer.headers["Cache-Control"]
            assert "private" in told and "public" not in told, (address, told)
            vary = answer.headers["Vary"].lower()
            assert "cookie" in vary and "cf-ipcountry" in vary, (address, vary)
    notices = {"IN": "Only for readers in India.", "US": "We know of no authority anywhere", "MV": "Not for you, here."}
    for _turn in range(2):
        for country, words in notices.items():
            for address in ("/", "/markets/", f"/markets/{stage.DEX}/", "/changes/"):
                page = Client().get(address, headers=MALDIVES | {"CF-IPCountry": country}).content.decode()
                assert [other for other in notices.values() if other in page] == [words], (country, address)


def test_where_nothing_is_refused_files_may_be_kept_for_everybody(desk: Desk) -> None:
    for address in ("/feed.xml", f"{API}markets.csv", f"{API}incidents/", f"{API}jurisdictions/"):
        assert Client().get(address).headers["Cache-Control"] == "public, max-age=15", address
    rule(desk, "MV", "block")
    assert Client().get(f"{API}incidents/").headers["Cache-Control"] == "max-age=15, private"
    # The same for everybody, whatever the rules.
    assert Client().get(f"{API}jurisdictions/").headers["Cache-Control"] == "public, max-age=15"


def test_every_address_is_in_a_room_written_by_hand() -> None:
    """A page that comes later is a figure until somebody says that it is not."""
    names = {one.name for one in (*page_patterns, *api_patterns)}
    assert names - READABLE == {
        "live", "markets", "market", "market-chart", "changes", "incidents", "restatements", "disclosure-accept", "reports",
        "report", "report-csv", "report-content", "report-pdf", "feed", "api-public-markets", "api-public-market",
        "api-public-history", "api-public-markets-csv", "api-public-series", "api-public-series-csv", "api-public-parameters",
        "api-public-parameters-csv", "api-public-incidents", "api-public-incidents-csv", "api-public-restatements",
        "api-public-restatements-csv", "api-public-reports", "api-public-report", "api-public-publication",
        "api-public-publication-csv",
        "incident-report", "incident-report-newest", "api-public-incident-reports", "api-public-incident-reports-csv",
        "treasury", "buybacks", "rewards", "api-public-treasury", "api-public-treasury-csv", "api-public-treasury-balances",
        "api-public-treasury-balances-csv", "api-public-buybacks", "api-public-buybacks-csv", "api-public-buyback-days",
        "api-public-buyback-days-csv", "api-public-buyback-programmes", "api-public-buyback-programmes-csv",
        "api-public-rewards", "api-public-rewards-csv", "api-public-reward-payouts", "api-public-reward-payouts-csv",
    }  # fmt: skip
    assert names >= READABLE
    assert not {one.name for one in desk_patterns} & READABLE
    roots = {str(one.pattern) for one in get_resolver().url_patterns if isinstance(one, URLResolver | URLPattern)}
    assert {root for root in roots if root.startswith(NOT_PUBLIC)} == {
        "desk/disclosures/", "desk/", "accounts/", "demo/", "language/", "admin/login/", "admin/", "healthz", "readyz",
        "metrics", "robots.txt", "^.*$",
    }  # fmt: skip


def test_a_notice_is_text_whatever_it_says(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kind refuses tags; were one there all the same, the page would show it."""
    rules = rules_in_force()
    evil = {name: replace(each, notice_en="<script>x</script> \"'&", notice_dv="<i>") for name, each in rules.items()}
    monkeypatch.setattr("disclosures.jurisdictions.gate.rules_in_force", lambda: evil)
    page = Client().get("/markets/").content.decode()
    assert "<script>x" not in page and "&lt;script&gt;x&lt;/script&gt;" in page


def test_without_a_rule_that_can_be_read_no_figure_is_shown(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JurisdictionRule, "objects", JurisdictionRule.objects.filter(version=0))
    assert status("/") == status(f"{API}markets/") == 451
    assert status("/disclosures/") == status("/jurisdictions/") == 200


def test_the_history_is_told_by_page_api_and_feed(desk: Desk) -> None:
    rule(desk, "MV", "block")
    table = Client().get(f"{API}jurisdictions/").json()
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    assert [(row["jurisdiction"], row["version"], row["in_force"], row["mode"]) for row in rows] == [
        ("MV", 2, True, "block"), ("default", 1, True, "banner"), ("MV", 1, False, "banner"),
    ]  # fmt: skip
    assert (rows[0]["reason"], rows[0]["authorised_by"], rows[0]["risk_class"], rows[0]["proposed_by_role"]) == (
        "tighter book", "proposal", "reducing", "compliance or administrator",
    )  # fmt: skip
    assert "gus" not in json.dumps(table)
    feed = Client().get("/feed.xml").content.decode()
    assert "Rule of jurisdiction MV, version 2" in feed and "urn:dcmm:jurisdiction:MV:2" in feed
    page = Client().get("/jurisdictions/").content.decode()
    assert "set when the portal was set up" in page and "set when the market was registered" not in page
    assert page.index('id="in-force') < page.index('id="history') and "does not make anything lawful" in page


def test_a_name_with_an_underscore_is_another_header(settings: Any) -> None:
    settings.TRUSTED_PROXIES, settings.COUNTRY_HEADER = 1, "CF-IPCountry"

    def place(*headers: tuple[bytes, bytes]) -> tuple[str, ...]:
        sent = [(b"x-forwarded-for", b"203.0.113.7"), *headers]
        scope = {"type": "http", "method": "GET", "path": "/", "headers": sent, "query_string": b""}
        return countries_of_request(ASGIRequest(scope, io.BytesIO()))

    assert place((b"cf-ipcountry", b"IN")) == ("IN",)
    assert place((b"cf_ipcountry", b"IN")) == ("",)
    assert place((b"cf-ipcountry", b"IN"), (b"cf-ipcountry", b"MV")) == ("IN", "MV")


@pytest.mark.parametrize(
    "address",
    [
        "/incidents/reports/incident-20260302-1/", "/incidents/reports/incident-20260302-1/1/",
        "/disclosures/incident-20260302-1/", "/disclosures/incident-20260302-1/1/content.json",
        "/disclosures/incident-20260302-1/1/en.pdf", f"{API}disclosures/incident-20260302-1/1/",
    ],
)  # fmt: skip
def test_a_report_of_an_incident_tells_of_trading_at_every_address(address: str) -> None:
    assert room_of(resolve(address)) is Room.DASHBOARDS
    assert room_of(
        resolve(address.replace("incidents/reports", "disclosures").replace("incident-20260302-1", "general-risk"))
    ) is (Room.DOCUMENTS)
