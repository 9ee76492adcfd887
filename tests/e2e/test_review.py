"""In a browser, the whole way of a change: proposed, previewed, not approvable by its proposer, approved by two others with their
second factors, counted down, applied, named by the desk; and the way back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.codes import fresh_code
from tests.e2e.conftest import SCREENS, Portal
from tests.pages import stage

pytestmark = pytest.mark.e2e


def picture(page: Page, name: str) -> None:
    SCREENS.mkdir(exist_ok=True)
    page.screenshot(path=Path(SCREENS) / f"review-{name}.png", full_page=True)
    assert page.evaluate(WIDER) == [], name


def approve(page: Page, name: str, address: str) -> None:
    page.goto("/desk/review/")
    page.locator(f"#to-vote ~ ul a[href='{address}']").click()
    page.get_by_label("A fresh code of your app").fill(fresh_code(name))
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.locator(".message.success")).to_contain_text("Your vote is counted")


def test_from_a_proposal_to_the_next_version_and_the_way_back(
    portal: Portal, desk_of: Callable[..., Page], problems: list[str]
) -> None:
    portal.clockwork_up()
    operator = desk_of("operator", viewport={"width": 390, "height": 844}, device_scale_factor=2)
    operator.goto(f"/desk/review/new/?market={stage.DEX}")
    operator.locator("summary", has_text="Spread").first.click()
    operator.get_by_label("Spread floor").fill("4")
    operator.get_by_label("Reason").fill("The book is calm: quote tighter.")
    operator.get_by_role("button", name="Check what it would be").click()
    expect(operator.locator("[role=status]", has_text="moves its riskier way")).to_be_visible()
    picture(operator, "form-phone")
    operator.get_by_role("button", name="Save as a draft").click()
    expect(operator.locator(".message.success")).to_contain_text("Saved as a draft")
    address = operator.evaluate("location.pathname")
    operator.get_by_role("button", name="Make the preview").click()
    expect(operator.get_by_role("heading", name="Money")).to_be_visible()
    expect(operator.get_by_role("heading", name="Drift over seven days")).to_be_visible()
    operator.get_by_role("button", name="Submit for review").click()
    expect(operator.locator(".message.success")).to_contain_text("In review")
    # Who proposed it finds no way to approve it.
    expect(operator.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
    expect(operator.locator("main")).to_contain_text("You proposed this yourself: others decide.")
    picture(operator, "proposer-phone")

    first = desk_of("approver")
    expect(first.locator(".bell b")).to_have_text("1")
    approve(first, "approver", address)
    expect(first.locator("main")).to_contain_text("1 of 2 approvals")
    second = desk_of("approver-2", color_scheme="dark")
    second.goto(address)
    picture(second, "vote-dark")
    approve(second, "approver-2", address)
    left = second.locator("[data-left]")
    before = left.inner_text()
    expect(left).not_to_have_text(before)
    expect(second.locator(".countdown")).to_contain_text("applies in")
    picture(second, "countdown-dark")
    # The page asks again by itself when the time has come.
    expect(second.locator(".tag[data-state=APPLIED]").first).to_be_visible(timeout=90_000)
    second.goto("/desk/")
    expect(second.locator(f"#{stage.DEX} .parameters-box h3")).to_contain_text("version 2")
    second.goto(f"/desk/review/versions/{stage.DEX}/")
    expect(second.locator("main")).to_contain_text("The book is calm: quote tighter.")
    picture(second, "versions-dark")

    operator.goto(f"/desk/review/versions/{stage.DEX}/")
    operator.get_by_role("button", name="Roll back to 1").click()
    expect(operator.locator(".message.success")).to_contain_text("A draft back to that version is prepared")
    # Wider is safer: the way back needs nobody else.
    operator.get_by_role("button", name="Apply at once").click()
    expect(operator.locator(".message.success")).to_contain_text("Applied")
    operator.goto("/desk/review/")
    picture(operator, "inbox-phone")
    operator.context.add_cookies([{"name": "django_language", "value": "dv", "url": portal.url}])
    operator.goto(address)
    picture(operator, "proposal-dhivehi-phone")
    assert operator.get_attribute("html", "dir") == "rtl"
    assert problems == []


# What reaches beyond the screen, and is not inside something that scrolls by itself.
WIDER = """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("main *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".wide-table"))
  .map((one) => `${one.tagName}.${one.className} ${one.textContent.trim().slice(0, 30)}`)"""
