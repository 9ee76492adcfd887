"""The treasury: labelled wallets and what they held, buybacks, rewards for liquidity.

What is made up for the demonstration says so in every row (`is_demo`), and one installation holds rows of one sort only: every
table's `is_demo` refers to the one row of `treasury_declaration` (trading/sql/treasury.sql). Amounts are units of their asset.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from trading.models.fields import money
from trading.models.registry import Asset, GovernedRow, Market

# Between two buybacks, whatever their programmes say.
LEAST_INTERVAL_H: Final = 4
LEAST_INTERVAL_S: Final = LEAST_INTERVAL_H * 3600
# Of the average daily volume, our own left out.
MOST_VOLUME_SHARE: Final = Decimal("0.25")
DEMONSTRATION: Final = "demonstration"
# No amount is as large. NaN, which PostgreSQL holds to be larger than any number and which `> 0` lets pass, is not below it.
ABOVE_ANY_AMOUNT: Final = Decimal(10) ** 19
# What rounding an average price or a cost may make of the product: one part in a million, and the smallest unit of a stablecoin.
COST_SHARE_KEPT: Final = Decimal("0.999999")
COST_ROUNDING: Final = Decimal("0.000001")
# One spelling for one wallet: workchain and hash, as the chain keeps it.
RAW_ADDRESS: Final = r"^(0|-1):[0-9a-f]{64}$"


def _is_demo() -> models.BooleanField:
    return models.BooleanField(_("made up for the demonstration"))


def _number_or_none(name: str) -> Q:
    return Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__gt": 0, f"{name}__lt": ABOVE_ANY_AMOUNT})


class TreasuryDeclaration(models.Model):
    """The one row that says whether this installation's treasury is real or a demonstration; it never changes."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    is_demo = models.BooleanField(_("made up for the demonstration"), unique=True)
    declared_at = models.DateTimeField(_("declared at"))

    class Meta:
        db_table = "treasury_declaration"
        verbose_name = _("declaration of the treasury")
        verbose_name_plural = _("declarations of the treasury")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="treasury_declared_once")]

    def __str__(self) -> str:
        return DEMONSTRATION if self.is_demo else "real"


class TreasuryWallet(GovernedRow):
    """A wallet of the treasury under its label. Which wallet a row means never changes."""

    class Network(models.TextChoices):
        MAINNET = "ton-mainnet", _("TON")
        TESTNET = "ton-testnet", _("TON test network")
        DEMONSTRATION = DEMONSTRATION, _("demonstration, on no chain")

    class Purpose(models.TextChoices):
        RESERVE = "reserve", _("reserve")
        BUYBACKS = "buybacks", _("buybacks")
        REWARDS = "rewards", _("rewards for liquidity")

    slug = models.SlugField(unique=True, max_length=48)
    label = models.CharField(_("label"), max_length=80)
    address = models.CharField(_("address"), max_length=68, help_text=_("Raw form: workchain, colon, hash."))
    network = models.CharField(_("network"), max_length=16, choices=Network.choices)
    purpose = models.CharField(_("purpose"), max_length=16, choices=Purpose.choices)
    is_demo = _is_demo()
    registered_at = models.DateTimeField(_("registered at"))
    retired_at = models.DateTimeField(_("retired at"), null=True, blank=True)

    class Meta:
        db_table = "treasury_wallets"
        verbose_name = _("wallet of the treasury")
        verbose_name_plural = _("wallets of the treasury")
        constraints = [
            models.UniqueConstraint(fields=["network", "address"], name="treasury_wallet_once"),
            models.CheckConstraint(condition=Q(address__regex=RAW_ADDRESS), name="treasury_wallet_raw_address"),
            models.CheckConstraint(
                condition=Q(is_demo=True, network=DEMONSTRATION) | (Q(is_demo=False) & ~Q(network=DEMONSTRATION)),
                name="treasury_wallet_says_demo",
            ),
        ]

    def __str__(self) -> str:
        return self.slug


