"""The first view of the public page: small, still while it fills, and on paper only what is to be read."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Markets, Portal

pytestmark = pytest.mark.e2e
WATCH = """window.moved = []; new PerformanceObserver((list) => list.getEntries().forEach((one) => window.moved.push(
  [one.value, one.sources.map((source) => source.node?.className ?? "")]))).observe({type: "layout-shift", buffered: true})"""
SIZES = """() => ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type))
  .map((one) => [one.name, one.transferSize])"""


def view(browser: Browser, portal: Portal, language: str, size: tuple[int, int], scheme: str = "light") -> Page:
    """A page in a browser that has never been here."""
    context = browser.new_context(
        base_url=portal.url, viewport={"width": size[0], "height": size[1]}, color_scheme=scheme
    )
    context.add_cookies([{"name": "django_language", "value": language, "url": portal.url}])
    context.add_init_script(WATCH)
    page = context.new_page()
    page.set_default_timeout(15_000)
    return page


@pytest.mark.parametrize(("language", "size"), [("en", (1280, 900)), ("en", (390, 844)), ("dv", (390, 844))])
def test_it_is_small_and_nothing_jumps(
    browser: Browser, portal: Portal, markets: Markets, language: str, size: tuple[int, int]
) -> None:
    page = view(browser, portal, language, size)
    page.goto("/")
    page.wait_for_selector("[data-connection][data-state=live]")
    # Fifteen minutes of both markets and the first updates have come.
    expect(page.locator("[data-chart=price] canvas")).to_have_count(2)
    age = page.locator("[data-age=quotes]").first
    expect(age).not_to_have_text(age.inner_text())
    sizes = page.evaluate(SIZES)
    assert not [name for name, _ in sizes if not name.startswith(portal.url)]
    assert sum(size for _, size in sizes) < 150_000, sizes
    assert page.evaluate("window.moved") == []
    page.context.close()


def test_on_paper_there_is_text_in_black_with_addresses_written_out(
    browser: Browser, portal: Portal, markets: Markets
) -> None:
    page = view(browser, portal, "en", (1280, 900), "dark")
    page.goto("/")
    page.emulate_media(media="print")
    look = page.evaluate("""() => {
      const style = (name, pseudo) => getComputedStyle(document.querySelector(name), pseudo);
      return [style("body").backgroundColor, style("body").color,
        style("header.top").display, style(".ways").display, style(".connection").display,
        style(".figure dt a", "::after").content, style("h1").color, style(".panel").backgroundColor];
    }""")
    assert look == [
        "rgb(255, 255, 255)", "rgb(0, 0, 0)", "none", "none", "none", '" (/definitions/#spread)"', "rgb(0, 0, 0)",
        "rgb(255, 255, 255)",
    ]  # fmt: skip
    page.context.close()
