"""The forms of every kind in a browser: on a desk, and on a phone in Dhivehi and dark; nothing is wider than the screen."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.e2e.conftest import SCREENS, Markets, Portal, sign_in

pytestmark = pytest.mark.e2e
KINDS = {
    "administrator": ("policy", "role_grant", "credentials", "token", "account"),
    "operator": ("limits", "registry"),
}
LOOKS: dict[str, tuple[str, dict[str, Any]]] = {
    "desk": ("en", {"viewport": {"width": 1280, "height": 900}}),
    "phone-dv-dark": (
        "dv",
        {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "color_scheme": "dark"},
    ),
}


@pytest.mark.parametrize("role", KINDS)
def test_forms_fit_every_screen(browser: Browser, portal: Portal, markets: Markets, role: str) -> None:
    signed_in = browser.new_context(base_url=portal.url)
    sign_in(signed_in.new_page(), role)
    cookies: Any = signed_in.cookies()
    problems: list[str] = []
    SCREENS.mkdir(exist_ok=True)
    for look, (language, options) in LOOKS.items():
        context = browser.new_context(base_url=portal.url, **options)
        context.add_cookies([*cookies, {"name": "django_language", "value": language, "url": portal.url}])
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.goto("/desk/review/")
        page.locator(".menu summary").click()
        page.screenshot(path=SCREENS / f"menu-{role}-{look}.png")
        for kind in KINDS[role]:
            page.goto(f"/desk/review/new/{kind}/")
            page.evaluate("document.querySelectorAll('details.group').forEach(one => { one.open = true })")
            page.screenshot(path=SCREENS / f"form-{kind}-{look}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (kind, look)
            # Whole fingers hit it.
            low = "[...document.querySelectorAll('main .form .input, main .form .pick')].filter(e => e.offsetHeight < 36).length"
            assert page.evaluate(low) == 0, (kind, look)
        context.close()
    signed_in.close()
    assert problems == []
