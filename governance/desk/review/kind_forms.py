"""The forms of the kinds that have one, each declared in one place; parameters have their own, made from their schema.

A new kind gets its form by a `KindForm` in `FORMS`, one of an upper room by `register_form`: page, menu, edit and checks follow
from that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from governance.access.roles import STAFF_ROLES, Role
from governance.access.tokens import LONGEST_DAYS, NAME_MAX
from governance.desk.review.fields import Choice, FieldSpec, Input, Sent
from governance.desk.review.limits_form import limits_change, limits_fields, limits_sent
from governance.desk.review.policy_form import policy_change, policy_fields, policy_sent
from governance.desk.review.registry_form import registry_change, registry_fields, registry_sent
from governance.models import User


@dataclass(frozen=True, slots=True)
class Told:
    """What the public sees of one thing, before and after; texts in the reader's language."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class KindForm:
    """`intro`: what comes of such a change, a msgid. `fields` for the person who fills it in; `change` makes of what was sent the
    change as a door sends it, `sent` of a proposal's change what its form would send. `only_by_api`: what the form cannot say, a
    msgid; the page names the API's description beside it. `told`: of a change as a door sends it, what the public would see;
    shown with what the change would be judged as.

    `fields` may raise `ReviewRefused` where there is nothing to begin with, `change` and `sent` where the form cannot say it.
    """

    intro: str
    fields: Callable[[User], tuple[FieldSpec, ...]]
    change: Callable[[Sent], Any]
    sent: Callable[[Mapping[str, Any]], Sent]
    only_by_api: str = ""
    told: Callable[[Any], tuple[Told, ...]] | None = None


def _people(label: str, people: Q | None = None, but: User | None = None) -> FieldSpec:
    """Who is or was a member of the desk, by name and role, and nothing else of them; investors are not listed."""
    roles = [role.value for role in STAFF_ROLES]
    of_desk = Q(is_staff=True) | Q(groups__name__in=roles) | Q(role_grants__role__in=roles)
    found = (
        User.objects.filter(of_desk)
        .filter(people or Q())
        .exclude(pk=but.pk if but else None)
        .distinct()
        .order_by("username")
    )
    choices = []
    for person in found.only("username", "first_name", "last_name", "is_active").prefetch_related("groups"):
        facts = [*sorted(group.name for group in person.groups.all()), *([] if person.is_active else [_("closed")])]
        full, name = person.get_full_name(), person.get_username()
        choices.append(Choice(name, f"{f'{full} ({name})' if full else name}{': ' if facts else ''}{', '.join(facts)}"))
    return FieldSpec("username", label, Input.SELECT, choices=tuple(choices))


def _roles() -> tuple[Choice, ...]:
    helps = {
        Role.OPERATOR: _("proposes parameters, pauses and resumes trading"),
        Role.APPROVER: _("votes on what others propose"),
        Role.COMPLIANCE: _("cancels any proposal, never votes"),
        Role.AUDITOR: _("reads everything, changes nothing"),
        Role.ADMINISTRATOR: _("proposes roles, rules, credentials, tokens and accounts"),
    }
    return tuple(Choice(role.value, role.value, helps[role]) for role in STAFF_ROLES)


def _role_fields(person: User) -> tuple[FieldSpec, ...]:
    actions = (
        Choice("grant", _("give the role"), _("Others must approve it; it holds for what is proposed afterwards.")),
        Choice("revoke", _("take the role away"), _("May be applied at once; another person looks at it afterwards.")),
    )
    return (
        _people(_("Person")),
        FieldSpec("role", _("Role"), Input.RADIO, choices=_roles()),
        FieldSpec("do", _("What to do"), Input.RADIO, choices=actions),
    )


