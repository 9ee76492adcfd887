"""The one writer of who is a member of a role: the grant's row and the membership that follows from it."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import Group

from governance.access.roles import Role
from governance.models import RoleGrant, User


def grant_role(person: User, role: Role, *, authorised_by: str, reason: str, now: datetime) -> None:
    """In the caller's transaction; what may be said in `authorised_by` is the database's to judge."""
    RoleGrant.objects.create(user=person, role=role.value, granted_at=now, authorised_by=authorised_by, reason=reason)
    person.groups.add(Group.objects.get(name=role.value))


def revoke_role(person: User, role: Role, *, by_name: str, now: datetime) -> None:
    """The membership ends at once, and with it everything it allowed."""
    person.groups.remove(Group.objects.get(name=role.value))
    RoleGrant.objects.filter(user=person, role=role.value, revoked_at__isnull=True).update(
        revoked_at=now, revoked_by_name=by_name
    )
