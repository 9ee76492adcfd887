"""Markdown to HTML and PDF: hostile sources come out as text, facts in their place, the same bytes each time."""

from __future__ import annotations

import hashlib
import re
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest

from disclosures.documents.facts import FACTS, freeze
from disclosures.documents.html import clean, html_of
from disclosures.documents.kinds import KINDS
from disclosures.documents.pdf import Printed, pages_of, pdf_of
from disclosures.documents.starting_texts import starting_content
from governance.review.errors import ReviewRefused
from tests.disclosures.library import EVERY_KIND, Library

AT = datetime(2026, 3, 2, 9, 30, 15, 123456, tzinfo=UTC)
PRINTED = Printed(2, "ab" * 32, "https://portal.example/disclosures/general-risk/2/", AT)
FACT = {"inventory_delay_s": {"text": "<b>60</b>"}}


def html(text: str, facts: Any = None, language: str = "en") -> str:
    return str(html_of({"text": {language: text}}, facts or {}, language))


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
        "<iframe src=https://evil.example></iframe>",
        "<math><mtext></table><mglyph><style><img src=x onerror=alert(1)>",
        "<!--><script>alert(1)</script-->",
        "<a href='javascript:alert(1)'>x</a>",
        "<base href=//evil.example>",
        "<style>*{display:none}</style>",
        "`<script>`",
        "```html\n<script>alert(1)</script>\n```",
        '```x" onmouseover="alert(1)\ny\n```',
        "![x](https://evil.example/pixel.png)",
        "| <b onclick=x> |\n|---|\n| <script> |",
        "{{inventory_delay_s}}",
    ],
)
def test_hostile_sources_are_text(hostile: str) -> None:
    made = html(hostile, FACT)
    tags = set(re.findall(r"<\s*/?\s*([a-z0-9]+)", made, re.IGNORECASE))
    assert tags <= {"p", "pre", "code", "bdi", "a", "table", "thead", "tbody", "tr", "th", "td", "div"}
    assert not re.search(r"<[a-z][^>]*\son\w+\s*=", made)


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java%73cript:alert(1)", "data:text/html,x", "vbscript:x", "//evil.example",
        "http://plain.example", "file:///etc/passwd", "\\\\evil.example", "/\\evil.example", "https:evil.example",
        "&#106;avascript:x", "ftp://x.example",
    ],
)  # fmt: skip
def test_a_link_that_leads_elsewhere_is_refused(address: str) -> None:
    for written in (f"[x](<{address}>)", f"[x][y]\n\n[y]: <{address}>"):
        with pytest.raises(ReviewRefused) as refused:
            html(written)
        assert refused.value.code == "bad_link", written


def test_links_that_are_allowed() -> None:
    made = html("[a](https://cmda.gov.mv/) [b](/definitions/) [c](mailto:desk@portal.example)")
    assert re.findall(r'href="([^"]+)"', made) == [
        "https://cmda.gov.mv/",
        "/definitions/",
        "mailto:desk@portal.example",
    ]
    assert made.count('rel="noopener nofollow"') == 3


def test_the_second_wall_takes_out_what_the_first_would_let_through() -> None:
    dirty = '<p onclick="x">a<script>b</script><svg><a xlink:href="javascript:x">c</a></svg><a href="javascript:x">d</a></p>'
    assert clean(dirty) == '<p>a<a rel="noopener nofollow">d</a></p>'


def test_facts_stand_in_their_place_and_are_never_markup() -> None:
    assert html("It is {{inventory_delay_s}} s late.", FACT) == (
        '<p>It is <bdi dir="ltr">&lt;b&gt;60&lt;/b&gt;</bdi> s late.</p>'
    )
    table = {"limits": {"head": {"en": ["market"], "dv": ["މާކެޓް"]}, "rows": [["DCT*/*USDT"]]}}
    assert '<td><bdi dir="ltr">DCT*/*USDT</bdi></td>' in html("{{limits}}", table)
    assert '<th scope="col">މާކެޓް</th>' in html("{{limits}}", table, "dv")
    for wrong in ("Limits: {{limits}}", "**{{limits}}**", "# {{limits}} of"):
        with pytest.raises(ReviewRefused):
            html(wrong, table)


