"""Ending a password, so that a new one must be set, and opening a closed account; only by a proposal about that person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from governance.models import User


def _end_password(person: User) -> None:
    """Nobody signs in with the old password any more, and every session made with it has ended."""
    person.set_unusable_password()
    person.save(update_fields=["password"])


def _open_account(person: User) -> None:
    """A closed account is open again; its old password still holds."""
    person.is_active = True
    person.save(update_fields=["is_active"])


# What can be done, by the word of the change.
RESETS: Final[dict[str, Callable[[User], None]]] = {"password": _end_password, "open": _open_account}
