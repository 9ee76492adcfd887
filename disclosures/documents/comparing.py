"""Two texts line by line, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from disclosures.documents.facts import LANGUAGES

# Lines around a change that are shown with it.
AROUND = 2


@dataclass(frozen=True, slots=True)
class Line:
    """`what`: "+" new, "-" gone, " " as it was, "…" lines left out."""

    what: str
    text: str


def compared(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> dict[str, list[Line]]:
    """Every language's text against what it was; everything is new where there was none."""
    return {
        language: list(_lines(before["text"][language] if before else "", after["text"][language]))
        for language in LANGUAGES
    }


def _lines(before: str, after: str) -> Iterator[Line]:
    old, new = before.splitlines(), after.splitlines()
    groups = SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(AROUND)
    for number, group in enumerate(groups):
        if number or group[0][1]:
            yield Line("…", "")
        for tag, begin, end, new_begin, new_end in group:
            if tag == "equal":
                yield from (Line(" ", text) for text in new[new_begin:new_end])
                continue
            yield from (Line("-", text) for text in old[begin:end])
            yield from (Line("+", text) for text in new[new_begin:new_end])
