"""Who is at a command that needs a person of the portal: their name, password and a fresh code."""

from __future__ import annotations

import getpass
import sys

from django.contrib.auth import authenticate
from django.core.management.base import CommandError

from trading.controls.commands import Actor


def signed_in(username: str) -> Actor:
    """The portal's user of that name, who knows password and code: login names of the machine do not tell two people apart.

    Raises `CommandError`.
    """
    if not username:
        raise CommandError("Two people are needed: say who you are in the portal with --as NAME.")
    person = authenticate(request=None, username=username, password=_asked("Password: "), code=_asked("Code: "))
    if person is None:
        raise CommandError(
            "Name, password or code is wrong (a code works once), the person has no authenticator app, or tried too often."
        )
    roles = frozenset(person.groups.values_list("name", flat=True))
    return Actor(str(person.pk), person.get_full_name() or person.get_username(), roles)


def _asked(prompt: str) -> str:
    return getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
