"""The rules by jurisdiction in force, and what they come to for one visitor. The one place that decides it.

Whoever is in a country without a rule, or nobody knows where, falls under the default one. Where several rules apply (what the
proxy says, what the visitor says), each room is as the strictest of them wants it. Without a default rule everything is refused
that can be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from disclosures.models import JurisdictionRule
from disclosures.models.jurisdictions import DEFAULT_COUNTRY

NOTHING, NOTICE, REFUSAL = 0, 1, 2
LEVELS: Final = {"none": NOTHING, "banner": NOTICE, "block": REFUSAL}
SITE: Final = "site"


class Room(StrEnum):
    """Parts of the public site that a rule guards. Documents stay readable wherever one is: at most a notice stands above."""

    DASHBOARDS = "dashboards"
    ACKNOWLEDGEMENT = "acknowledgement"
    DOCUMENTS = "documents"


@dataclass(frozen=True, slots=True)
class Rule:
    """One version. `version` 0: nobody wrote it. `applied_at` is None of such a one."""

    country: str
    version: int
    mode: str
    scope: str
    notice_en: str
    notice_dv: str
    applied_at: datetime | None

    def level(self, room: Room) -> int:
        """0 nothing, 1 a notice, 2 a refusal."""
        if self.scope not in (SITE, room):
            return NOTHING
        return min(LEVELS[self.mode], NOTICE if room is Room.DOCUMENTS else REFUSAL)


Rules = Mapping[str, Rule]
CLOSED: Final = Rule(
    DEFAULT_COUNTRY, 0, "block", SITE,
    "The rules by jurisdiction cannot be read. Until they can, figures about trading are shown to nobody.",
    "ޤައުމުތަކާ ގުޅޭ ގަވާއިދުތައް ނުކިޔޭތީ، އެ ކިޔެންދެން ވިޔަފާރީގެ އަދަދުތައް އެއްވެސް ފަރާތަކަށް ނުދައްކަމެވެ.",
    None,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """What applies to one visitor: every rule that does, each once."""

    rules: tuple[Rule, ...]

    def level(self, room: Room) -> int:
        return max(rule.level(room) for rule in self.rules)

    def notices(self, room: Room) -> tuple[Rule, ...]:
        """The rules that have something to say there, the strictest first."""
        told = [rule for rule in self.rules if rule.level(room) > NOTHING]
        return tuple(sorted(told, key=lambda rule: -rule.level(room)))

    def refusals(self, room: Room) -> tuple[Rule, ...]:
        """The rules that refuse that room."""
        return tuple(rule for rule in self.rules if rule.level(room) == REFUSAL)


def rules_in_force() -> dict[str, Rule]:
    """The newest version of every country that has one, and of the default."""
    newest = JurisdictionRule.objects.order_by("country", "-version").distinct("country")
    return {row.country: rule_of(row) for row in newest}


def rule_of(row: JurisdictionRule) -> Rule:
    """A version's row as a value."""
    return Rule(row.country, row.version, row.mode, row.scope, row.notice_en, row.notice_dv, row.applied_at)


def rule_for(rules: Rules, country: str) -> Rule:
    """Of a country's code, or of anything else."""
    return rules.get(country) or rules.get(DEFAULT_COUNTRY, CLOSED)


def standing_of(rules: Rules, countries: Iterable[str]) -> Standing:
    """Of somebody who may be in any of these; "" where it is not known."""
    if DEFAULT_COUNTRY not in rules:
        return Standing((CLOSED,))
    return Standing(tuple(dict.fromkeys(rule_for(rules, country) for country in countries)))


def is_refused_anywhere(rules: Rules, room: Room) -> bool:
    """Whether an answer in that room depends on who asks."""
    return DEFAULT_COUNTRY not in rules or any(rule.level(room) == REFUSAL for rule in rules.values())


def is_no_looser(was: Rule, is_now: Rule) -> bool:
    """No room is less guarded than it was."""
    return all(is_now.level(room) >= was.level(room) for room in Room)


def is_stricter_somewhere(was: Rule, is_now: Rule) -> bool:
    """Some room is more guarded than it was."""
    return any(is_now.level(room) > was.level(room) for room in Room)


def has_other_words(was: Rule, is_now: Rule) -> bool:
    """Words that were told change, and no stricter mode comes with the new ones: what that does nobody can compute."""
    is_same = (was.notice_en, was.notice_dv) == (is_now.notice_en, is_now.notice_dv)
    return not is_same and LEVELS[is_now.mode] <= LEVELS[was.mode]
