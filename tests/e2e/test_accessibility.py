"""Every page that somebody can open, judged by axe in Chromium against WCAG 2.2 AA: light, dark, Dhivehi on a phone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.contrib.auth.models import AnonymousUser
from django.template import engines
from django.template.loader import get_template
from django.test import RequestFactory
from django.urls import resolve
from django.utils import translation
from playwright.sync_api import Browser, Page, Route, expect

from disclosures.jurisdictions.gate import BOTH_LANGUAGES
from disclosures.jurisdictions.rules import CLOSED
from tests.access import matrix
from tests.e2e.conftest import Markets, Portal, sign_in
from tests.pages import stage

pytestmark = pytest.mark.e2e
GALLERY = (Path(__file__).parent / "gallery.html").read_text(encoding="utf-8")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}

# Who opens what. "halfway" has given a password and no second factor, "newcomer" has none yet.
PAGES: dict[str, tuple[str, ...]] = {
    "nobody": (
        "/", "/definitions/", "/disclosures/", "/markets/", f"/markets/{stage.DEX}/?range=30d",
        f"/markets/{stage.DEX}/depth-1/?range=1h",
        "/changes/", "/incidents/", "/restatements/", "/jurisdictions/",
        "/treasury/", "/buybacks/", "/rewards/", "/reports/", "/demo/", "/nothing-there/",
        "/accounts/sign-in/", "/accounts/link/",
        "/accounts/link/x/", "/accounts/new-password/x/x-x/",
    ),
    "halfway": ("/accounts/second-factor/",),
    "newcomer": ("/accounts/second-factor/enrol/",),
    "operator": (
        "/accounts/me/", "/desk/", f"/desk/controls/{stage.DEX}/?state=PAUSED", "/desk/kill/desk/",
        "/desk/resume/desk/kill/", "/desk/set-aside/", "/desk/review/", "/desk/review/all/", "/desk/review/new/",
        f"/desk/review/new/?market={stage.DEX}", "{proposal}edit/", f"/desk/review/versions/{stage.DEX}/",
        f"/desk/widen/{stage.DEX}/", "/desk/review/new/limits/", "/desk/review/new/registry/", "/desk/disclosures/",
    ),
    "approver": ("{proposal}", "/desk/notifications/", "/desk/notifications/deliveries/"),
    "administrator": ("/desk/review/new/publication/", "/desk/review/new/jurisdiction/"),
    "auditor": (
        "/admin/", "/admin/trading/fill/", "/admin/trading/fill/1/change/",
        "/admin/trading/parameterset/1/change/", "/admin/trading/parameterset/1/history/", "/desk/kill/desk/",
    ),
}  # fmt: skip
# Shown once, or only when something failed: the template with what its view gives it.
RENDERED: dict[str, dict[str, Any]] = {
    "400.html": {}, "403.html": {}, "403_csrf.html": {}, "500.html": {},
    "registration/link_sent.html": {},
    "registration/link_use.html": {"is_good": True},
    "registration/recovery_codes.html": {"codes": ["abcd-efgh-ijkl-mnop"] * 10, "next": "/accounts/me/"},
    "registration/token.html": {"token": "dcmm_abcdefghijkl_mnopqrstuvwxyz", "next": "/accounts/me/"},
    "451.html": {
        "refusing": [CLOSED, replace(CLOSED, country="MV", version=3, applied_at=NOW)], "declared": "MV",
        "both_languages": BOTH_LANGUAGES,
    },
    "desk/confirm.html": {"word": "Kill", "state": "HALTED", "effect": "Every order is cancelled.", "scope": stage.DEX,
                          "needs_proof": True},
    "gallery.html": {
        "steps": [("draft", "done"), ("legal review", "now"), ("published", "to_come")],
        "tabs": [("?range=hour", "1 h", False), ("?range=day", "24 h", True), ("?range=all", "all", False)],
        "lines": [("same", "The desk quotes."), ("out", "It never stops."), ("in", "It may stop at any time.")],
        "table": {"columns": ["time", "spread"], "rows": [["2026-03-02", "4.06"]]}, "figures": range(12), "at": NOW,
    },
    "public/report.html": {
        "report": {"kind": "weekly", "period_start": NOW, "period_end": NOW, "made_at": NOW, "sha256": "ab" * 32},
        "sheet": {"title": "Weekly report", "notes": ["Days are those of the Maldives."], "sections": [
            {"heading": "DCT/USDT", "level": 2, "is_figures": True, "head": ["Figure", *["2026-03-02"] * 7],
             "rows": [[{"words": "Our spread (bps)"}, *[{"words": "4.06", "direction": "ltr"}] * 7]]},
            {"heading": "dct-usdt-dex: parameter changes", "level": 3, "head": ["Reason"], "rows": []},
        ]},
        "restated": {"heading": "Restatements", "level": 2, "definition": "restatements", "head": ["Before", "After"],
                     "rows": [[{"words": "1.24", "direction": "ltr"}, {"words": "2.5", "direction": "ltr"}]]},
        "nothing": "Nothing in this period.",
    },
    "desk/letter.html": {"letter": {"name": "fills:1-0", "holds": "fill", "reason": "unknown order"}, "body": "{}" * 900},
}  # fmt: skip
# Answers that are no pages, and pages of which another in the list is the like.
NO_PAGES = {
    "healthz", "readyz", "metrics", "robots.txt", "feed.xml", "desk/disclosures/acknowledgements.csv",
    "api/v1/schema/", "admin/jsi18n/", "admin/search/",
    "admin/password_change/done/", "admin/^(?P<app_label>trading|governance|auth|disclosures)/$",
    "desk/review/<int:proposal_id>/story.json",
}  # fmt: skip
# What the admin's theme does and no rule of ours can mend, by page and rule, with the reason. Nothing.
EXCEPTIONS: dict[tuple[str, str], str] = {}

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN = """(tags) => axe.run({runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]}).then((found) =>
  found.violations.map((one) => [one.id, one.nodes.slice(0, 4).map((node) => node.html.slice(0, 200))]))"""
# Skipped ranks of headings, and what stands out of a phone's screen without scrolling in a box of its own.
ORDER = """() => [...document.querySelectorAll("main :is(h1,h2,h3,h4)")].map((one) => Number(one.tagName[1]))
  .filter((rank, at, all) => rank > (all[at - 1] ?? 0) + 1).map((rank) => ["heading-order", rank])"""
# Figures, codes and addresses keep their direction in Dhivehi too.
RUNS_LEFT = """() => [...document.querySelectorAll("main :is(.num,code,.figure-cell,[data-field],[data-age])")]
  .filter((one) => getComputedStyle(one).direction !== "ltr").map((one) => ["direction", one.outerHTML.slice(0, 200)])"""
WIDTH = """() => document.documentElement.scrollWidth > innerWidth ? [["wider", document.documentElement.scrollWidth]] : []"""


class Judge:
    """Opens pages in the three looks and keeps what is wrong."""

    def __init__(self, page: Page, portal: Portal) -> None:
        self.page, self.portal = page, portal
        self.wrong: list[tuple[str, str, Any]] = []

    def open(self, address: str, language: str, viewport: Any) -> None:
        self.page.context.add_cookies([{"name": "django_language", "value": language, "url": self.portal.url}])
        self.page.set_viewport_size(viewport)
        self.page.goto(address)
        if self.page.locator("[data-live]").count():
            self.page.wait_for_selector("[data-connection][data-state=live]")
            if self.page.locator("[data-chart=price]").count():
                self.page.wait_for_selector("[data-chart=price] canvas")
        assert self.page.get_attribute("html", "lang") == language, address

    def look(self, address: str, look: str) -> None:
        ours = (*self.page.evaluate(ORDER), *self.page.evaluate(WIDTH), *self.page.evaluate(RUNS_LEFT))
        found = [*self.page.evaluate(RUN, RULES), *ours]
        self.wrong += [(f"{address} {look}", rule, where) for rule, where in found if (address, rule) not in EXCEPTIONS]

    def judge(self, addresses: Iterable[str]) -> None:
        """Two openings for three looks: colours do not depend on the language, nor the language on colours."""
        for address in addresses:
            self.page.emulate_media(color_scheme="light")
            self.open(address, "en", DESKTOP)
            self.look(address, "light")
            self.page.emulate_media(color_scheme="dark")
            self.open(address, "dv", PHONE)
            self.look(address, "dark, Dhivehi, phone")


@pytest.fixture
def judge(browser: Browser, portal: Portal, markets: Markets) -> Iterator[Judge]:
    context = browser.new_context(base_url=portal.url, reduced_motion="reduce")
    context.add_init_script(AXE_SCRIPT)
    page = context.new_page()
    page.set_default_timeout(15_000)
    yield Judge(page, portal)
    context.close()


@pytest.fixture(scope="module")
def proposal(browser: Browser, portal: Portal, markets: Markets, operator_cookies: list[Any]) -> Iterator[str]:
    """The address of a proposal in review, with its preview; withdrawn and forgotten afterwards."""
    context = browser.new_context(base_url=portal.url)
    context.add_cookies(operator_cookies)
    page = context.new_page()
    page.goto(f"/desk/review/new/?market={stage.CEX}")
    page.locator("summary", has_text="Spread").first.click()
    page.get_by_label("Spread floor").fill("4")
    page.get_by_label("Reason").fill("The book is calm: quote tighter.")
    page.get_by_role("button", name="Save as a draft").click()
    page.get_by_role("button", name="Make the preview").click()
    expect(page.get_by_role("heading", name="Money")).to_be_visible()
    page.get_by_role("button", name="Submit for review").click()
    expect(page.locator(".message.success")).to_be_visible()
    address = page.evaluate("location.pathname")
    yield address
    page.goto(address)
    page.locator("summary", has_text="Withdraw").click()
    page.locator("#withdraw-reason").fill("It was made to be looked at.")
    page.get_by_role("button", name="Withdraw").click()
    expect(page.locator(".message.success")).to_be_visible()
    context.close()


def enter(page: Page, who: str) -> None:
    """Sign in as far as `who` gets."""
    if who in ("halfway", "newcomer"):
        page.goto("/accounts/sign-in/")
        page.fill("input[name=username]", "operator" if who == "halfway" else who)
        page.fill("input[name=password]", stage.PASSWORD)
        page.click("main button")
        page.wait_for_url("**/second-factor/**")
    elif who != "nobody":
        sign_in(page, who)


@pytest.mark.parametrize("who", list(PAGES))
def test_pages_pass_in_every_look(who: str, judge: Judge, request: pytest.FixtureRequest) -> None:
    enter(judge.page, who)
    addresses = PAGES[who]
    if any("{proposal}" in one for one in addresses):
        made = request.getfixturevalue("proposal")
        addresses = tuple(one.format(proposal=made) for one in addresses)
    judge.judge(addresses)
    if who == "approver":
        judge.page.goto("/desk/notifications/")
        judge.page.locator(".head-row button").click()
        expect(judge.page.locator(".bell b")).to_have_count(0)
    assert judge.wrong == []


def test_pages_that_are_rarely_seen_pass_too(judge: Judge) -> None:
    def answer(route: Route) -> None:
        template = route.request.url.split("/seen-as/")[1].rstrip("/")
        asked = RequestFactory().get("/")
        asked.user = AnonymousUser()
        with translation.override("dv" if "django_language=dv" in route.request.all_headers()["cookie"] else "en"):
            page = engines["django"].from_string(GALLERY) if template == "gallery.html" else get_template(template)
            route.fulfill(body=page.render(RENDERED[template], asked), content_type="text/html")

    judge.page.route("**/seen-as/**", answer)
    judge.judge(f"/seen-as/{template}/" for template in RENDERED)
    assert judge.wrong == []


def test_no_page_of_the_matrices_is_left_out() -> None:
    pages = {route for route, method, _, _, row in matrix.URLS if method == "GET" and "200" in row}
    addresses = [address for group in PAGES.values() for address in group]
    seen = {resolve(one.format(proposal="/desk/review/1/").split("?")[0]).route for one in addresses}
    assert {one for one in pages if not one.startswith("api/")} - NO_PAGES - seen == set()
