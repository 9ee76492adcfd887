"""What has to be said beside a text, wherever it is shown: who has not looked at it yet, and which language lags behind."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import override

from disclosures.documents.content import lagging
from disclosures.documents.times import moment
from disclosures.reports.words import spoken, together

_DAY: Final = re.compile("[0-9]+(?:[-/.:][0-9]+)+")


def notes_of(content: Mapping[str, Any], language: str) -> list[str]:
    """About the text of `language`, in that language."""
    with override(language):
        return _notes(content, language)


def _notes(content: Mapping[str, Any], language: str) -> list[str]:
    notes = [_incident(content["incident"])] if "incident" in content else []
    if content["counsel"]:
        notes.append(_("Looked at by counsel: %(who)s.") % {"who": _typed(content["counsel"])})
    else:
        notes.append(_("No counsel has recorded a review of this text."))
    if language == "dv":
        if content["native_reviewer"]:
            who = _typed(content["native_reviewer"])
            notes.append(_("Dhivehi reviewed by a native speaker: %(who)s.") % {"who": who})
        else:
            notes.append(
                _("The Dhivehi text still needs a native reviewer. Where the languages differ, the English one holds.")
            )
    if lagging(content) in (language, "both"):
        notes.append(_("This language lags behind the other: the other was changed since they last said the same."))
    return notes


def _typed(words: str) -> str:
    """A name and a day as somebody typed them: they turn nothing beside them, and no day after Thaana is read backwards."""
    said = spoken(words)
    if any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in said):
        said = _DAY.sub("\u2066\\g<0>\u2069", said)
    return together(said)


def _incident(told: Mapping[str, Any]) -> str:
    """When it was, and where. After Thaana a day's hyphens would turn it round."""
    began, over = (moment(told[name]) for name in ("starts_at", "ends_at"))
    words = {
        "began": together(f"{began:%Y-%m-%d %H:%M}"),
        "ended": together(f"{over:%Y-%m-%d %H:%M}") if over else "",
        "markets": together(", ".join(told["markets"])) if told["markets"] else _("all markets"),
    }
    if over is None:
        return _("Incident since %(began)s UTC, not over when this was written. Markets: %(markets)s.") % words
    return _("Incident from %(began)s to %(ended)s UTC. Markets: %(markets)s.") % words
