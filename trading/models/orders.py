"""Our orders, written before they are sent."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from trading.models.fields import money
from trading.models.registry import Market


class Order(models.Model):
    """One order by client order id. INTENT is written before the bytes leave; UNKNOWN counts in full until settled."""

    class Status(models.TextChoices):
        INTENT = "INTENT", _("about to be sent")
        LIVE = "LIVE", _("resting")
        CANCEL_PENDING = "CANCEL_PENDING", _("cancel sent")
        UNKNOWN = "UNKNOWN", _("outcome unknown")
        FILLED = "FILLED", _("filled")
        CANCELLED = "CANCELLED", _("cancelled")
        REJECTED = "REJECTED", _("rejected")
        NOT_SENT = "NOT_SENT", _("never sent")

    OPEN_STATUSES = (Status.INTENT, Status.LIVE, Status.CANCEL_PENDING, Status.UNKNOWN)

    client_order_id = models.CharField(_("client order id"), max_length=32, primary_key=True)
    market = models.ForeignKey(Market, models.PROTECT, related_name="orders")
    venue_order_id = models.CharField(_("venue order id"), max_length=64, blank=True, default="")
    side = models.CharField(_("side"), max_length=4, choices=[("buy", _("buy")), ("sell", _("sell"))])
    level = models.PositiveSmallIntegerField(_("level"), default=0)
    epoch = models.BigIntegerField(_("lease epoch"))
    price = money(verbose_name=_("price"))
    size = money(verbose_name=_("size"))
    amend_price = money(verbose_name=_("price of an amend in flight"), null=True, blank=True)
    amend_size = money(verbose_name=_("size of an amend in flight"), null=True, blank=True)
    filled = money(verbose_name=_("filled, as the venue told"), default=0)
    status = models.CharField(_("status"), max_length=16, choices=Status.choices)
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="")
    deadline_at = models.DateTimeField(_("venue-side deadline"), null=True, blank=True)
    correlation_id = models.CharField(_("cycle"), max_length=64, blank=True, default="")
    parameter_version = models.PositiveIntegerField(_("parameter version"))
    created_at = models.DateTimeField(_("created at"))
    updated_at = models.DateTimeField(_("updated at"))

    class Meta:
        db_table = "orders"
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        indexes = [
            models.Index(
                fields=["market"],
                name="orders_open",
                condition=models.Q(status__in=["INTENT", "LIVE", "CANCEL_PENDING", "UNKNOWN"]),
            ),
            models.Index(fields=["market", "-created_at"], name="orders_by_time"),
        ]

    def __str__(self) -> str:
        return self.client_order_id
