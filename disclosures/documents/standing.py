"""What has to be said beside a text, wherever it is shown: who has not looked at it yet, and which language lags behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import override

from disclosures.documents.content import lagging


def notes_of(content: Mapping[str, Any], language: str) -> list[str]:
    """About the text of `language`, in that language."""
    with override(language):
        return _notes(content, language)


def _notes(content: Mapping[str, Any], language: str) -> list[str]:
    if content["counsel"]:
        notes = [_("Looked at by counsel: %(who)s.") % {"who": content["counsel"]}]
    else:
        notes = [_("No counsel has recorded a review of this text.")]
    if language == "dv":
        if content["native_reviewer"]:
            notes.append(_("Dhivehi reviewed by a native speaker: %(who)s.") % {"who": content["native_reviewer"]})
        else:
            notes.append(
                _("The Dhivehi text still needs a native reviewer. Where the languages differ, the English one holds.")
            )
    if lagging(content) in (language, "both"):
        notes.append(_("This language lags behind the other: the other was changed since they last said the same."))
    return notes
