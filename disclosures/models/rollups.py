"""Rollups: each market by minute, hour and day, and what was changed after it had been closed."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from disclosures.models.measures import CLOSING, COUNTS, SUMS
from trading.models import Market
from trading.models.fields import money


def _words(name: str) -> str:
    return name.replace("_", " ")


Measures: Any = type(
    "Measures",
    (models.Model,),
    {
        "__module__": __name__,
        "__doc__": "Sums and counts of one bucket; `disclosures.models.measures` names them.",
        "Meta": type("Meta", (), {"abstract": True}),
        **{name: models.BigIntegerField(_words(name), default=0, db_default=0) for name in COUNTS},
        **{name: money(verbose_name=_words(name), default=0, db_default=0) for name in SUMS},
        CLOSING: money(verbose_name=_words(CLOSING), null=True),
    },
)


class RollupMinute(Measures):
    """One market's minute. Old minutes may be dropped: their hours stay."""

    id = models.BigAutoField(primary_key=True)
    market = models.ForeignKey(Market, models.PROTECT, related_name="+", db_index=False)
    starts_at = models.DateTimeField(_("starts at"))

    class Meta:
        db_table = "rollup_minutes"
        verbose_name = _("minute in sums")
        verbose_name_plural = _("minutes in sums")
        constraints = [models.UniqueConstraint(fields=["market", "starts_at"], name="rollup_minute_once")]

    def __str__(self) -> str:
        return f"{self.market_id} {self.starts_at:%Y-%m-%d %H:%M}"


class RollupHour(Measures):
    """One market's hour (UTC)."""

    id = models.BigAutoField(primary_key=True)
    market = models.ForeignKey(Market, models.PROTECT, related_name="+", db_index=False)
    starts_at = models.DateTimeField(_("starts at"))

    class Meta:
        db_table = "rollup_hours"
        verbose_name = _("hour in sums")
        verbose_name_plural = _("hours in sums")
        constraints = [models.UniqueConstraint(fields=["market", "starts_at"], name="rollup_hour_once")]

    def __str__(self) -> str:
        return f"{self.market_id} {self.starts_at:%Y-%m-%d %H}"


class RollupDay(Measures):
    """One market's day as the Maldives count it (Indian/Maldives), with its bounds in UTC."""

    id = models.BigAutoField(primary_key=True)
    market = models.ForeignKey(Market, models.PROTECT, related_name="+", db_index=False)
    day = models.DateField(_("day (Indian/Maldives)"))
    starts_at = models.DateTimeField(_("starts at (UTC)"))
    ends_at = models.DateTimeField(_("ends before (UTC)"))

    class Meta:
        db_table = "rollup_days"
        verbose_name = _("day in sums")
        verbose_name_plural = _("days in sums")
        constraints = [
            models.UniqueConstraint(fields=["market", "starts_at"], name="rollup_day_once"),
            models.UniqueConstraint(fields=["market", "day"], name="rollup_day_of_the_calendar_once"),
        ]

    def __str__(self) -> str:
        return f"{self.market_id} {self.day:%Y-%m-%d}"


class RollupProgress(models.Model):
    """How far buckets are closed: what changes before `closed_until` is restated, never silently. One row.

    Minutes before `minutes_kept_from` were dropped.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    closed_until = models.DateTimeField(_("closed until"), null=True)
    minutes_kept_from = models.DateTimeField(_("minutes are kept from"), null=True)
    rolled_at = models.DateTimeField(_("last summed up at"), null=True)

    class Meta:
        db_table = "rollup_progress"
        verbose_name = _("progress of the sums")
        verbose_name_plural = _("progress of the sums")
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="rollup_progress_is_one_row")]

    def __str__(self) -> str:
        return f"{self.closed_until}"


class Restatement(models.Model):
    """A figure of a closed bucket that changed afterwards: what, before, after, when and why. Append-only.

    `measure` is a column of the rollups, or `pnl_quote`: P&L of a day. Exact; the public sees it as the policy lets it.
    """

    class Bucket(models.TextChoices):
        MINUTE = "minute", _("minute")
        HOUR = "hour", _("hour")
        DAY = "day", _("day")

    id = models.BigAutoField(primary_key=True)
    market = models.ForeignKey(Market, models.PROTECT, related_name="+", db_index=False)
    bucket = models.CharField(_("bucket"), max_length=6, choices=Bucket.choices)
    starts_at = models.DateTimeField(_("bucket starts at"))
    measure = models.CharField(_("what"), max_length=32)
    before = money(verbose_name=_("before"), null=True)
    after = money(verbose_name=_("after"), null=True)
    causes = models.CharField(
        _("why"), max_length=80, help_text=_("Words of the marks that changed it, apart by commas.")
    )
    at = models.DateTimeField(_("restated at"), db_index=True)

    class Meta:
        db_table = "restatements"
        verbose_name = _("restatement")
        verbose_name_plural = _("restatements")
        indexes = [models.Index(fields=["market", "bucket", "starts_at"], name="restatements_of_bucket")]

    def __str__(self) -> str:
        return f"{self.market_id} {self.bucket} {self.starts_at:%Y-%m-%d %H:%M} {self.measure}"
