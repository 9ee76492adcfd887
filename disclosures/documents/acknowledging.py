"""Investors accept what they must have read: who, which hash, when.

They are asked again only where a newer version changes something of weight.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from disclosures.documents.kinds import AGGREGATE
from disclosures.documents.selectors import IN_FORCE, Published, last_material, published, shelves
from disclosures.models import DisclosureAcknowledgement
from governance.access.actors import actor_of
from governance.access.roles import Role, has_role
from governance.models import User
from governance.review.checks import require_role
from governance.review.errors import ReviewRefused
from trading.controls.commands import ControlRefused, done_before, fingerprint, require_key, write_receipt
from trading.events.services import record
from trading.locks import lock_command

NOT_ASKED, SIGN_IN, OPEN, DONE = "not_asked", "sign_in", "open", "done"
COLUMNS: Final = ("person", "kind", "version", "sha256", "acknowledged_at")


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """`state`: not_asked (nobody has to), sign_in (no investor is signed in), open (it waits), done (`at`, `version`)."""

    state: str
    at: datetime | None = None
    version: int | None = None


def state_for(person: Any, found: Published, now: datetime) -> Acknowledgement:
    """Whether the person still has to accept what stands in force of this kind."""
    if not found.content["requires_acknowledgement"] or found.state != IN_FORCE:
        return Acknowledgement(NOT_ASKED)
    if not has_role(person, Role.INVESTOR):
        return Acknowledgement(SIGN_IN)
    given = DisclosureAcknowledgement.objects.filter(
        person=person, version__kind=found.row.kind, version__version__gte=_since(found)
    )
    last = (
        given.select_related("version")
        .defer("version__pdf_en", "version__pdf_dv")
        .order_by("-version__version")
        .first()
    )
    return Acknowledgement(OPEN) if last is None else Acknowledgement(DONE, last.at, last.version.version)


def owed(person: Any, now: datetime) -> list[Published]:
    """What the person, an investor, has still to accept."""
    if not has_role(person, Role.INVESTOR):
        return []
    on_shelf = [shelf.newest for shelf in shelves(now) if shelf.newest is not None]
    return [found for found in on_shelf if state_for(person, found, now).state == OPEN]


def acknowledge(
    person: User, kind: str, version: int, sha256: str, *, key: str, now: datetime
) -> DisclosureAcknowledgement:
    """The investor has read the version of exactly that hash and accepts it. Twice is once. Raises `ReviewRefused`."""
    require_role(person, [Role.INVESTOR])
    actor = actor_of(person)
    command = fingerprint("acknowledge", actor.id, kind, str(version), sha256)
    try:
        require_key(key)
        with transaction.atomic():
            lock_command(key)
            # Two forms of one person, each with a key of its own, wait for each other.
            lock_command(f"acknowledge:{actor.id}:{kind}")
            if (done := done_before(key, command)) is not None:
                return DisclosureAcknowledgement.objects.get(pk=done["acknowledgement"])
            row = _acknowledged(person, kind, version, sha256, now)
            write_receipt(key, "document.accept", command, {"acknowledgement": row.pk}, actor, now)
            return row
    except ControlRefused as refused:
        raise ReviewRefused(refused.code, str(refused)) from refused


def _acknowledged(person: User, kind: str, version: int, sha256: str, now: datetime) -> DisclosureAcknowledgement:
    found = published(kind, version, now)
    if found.state != IN_FORCE or not found.content["requires_acknowledgement"]:
        raise ReviewRefused("not_in_force", _("This version is not the one in force: open the newest one."))
    if sha256 != found.row.sha256:
        raise ReviewRefused("content_changed", _("This is not the text that you were shown: read it again."))
    had = DisclosureAcknowledgement.objects.filter(person=person, version=found.row).first()
    if had is not None:
        return had
    row = DisclosureAcknowledgement.objects.create(person=person, version=found.row, sha256=sha256, at=now)
    told = {"kind": kind, "version": version, "sha256": sha256, "person": person.pk}
    name, actor = f"{AGGREGATE}:{kind}", actor_of(person)
    record(name, "disclosure.acknowledged", told, actor_id=actor.id, actor_name=actor.name, occurred_at=now)
    return row


def _since(found: Published) -> int:
    """The oldest version whose acceptance still counts: the last one of weight up to this one."""
    return last_material(found.row.kind, found.row.version)


def export_csv() -> str:
    """Every acknowledgement, oldest first, for compliance; people by their user name, since addresses are private.

    No cell begins as a formula does.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    rows = DisclosureAcknowledgement.objects.order_by("pk").values_list(
        "person__username", "version__kind", "version__version", "sha256", "at"
    )
    for *cells, at in rows:
        writer.writerow([*(plain_cell(str(cell)) for cell in cells), at.isoformat()])
    return out.getvalue()


def plain_cell(text: str) -> str:
    """The text as spreadsheets show it and never compute it."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else text
