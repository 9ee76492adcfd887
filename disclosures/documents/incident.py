"""What the report of an incident says besides its text: when it was and which markets it touched; and which sections it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _

from disclosures.documents.times import moment, told_time
from governance.review.errors import ReviewRefused

FIELDS: Final = frozenset({"starts_at", "ends_at", "markets"})
# The headings of every report, in each language in this order: what happened, impact, cause, what was done, what changes.
SECTIONS: Final[dict[str, tuple[str, ...]]] = {
    "en": ("What happened", "What it affected", "Cause", "What was done", "What changes"),
    "dv": ("ހިނގީ ކީކެއް", "އަސަރުކުރީ ކޮން އެއްޗަކަށް", "ސަބަބު", "ކުރީ ކޮންކަމެއް", "ބަދަލުވާނީ ކީކެއް"),
}


def empty_text() -> dict[str, str]:
    """The text that a report starts from: its headings."""
    return {language: "\n\n".join(f"## {head}" for head in heads) for language, heads in SECTIONS.items()}


def checked_incident(raw: Any, slugs: Sequence[str]) -> dict[str, Any]:
    """`raw` in its one spelling. Raises `ReviewRefused` ("bad_incident", "bad_dates", "unknown_market")."""
    if not isinstance(raw, Mapping) or set(raw) != FIELDS or not isinstance(raw["markets"], Sequence):
        raise ReviewRefused("bad_incident", _("Say when the incident began and ended, and which markets it touched."))
    starts_at, ends_at = told_time(raw["starts_at"]), told_time(raw["ends_at"])
    if starts_at is None:
        raise ReviewRefused("bad_incident", _("Say when the incident began."))
    if ends_at is not None and datetime.fromisoformat(ends_at) < datetime.fromisoformat(starts_at):
        raise ReviewRefused("bad_dates", _("It would end before it begins."))
    unknown = [one for one in raw["markets"] if one not in slugs]
    if unknown or isinstance(raw["markets"], str):
        raise ReviewRefused("unknown_market", _("There is no market “%(slug)s”.") % {"slug": str(unknown or "")[:60]})
    return {"starts_at": starts_at, "ends_at": ends_at, "markets": sorted(set(raw["markets"]))}


def refuse_unfinished(content: Mapping[str, Any], now: datetime) -> None:
    """What must hold before others are asked to approve a report. Raises `ReviewRefused`."""
    told = content["incident"]
    begun, over = moment(told["starts_at"]), moment(told["ends_at"])
    if begun is None or begun > now or (over is not None and over > now):
        raise ReviewRefused("bad_dates", _("An incident is reported after it began, and its end after it ended."))
    if content["effective_until"] is not None:
        raise ReviewRefused("bad_dates", _("A report holds until a newer version takes its place."))
    for language, heads in SECTIONS.items():
        said = _sections(content["text"][language])
        for head in heads:
            if not said.get(head, "").strip():
                raise ReviewRefused(
                    "section_missing", _("The section “%(head)s” is missing or empty.") % {"head": head}
                )


def _sections(text: str) -> dict[str, str]:
    """What stands below each heading of the second rank."""
    found: dict[str, str] = {}
    head = ""
    for line in text.splitlines():
        if line.startswith("## "):
            head = line[3:].strip()
            found[head] = ""
        else:
            found[head] = f"{found.get(head, '')}\n{line}"
    return found
