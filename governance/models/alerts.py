"""What people were told and how it reached them; what they left for each other on the desk."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.models.access import User
from governance.models.review import Proposal


class Notification(models.Model):
    """One thing one person is told. The words come from the event's template, in the reader's language, from `facts`."""

    person = models.ForeignKey(User, models.PROTECT, related_name="notifications", verbose_name=_("person"))
    event = models.CharField(_("event"), max_length=48)
    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="+", verbose_name=_("proposal"))
    facts = models.JSONField(_("facts"))
    created_at = models.DateTimeField(_("made at"))
    read_at = models.DateTimeField(_("read at"), null=True, blank=True)

    class Meta:
        db_table = "notifications"
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        indexes = [
            models.Index(fields=["person", "-id"], name="notifications_of_person"),
            models.Index(fields=["person"], condition=models.Q(read_at__isnull=True), name="notifications_unread"),
        ]

    def __str__(self) -> str:
        return f"{self.event} → {self.person_id}"


class NotificationDelivery(models.Model):
    """One notification on its way through one channel. It is tried again with growing pauses, at last given up as FAILED."""

    class Channel(models.TextChoices):
        EMAIL = "email", _("e-mail")
        TELEGRAM = "telegram", _("Telegram")

    class State(models.TextChoices):
        WAITING = "WAITING", _("waiting")
        SENT = "SENT", _("sent")
        FAILED = "FAILED", _("failed")

    notification = models.ForeignKey(
        Notification, models.PROTECT, related_name="deliveries", verbose_name=_("notification")
    )
    channel = models.CharField(_("channel"), max_length=8, choices=Channel.choices)
    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt at"))
    last_error = models.CharField(_("last problem"), max_length=300, blank=True, default="")
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)

    class Meta:
        db_table = "notification_deliveries"
        verbose_name = _("delivery of a notification")
        verbose_name_plural = _("deliveries of notifications")
        constraints = [
            models.UniqueConstraint(fields=["notification", "channel"], name="delivered_once_per_channel"),
            models.CheckConstraint(
                condition=models.Q(channel__in=["email", "telegram"], state__in=["WAITING", "SENT", "FAILED"]),
                name="delivery_words",
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=models.Q(state="WAITING"), name="deliveries_waiting")
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.state}"


class ContactChoice(models.Model):
    """How a person wants to be told besides the bell. Without a row: by e-mail where they have an address, in English."""

    person = models.OneToOneField(User, models.PROTECT, related_name="contact_choice", verbose_name=_("person"))
    language = models.CharField(_("language"), max_length=2, choices=[("en", "English"), ("dv", "ދިވެހި")], default="en")
    by_email = models.BooleanField(_("by e-mail"), default=True)
    telegram_chat = models.CharField(_("Telegram chat"), max_length=32, blank=True, default="")

    class Meta:
        db_table = "contact_choices"
        verbose_name = _("choice of contact")
        verbose_name_plural = _("choices of contact")

    def __str__(self) -> str:
        return f"{self.person_id}"


class HandOverNote(models.Model):
    """What one shift leaves for the next, on the desk. Never changed or deleted: the newest one is shown first."""

    author = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("author"))
    author_name = models.CharField(_("author"), max_length=150)
    text = models.TextField(_("text"))
    at = models.DateTimeField(_("written at"))

    class Meta:
        db_table = "hand_over_notes"
        verbose_name = _("hand-over note")
        verbose_name_plural = _("hand-over notes")

    def __str__(self) -> str:
        return f"{self.author_name} {self.at:%Y-%m-%d %H:%M}"


class DeskLook(models.Model):
    """When a person last said that they have seen what happened on the desk."""

    person = models.OneToOneField(User, models.PROTECT, related_name="desk_look", verbose_name=_("person"))
    looked_at = models.DateTimeField(_("last looked at"))

    class Meta:
        db_table = "desk_looks"
        verbose_name = _("last look at the desk")
        verbose_name_plural = _("last looks at the desk")

    def __str__(self) -> str:
        return f"{self.person_id}"
