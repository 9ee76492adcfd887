"""The rules by jurisdiction in words."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from disclosures.jurisdictions.countries import COUNTRIES
from disclosures.models.jurisdictions import DEFAULT_COUNTRY

MODES: Final = {
    "none": gettext_noop("nothing"),
    "banner": gettext_noop("a notice"),
    "block": gettext_noop("a refusal"),
}
SCOPES: Final = {
    "site": gettext_noop("the whole public site"),
    "dashboards": gettext_noop("figures about trading"),
    "acknowledgement": gettext_noop("acceptance of documents"),
}
# A scope is a room, or all of them; documents are in none but that.
ROOMS: Final = {room: word for room, word in SCOPES.items() if room != "site"} | {
    "documents": gettext_noop("documents")
}
# By level of `disclosures.jurisdictions.rules`: each mode is the level of its place.
LEVEL_WORDS: Final = tuple(MODES.values())


def country_name(code: str) -> str:
    """As ISO 3166-1 calls it, in English, with its code; the default in the reader's language."""
    return _("Everywhere else") if code == DEFAULT_COUNTRY else f"{COUNTRIES.get(code, '')} ({code})".strip()
