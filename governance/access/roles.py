"""The roles, and the one question services ask: is this person a member?"""

from __future__ import annotations

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


class _Person(Protocol):
    is_authenticated: bool
    is_active: bool
    groups: Any


def has_role(person: _Person | None, *roles: Role) -> bool:
    """True if the person is active and a member of one of `roles`."""
    if person is None or not person.is_authenticated or not person.is_active:
        return False
    return bool(person.groups.filter(name__in=[role.value for role in roles]).exists())