def test_live_facts_are_those_in_force(library: Library) -> None:
    found = freeze(FACTS)
    assert found["limits"]["rows"][0] == ["DCT/USDT", "Sandbox TON DEX", "18000", "20000", "dct"]
    assert found["spreads"]["rows"][0][2:] == ["5", "60"]
    assert {name: found[name]["text"] for name in ("buyback_interval_h", "approvals_to_loosen", "timelock_to_loosen_s")} == {
        "buyback_interval_h": "4", "approvals_to_loosen": "2", "timelock_to_loosen_s": "3600"
    }  # fmt: skip
    assert (found["inventory_step_pct"]["text"], found["inventory_delay_s"]["text"]) == ("5", "60")


@pytest.mark.parametrize("deep", ["> " * 40 + "x", "*" * 400 + "x" + "*" * 400, "- " * 40 + "x"])
def test_deep_sources_are_refused(deep: str) -> None:
    with pytest.raises(ReviewRefused):
        html(deep)


def test_the_kinds_are_those_of_the_database(library: Library) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT governance.required_disclosures()")
        assert tuple(cursor.fetchone()[0]) == EVERY_KIND == tuple(kind.slug for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.slug)
def test_the_first_texts_come_out_in_both_languages(library: Library, kind: Any) -> None:
    content = starting_content(kind, library.now)
    content["facts"] = freeze(FACTS)
    for language in ("en", "dv"):
        made = pdf_of(content, language, PRINTED)
        assert made == pdf_of(content, language, PRINTED)
        assert (made[:5], b"/StructTreeRoot" in made or b"/ObjStm" in made) == (b"%PDF-", True)
        assert "{{" not in html_of(content, content["facts"], language)
    thaana = re.findall("[\u0780-\u07bf]", content["text"]["dv"])
    assert len(thaana) > 400 and not re.search("[\u0780-\u07bf]", content["text"]["en"])
    assert (content["counsel"], content["native_reviewer"]) == ("", "")


def test_another_version_is_another_file_and_pages_can_be_looked_at(library: Library) -> None:
    content = library.content() | {"facts": {}}
    other = Printed(3, PRINTED.sha256, PRINTED.address, AT)
    hashes = {hashlib.sha256(pdf_of(content, "dv", one)).digest() for one in (PRINTED, other)}
    assert len(hashes) == 2
    assert [page[:4] for page in pages_of(content, "dv", PRINTED)] == [b"\x89PNG"]


def test_typst_markup_is_text() -> None:
    content = {
        "title": {"en": '#read("/etc/passwd")', "dv": "x"},
        "text": {"en": '#read("/etc/passwd") $x$ @a <b> \\ // #panic()', "dv": ""},
        "counsel": "", "native_reviewer": "", "in_step": {"en": "", "dv": ""}, "facts": {},
    }  # fmt: skip
    assert pdf_of(content, "en", PRINTED).startswith(b"%PDF-")


def test_links_of_a_pdf_lead_to_whole_addresses(settings: Any) -> None:
    settings.PUBLIC_URL = "https://portal.example"
    text = "[a](https://cmda.gov.mv/) **[b](/definitions/)** [c](#here) \U0001f600 \u4e2d"
    content = {
        "title": {"en": "T"}, "text": {"en": text, "dv": ""}, "counsel": "", "native_reviewer": "",
        "in_step": {"en": "", "dv": ""}, "facts": {},
    }  # fmt: skip
    made = pdf_of(content, "en", PRINTED)
    inside = b"".join(
        zlib.decompressobj().decompress(one)
        for one in re.findall(rb"stream\r?\n(.*?)endstream", made, re.DOTALL)
        if one[:1] == b"x"
    )
    assert set(re.findall(rb"/URI ?\((.*?)\)", made + inside)) == {
        b"https://cmda.gov.mv/",
        b"https://portal.example/definitions/",
    }
