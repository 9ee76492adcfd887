"""A version as PDF: tagged for screen readers (PDF/UA-1), Thaana from right to left, the same bytes for the same version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import typst
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override

from disclosures.documents.blocks import blocks
from disclosures.documents.html import nothing_recorded
from disclosures.documents.standing import notes_of
from governance.review.errors import ReviewRefused

TEMPLATE: Final = Path(__file__).resolve().parent / "document.typ"
FONTS: Final = "static/vendor/noto-sans-thaana-2.000"
PUBLISHER: Final = "DCMM"


@dataclass(frozen=True, slots=True)
class Printed:
    """What the PDF says besides the text: number, hash and address of the version, and the time of its publication."""

    version: int
    sha256: str
    address: str
    published_at: datetime


# For a text that is not published: it only has to come out.
NOT_PRINTED: Final = Printed(0, "", "", datetime(2000, 1, 1, tzinfo=UTC))


def pdf_of(content: Mapping[str, Any], language: str, printed: Printed) -> bytes:
    """The bytes. `content` has its facts. Raises `ReviewRefused` where the text cannot be rendered."""
    return _compiled(content, language, printed, "pdf")[0]


def pages_of(content: Mapping[str, Any], language: str, printed: Printed) -> list[bytes]:
    """Every page as a picture (PNG), to be looked at."""
    return _compiled(content, language, printed, "png")


def _compiled(content: Mapping[str, Any], language: str, printed: Printed, form: Any) -> list[bytes]:
    data = json.dumps(_data(content, language, printed), ensure_ascii=False, sort_keys=True)
    is_pdf = form == "pdf"
    try:
        made = typst.compile(
            TEMPLATE,
            format=form,
            font_paths=_fonts(),
            sys_inputs={"doc": data},
            pdf_standards="ua-1" if is_pdf else [],
            timestamp=printed.published_at.replace(microsecond=0) if is_pdf else None,
        )
    except typst.TypstError as problem:
        message = _("No PDF can be made of this text: %(problem)s")
        raise ReviewRefused("not_printable", message % {"problem": problem.message}) from problem
    if isinstance(made, list):
        return made
    return [] if made is None else [made]


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    """The fonts that come with the portal, and none of the machine: the same bytes everywhere."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[settings.BASE_DIR / FONTS])


def _data(content: Mapping[str, Any], language: str, printed: Printed) -> dict[str, Any]:
    at = printed.published_at
    with override(language):
        return {
            "language": language,
            "title": content["title"][language],
            "publisher": PUBLISHER,
            "day": [at.year, at.month, at.day],
            "address": printed.address,
            "facts": [
                [_("Version"), str(printed.version)],
                [_("Published (UTC)"), f"{at:%Y-%m-%d %H:%M}"],
                ["SHA-256", printed.sha256],
            ],
            "notes": notes_of(content, language),
            "nothing": nothing_recorded(),
            "blocks": blocks(content["text"][language], content["facts"], language),
        }
