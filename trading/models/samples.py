"""What a market looked like, a row a minute, and which minutes have changed since somebody summed them up."""

from __future__ import annotations

from typing import Any, Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from trading.models.fields import money
from trading.models.registry import Market

# Name in a column → distance from the reference in percent, as `HotDepth.band_pct`.
DEPTH_BANDS: Final = {"05": "0.5", "1": "1", "2": "2"}
DEPTH_SIDES: Final = ("bid", "ask", "our_bid", "our_ask")
# Quote value resting within a band, as in `depth_05_our_bid_quote`.
DEPTH_COLUMNS: Final = tuple(f"depth_{band}_{side}_quote" for band in DEPTH_BANDS for side in DEPTH_SIDES)

DepthColumns: Any = type(
    "DepthColumns",
    (models.Model,),
    {
        "__module__": __name__,
        "__doc__": "Quote value resting within each band of the reference price, everybody's and our part of it.",
        "Meta": type("Meta", (), {"abstract": True}),
        **{name: money(verbose_name=name.replace("_", " "), null=True) for name in DEPTH_COLUMNS},
    },
)


class MarketSample(DepthColumns):
    """A market once in a minute, as hot state showed it at `sampled_at`. What was not known then is null, never zero.

    The market's volume is of the whole minute and is added when the minute is over.
    """

    id = models.BigAutoField(primary_key=True)
    market = models.ForeignKey(Market, models.PROTECT, related_name="+")
    minute = models.DateTimeField(_("minute"))
    sampled_at = models.DateTimeField(_("sampled at"))
    state = models.CharField(_("trading state"), max_length=8)
    regime = models.CharField(_("volatility regime"), max_length=8, blank=True, default="")
    sigma_per_sqrt_s = models.DecimalField(
        _("sigma, relative, per square root of a second"), max_digits=20, decimal_places=12, null=True
    )
    reference_price = money(verbose_name=_("reference price"), null=True)
    reference_source = models.CharField(_("source of the reference price"), max_length=16, blank=True, default="")
    market_spread_bps = models.DecimalField(_("market's spread (bps)"), max_digits=14, decimal_places=4, null=True)
    our_spread_bps = models.DecimalField(
        _("our spread with both sides resting (bps)"), max_digits=14, decimal_places=4, null=True
    )
    depth_is_complete = models.BooleanField(
        _("the venue tells its book over all bands"), default=False, help_text=_("Else depth is at least what is told.")
    )
    market_volume_quote = money(verbose_name=_("market's volume in the minute (quote)"), null=True)

    class Meta:
        db_table = "market_samples"
        verbose_name = _("sample of a market")
        verbose_name_plural = _("samples of markets")
        constraints = [models.UniqueConstraint(fields=["market", "minute"], name="market_sample_once")]

    def __str__(self) -> str:
        return f"{self.market_id} {self.minute:%Y-%m-%d %H:%M}"


class MinuteChange(models.Model):
    """A market's minute in which a fill, fee, movement, cycle or sample was written, until what sums minutes up has taken it.

    Rows are written by triggers in the transaction of the change, so that none is missed whatever commits first.
    """

    class Source(models.TextChoices):
        FILL = "fill", _("fill")
        FEE = "fee", _("fee told later")
        MOVEMENT = "movement", _("movement of cash")
        CYCLES = "cycles", _("quoting cycles")
        SAMPLE = "sample", _("sample")
        RECOMPUTE = "recompute", _("recomputed on request")

    id = models.BigAutoField(primary_key=True)
    market = models.ForeignKey(Market, models.PROTECT, related_name="+", db_index=False)
    minute = models.DateTimeField(_("minute"))
    source = models.CharField(_("what changed"), max_length=9, choices=Source.choices)

    class Meta:
        db_table = "minute_changes"
        indexes = [
            # In the order in which they are taken: what is to be summed up again comes last.
            models.Index(
                models.ExpressionWrapper(models.Q(source="recompute"), models.BooleanField()),
                "id",
                name="changes_in_order",
            )
        ]
        verbose_name = _("changed minute")
        verbose_name_plural = _("changed minutes")

    def __str__(self) -> str:
        return f"{self.market_id} {self.minute:%Y-%m-%d %H:%M} {self.source}"
