"""Identity: what is traded, where, through which account. A ticker is no identity."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from trading.models.fields import money

# The gates that a market may demand, in order. Each has a code gate_<name> with its words (risk.verdict, quoting.sentences).
KNOWN_GATES: Final = ("disclosures",)
_GATE: Final = "|".join(KNOWN_GATES)


class GovernedRow(models.Model):
    """A row of the registry changes as its next version, named by the proposal that allowed it."""

    version = models.PositiveIntegerField(_("version"), default=1, db_default=1)
    authorised_by = models.CharField(_("authorised by"), max_length=120, default="genesis", db_default="genesis")

    class Meta:
        abstract = True


class Asset(GovernedRow):
    """An asset by internal id; venues and chains call it what they like."""

    id = models.SlugField(primary_key=True, max_length=32)
    name = models.CharField(_("name"), max_length=80)
    decimals = models.PositiveSmallIntegerField(_("decimals on chain"), default=9)
    chain_address = models.CharField(
        _("master address on chain"), max_length=80, blank=True, default="", help_text=_("Empty for a native coin.")
    )

    class Meta:
        db_table = "assets"
        verbose_name = _("asset")
        verbose_name_plural = _("assets")

    def __str__(self) -> str:
        return self.id


class AssetAlias(models.Model):
    """A ticker under which an asset was known, with the time from and until which that was so."""

    asset = models.ForeignKey(Asset, models.PROTECT, related_name="aliases")
    ticker = models.CharField(_("ticker"), max_length=32)
    valid_from = models.DateTimeField(_("valid from"), null=True, blank=True)
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True, default="")

    class Meta:
        db_table = "asset_aliases"
        verbose_name = _("asset alias")
        verbose_name_plural = _("asset aliases")

    def __str__(self) -> str:
        return f"{self.ticker} ({self.asset_id})"


class Venue(GovernedRow):
    """A place to trade. `adapter` names the module in trading.venues; the address comes from the environment."""

    class Kind(models.TextChoices):
        ORDER_BOOK = "order_book", _("order book")
        RFQ = "rfq", _("request for quote")
        AMM = "amm", _("automated market maker")

    slug = models.SlugField(unique=True, max_length=32)
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    adapter = models.CharField(_("adapter"), max_length=32)

    class Meta:
        db_table = "venues"
        verbose_name = _("venue")
        verbose_name_plural = _("venues")

    def __str__(self) -> str:
        return self.name


class VenueAccount(GovernedRow):
    """One of our accounts at a venue; its credential is found in the environment under the slug's name, never here."""

    venue = models.ForeignKey(Venue, models.PROTECT, related_name="accounts")
    slug = models.SlugField(unique=True, max_length=48)

    class Meta:
        db_table = "venue_accounts"
        verbose_name = _("venue account")
        verbose_name_plural = _("venue accounts")

    def __str__(self) -> str:
        return self.slug


class Market(GovernedRow):
    """A pair on a venue, traded through one account. `lot_size` is fixed: risk aversion is per lot.

    A linear perpetual holds no base: its position is what its fills come to, and everything is paid in the quote asset.
    """

    class Instrument(models.TextChoices):
        SPOT = "spot", _("spot")
        LINEAR_PERPETUAL = "linear_perpetual", _("linear perpetual")

    slug = models.SlugField(unique=True, max_length=48)
    account = models.ForeignKey(VenueAccount, models.PROTECT, related_name="markets")
    base = models.ForeignKey(Asset, models.PROTECT, related_name="+")
    quote = models.ForeignKey(Asset, models.PROTECT, related_name="+")
    venue_symbol = models.CharField(_("symbol on the venue"), max_length=40)
    lot_size = money(verbose_name=_("lot size (base)"))
    instrument = models.CharField(
        _("instrument"), max_length=16, choices=Instrument.choices, default=Instrument.SPOT, db_default=Instrument.SPOT
    )
    contract_value = money(
        verbose_name=_("base units per contract"),
        default=1,
        db_default=1,
        help_text=_("What one unit of size is worth on the venue; 1 for spot. All sizes here are base units."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    source_label = models.CharField(
        _("what the prices are"),
        max_length=120,
        blank=True,
        default="",
        help_text=_("Shown wherever the market is shown."),
    )

    demanded_gates = models.CharField(
        _("gates it demands"),
        max_length=120,
        blank=True,
        default="",
        db_default="",
        help_text=_("Names in order, with commas. While one of them is not open, the market only reduces."),
    )

    class Meta:
        db_table = "markets"
        verbose_name = _("market")
        verbose_name_plural = _("markets")
        constraints = [
            models.UniqueConstraint(fields=["account", "venue_symbol"], name="market_symbol_once_per_account"),
            models.CheckConstraint(condition=models.Q(lot_size__gt=0), name="market_lot_size_positive"),
            models.CheckConstraint(condition=models.Q(contract_value__gt=0), name="market_contract_positive"),
            models.CheckConstraint(
                condition=~models.Q(instrument="spot") | models.Q(contract_value=1), name="market_spot_counts_base"
            ),
            models.CheckConstraint(
                condition=models.Q(demanded_gates__regex=rf"^(({_GATE})(,({_GATE}))*)?$"),
                name="market_demands_known_gates",
            ),
        ]

    def __str__(self) -> str:
        return self.slug
