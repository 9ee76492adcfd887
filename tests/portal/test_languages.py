"""Dhivehi: direction, font, plural, calendar, formats; and the switch, which is remembered."""

from __future__ import annotations

import gettext
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.conf.locale import LANG_INFO
from django.test import Client, override_settings
from django.utils import formats, translation

from dcmm_portal.checks import languages_are_whole
from dcmm_portal.maldives import is_weekend
from dcmm_portal.templatetags.maldives import local_time

BASE_DIR = Path(__file__).resolve().parents[2]
PUBLIC = ("/", "/definitions/", "/accounts/sign-in/", "/accounts/link/", "/nothing-there/")


@pytest.mark.parametrize("address", PUBLIC)
def test_the_switch_is_on_every_public_page_and_is_remembered(db: None, valkey: str, address: str) -> None:
    client = Client(enforce_csrf_checks=True)
    page = client.get(address).content.decode()
    assert '<html lang="en" dir="ltr">' in page
    form = re.search(r'<form action="/language/setlang/" method="post">.*?</form>', page, re.DOTALL)[0]
    sent = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    assert sent["language"] == "dv" and sent["next"] == address
    answer = client.post("/language/setlang/", sent)
    assert (answer.status_code, answer.headers["Location"]) == (302, address)
    cookie = answer.cookies["django_language"]
    assert cookie.value == "dv" and cookie["max-age"] == 31_536_000
    page = client.get(address).content.decode()
    assert '<html lang="dv" dir="rtl">' in page and 'name="language" value="en"' in page


def test_the_switch_leads_nowhere_else_and_knows_two_languages(db: None, client: Client) -> None:
    answer = client.post("/language/setlang/", {"language": "dv", "next": "https://evil.example/"})
    assert answer.headers["Location"] == "/"
    client.post("/language/setlang/", {"language": "de", "next": "/definitions/"})
    assert '<html lang="en" dir="ltr">' in client.get("/definitions/").content.decode()
    client.get("/language/setlang/?language=dv")
    assert '<html lang="en" dir="ltr">' in client.get("/definitions/").content.decode()


def test_direction_name_and_catalogue_are_settled() -> None:
    assert LANG_INFO["dv"]["bidi"] and LANG_INFO["dv"]["name_local"] == "ދިވެހި"
    with translation.override("dv"):
        assert translation.get_language_bidi()
    assert languages_are_whole() == []
    with override_settings(LANGUAGES_BIDI=[]):
        assert [problem.id for problem in languages_are_whole()] == ["dcmm_portal.E003"]
    with override_settings(LANGUAGES=[*settings.LANGUAGES, ("xx", "None")]):
        assert {problem.id for problem in languages_are_whole()} == {"dcmm_portal.E003", "dcmm_portal.E004"}


def test_one_is_singular_and_everything_else_plural() -> None:
    with (BASE_DIR / "locale/dv/LC_MESSAGES/django.mo").open("rb") as file:
        plural = gettext.GNUTranslations(file).plural
    assert [plural(n) for n in (0, 1, 2, 11, 21, 101)] == [1, 0, 1, 1, 1, 1]


def test_dates_and_numbers_are_figures() -> None:
    at = datetime(2026, 3, 2, 9, 5, tzinfo=UTC)
    with translation.override("dv"):
        assert formats.date_format(at, "DATETIME_FORMAT") == "\u20662026-03-02 09:05\u2069"
        assert formats.date_format(at, "SHORT_DATE_FORMAT") == "2026-03-02"
        assert formats.number_format("1234567.5", use_l10n=True, force_grouping=True) == "1,234,567.5"
        assert formats.get_format("FIRST_DAY_OF_WEEK") == 5


def test_the_weekend_is_friday_and_saturday() -> None:
    # 2026-01-01 was a Thursday.
    assert [is_weekend(date(2026, 1, day)) for day in range(1, 8)] == [False, True, True, False, False, False, False]


def test_the_public_reads_the_time_of_the_maldives() -> None:
    assert local_time(datetime(2026, 1, 1, 19, 0, tzinfo=UTC)) == "2026-01-02 00:00 UTC+5"
    assert local_time(datetime(2026, 7, 1, 0, 0, tzinfo=UTC)) == "2026-07-01 05:00 UTC+5"
    assert local_time(None) == "—"


@pytest.mark.parametrize("sheet", ["base.css", "records.css"])
def test_the_fonts_are_ours(sheet: str) -> None:
    css = (BASE_DIR / "static/css" / sheet).read_text()
    fonts = re.findall(r'url\("([^"]+)"\) format\("woff2"\)', css)
    assert any("thaana-400" in one for one in fonts) and any("thaana-600" in one for one in fonts)
    for one in fonts:
        assert (BASE_DIR / "static/css" / one).read_bytes()[:4] == b"wOF2"
    assert "U+0780-07BF" in css
