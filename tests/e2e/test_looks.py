"""How the pages look, for people: screenshots in light, dark, on a phone, in Dhivehi. Refused styles or scripts fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.conftest import Markets, Portal

pytestmark = pytest.mark.e2e
SCREENS = Path(__file__).parent / "screens"
LOOKS = [
    ("light", {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"}, "en"),
    ("phone", {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "device_scale_factor": 2}, "en"),
    (
        "dhivehi-phone",
        {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "device_scale_factor": 2},
        "dv",
    ),
]

PAGES = (
    ("/definitions/", "definitions"), ("/markets/", "markets"), ("/markets/dct-usdt-dex/?range=7d", "market"),
    ("/markets/dct-usdt-dex/spread/?range=7d", "chart"), ("/changes/", "changes"), ("/incidents/", "incidents"),
    ("/restatements/", "restatements"), ("/treasury/", "treasury"), ("/buybacks/", "buybacks"),
    ("/rewards/", "rewards"), ("/", "public"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "options", "language"), LOOKS, ids=[look[0] for look in LOOKS])
def test_pages_in_every_look(
    name: str,
    options: dict[str, object],
    language: str,
    browser: Browser,
    portal: Portal,
    markets: Markets,
    operator_cookies: list[Any],
) -> None:
    SCREENS.mkdir(exist_ok=True)
    context = browser.new_context(base_url=portal.url, **options)
    context.add_cookies([{"name": "django_language", "value": language, "url": portal.url}])
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    for address, file in PAGES:
        page.goto(address)
        _settled(page, address)
        page.screenshot(path=SCREENS / f"{file}-{name}.png", full_page=True)
    assert page.evaluate(PRICE_HEAD) == []
    context.add_cookies(operator_cookies)
    page.goto("/desk/")
    _settled(page, "/desk/")
    assert page.evaluate(PRICE_HEAD) == []
    page.screenshot(path=SCREENS / f"desk-{name}.png", full_page=True)
    page.goto("/desk/controls/dct-usdt-dex/?state=PAUSED")
    page.screenshot(path=SCREENS / f"control-{name}.png")
    assert page.get_attribute("html", "dir") == ("rtl" if language == "dv" else "ltr")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto("/admin/")
    page.screenshot(path=SCREENS / f"records-{name}.png")
    assert problems == []
    context.close()


# Every chart over time is drawn, or says that nothing is known.
DRAWN = """() => [...document.querySelectorAll("[data-series]")].every((one) => one.querySelector("canvas")
  || !one.parentElement.querySelector("[data-empty]").hidden)"""


def _settled(page: Page, address: str) -> None:
    """Live and with its charts drawn, and nothing wider than the screen."""
    if page.locator("[data-live]").count():
        page.wait_for_selector("[data-connection][data-state=live]")
    if page.locator("[data-chart=price]").count():
        page.wait_for_selector("[data-chart=price] canvas")
    for chart in page.locator("[data-series]").all():
        chart.scroll_into_view_if_needed()
    if page.locator("[data-series]").count():
        page.wait_for_function(DRAWN)
    page.evaluate("document.fonts.ready")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth"), address


# In both directions of writing: bid left and ask right as on the rail below; what belongs to a side shares its outer edge.
PRICE_HEAD = """() => {
  const bad = [];
  const box = (element) => element.getBoundingClientRect();
  const middle = (element) => (box(element).left + box(element).right) / 2;
  const far = (one, other) => Math.abs(one - other) > 1;
  for (const head of document.querySelectorAll(".prices")) {
    const [bid, mid, ask] = [".price-side.bid", ".price-mid", ".price-side.ask"].map((name) => head.querySelector(name));
    if (box(bid).left >= box(ask).left) bad.push("the bid is not left of the ask");
    for (const child of bid.children) if (far(box(child).left, box(bid).left)) bad.push(`bid: ${child.className}`);
    for (const child of ask.children) if (far(box(child).right, box(ask).right)) bad.push(`ask: ${child.className}`);
    if (innerWidth < 640) continue;
    for (const child of mid.children) if (far(middle(child), middle(mid))) bad.push(`mid: ${child.className}`);
  }
  for (const age of document.querySelectorAll("[data-age]"))
    if (getComputedStyle(age).direction !== "ltr") bad.push("an age runs right to left");
  for (const big of document.querySelectorAll(".figure .big"))
    if (box(big).left < box(big.closest(".figure")).left) bad.push(`cut: ${big.textContent}`);
  return bad;
}"""
