"""In a browser, the whole way of a document: drafted, approved by another, public in both languages with PDF and hash; read on a
phone in Dhivehi and accepted by an investor; superseded, and still to be read at its old address."""

from __future__ import annotations

import email
import email.policy
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.codes import fresh_code
from tests.e2e.conftest import SCREENS, Portal
from tests.support.servers import wait_until

pytestmark = pytest.mark.e2e
ADDRESS = "/disclosures/market-making-risk/"
PHONE = {"width": 390, "height": 844}


def publish(author: Page, other: Page, mark: str) -> None:
    """A version with `mark` in both languages, by the pages of two of compliance; returns when the public reads it."""
    author.goto("/desk/disclosures/")
    author.locator("form:has(input[value=market-making-risk]) button").click()
    author.get_by_label("Title, English").fill(f"Risks, {mark}")
    author.get_by_label("Title, Dhivehi").fill("ނުރައްކާ")
    for language in ("English", "Dhivehi"):
        text = author.get_by_label(f"Text, {language}")
        text.fill(f"{text.input_value()}\n\n{mark} in {language}.\n")
    author.get_by_label("Both languages say the same").check()
    author.get_by_label("Investors must read and accept it").check()
    author.get_by_label("A change of weight").check()
    author.get_by_role("button", name="Save the draft").click()
    expect(author.locator(".message.success")).to_contain_text("Saved")
    author.get_by_label("Reason").fill(f"{mark}: the limits changed.")
    author.get_by_role("button", name="Submit for legal review").click()
    expect(author.locator(".message.success")).to_contain_text("In legal review")
    expect(author.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
    other.goto(author.evaluate("location.pathname"))
    other.get_by_label("A fresh code of your app").fill(fresh_code("compliance-2"))
    other.get_by_role("button", name="Approve", exact=True).click()
    expect(other.locator(".message.success")).to_contain_text("Your vote is counted")
    public = other.request
    wait_until(lambda: f"{mark} in English." in public.get(f"{ADDRESS}?text=en").text(), 90, "the publication")


def sign_in_by_link(page: Page, portal: Portal) -> None:
    """From the page of a document by the mailed link back to it."""
    before = portal.mails()
    page.locator("#accept a").click()
    page.fill("input[name=email]", "ines@example.com")
    page.locator("main form button").first.click()
    wait_until(lambda: portal.mails() - before, 10, "the mail")
    written = email.message_from_bytes((portal.mails() - before).pop().read_bytes(), policy=email.policy.default)
    link = re.search(r"/accounts/link/\S+", written.get_content())
    assert link is not None
    page.goto(link.group())
    page.locator("main form button").first.click()


def test_a_document_is_written_approved_read_accepted_and_superseded(
    browser: Browser, portal: Portal, desk_of: Callable[..., Page], problems: list[str]
) -> None:
    portal.clockwork_up()
    author, other = desk_of("compliance"), desk_of("compliance-2", viewport=PHONE)
    publish(author, other, "The first text")
    public = author.request
    assert [public.get(f"{ADDRESS}1/{language}.pdf").body()[:5] for language in ("en", "dv")] == [b"%PDF-", b"%PDF-"]
    sha256 = hashlib.sha256(public.get(f"{ADDRESS}1/content.json").body()).hexdigest()

    context = browser.new_context(base_url=portal.url, viewport=PHONE, color_scheme="dark")
    context.add_cookies([{"name": "django_language", "value": "dv", "url": portal.url}])
    investor = context.new_page()
    investor.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    investor.goto(f"{ADDRESS}1/")
    assert investor.get_attribute("html", "dir") == "rtl"
    expect(investor.locator(".document")).to_contain_text("The first text in Dhivehi.")
    expect(investor.locator("#proof ~ dl")).to_contain_text(sha256)
    sign_in_by_link(investor, portal)
    investor.wait_for_url(f"**{ADDRESS}1/")
    investor.locator("#accept button").click()
    expect(investor.locator(".message.success")).to_be_visible()
    expect(investor.locator("#accept button")).to_have_count(0)
    SCREENS.mkdir(exist_ok=True)
    investor.screenshot(path=Path(SCREENS) / "document-accepted-dhivehi-phone.png", full_page=True)
    author.goto("/desk/disclosures/")
    exported = public.get("/desk/disclosures/acknowledgements.csv").text()
    line = rf"""^"investor-[0-9a-f]{{16}}","market-making-risk","1","{sha256}","""
    assert re.search(line, exported, re.MULTILINE)

    publish(author, other, "The second text")
    investor.goto(f"{ADDRESS}1/")
    expect(investor.locator(".document")).to_contain_text("The first text in Dhivehi.")
    expect(investor.locator(".document")).not_to_contain_text("The second text")
    investor.goto(ADDRESS)
    expect(investor.locator(".document")).to_contain_text("The second text in Dhivehi.")
    # A change of weight asks again.
    expect(investor.locator("#accept button")).to_have_count(1)
    context.close()
    assert problems == []
