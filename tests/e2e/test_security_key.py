"""In a browser with a security key of its own: enrol it, sign in with it, sign a content with it, all under the strict policy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.e2e.conftest import Markets, Portal
from tests.pages.stage import PASSWORD

pytestmark = pytest.mark.e2e
KEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def named(browser: Browser, portal: Portal, markets: Markets, problems: list[str]) -> Iterator[Page]:
    """A page at the portal's name: a key answers to no IP address."""
    context = browser.new_context(base_url=f"http://localhost:{portal.port}")
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()


def give_password(page: Page) -> None:
    page.goto("/accounts/sign-in/")
    page.fill("input[name=username]", "newcomer")
    page.fill("input[name=password]", PASSWORD)
    page.click("main button")


def uses(key: CDPSession, name: str) -> int:
    """How often the browser's key signed."""
    (credential,) = key.send("WebAuthn.getCredentials", {"authenticatorId": name})["credentials"]
    return int(credential["signCount"])


def test_a_key_from_enrolment_to_signing_a_content(named: Page, problems: list[str]) -> None:
    key = named.context.new_cdp_session(named)
    key.send("WebAuthn.enable")
    name = key.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})["authenticatorId"]
    give_password(named)
    named.wait_for_url("**/second-factor/enrol/")
    named.get_by_label("Name of the key").fill("blue")
    named.get_by_role("button", name="Enrol the key").click()
    expect(named.get_by_role("heading", name="Recovery codes")).to_be_visible()
    expect(named.locator(".recovery li")).to_have_count(10)
    named.get_by_role("link", name="I have kept them").click()
    named.wait_for_url("**/desk/")
    named.get_by_role("button", name="Sign out").click()
    before = uses(key, name)
    give_password(named)
    named.wait_for_url("**/second-factor/")
    named.get_by_role("button", name="Use my security key").click()
    named.wait_for_url("**/desk/")
    assert uses(key, name) == before + 1
    named.get_by_role("link", name="Account").click()
    expect(named.locator(".kept").first).to_contain_text("blue")
    asked = named.locator("[data-key-form=step_up]")
    challenge = asked.get_attribute("data-key-content")
    assert len(challenge) == 64
    with named.expect_request("**/keys/options/") as options:
        named.get_by_role("button", name="Use my security key").click()
    assert challenge in (options.value.post_data or "")
    expect(named.get_by_role("link", name="Enrol an app or a key")).to_be_visible()
    assert uses(key, name) == before + 2
    assert problems == []


def test_the_demonstrations_page_and_the_account_fit_a_phone(named: Page, problems: list[str]) -> None:
    named.set_viewport_size({"width": 390, "height": 844})
    for address in ("/demo/", "/accounts/sign-in/", "/accounts/link/"):
        named.goto(address)
        assert named.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    assert problems == []
