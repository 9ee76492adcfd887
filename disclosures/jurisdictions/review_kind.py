"""The rule of a jurisdiction as a kind of the review engine: stricter at once, looser or in other words only when others approve.

Change: {"country", "mode", "scope", "notice_en", "notice_dv"}; `scope` is the whole site where it is left out, the notices are
those in force. Subject: jurisdiction:<country>.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from disclosures.jurisdictions.countries import COUNTRIES
from disclosures.jurisdictions.rules import (
    LEVELS,
    SITE,
    Rule,
    has_other_words,
    is_no_looser,
    is_stricter_somewhere,
    rule_for,
    rules_in_force,
)
from disclosures.models import JurisdictionRule
from disclosures.models.jurisdictions import DEFAULT_COUNTRY, NOTICE_MAX, NOTICE_MIN, PLAIN
from governance.access.roles import Role
from governance.models import Proposal
from governance.review.canonical import digest
from governance.review.errors import ReviewRefused
from governance.review.kinds.kind import Applying, Base, Change, DiffRow
from governance.review.policy import Policy
from governance.review.risk import INCREASING, REDUCING, STRICTEST, RiskAssessment
from trading.locks import lock_command

KIND: Final = "jurisdiction"
SCOPES: Final = tuple(JurisdictionRule.Scope.values)
NOTICES: Final = ("notice_en", "notice_dv")
FIELDS: Final = ("mode", "scope", *NOTICES)
LABELS: Final = {
    "mode": gettext_noop("what happens"),
    "scope": gettext_noop("where"),
    "notice_en": gettext_noop("notice in English"),
    "notice_dv": gettext_noop("notice in Dhivehi"),
}
_THAANA: Final = re.compile("[\u0780-\u07bf]")
# What no database keeps.
_UNSPEAKABLE: Final = re.compile("[\x00\ud800-\udfff]")


class JurisdictionChange:
    name = KIND
    proposer_roles = (Role.COMPLIANCE, Role.ADMINISTRATOR)

    def canonical(self, change: Any) -> dict[str, Any]:
        if not isinstance(change, Mapping) or not {"country", "mode"} <= set(change) <= {"country", *FIELDS}:
            raise ReviewRefused("bad_change", _("Say of which jurisdiction the rule is, and what happens there."))
        if not all(isinstance(value, str) for value in change.values()):
            raise ReviewRefused("bad_change", _("Every value of a rule is a text."))
        wanted = _canonical(change)
        before = rules_in_force().get(wanted["country"])
        if before is not None and {name: getattr(before, name) for name in FIELDS} == _body(wanted):
            raise ReviewRefused("no_change", _("This is the rule in force there."))
        return wanted

    def subject(self, change: Change) -> str:
        return f"{KIND}:{change['country']}"

    def title(self, change: Change) -> str:
        return f"{change['country']}: {change['mode']}, {change['scope']}"

    def base(self, change: Change) -> Base:
        rules = rules_in_force()
        return {
            f"{KIND}:{country}": _standing(rules.get(country))
            for country in dict.fromkeys((change["country"], DEFAULT_COUNTRY))
        }

    def rule(self, change: Change) -> str:
        return KIND

    def risk(self, change: Change, policy: Policy, now: datetime) -> RiskAssessment:
        rules, where = rules_in_force(), change["country"]
        before, after = rule_for(rules, where), rule_of_change(change)
        reasons = [f"{where}:rule:guards_{'no_less' if is_no_looser(before, after) else 'less'}"]
        if has_other_words(before, after):
            reasons.append(f"{where}:rule:other_words")
        if not is_no_looser(before, after):
            return RiskAssessment(INCREASING, tuple(reasons))
        if len(reasons) > 1:
            return RiskAssessment(STRICTEST, tuple(reasons))
        if where not in rules and not is_stricter_somewhere(before, after):
            # It guards as much today, and the default rule would no longer reach it tomorrow.
            return RiskAssessment(INCREASING, (*reasons, f"{where}:rule:leaves_the_default"))
        return RiskAssessment(REDUCING, tuple(reasons))

    def diff(self, change: Change, base: Mapping[str, Any]) -> list[DiffRow]:
        country, version = change["country"], base[f"{KIND}:{change['country']}"]["version"]
        if version == 0:
            country, version = DEFAULT_COUNTRY, base[f"{KIND}:{DEFAULT_COUNTRY}"]["version"]
        row = JurisdictionRule.objects.get(country=country, version=version)
        return [
            DiffRow(change["country"], name, LABELS[name], "", getattr(row, name), change[name])
            for name in FIELDS
            if getattr(row, name) != change[name]
        ]

    def markets(self, change: Change) -> tuple[str, ...]:
        return ()

    def barred(self, change: Change) -> frozenset[str]:
        return frozenset()

    def lock(self, proposal: Proposal) -> None:
        # Versions only grow, so that there is no row to lock; a country without a rule depends on the default one, so that
        # whoever changes any waits for this.
        lock_command(KIND)

    def ready(self, change: Change, now: datetime) -> None:
        return

    def apply(self, applying: Applying) -> None:
        proposal = applying.proposal
        country = proposal.change["country"]
        JurisdictionRule.objects.create(
            country=country,
            version=proposal.base[f"{KIND}:{country}"]["version"] + 1,
            **_body(proposal.change),
            reason=proposal.reason,
            authorised_by=applying.authorised_by,
            actor_id=str(proposal.proposer_id),
            actor_name=proposal.proposer_name,
            applied_at=applying.now,
        )


def change_back(subject: str, version: int) -> dict[str, str]:
    """What brings the rule of a subject ("jurisdiction:MV") back to a version. Raises `ReviewRefused` ("unknown_version")."""
    country = subject.partition(":")[2]
    row = JurisdictionRule.objects.filter(country=country, version=version).first()
    if row is None:
        raise ReviewRefused("unknown_version", _("There is no such version."))
    return {"country": country} | {name: getattr(row, name) for name in FIELDS}


def _body(change: Mapping[str, Any]) -> dict[str, str]:
    return {name: change[name] for name in FIELDS}


def rule_of_change(change: Change) -> Rule:
    """A canonical change as the rule that it would be."""
    return Rule(change["country"], 0, **_body(change), applied_at=None)


def _standing(rule: Rule | None) -> dict[str, Any]:
    if rule is None:
        return {"version": 0, "hash": digest({})}
    return {"version": rule.version, "hash": digest({name: getattr(rule, name) for name in FIELDS})}


def _canonical(change: Mapping[str, str]) -> dict[str, Any]:
    """One spelling of it. Raises `ReviewRefused` ("invalid", "bad_text")."""
    country, mode, scope = change["country"].strip(), change["mode"], change.get("scope", SITE)
    if country != DEFAULT_COUNTRY and country.upper() not in COUNTRIES:
        message = _("The jurisdiction is two letters of ISO 3166-1, or “default” for everywhere else.")
        raise ReviewRefused("invalid", message)
    if mode not in LEVELS or scope not in SCOPES:
        message = _("What happens is one of %(modes)s, and where one of %(scopes)s.")
        raise ReviewRefused("invalid", message % {"modes": ", ".join(LEVELS), "scopes": ", ".join(SCOPES)})
    country = country if country == DEFAULT_COUNTRY else country.upper()
    said = {name: change.get(name, "").replace("\r\n", "\n").strip() for name in NOTICES}
    if mode == "none":
        if any(said.values()):
            raise ReviewRefused("bad_text", _("Where nothing happens there is no notice: leave both empty."))
        return {"country": country, "mode": mode, "scope": SITE, **said}
    if not any(said.values()):
        before = rule_for(rules_in_force(), country)
        said = {name: getattr(before, name) for name in NOTICES}
    _refuse_words(said)
    return {"country": country, "mode": mode, "scope": scope, **said}


def _refuse_words(said: Mapping[str, str]) -> None:
    if not all(said.values()):
        raise ReviewRefused("one_language", _("Say it in English and in Dhivehi."))
    for name, words in said.items():
        if len(words) > NOTICE_MAX or not re.fullmatch(PLAIN[1:-1], words) or _UNSPEAKABLE.search(words):
            message = _(
                "%(field)s: %(least)s to %(most)s characters of plain text, without < or > and without control characters."
            )
            raise ReviewRefused(
                "bad_text", message % {"field": _(LABELS[name]), "least": NOTICE_MIN, "most": NOTICE_MAX}
            )
    if not _THAANA.search(said["notice_dv"]):
        raise ReviewRefused("bad_text", _("The Dhivehi notice is written in Thaana."))
