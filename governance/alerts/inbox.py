"""What the bell and its page show, and how a person wants to be told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext as _

from governance.alerts.notices import choice_of
from governance.alerts.words import sentence
from governance.models import ContactChoice, Notification, NotificationDelivery, User
from governance.review.errors import ReviewRefused

SHOWN: Final = 50
TROUBLE_FOR: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Notice:
    """One line of the page, in the reader's language."""

    id: int
    proposal_id: int
    text: str
    at: datetime
    is_read: bool


def unread_count(person: User) -> int:
    """How many the person has not marked as read."""
    return Notification.objects.filter(person=person, read_at__isnull=True).count()


def notices(person: User) -> list[Notice]:
    """The newest ones."""
    found = Notification.objects.filter(person=person).order_by("-pk")[:SHOWN]
    return [Notice(one.pk, one.proposal_id, sentence(one), one.created_at, one.read_at is not None) for one in found]


def mark_read(person: User, now: datetime, notice_id: int | None = None) -> int:
    """Mark one of the person's own, or all; how many were unread. Twice is once."""
    unread = Notification.objects.filter(person=person, read_at__isnull=True)
    if notice_id is not None:
        unread = unread.filter(pk=notice_id)
    return unread.update(read_at=now)


def choose_contact(person: User, language: str, by_email: bool, telegram_chat: str) -> ContactChoice:
    """How the person wants to be told from now on. Raises `ReviewRefused`."""
    chat = telegram_chat.strip()
    if chat and not (chat.removeprefix("-").isdecimal() and chat.isascii() and len(chat) <= 32):
        raise ReviewRefused("bad_chat", _("A Telegram chat is a number, as the bot tells it."))
    values = {"language": language, "by_email": by_email, "telegram_chat": chat}
    return ContactChoice.objects.update_or_create(person=person, defaults=values)[0]


def contact_of(person: User) -> ContactChoice:
    """What the person chose."""
    return choice_of(User.objects.select_related("contact_choice").get(pk=person.pk))


def troubled_deliveries(now: datetime) -> list[NotificationDelivery]:
    """What was given up or is being tried again, newest first, of the last two weeks."""
    found = NotificationDelivery.objects.filter(notification__created_at__gte=now - TROUBLE_FOR)
    found = found.exclude(state="SENT").exclude(state="WAITING", attempts=0)
    return list(found.select_related("notification__person", "notification__proposal").order_by("-pk")[:SHOWN])
