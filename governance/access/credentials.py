"""Taking a person's credentials away, so that new ones must be set; only by a proposal about that person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from governance.models import User


def _end_password(person: User) -> None:
    """Nobody signs in with the old password any more, and every session made with it has ended."""
    person.set_unusable_password()
    person.save(update_fields=["password"])


# What can be reset, by the word of the change.
RESETS: Final[dict[str, Callable[[User], None]]] = {"password": _end_password}
