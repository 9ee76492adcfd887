"""The desk's form for the rule of a jurisdiction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from disclosures.jurisdictions.countries import COUNTRIES
from disclosures.jurisdictions.review_kind import FIELDS, LABELS, NOTICES, JurisdictionChange, rule_of_change
from disclosures.jurisdictions.rules import Room, Rules, rules_in_force, standing_of
from disclosures.jurisdictions.wording import LEVEL_WORDS, MODES, ROOMS, SCOPES, country_name
from disclosures.models.jurisdictions import DEFAULT_COUNTRY, NOTICE_MAX
from governance.desk.review.fields import Choice, FieldSpec, Input, Sent
from governance.desk.review.kind_forms import KindForm, Told
from governance.models import User

_MODE_HELPS: Final = {
    "none": gettext_noop("Nothing is shown and nothing refused. Both notices stay empty."),
    "banner": gettext_noop("The notice stands above the pages."),
    "block": gettext_noop("Pages, API, files, feed and live figures answer 451 with the notice."),
}
_SCOPE_HELPS: Final = {
    "site": gettext_noop("Both of the following. Documents stay readable, under the notice."),
    "dashboards": gettext_noop("Markets, charts, changes, incidents, reports, feed, API and the live socket."),
    "acknowledgement": gettext_noop("That an investor accepts a document."),
}


def _fields(person: User) -> tuple[FieldSpec, ...]:
    rules = rules_in_force()
    modes = tuple(Choice(value, _(word), _(_MODE_HELPS[value])) for value, word in MODES.items())
    scopes = tuple(Choice(value, _(word), _(_SCOPE_HELPS[value])) for value, word in SCOPES.items())
    notice_help = _("Plain text. Both left empty: the words stay as they are in force there.")
    return (
        FieldSpec(
            "country", _("Jurisdiction"), Input.SELECT,
            _("Everywhere else is whoever is in a jurisdiction without a rule, or nobody knows where."),
            choices=_countries(rules),
        ),
        FieldSpec("mode", _("What happens"), Input.RADIO, choices=modes),
        FieldSpec("scope", _("Where"), Input.RADIO, choices=scopes, initial=("site",)),
        *(
            FieldSpec(name, _(LABELS[name]), Input.AREA, notice_help, longest=NOTICE_MAX, is_optional=True)
            for name in NOTICES
        ),
    )  # fmt: skip


def _countries(rules: Rules) -> tuple[Choice, ...]:
    """Those that have a rule first, each with what is in force."""
    groups = {True: _("with a rule in force"), False: _("without a rule")}
    names = [DEFAULT_COUNTRY, *sorted(COUNTRIES, key=COUNTRIES.__getitem__)]
    found = []
    for has_rule, group in groups.items():
        for code in names:
            if (code in rules) is has_rule:
                rule = rules.get(code)
                now = f" ({_(MODES[rule.mode])}, {_(SCOPES[rule.scope])}, v{rule.version})" if rule else ""
                found.append(Choice(code, f"{country_name(code)}{now}", group=group))
    return tuple(found)


def _change(sent: Sent) -> dict[str, Any]:
    return {name: next(iter(sent[name]), "") for name in ("country", *FIELDS)}


def _sent(change: Mapping[str, Any]) -> Sent:
    return {name: (str(change[name]),) for name in ("country", *FIELDS)}


def _told(change: Mapping[str, Any]) -> tuple[Told, ...]:
    """What a visitor meets in each room, before and after. Raises `ReviewRefused`."""
    wanted = JurisdictionChange().canonical(change)
    rules = rules_in_force()
    before = standing_of(rules, (wanted["country"],))
    after = standing_of(rules | {wanted["country"]: rule_of_change(wanted)}, (wanted["country"],))
    rows = [Told(_(ROOMS[room]), *(_(LEVEL_WORDS[one.level(room)]) for one in (before, after))) for room in Room]
    if wanted["country"] == DEFAULT_COUNTRY:
        others = ", ".join(sorted(set(rules) - {DEFAULT_COUNTRY})) or "—"
        rows.append(Told(_("Jurisdictions with a rule of their own, which this does not touch"), others, others))
    return tuple(rows)


JURISDICTION_FORM: Final = KindForm(
    gettext_noop(
        "What visitors of a jurisdiction are told, or not shown. Stricter may be applied at once, and another person looks at it "
        "afterwards; what guards less, and other words of the same strictness, wait for two others. It is in force the moment it "
        "is applied. A gate is no certificate: it makes nothing compliant."
    ),
    _fields, _change, _sent, told=_told,
)  # fmt: skip
