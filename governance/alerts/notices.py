"""A notification for each person whom an event concerns, and a delivery for each channel by which they want to be told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.conf import settings

from governance.alerts.routing import event_told, people_told
from governance.models import ContactChoice, Notification, NotificationDelivery, Proposal, User
from trading.controls.commands import Actor
from trading.events.services import plain

DEFAULT_CHOICE: Final = ContactChoice()
# The words of `NotificationDelivery.Channel`.
EMAIL, TELEGRAM = "email", "telegram"


def write_notices(
    event: str, proposal: Proposal, payload: Mapping[str, Any], *, actor: Actor, now: datetime
) -> list[Notification]:
    """In the caller's transaction, so that nobody is told of what did not happen."""
    told = event_told(event, proposal)
    people = list(people_told(told, proposal, actor.id))
    facts = _facts(proposal, payload, actor)
    notices = Notification.objects.bulk_create(
        Notification(person=person, event=told, proposal=proposal, facts=facts, created_at=now) for person in people
    )
    NotificationDelivery.objects.bulk_create(
        NotificationDelivery(notification=notice, channel=channel, next_attempt_at=now)
        for notice, person in zip(notices, people, strict=True)
        for channel in channels_of(person)
    )
    return notices


def choice_of(person: User) -> ContactChoice:
    """What the person chose, or what holds for who chose nothing."""
    return person.contact_choice if hasattr(person, "contact_choice") else DEFAULT_CHOICE


def channels_of(person: User) -> list[str]:
    """By which channels the person is told besides the bell."""
    choice = choice_of(person)
    channels = []
    if person.email and choice.by_email:
        channels.append(EMAIL)
    if settings.TELEGRAM_BOT_TOKEN and choice.telegram_chat:
        channels.append(TELEGRAM)
    return channels


def _facts(proposal: Proposal, payload: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
    """What the templates name."""
    facts = {
        "id": proposal.pk,
        "title": proposal.title,
        "who": actor.name,
        "reason": str(payload.get("reason", ""))[:500],
        "choice": str(payload.get("choice", "")),
        "text": str(payload.get("text", ""))[:500],
        "needs": payload.get("quorum", proposal.required.get("quorum", 0)),
        "able": payload.get("able", 0),
        "not_before": proposal.not_before,
        "at": payload.get("at"),
        "review_due_at": proposal.review_due_at,
    }
    told: dict[str, Any] = plain(facts)
    return told