def _credentials_fields(person: User) -> tuple[FieldSpec, ...]:
    resets = (
        Choice(
            "password", _("password"),
            _("The old one ends, and every session. A link to choose a new one goes to the person’s mailbox, for an hour."),
        ),
        Choice(
            "second_factor", _("second factor"),
            _("App, keys and recovery codes end, and every session. The person enrols anew at the next signing in."),
        ),
        Choice("open", _("open a closed account"), _("Password and second factor are as they were; ended tokens stay ended.")),
    )  # fmt: skip
    return (_people(_("Person")), FieldSpec("what", _("What to reset"), Input.RADIO, choices=resets))


def _token_fields(person: User) -> tuple[FieldSpec, ...]:
    return (
        _people(_("Person"), Q(is_active=True)),
        FieldSpec("name", _("What it is for"), Input.TEXT, _("As in “monthly export”."), longest=NAME_MAX),
        FieldSpec(
            "roles", _("Roles it may act in"), Input.CHECKS, _("At most those that the person holds."), choices=_roles()
        ),
        FieldSpec(
            "days", _("Good for"), Input.WHOLE, unit=_("days"), initial=("90",), minimum="1", maximum=str(LONGEST_DAYS)
        ),
    )


def _account_fields(person: User) -> tuple[FieldSpec, ...]:
    return (_people(_("Person"), Q(is_active=True), but=person),)


def _named(*names: str) -> Callable[[Sent], dict[str, Any]]:
    return lambda sent: {name: sent[name][0] for name in names}


def _role_change(sent: Sent) -> dict[str, Any]:
    return _named("username", "role")(sent) | {"action": sent["do"][0]}


def _token_change(sent: Sent) -> dict[str, Any]:
    return _named("username", "name", "days")(sent) | {"roles": list(sent["roles"])}


def _as_sent(change: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(value) if isinstance(value, list) else (str(value),) for name, value in change.items()}


FORMS: Final[dict[str, KindForm]] = {
    "limits": KindForm(
        gettext_noop(
            "How much of an asset, or money of the desk, may be reached at worst over all markets. What is narrower may be "
            "applied at once; what is wider waits for others."
        ),
        limits_fields, limits_change, limits_sent,
    ),
    "registry": KindForm(
        gettext_noop(
            "Switching a market off or demanding a gate may be applied at once; a label needs one other person, switching on "
            "the rules of what increases risk, and every other word the strictest: it decides where and in which units money "
            "moves."
        ),
        registry_fields, registry_change, registry_sent,
        gettext_noop("A market, asset, venue or account that is new, and several words at once, are proposed by the API:"),
    ),
    "policy": KindForm(
        gettext_noop("The rules change by the strictest rule in force. What is proposed before keeps the stricter of both."),
        policy_fields, policy_change, policy_sent,
    ),
    "role_grant": KindForm(
        gettext_noop("Nobody votes on their own role, and a new role votes only on what is proposed afterwards."),
        _role_fields, _role_change, lambda change: _as_sent(change) | {"do": (str(change["action"]),)},
    ),
    "credentials": KindForm(
        gettext_noop("Whoever resets a voter could vote in their name: the strictest rule, and no vote on what waits already."),
        _credentials_fields, _named("username", "what"), _as_sent,
    ),
    "token": KindForm(
        gettext_noop("Once applied, the person fetches the token under “Account”, and nobody else ever sees it."),
        _token_fields, _token_change, _as_sent,
    ),
    "account": KindForm(
        gettext_noop(
            "Closing ends the person’s sessions and tokens at once, and their votes on what is open count no more. Save it as "
            "a draft, then apply it at once on its page with your second factor; an approver looks at it within a day. It is "
            "opened again under “credentials”."
        ),
        _account_fields, lambda sent: {"username": sent["username"][0], "action": "close"},
        lambda change: {"username": (str(change["username"]),)},
    ),
}  # fmt: skip


def register_form(kind: str, form: KindForm) -> None:
    """Add the form of a kind of an upper room, when the portal starts. Raises `ValueError` where another has its name."""
    if FORMS.setdefault(kind, form) is not form:
        raise ValueError(f"there is another form of {kind}")
