"""The words of a notification: one template per event and channel, in the language of who is told."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from governance.models import Notification


@dataclass(frozen=True, slots=True)
class Message:
    """`subject` is the first line of the template."""

    subject: str
    body: str


def sentence(notice: Notification) -> str:
    """What the bell's page says, in the language in force."""
    return _rendered(notice, "page")


def message(notice: Notification, channel: str, language: str) -> Message:
    """What goes out by a channel, in that language."""
    with translation.override(language):
        subject, _, body = _rendered(notice, channel).partition("\n")
    return Message(subject.strip(), body.strip() or subject.strip())


def _rendered(notice: Notification, channel: str) -> str:
    address = settings.PUBLIC_URL + reverse("review-proposal", args=[notice.proposal_id])
    context = {**notice.facts, "url": address}
    return render_to_string(f"notifications/{notice.event}.{channel}.txt", context).strip()
