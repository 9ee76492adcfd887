"""People of the demonstration: one per role and a second approver, with generated passwords."""

from __future__ import annotations

import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import Final

from django.db import transaction

from governance.access.grants import grant_role
from governance.access.roles import STAFF_ROLES, Role
from governance.models import RoleGrant, User

# Named after their role; two approvers, since what makes things riskier needs two others.
PEOPLE: Final = {**{role.value: role for role in STAFF_ROLES}, "approver-2": Role.APPROVER}
REASON: Final = "First people of the demonstration."


def create_demo_people(passwords_file: Path, now: datetime) -> list[str]:
    """The people who are missing, as genesis; passwords go to `passwords_file` (mode 0600). Existing users are left alone, but
    for the record of the role they already have."""
    passwords_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    created: dict[str, str] = {}
    with transaction.atomic():
        for name, role in PEOPLE.items():
            user = User.objects.filter(username=name).first()
            if user is None:
                created[name] = secrets.token_urlsafe(12)
                user = User.objects.create_user(name, password=created[name], is_staff=True)
            if not RoleGrant.objects.filter(user=user, role=role.value).exists():
                grant_role(user, role, authorised_by="genesis", reason=REASON, now=now)
        if created:
            descriptor = os.open(passwords_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.writelines(f"{name} {password}\n" for name, password in created.items())
    return list(created)