class TreasuryBalance(models.Model):
    """What a wallet held of an asset, as a source told it at a time. Append-only."""

    id = models.BigAutoField(primary_key=True)
    wallet = models.ForeignKey(TreasuryWallet, models.PROTECT, related_name="balances")
    asset = models.ForeignKey(Asset, models.PROTECT, related_name="+")
    amount = money(verbose_name=_("amount"))
    observed_at = models.DateTimeField(_("observed at"))
    source = models.CharField(_("source"), max_length=48)
    block_seqno = models.BigIntegerField(_("masterchain block"), null=True, blank=True)
    is_demo = _is_demo()

    class Meta:
        db_table = "treasury_balances"
        verbose_name = _("balance of the treasury")
        verbose_name_plural = _("balances of the treasury")
        constraints = [
            models.UniqueConstraint(fields=["wallet", "asset", "observed_at"], name="treasury_balance_once"),
            models.CheckConstraint(
                condition=Q(amount__gte=0, amount__lt=ABOVE_ANY_AMOUNT), name="treasury_balance_not_negative"
            ),
        ]
        indexes = [models.Index(fields=["asset", "-observed_at"], name="treasury_balances_by_time")]

    def __str__(self) -> str:
        return f"{self.wallet_id} {self.asset_id} {self.amount}"


