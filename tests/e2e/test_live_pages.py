"""In a browser: updates within a second, a lost socket is told and recovers, a pause works, from the keyboard too."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.codes import fresh_code
from tests.e2e.conftest import Markets, Portal, sign_in
from tests.pages import stage

pytestmark = pytest.mark.e2e
MID = f"#{stage.DEX} [data-field=mid]"


def test_a_change_is_on_the_page_within_a_second(page: Page, markets: Markets, problems: list[str]) -> None:
    page.goto("/")
    expect(page.locator("[data-connection]")).to_have_attribute("data-state", "live")
    took_s = []
    for price in ("0.237777", "0.237888", "0.237999"):
        page.evaluate(WATCH, [MID, price])
        markets.mids[stage.DEX] = Decimal(price)
        stage.hot_market(stage.DEX, time.time_ns(), mid=Decimal(price))
        written_s = time.time()
        expect(page.locator(MID)).to_have_text(price)
        took_s.append(page.evaluate("window.seenAt") / 1000 - written_s)
    markets.mids.clear()
    # The best of three: a machine busy with other tests may hold up one of the processes.
    assert min(took_s) < 1.0
    assert problems == []


def test_the_pages_of_markets_move_without_loading_again(page: Page, markets: Markets, problems: list[str]) -> None:
    """The socket tells of every market; a page of one of them takes what is its own, and draws its charts over time."""
    seen = f"article[data-market={stage.DEX}]"
    for address, place, count in (
        ("/markets/", f"{seen} [data-depth] td:first-of-type .num >> nth=0", 0),
        (f"/markets/{stage.DEX}/?range=7d", f"{seen} [data-field=mid]", 14),
    ):
        page.goto(address)
        expect(page.locator("[data-connection]")).to_have_attribute("data-state", "live")
        page.evaluate("window.first = true")
        before = page.locator(place).inner_text()
        markets.mids[stage.DEX] = Decimal("0.301234")
        expect(page.locator(place)).not_to_have_text(before)
        markets.mids.clear()
        for chart in page.locator("[data-series]").all():
            chart.scroll_into_view_if_needed()
        expect(page.locator("[data-series] canvas")).to_have_count(count)
        assert page.evaluate("window.first") is True
    assert page.locator("#spread [data-readout]").inner_text().count("·") == 2
    assert problems == []


def test_a_lost_socket_is_told_and_recovers(page: Page, portal: Portal, markets: Markets) -> None:
    page.goto("/")
    sign = page.locator("[data-connection]")
    expect(sign).to_have_attribute("data-state", "live")
    portal.web_down()
    expect(sign).to_have_attribute("data-state", "lost")
    expect(sign).to_contain_text("these figures are old")
    markets.mids[stage.DEX] = Decimal("0.231234")
    portal.web_up()
    expect(sign).to_have_attribute("data-state", "live", timeout=20_000)
    expect(page.locator(MID)).to_have_text("0.231234")
    markets.mids.clear()


def test_a_feed_that_fell_silent_is_told_and_recovers(page: Page, portal: Portal, markets: Markets) -> None:
    """The socket stands, but nothing comes to tell: the page says that its figures are old."""
    page.goto("/")
    sign = page.locator("[data-connection]")
    expect(sign).to_have_attribute("data-state", "live")
    portal.push_down()
    expect(sign).to_have_attribute("data-state", "stale", timeout=20_000)
    expect(sign).to_contain_text("these figures are old")
    expect(page.locator("body.is-old")).to_have_count(1)
    markets.mids[stage.DEX] = Decimal("0.239876")
    portal.push_up()
    expect(sign).to_have_attribute("data-state", "live", timeout=20_000)
    expect(page.locator(MID)).to_have_text("0.239876")
    expect(page.locator("body.is-old")).to_have_count(0)
    markets.mids.clear()


def test_an_operator_pauses_and_resumes(page: Page, problems: list[str]) -> None:
    sign_in(page, "operator")
    market = page.locator(f"#{stage.CEX}")
    market.get_by_role("link", name="Pause").click()
    page.get_by_label("Reason").fill("checking the feed")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Pause")).to_be_visible()
    page.get_by_role("button", name="Confirm: Pause").click()
    expect(page.locator(f"#{stage.CEX} [data-state-badge]")).to_have_text("paused")
    expect(page.locator(f"#{stage.CEX} [data-reasons]")).to_contain_text("checking the feed")
    expect(page.locator(".message.success")).to_be_visible()
    page.locator(f"#{stage.CEX}").get_by_role("link", name="Resume").click()
    page.get_by_label("Reason").fill("feed is fine")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("A fresh code of your app").fill(fresh_code("operator"))
    page.get_by_role("button", name="Confirm: Resume").click()
    expect(page.locator(f"#{stage.CEX} [data-state-badge]")).to_have_text("active")
    assert problems == []


def test_our_orders_far_from_the_touch_are_on_the_ladder_behind_a_gap(
    page: Page, markets: Markets, problems: list[str]
) -> None:
    far = [("buy", Decimal("0.2301")), ("sell", Decimal("0.2431"))]
    markets.more_orders[stage.DEX] = [
        stage.order(stage.DEX, side, price, Decimal(700), time.time_ns()) for side, price in far
    ]
    sign_in(page, "auditor")
    ladder = page.locator(f"#{stage.DEX} [data-ladder]")
    expect(ladder.locator("[data-bids] tr.skipped + tr.mine")).to_contain_text("0.230100")
    # Asks stand worst first: the gap is drawn between our own price and the better ones.
    expect(ladder.locator("[data-asks] tr.mine:first-child")).to_contain_text("0.243100")
    expect(ladder.locator("[data-asks] tr.mine:first-child + tr.skipped")).to_be_visible()
    page.set_viewport_size({"width": 380, "height": 800})
    expect(ladder.locator("[data-bids] tr.skipped + tr.mine")).to_be_visible()
    markets.more_orders.clear()
    assert problems == []


def test_a_state_changed_elsewhere_shows_without_reload(page: Page, browser: object, portal: Portal) -> None:
    sign_in(page, "auditor")
    expect(page.locator("[data-connection]")).to_have_attribute("data-state", "live")
    assert page.locator("a[href*='/desk/controls/']").count() == 0
    context = browser.new_context(base_url=portal.url)
    other = context.new_page()
    sign_in(other, "operator")
    for word, badge in (("Reduce only", "reducing only"), ("Resume", "active")):
        other.locator(f"#{stage.CEX}").get_by_role("link", name=word).click()
        other.get_by_label("Reason").fill("elsewhere")
        other.get_by_role("button", name="Continue").click()
        if word == "Resume":
            other.get_by_label("A fresh code of your app").fill(fresh_code("operator"))
        other.get_by_role("button", name=f"Confirm: {word}").click()
        expect(page.locator(f"#{stage.CEX} [data-state-badge]")).to_have_text(badge, timeout=3000)
    context.close()


def test_the_keyboard_reaches_the_content_and_the_theme_is_kept(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Light or dark").click()
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before


def test_text_has_enough_contrast_in_both_themes(page: Page) -> None:
    """Every visible text of the public page against its own background: at least 4.5 to 1 (WCAG 2.2 AA)."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.goto("/")
        expect(page.locator("[data-connection]")).to_have_attribute("data-state", "live")
        assert page.evaluate(CONTRAST) == []


WATCH = """([selector, text]) => {
  const place = document.querySelector(selector);
  window.seenAt = null;
  new MutationObserver(() => { if (place.textContent === text) window.seenAt ??= Date.now(); })
    .observe(place, { childList: true, characterData: true, subtree: true });
}"""
CONTRAST = """() => {
  const lum = ([r, g, b]) => { const f = (v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
    return .2126 * f(r) + .7152 * f(g) + .0722 * f(b); };
  const rgb = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const ground = (el) => { for (; el; el = el.parentElement) { const c = rgb(getComputedStyle(el).backgroundColor);
    if (c.length >= 3 && (c[3] ?? 1) > .9) return c; } return [255, 255, 255]; };
  const bad = [];
  for (const el of document.querySelectorAll("main *, footer *")) {
    const own = [...el.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !el.offsetParent || el.closest("svg,noscript")) continue;
    const [a, b] = [lum(rgb(getComputedStyle(el).color)), lum(ground(el))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) bad.push(`${el.tagName}.${el.className} ${el.textContent.trim().slice(0, 20)} ${ratio.toFixed(2)}`);
  }
  return bad;
}"""
