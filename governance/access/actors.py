"""A person as services want to know them: id, name, roles as they are now."""

from __future__ import annotations

from governance.models import User
from trading.controls.commands import Actor


def actor_of(person: User) -> Actor:
    """The person with their roles; without any once their account is closed."""
    roles = frozenset(person.groups.values_list("name", flat=True)) if person.is_active else frozenset()
    return Actor(id=str(person.pk), name=name_of(person), roles=roles)


def name_of(person: User) -> str:
    """Full name, or the user name where there is none."""
    return person.get_full_name() or person.get_username()
