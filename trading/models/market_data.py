"""Persisted market data."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from trading.models.registry import Market


class VolatilitySnapshot(models.Model):
    """Volatility of one market at one minute: relative, per square root of a second; raw and clamped."""

    class Regime(models.TextChoices):
        CALM = "calm", _("calm")
        NORMAL = "normal", _("normal")
        STRESSED = "stressed", _("stressed")

    market = models.ForeignKey(Market, models.PROTECT, related_name="+")
    minute = models.DateTimeField(_("minute"))
    sigma_raw = models.FloatField(_("sigma, raw"))
    sigma_effective = models.FloatField(_("sigma, clamped"))
    regime = models.CharField(_("regime"), max_length=8, choices=Regime.choices)
    samples = models.PositiveIntegerField(_("returns seen"))
    is_warm = models.BooleanField(_("warmed up"))

    class Meta:
        db_table = "volatility_snapshots"
        verbose_name = _("volatility snapshot")
        verbose_name_plural = _("volatility snapshots")
        constraints = [models.UniqueConstraint(fields=["market", "minute"], name="volatility_once_per_minute")]

    def __str__(self) -> str:
        return f"{self.market_id} {self.minute:%Y-%m-%d %H:%M}"
