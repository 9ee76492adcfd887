"""The hand-over note of the desk, and what happened since a person last looked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from governance.access.actors import actor_of
from governance.access.roles import STAFF_ROLES
from governance.models import DeskLook, HandOverNote, User
from governance.review.checks import require_role
from governance.review.errors import ReviewRefused
from trading.controls.commands import ControlRefused, done_before, fingerprint, require_key, write_receipt
from trading.events.services import record
from trading.locks import lock_command
from trading.models import Event

NOTE_MAX: Final = 2000
AGGREGATE: Final = "handover:desk"
# Who never said that they looked sees the last day; nobody sees more than a week.
FIRST_LOOK: Final = timedelta(days=1)
FURTHEST_BACK: Final = timedelta(days=7)
SHOWN: Final = 12
# What a desk wants to know of on coming back.
WATCHED: Final = (
    "control.changed", "lock.imposed", "lock.lifted", "limit.hard", "risk.breaker", "parameters.applied",
    "proposal.submitted", "proposal.approved", "proposal.applied", "proposal.rejected",
    "proposal.failed", "proposal.cancelled", "reconciliation.unexplained", "handover.written",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Since:
    """`is_first`: the person never said that they had looked. `is_more`: older ones are left out."""

    at: datetime
    is_first: bool
    events: tuple[Event, ...]
    is_more: bool


def latest_note() -> HandOverNote | None:
    """What the last shift left."""
    return HandOverNote.objects.order_by("-pk").first()


def leave_note(person: User, text: str, *, key: str, now: datetime) -> HandOverNote:
    """A new note in place of the last one, which stays in the records. Raises `ReviewRefused`."""
    said = text.strip()
    if not said or len(said) > NOTE_MAX or "\x00" in said:
        raise ReviewRefused("bad_note", _("A note has 1 to 2000 characters."))
    require_role(person, STAFF_ROLES)
    actor = actor_of(person)
    command = fingerprint("handover", actor.id, said)
    try:
        require_key(key)
        with transaction.atomic():
            lock_command(key)
            if (done := done_before(key, command)) is not None:
                return HandOverNote.objects.get(pk=done["note"])
            note = HandOverNote.objects.create(author=person, author_name=actor.name, text=said, at=now)
            write_receipt(key, "desk.handover", command, {"note": note.pk}, actor, now)
            told = {"note": note.pk, "text": said}
            record(AGGREGATE, "handover.written", told, actor_id=actor.id, actor_name=actor.name, occurred_at=now)
            return note
    except ControlRefused as refused:
        raise ReviewRefused(refused.code, str(refused)) from refused


def look(person: User, now: datetime) -> None:
    """The person has seen what happened until now; never back in time."""
    found, is_new = DeskLook.objects.get_or_create(person=person, defaults={"looked_at": now})
    if not is_new:
        DeskLook.objects.filter(pk=found.pk, looked_at__lt=now).update(looked_at=now)


def since_last_look(person: User, now: datetime) -> Since:
    """What happened on the desk by others than the person, newest first."""
    found = DeskLook.objects.filter(person=person).first()
    at = max(found.looked_at, now - FURTHEST_BACK) if found else now - FIRST_LOOK
    events = Event.objects.filter(occurred_at__gt=at, type__in=WATCHED).exclude(actor_id=str(person.pk))
    listed = list(events.order_by("-occurred_at", "-id")[: SHOWN + 1])
    return Since(at, found is None, tuple(listed[:SHOWN]), len(listed) > SHOWN)
