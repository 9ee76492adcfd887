"""The roles, and the one question services ask: is this person a member?"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Protocol


class Role(StrEnum):
    """Group names. A superuser is no role: nothing follows from it."""

    OPERATOR = "operator"
    APPROVER = "approver"
    COMPLIANCE = "compliance"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    INVESTOR = "investor"


STAFF_ROLES = (Role.OPERATOR, Role.APPROVER, Role.COMPLIANCE, Role.AUDITOR, Role.ADMINISTRATOR)
_NARROWED = "acts_only_as"


class _Person(Protocol):
    is_authenticated: bool
    is_active: bool
    groups: Any


def roles_of(person: _Person | None) -> frozenset[str]:
    """The roles the person is an active member of and, where the door they came by is a narrow one, may act in there."""
    if person is None or not person.is_authenticated or not person.is_active:
        return frozenset()
    held = frozenset(person.groups.values_list("name", flat=True))
    allowed: frozenset[str] | None = getattr(person, _NARROWED, None)
    return held if allowed is None else held & allowed


def has_role(person: _Person | None, *roles: Role) -> bool:
    """True if the person is active and a member of one of `roles`."""
    return not roles_of(person).isdisjoint(role.value for role in roles)


def narrow(person: Any, roles: Iterable[str]) -> None:
    """From here on this object acts in no role but `roles`: a token's, or the investor's for who came by a link."""
    setattr(person, _NARROWED, frozenset(roles))
