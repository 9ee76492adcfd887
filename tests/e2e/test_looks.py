"""How the pages look, for people: screenshots in light, dark, on a phone, in Dhivehi. Refused styles or scripts fail."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.conftest import Markets, Portal, sign_in

pytestmark = pytest.mark.e2e
SCREENS = Path(__file__).parent / "screens"
LOOKS = [
    ("light", {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"}, "en"),
    ("dark", {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"}, "en"),
    ("phone", {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "device_scale_factor": 2}, "en"),
    ("dhivehi", {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"}, "dv"),
    (
        "dhivehi-phone",
        {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "device_scale_factor": 2},
        "dv",
    ),
]


@pytest.mark.parametrize(("name", "options", "language"), LOOKS, ids=[look[0] for look in LOOKS])
def test_pages_in_every_look(
    name: str, options: dict[str, object], language: str, browser: Browser, portal: Portal, markets: Markets
) -> None:
    SCREENS.mkdir(exist_ok=True)
    context = browser.new_context(base_url=portal.url, **options)
    context.add_cookies([{"name": "django_language", "value": language, "url": portal.url}])
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    for address, file in (("/", "public"), ("/definitions/", "definitions")):
        page.goto(address)
        _settled(page, address)
        page.screenshot(path=SCREENS / f"{file}-{name}.png", full_page=True)
    sign_in(page, "operator")
    _settled(page, "/desk/")
    page.screenshot(path=SCREENS / f"desk-{name}.png", full_page=True)
    page.goto("/desk/controls/dct-usdt-dex/?state=PAUSED")
    page.screenshot(path=SCREENS / f"control-{name}.png")
    page.goto("/admin/")
    page.screenshot(path=SCREENS / f"records-{name}.png")
    page.goto("/desk/controls/dct-usdt-dex/?state=PAUSED")
    assert page.get_attribute("html", "dir") == ("rtl" if language == "dv" else "ltr")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert problems == []
    context.close()


def _settled(page: Page, address: str) -> None:
    """Live and with its charts drawn, and nothing wider than the screen."""
    if address != "/definitions/":
        page.wait_for_selector("[data-connection][data-state=live]")
        page.wait_for_selector("[data-chart=price] canvas")
    page.evaluate("document.fonts.ready")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth"), address
