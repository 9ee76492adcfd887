"""People of the demonstration: one per role and a second approver, with generated passwords and second factors."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from django.db import transaction

from governance.access import totp
from governance.access.grants import grant_role
from governance.access.roles import Role
from governance.access.sealing import CannotUnseal, seal, unseal
from governance.models import RoleGrant, TotpDevice, User

REASON: Final = "First people of the demonstration."
# Two approvers, since what loosens a parameter needs two; two of compliance, since nobody publishes a document of their own.
DEMO_PEOPLE: tuple[tuple[str, Role], ...] = (
    ("operator", Role.OPERATOR),
    ("approver", Role.APPROVER),
    ("approver-2", Role.APPROVER),
    ("compliance", Role.COMPLIANCE),
    ("compliance-2", Role.COMPLIANCE),
    ("auditor", Role.AUDITOR),
    ("administrator", Role.ADMINISTRATOR),
)


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """What the demonstration's page shows of one: the code that would be taken now, and for how long it is."""

    name: str
    role: str
    password: str
    code: str
    seconds_left: int


def create_demo_people(passwords_file: Path, now: datetime) -> list[str]:
    """The demonstration's people who do not exist yet, as genesis; names, passwords and secrets go to the file (mode 0600).

    Existing users are left alone, but for the record of the role they already have."""
    passwords_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    created: list[str] = []
    lines = passwords_file.read_text().splitlines() if passwords_file.exists() else []
    with transaction.atomic():
        for name, role in DEMO_PEOPLE:
            user = User.objects.filter(username=name).first()
            if user is None:
                password, secret = secrets.token_urlsafe(12), totp.new_secret()
                user = User.objects.create_user(name, password=password, is_staff=True)
                TotpDevice.objects.create(person=user, sealed_secret=seal(secret), last_step=0, created_at=now)
                lines.append(f"{name} {password} {totp.shown(secret)}")
                created.append(name)
            if not RoleGrant.objects.filter(user=user, role=role.value).exists():
                grant_role(user, role, authorised_by="genesis", reason=REASON, now=now)
        if created:
            descriptor = os.open(passwords_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.writelines(f"{line}\n" for line in lines)
    return created


def demo_people(passwords_file: Path, now: datetime) -> list[DemoPerson]:
    """The people in the file with the code that each could use now; none where the file is missing."""
    if not passwords_file.exists():
        return []
    passwords = {
        words[0]: words[1] for line in passwords_file.read_text().splitlines() if len(words := line.split()) > 1
    }
    roles = dict(DEMO_PEOPLE)
    devices = TotpDevice.objects.filter(person__username__in=passwords).select_related("person")
    found = {device.person.username: device for device in devices}
    return [
        _shown(name, roles[name].value, password, found.get(name), now)
        for name, password in passwords.items()
        if name in roles
    ]


def _shown(name: str, role: str, password: str, device: TotpDevice | None, now: datetime) -> DemoPerson:
    if device is None:
        return DemoPerson(name, role, password, "", 0)
    # A code is good once and for one step more or less: where this step's is used, the next one's is taken already.
    step = max(totp.step_of(now), device.last_step + 1)
    at = datetime.fromtimestamp(step * totp.STEP_S, tz=now.tzinfo)
    left = round((step + 1) * totp.STEP_S - now.timestamp())
    is_taken_now = step <= totp.step_of(now) + totp.SKEW_STEPS
    try:
        code = totp.code_at(unseal(device.sealed_secret), at) if is_taken_now else ""
    except CannotUnseal:
        code = ""
    return DemoPerson(name, role, password, code, left)
