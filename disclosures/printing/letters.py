"""Letters that the portal's fonts have. Every other one is printed as its number, since one alone would stop the whole PDF."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

# Latin, Greek, Cyrillic; punctuation, with isolates but without overrides of direction; currencies, arrows, mathematics.
_PLAIN: Final = (
    "[\t\n\r -~\u00a0-\u024f\u0384-\u038a\u038c\u038e-\u03a1\u03a3-\u03ce\u0400-\u045f\u1e00-\u1eff\u200b-\u200f\u2010-\u2029"
    "\u202f-\u2040\u2066-\u2069\u20a0-\u20bf\u2190-\u22ff\ufffd]"
)
# Vowel signs have a place in the fonts only on letters of their own script.
_THAANA: Final = "[\u0780-\u07a5\u07b1][\u07a6-\u07b0]*"
_ARABIC: Final = "(?:[\u060c\u061b\u061f\u0640\u0660-\u066d\ufdf2]|[\u0621-\u063a\u0641-\u064a][\u064b-\u0652]*)"
_PIECES: Final = re.compile(f"((?:{_PLAIN}|{_THAANA}|{_ARABIC})+)|(.)", re.DOTALL)


def printable(value: Any) -> Any:
    """A value of JSON with every text in it printable: "[U+1F600]" in place of a letter that no font has."""
    if isinstance(value, str):
        return _PIECES.sub(_piece, unicodedata.normalize("NFC", value))
    if isinstance(value, Mapping):
        return {name: printable(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [printable(one) for one in value]
    return value


def _piece(found: re.Match[str]) -> str:
    return found[1] or f"[U+{ord(found[2]):04X}]"