class BuybackProgramme(GovernedRow):
    """What may be bought back, from which wallet, how much and how often. The house's own limits bound every programme."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("active")
        PAUSED = "paused", _("paused")
        ENDED = "ended", _("ended")

    slug = models.SlugField(unique=True, max_length=48)
    purpose = models.CharField(_("purpose"), max_length=200)
    market = models.ForeignKey(Market, models.PROTECT, related_name="+")
    wallet = models.ForeignKey(TreasuryWallet, models.PROTECT, related_name="+")
    execution_cap_quote = money(verbose_name=_("cap of one execution (quote)"))
    day_cap_quote = money(verbose_name=_("cap of any 24 hours (quote)"))
    total_cap_quote = money(verbose_name=_("cap of the programme (quote)"))
    interval_s = models.PositiveIntegerField(_("least seconds between two executions"))
    volume_share = models.DecimalField(
        _("largest share of the average daily volume"), max_digits=5, decimal_places=4, default=MOST_VOLUME_SHARE
    )
    status = models.CharField(_("status"), max_length=8, choices=Status.choices)
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    is_demo = _is_demo()

    class Meta:
        db_table = "buyback_programmes"
        verbose_name = _("buyback programme")
        verbose_name_plural = _("buyback programmes")
        constraints = [
            models.CheckConstraint(condition=Q(interval_s__gte=LEAST_INTERVAL_S), name="buyback_programme_interval"),
            models.CheckConstraint(
                condition=Q(volume_share__gt=0, volume_share__lte=MOST_VOLUME_SHARE), name="buyback_programme_volume"
            ),
            models.CheckConstraint(
                condition=Q(execution_cap_quote__gt=0)
                & Q(day_cap_quote__gte=F("execution_cap_quote"))
                & Q(total_cap_quote__gte=F("day_cap_quote"), total_cap_quote__lt=ABOVE_ANY_AMOUNT),
                name="buyback_programme_caps_ordered",
            ),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="buyback_programme_period"),
        ]

    def __str__(self) -> str:
        return self.slug


class Buyback(models.Model):
    """One turn of a programme: written before its order is sent (`submitted`), settled once, or skipped with the reason.

    `reference_price` is the larger of the best independent bid and the last independent trade: no price may be above it. A
    `submitted` row counts as executed for its whole `most_cost` until it is settled.
    """

    class Outcome(models.TextChoices):
        SUBMITTED = "submitted", _("submitted")
        EXECUTED = "executed", _("executed")
        FAILED = "failed", _("nothing was bought")
        SKIPPED = "skipped", _("skipped")

    id = models.BigAutoField(primary_key=True)
    programme = models.ForeignKey(BuybackProgramme, models.PROTECT, related_name="buybacks")
    at = models.DateTimeField(_("at"))
    outcome = models.CharField(_("outcome"), max_length=9, choices=Outcome.choices)
    reason = models.CharField(_("coded reason"), max_length=40, blank=True, default="")
    venue = models.CharField(_("venue"), max_length=32)
    reference_price = money(verbose_name=_("independent reference price"), null=True, blank=True)
    most_cost = money(verbose_name=_("most that it may cost (quote)"), null=True, blank=True)
    size = money(verbose_name=_("bought (base)"), null=True, blank=True)
    price = money(verbose_name=_("average price"), null=True, blank=True)
    cost = money(verbose_name=_("paid, fees included (quote)"), null=True, blank=True)
    reference = models.CharField(_("order or transaction"), max_length=120, blank=True, default="")
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)
    is_demo = _is_demo()

    class Meta:
        db_table = "buybacks"
        verbose_name = _("buyback")
        verbose_name_plural = _("buybacks")
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(outcome="submitted", reason="", reference_price__isnull=False, most_cost__isnull=False)
                    & Q(size__isnull=True, price__isnull=True, cost__isnull=True, settled_at__isnull=True)
                )
                | (
                    # What is not there is compared as "unknown", which a check lets pass: each is demanded.
                    Q(outcome="executed", reason="", reference_price__isnull=False, most_cost__isnull=False)
                    & Q(size__isnull=False, price__isnull=False, cost__isnull=False, settled_at__isnull=False)
                    & Q(cost__lte=F("most_cost"))
                    & Q(price__lte=F("reference_price"))
                    & Q(cost__gte=F("size") * F("price") * COST_SHARE_KEPT - COST_ROUNDING)
                    & ~Q(reference="")
                )
                | (
                    Q(outcome__in=["failed", "skipped"], settled_at__isnull=False)
                    & ~Q(reason="")
                    & Q(size__isnull=True, price__isnull=True, cost__isnull=True)
                ),
                name="buyback_is_whole",
            ),
            models.CheckConstraint(
                condition=_number_or_none("reference_price")
                & _number_or_none("most_cost")
                & _number_or_none("size")
                & _number_or_none("price")
                & _number_or_none("cost"),
                name="buyback_amounts_are_numbers",
            ),
        ]
        indexes = [models.Index(fields=["-at"], name="buybacks_by_time")]

    def __str__(self) -> str:
        return f"{self.programme_id} {self.at:%Y-%m-%d %H:%M} {self.outcome}"


class RewardEpoch(GovernedRow):
    """A period whose liquidity is rewarded. `budget` is what its computation shares out; neither it nor payouts pass the cap."""

    number = models.PositiveIntegerField(_("number"), unique=True)
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    asset = models.ForeignKey(Asset, models.PROTECT, related_name="+")
    cap = money(verbose_name=_("cap"))
    budget = money(verbose_name=_("budget"))
    computed_at = models.DateTimeField(_("computed at"), null=True, blank=True)
    is_demo = _is_demo()

    class Meta:
        db_table = "reward_epochs"
        verbose_name = _("epoch of rewards")
        verbose_name_plural = _("epochs of rewards")
        constraints = [
            models.CheckConstraint(
                condition=Q(budget__gte=0) & Q(cap__gt=0, cap__lt=ABOVE_ANY_AMOUNT) & Q(budget__lte=F("cap")),
                name="reward_epoch_within_cap",
            ),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="reward_epoch_period"),
        ]

    def __str__(self) -> str:
        return str(self.number)


class RewardPayout(models.Model):
    """One participant's reward of an epoch, with everything that it was computed from. Append-only."""

    id = models.BigAutoField(primary_key=True)
    epoch = models.ForeignKey(RewardEpoch, models.PROTECT, related_name="payouts")
    participant = models.CharField(_("participant (address)"), max_length=68)
    uptime_share = models.DecimalField(_("uptime (share 0..1)"), max_digits=7, decimal_places=6)
    depth_quote = money(verbose_name=_("mean depth (quote)"))
    tightness_share = models.DecimalField(_("tightness (share 0..1)"), max_digits=7, decimal_places=6)
    adverse_selection_quote = money(verbose_name=_("adverse selection (quote)"))
    score = money(verbose_name=_("score"))
    amount = money(verbose_name=_("amount"))
    paid_at = models.DateTimeField(_("paid at"))
    reference = models.CharField(_("transaction"), max_length=120)
    is_demo = _is_demo()

    class Meta:
        db_table = "reward_payouts"
        verbose_name = _("reward")
        verbose_name_plural = _("rewards")
        constraints = [
            models.UniqueConstraint(fields=["epoch", "participant"], name="reward_payout_once"),
            models.CheckConstraint(
                condition=Q(amount__gt=0, score__gt=0, depth_quote__gte=0, adverse_selection_quote__gte=0)
                & Q(amount__lt=ABOVE_ANY_AMOUNT, score__lt=ABOVE_ANY_AMOUNT, depth_quote__lt=ABOVE_ANY_AMOUNT)
                & Q(adverse_selection_quote__lt=ABOVE_ANY_AMOUNT)
                & Q(uptime_share__gte=0, uptime_share__lte=Decimal(1))
                & Q(tightness_share__gte=0, tightness_share__lte=Decimal(1)),
                name="reward_payout_sound",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.epoch_id} {self.participant}"
