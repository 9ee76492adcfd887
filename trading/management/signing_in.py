"""Who commands from the shell: a user of the portal who knows the password."""

from __future__ import annotations

import getpass
import sys

from django.contrib.auth import authenticate
from django.core.management.base import CommandError

from trading.controls.commands import Actor


def signed_in(username: str) -> Actor:
    """The portal's user of that name, who knows the password: a login name of the machine would not tell two people apart.

    Raises `CommandError`."""
    if not username:
        raise CommandError("Two people are needed: say who you are in the portal with --as NAME.")
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    person = authenticate(request=None, username=username, password=password)
    if person is None:
        raise CommandError("Name or password is wrong.")
    roles = frozenset(person.groups.values_list("name", flat=True))
    return Actor(str(person.pk), person.get_full_name() or person.get_username(), roles)
