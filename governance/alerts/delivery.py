"""Deliveries on their way: each is claimed, tried, and tried again with growing pauses until it is given up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction

from governance.alerts.channels import DeliveryFailed, send_email, send_telegram
from governance.alerts.notices import choice_of
from governance.alerts.words import message
from governance.models import NotificationDelivery
from trading.metrics import NOTIFICATIONS

log = structlog.get_logger(__name__)

BATCH: Final = 20
FIRST_PAUSE_S: Final = 30
MOST_ATTEMPTS: Final = 8  # the last one about two hours after the first
State = NotificationDelivery.State


def pause(attempts: int) -> timedelta:
    """How long to wait after so many attempts: 30 s, doubled each time."""
    return timedelta(seconds=FIRST_PAUSE_S * 2 ** (attempts - 1))


def deliver_due(now: datetime, limit: int = BATCH) -> int:
    """Try what is due, oldest first; how many arrived. Several workers may do this at once."""
    sent = 0
    for _ in range(limit):
        found = _claim(now)
        if found is None:
            break
        sent += _try(found, now)
    return sent


def try_again(delivery_id: int, now: datetime) -> bool:
    """Give one that was given up another row of attempts, at once; False where there is none."""
    failed = NotificationDelivery.objects.filter(pk=delivery_id, state=State.FAILED)
    return bool(failed.update(state=State.WAITING, attempts=0, next_attempt_at=now))


def _claim(now: datetime) -> NotificationDelivery | None:
    """The next one that is due, already counted as tried: who dies while sending leaves it to the next attempt."""
    with transaction.atomic():
        due = NotificationDelivery.objects.filter(state=State.WAITING, next_attempt_at__lte=now)
        found = due.select_for_update(skip_locked=True).order_by("next_attempt_at", "pk").first()
        if found is None:
            return None
        found.attempts += 1
        found.next_attempt_at = now + pause(found.attempts)
        found.save(update_fields=["attempts", "next_attempt_at"])
        return found


def _try(delivery: NotificationDelivery, now: datetime) -> bool:
    try:
        _send(delivery)
    except DeliveryFailed as problem:
        delivery.last_error = str(problem)[:300]
        is_last = delivery.attempts >= MOST_ATTEMPTS
        delivery.state = State.FAILED if is_last else State.WAITING
        log.warning("notification.not_delivered", delivery=delivery.pk, channel=delivery.channel, is_last=is_last)
    else:
        delivery.state, delivery.sent_at, delivery.last_error = State.SENT, now, ""
    delivery.save(update_fields=["state", "sent_at", "last_error"])
    NOTIFICATIONS.labels(delivery.channel, delivery.state.lower()).inc()
    return delivery.state == State.SENT


def _send(delivery: NotificationDelivery) -> None:
    notice = delivery.notification
    choice = choice_of(notice.person)
    words = message(notice, delivery.channel, choice.language)
    if delivery.channel == NotificationDelivery.Channel.EMAIL:
        send_email(notice.person.email, words)
    else:
        send_telegram(choice.telegram_chat, words)
