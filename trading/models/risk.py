"""What risk rules must remember across restarts."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from trading.models.fields import money
from trading.models.registry import Market


class TradingSession(models.Model):
    """One market's session: what it opened with and the highest P&L since, from which drawdown is measured.

    The peak only rises (trigger); without it the limit would start again at every restart. Two people who resume after a drawdown
    begin the next number of the day."""

    market = models.ForeignKey(Market, models.PROTECT, related_name="sessions")
    day = models.DateField(_("session (UTC day)"))
    number = models.PositiveSmallIntegerField(_("number within the day"), default=1)
    opening_pnl = money(verbose_name=_("P&L at the opening (quote)"))
    opening_price = money(verbose_name=_("reference price at the opening"))
    peak = money(verbose_name=_("highest P&L since (quote)"))
    updated_at = models.DateTimeField(_("updated at"))

    class Meta:
        db_table = "trading_sessions"
        verbose_name = _("trading session")
        verbose_name_plural = _("trading sessions")
        constraints = [models.UniqueConstraint(fields=["market", "day", "number"], name="trading_session_once")]

    def __str__(self) -> str:
        return f"{self.market_id} {self.day}"
