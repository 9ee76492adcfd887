"""A version as PDF, the same bytes for the same version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override

from disclosures.documents.blocks import blocks
from disclosures.documents.html import nothing_recorded
from disclosures.documents.standing import notes_of
from disclosures.printing.press import PUBLISHER, NotPrintable
from disclosures.printing.press import printed as press
from governance.review.errors import ReviewRefused

TEMPLATE: Final = "document.typ"


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


def _compiled(content: Mapping[str, Any], language: str, printed: Printed, form: Literal["pdf", "png"]) -> list[bytes]:
    try:
        return press(TEMPLATE, _data(content, language, printed), printed.published_at, form)
    except NotPrintable as problem:
        message = _("No PDF can be made of this text: %(problem)s")
        raise ReviewRefused("not_printable", message % {"problem": str(problem)}) from problem


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
            "blocks": _on_paper(blocks(content["text"][language], content["facts"], language)),
        }


def _on_paper(value: Any) -> Any:
    """Blocks with links that lead somewhere from a file: pages here by their whole address, places of the page ("#…") nowhere."""
    if isinstance(value, list):
        return [_on_paper(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {name: _on_paper(one) for name, one in value.items()}
    if found.get("t") == "a" and found["href"].startswith(("/", "#")):
        found["href"] = settings.PUBLIC_URL + found["href"] if found["href"].startswith("/") else ""
    return found
