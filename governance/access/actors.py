"""A person as services want to know them: id, name, roles as they are now."""

from __future__ import annotations

from governance.access.roles import roles_of
from governance.models import User
from trading.controls.commands import Actor


def actor_of(person: User) -> Actor:
    """The person with the roles they may act in here; without any once their account is closed."""
    return Actor(id=str(person.pk), name=name_of(person), roles=roles_of(person))


def name_of(person: User) -> str:
    """Full name, or the user name where there is none."""
    return person.get_full_name() or person.get_username()
