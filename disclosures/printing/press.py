"""Data and a Typst template made into PDF: tagged for screen readers (PDF/UA-1), Thaana from right to left, the same bytes
for the same data and time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import typst
from django.conf import settings

from disclosures.printing.letters import printable

PAGES: Final = Path(__file__).resolve().parent
FONTS: Final = "static/vendor/noto-sans-thaana-2.000"
PUBLISHER: Final = "DCMM"


class NotPrintable(ValueError):
    """No PDF can be made of the data."""


def printed(template: str, data: Mapping[str, Any], at: datetime, form: Literal["pdf", "png"] = "pdf") -> list[bytes]:
    """The file, or every page as a picture. `template` is a name here; `at` is the time that the file says it was made at.
    Everything of `data` comes as data: none of it is ever read as markup. Raises `NotPrintable`."""
    body = json.dumps(printable(data), ensure_ascii=False, sort_keys=True)
    is_pdf = form == "pdf"
    try:
        made = typst.compile(
            PAGES / template,
            format=form,
            font_paths=_fonts(),
            sys_inputs={"doc": body},
            pdf_standards="ua-1" if is_pdf else [],
            timestamp=at.replace(microsecond=0) if is_pdf else None,
        )
    except typst.TypstError as problem:
        raise NotPrintable(problem.message) from problem
    if isinstance(made, list):
        return made
    return [] if made is None else [made]


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    """The fonts that come with the portal, and none of the machine: the same bytes everywhere."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[settings.BASE_DIR / FONTS])
