"""Events written in the transaction of the change they tell of, their outbox, and receipts of commands."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Event(models.Model):
    """One fact. Append-only; `aggregate_seq` orders the events of one aggregate without a gap."""

    id = models.BigAutoField(primary_key=True)
    aggregate = models.CharField(_("aggregate"), max_length=96, help_text=_("Kind and key, as in market:dct-usdt-dex."))
    aggregate_seq = models.BigIntegerField(_("number within the aggregate"))
    type = models.CharField(_("type"), max_length=64, db_index=True)
    payload = models.JSONField(_("payload"))
    actor_id = models.CharField(_("actor id"), max_length=64, blank=True, default="")
    actor_name = models.CharField(_("actor"), max_length=150, blank=True, default="")
    correlation_id = models.CharField(_("correlation id"), max_length=64, blank=True, default="")
    occurred_at = models.DateTimeField(_("occurred at"), db_index=True)

    class Meta:
        db_table = "events"
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = [
            models.UniqueConstraint(fields=["aggregate", "aggregate_seq"], name="event_number_once_per_aggregate")
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.aggregate}#{self.aggregate_seq}"


class OutboxEntry(models.Model):
    """An event not yet relayed; deleted by the relay after it was published (at least once)."""

    event = models.OneToOneField(Event, models.PROTECT, primary_key=True, related_name="outbox_entry")
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    last_error = models.CharField(_("last error"), max_length=300, blank=True, default="")

    class Meta:
        db_table = "outbox"
        verbose_name = _("outbox entry")
        verbose_name_plural = _("outbox")

    def __str__(self) -> str:
        return str(self.event_id)


class CommandReceipt(models.Model):
    """What a command with this idempotency key did, so that the same key never does it twice."""

    key = models.CharField(_("idempotency key"), max_length=80, primary_key=True)
    command = models.CharField(_("command"), max_length=64)
    fingerprint = models.CharField(_("hash of the arguments"), max_length=64)
    result = models.JSONField(_("result"))
    actor_id = models.CharField(_("actor id"), max_length=64)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        db_table = "command_receipts"
        verbose_name = _("command receipt")
        verbose_name_plural = _("command receipts")

    def __str__(self) -> str:
        return self.key
