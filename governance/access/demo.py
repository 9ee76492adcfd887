"""People of the demonstration: one per role, with generated passwords."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.contrib.auth.models import Group
from django.db import transaction

from governance.access.roles import STAFF_ROLES
from governance.models import User


def create_demo_people(passwords_file: Path) -> list[str]:
    """One staff user per role, named after it; passwords go to `passwords_file` (mode 0600). Existing users are left alone."""
    passwords_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    created: dict[str, str] = {}
    with transaction.atomic():
        for role in STAFF_ROLES:
            if User.objects.filter(username=role.value).exists():
                continue
            password = secrets.token_urlsafe(12)
            user = User.objects.create_user(role.value, password=password, is_staff=True)
            user.groups.add(Group.objects.get(name=role.value))
            created[role.value] = password
        if created:
            descriptor = os.open(passwords_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.writelines(f"{name} {password}\n" for name, password in created.items())
    return list(created)
