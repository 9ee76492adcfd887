"""What a version says, as JSON in one shape, and its hash.

    {"format": 1, "kind", "title": {en, dv}, "text": {en, dv}, "in_step": {en, dv}, "counsel", "native_reviewer",
     "requires_acknowledgement", "is_material", "effective_from", "effective_until", "review_due_on"}, published also with
    "facts", the report of an incident also with "incident": {"starts_at", "ends_at" (None: not over),
    "markets" (none: the whole desk)}

`in_step` holds the SHA-256 of both texts when somebody last said that they say the same: where one differs since, the other lags.
Times are ISO in UTC, to the minute, or None: from when it is to be published (None: once approved), and until when it holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.utils.translation import gettext as _

from disclosures.documents.blocks import parse
from disclosures.documents.facts import LANGUAGES, names_in
from disclosures.documents.incident import checked_incident, refuse_unfinished
from disclosures.documents.kinds import is_incident, kind_of
from disclosures.documents.times import moment, told_time
from governance.review.canonical import canonical, digest
from governance.review.errors import ReviewRefused
from trading.selectors import every_slug

FORMAT: Final = 1
TITLE_MAX: Final = 160
TEXT_MAX: Final = 40_000
NAME_MAX: Final = 200
# An approval is good for 30 days; a later publication could not be applied any more.
SCHEDULE_MAX: Final = timedelta(days=29)
REVIEW_MAX: Final = timedelta(days=400)
FIELDS: Final = frozenset(
    {
        "format", "kind", "title", "text", "in_step", "counsel", "native_reviewer", "requires_acknowledgement", "is_material",
        "effective_from", "effective_until", "review_due_on",
    }
)  # fmt: skip


def checked(raw: Any) -> dict[str, Any]:
    """`raw` as the content of a draft, in its one spelling. Raises `ReviewRefused` with what is wrong."""
    if not isinstance(raw, dict) or set(raw) - {"incident"} != FIELDS or raw["format"] != FORMAT:
        raise ReviewRefused("bad_change", _("This is no content of a document."))
    kind = kind_of(raw["kind"])
    if is_incident(kind.slug) != ("incident" in raw):
        raise ReviewRefused("bad_change", _("This is no content of a document."))
    text = _both(raw["text"], TEXT_MAX)
    content: dict[str, Any] = {
        "format": FORMAT,
        "kind": kind.slug,
        "title": {language: _line(words) for language, words in _both(raw["title"], TITLE_MAX).items()},
        "text": {language: _lines(words) for language, words in text.items()},
        "in_step": _both(raw["in_step"], 64),
        "counsel": _line(_text(raw["counsel"], NAME_MAX)),
        "native_reviewer": _line(_text(raw["native_reviewer"], NAME_MAX)),
        "requires_acknowledgement": raw["requires_acknowledgement"] is True,
        "is_material": raw["is_material"] is True,
        "effective_from": told_time(raw["effective_from"]),
        "effective_until": told_time(raw["effective_until"]),
        "review_due_on": _day(raw["review_due_on"]),
    }
    if "incident" in raw:
        content["incident"] = checked_incident(raw["incident"], every_slug())
        # Nobody accepts a report: it tells what happened.
        content["requires_acknowledgement"] = False
    for language in LANGUAGES:
        parse(content["text"][language])
    return content


def refuse_incomplete(content: Mapping[str, Any]) -> None:
    """Raises `ReviewRefused` ("one_language")."""
    if not all(content["title"][language] and content["text"][language] for language in LANGUAGES):
        raise ReviewRefused("one_language", _("Title and text are needed in English and in Dhivehi."))


def refuse_unfit(content: Mapping[str, Any], now: datetime) -> None:
    """What must hold before others are asked to approve it. Raises `ReviewRefused`."""
    refuse_incomplete(content)
    if "incident" in content:
        refuse_unfinished(content, now)
    begins, ends = moment(content["effective_from"]), moment(content["effective_until"])
    if begins is not None and begins > now + SCHEDULE_MAX:
        raise ReviewRefused("bad_dates", _("It can be published at most 29 days from now."))
    if ends is not None and ends <= max(now, begins or now):
        raise ReviewRefused("bad_dates", _("It would end before it begins."))
    due = date.fromisoformat(content["review_due_on"])
    if not now.date() < due <= (now + REVIEW_MAX).date():
        raise ReviewRefused("bad_dates", _("The next review must be due within 400 days from now."))


def names_of(content: Mapping[str, Any]) -> list[str]:
    """Every placeholder of the content."""
    return [name for language in LANGUAGES for name in names_in(content["text"][language])]


def lagging(content: Mapping[str, Any]) -> str:
    """The language whose text lags behind the other: "en", "dv", "both" where nobody said that they match, "" where none does."""
    moved = [language for language in LANGUAGES if content["in_step"][language] != text_hash(content["text"][language])]
    if not moved:
        return ""
    return "both" if len(moved) == len(LANGUAGES) else next(one for one in LANGUAGES if one not in moved)


def in_step(text: Mapping[str, str]) -> dict[str, str]:
    """What to write into `in_step` when somebody says that both texts say the same."""
    return {language: text_hash(text[language]) for language in LANGUAGES}


def text_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def published_form(content: Mapping[str, Any]) -> tuple[str, str]:
    """The canonical JSON of a content with its facts, and its SHA-256."""
    return canonical(dict(content)), digest(dict(content))


def _both(value: Any, longest: int) -> dict[str, str]:
    if not isinstance(value, Mapping) or set(value) != set(LANGUAGES):
        raise ReviewRefused("bad_change", _("This is no content of a document."))
    return {language: _text(value[language], longest) for language in LANGUAGES}


def _text(value: Any, longest: int) -> str:
    if not isinstance(value, str) or "\x00" in value or _has_surrogate(value):
        raise ReviewRefused("bad_text", _("This cannot be read as text."))
    if len(value) > longest:
        raise ReviewRefused("long_text", _("A text is longer than %(most)s characters.") % {"most": longest})
    return value


def _has_surrogate(value: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in value)


def _line(value: str) -> str:
    return " ".join(value.split())


def _lines(value: str) -> str:
    return value.replace("\r\n", "\n").replace("\r", "\n").strip()


def _day(value: Any) -> str:
    try:
        found = date.fromisoformat(value)
    except (TypeError, ValueError) as problem:
        raise ReviewRefused("bad_dates", _("Say on which day it must be reviewed again.")) from problem
    return found.isoformat()
