"""Decisions of the quoting cycle. `decisions` is partitioned by day in the database (sql/decisions.sql)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from trading.models.registry import Market


class Decision(models.Model):
    """One cycle in which something was sent, withheld or changed; `manage.py replay` recomputes it bit for bit."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(_("at"), db_index=True)
    market = models.CharField(_("market"), max_length=48)
    cycle_id = models.CharField(_("cycle"), max_length=64)
    outcome = models.CharField(_("outcome"), max_length=32)
    reason = models.CharField(_("reason for not quoting"), max_length=64, blank=True, default="")
    parameter_version = models.PositiveIntegerField(_("parameter version"), null=True)
    code_version = models.CharField(_("code version"), max_length=64)
    inputs = models.JSONField(_("inputs of the pure functions"))
    result = models.JSONField(_("what they answered"))
    orders = models.JSONField(_("orders sent and their outcomes"))
    epoch = models.BigIntegerField(_("lease epoch"), null=True)
    duration_ms = models.FloatField(_("duration in ms"))

    class Meta:
        db_table = "decisions"
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        indexes = [models.Index(fields=["market", "-at"], name="decisions_by_market")]

    def __str__(self) -> str:
        return f"{self.market} {self.cycle_id}"


class DecisionBatch(models.Model):
    """Cycles in which nothing changed, compressed (zlib over JSON lines of the same inputs that a Decision holds)."""

    id = models.BigAutoField(primary_key=True)
    market = models.CharField(_("market"), max_length=48)
    first_at = models.DateTimeField(_("first"), db_index=True)
    last_at = models.DateTimeField(_("last"))
    cycles = models.PositiveIntegerField(_("cycles"))
    body = models.BinaryField(_("compressed decisions"))

    class Meta:
        db_table = "decision_batches"
        verbose_name = _("decision batch")
        verbose_name_plural = _("decision batches")

    def __str__(self) -> str:
        return f"{self.market} {self.cycles}"


class MarketMinute(models.Model):
    """How many cycles of one minute had both sides, one side or none resting: the source of uptime."""

    market = models.ForeignKey(Market, models.PROTECT, related_name="+")
    minute = models.DateTimeField(_("minute"))
    cycles = models.PositiveIntegerField(_("cycles"), default=0)
    two_sided = models.PositiveIntegerField(_("cycles with both sides resting"), default=0)
    one_sided = models.PositiveIntegerField(_("cycles with one side resting"), default=0)
    spread_bps_sum = models.FloatField(_("sum of quoted spreads in bps"), default=0.0)

    class Meta:
        db_table = "market_minutes"
        verbose_name = _("minute of a market")
        verbose_name_plural = _("minutes of markets")
        constraints = [models.UniqueConstraint(fields=["market", "minute"], name="market_minute_once")]

    def __str__(self) -> str:
        return f"{self.market_id} {self.minute:%Y-%m-%d %H:%M}"
