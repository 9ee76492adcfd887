"""The ledger: fills, positions, cash. PostgreSQL is the commit point; everything `Decimal`."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from trading.models.fields import money
from trading.models.registry import Asset, Market, VenueAccount


class Fill(models.Model):
    """One execution, counted once. Append-only but for a missing fee, which is written once (trigger)."""

    id = models.BigAutoField(primary_key=True)
    market = models.ForeignKey(Market, models.PROTECT, related_name="fills")
    venue = models.CharField(_("venue"), max_length=32)
    account = models.CharField(_("account"), max_length=48)
    symbol = models.CharField(_("symbol on the venue"), max_length=40)
    trade_id = models.CharField(_("trade id"), max_length=80)
    order_id = models.CharField(_("venue order id"), max_length=80)
    client_order_id = models.CharField(_("client order id"), max_length=40, blank=True, default="")
    side = models.CharField(_("side"), max_length=4, choices=[("buy", _("buy")), ("sell", _("sell"))])
    price = money(verbose_name=_("price"))
    size = money(verbose_name=_("size"))
    maker = models.BooleanField(_("maker"), default=True)
    fee = money(verbose_name=_("fee paid"), null=True, blank=True)
    fee_asset = models.CharField(_("fee asset"), max_length=32, blank=True, default="")
    fee_rate = money(verbose_name=_("quote per fee asset, frozen"), null=True, blank=True)
    realised_pnl = money(
        verbose_name=_("settled by the venue (quote)"),
        null=True,
        blank=True,
        help_text=_("Of a perpetual: what the venue paid for the part that closed. Empty for spot."),
    )
    parameter_version = models.PositiveIntegerField(_("parameter version"), null=True)
    mid_at_fill = money(verbose_name=_("reference price when booked"), null=True, blank=True)
    source = models.CharField(_("source"), max_length=16)
    ledger_seq = models.BigIntegerField(_("ledger number"))
    executed_at = models.DateTimeField(_("executed at (venue clock)"), db_index=True)
    booked_at = models.DateTimeField(_("booked at"))

    class Meta:
        db_table = "fills"
        verbose_name = _("fill")
        verbose_name_plural = _("fills")
        constraints = [
            models.UniqueConstraint(
                fields=["venue", "account", "symbol", "trade_id", "order_id"], name="fill_counted_once"
            ),
            models.CheckConstraint(condition=models.Q(price__gt=0) & models.Q(size__gt=0), name="fill_positive"),
        ]
        indexes = [models.Index(fields=["market", "-executed_at"], name="fills_by_time")]

    def __str__(self) -> str:
        return f"{self.symbol} {self.side} {self.size} @ {self.price}"


class FillQuarantine(models.Model):
    """A fill that contradicts one already booked, or that cannot be understood; never applied by itself."""

    id = models.BigAutoField(primary_key=True)
    venue = models.CharField(_("venue"), max_length=32)
    account = models.CharField(_("account"), max_length=48)
    trade_key = models.CharField(_("key"), max_length=200)
    content_hash = models.CharField(_("hash of the content"), max_length=64, unique=True)
    reason = models.CharField(_("reason"), max_length=64)
    body = models.JSONField(_("as received"))
    seen_at = models.DateTimeField(_("seen at"))
    resolved_at = models.DateTimeField(_("resolved at"), null=True, blank=True)
    resolution = models.TextField(_("resolution"), blank=True, default="")

    class Meta:
        db_table = "fill_quarantine"
        verbose_name = _("quarantined fill")
        verbose_name_plural = _("quarantined fills")

    def __str__(self) -> str:
        return self.trade_key


class Position(models.Model):
    """Position of one market: `realised + (q * mark - cost_basis) = cash_flow + q * mark`, to the last decimal.

    Of a perpetual, `realised` is exactly the money that moved (settled P&L, fees, funding), and `cost_basis` what the venue has
    not settled yet.
    """

    market = models.OneToOneField(Market, models.PROTECT, related_name="position")
    q = money(verbose_name=_("quantity (base, signed)"), default=0)
    cost_basis = money(verbose_name=_("signed cost basis (quote)"), default=0)
    realised = money(verbose_name=_("realised P&L (quote)"), default=0)
    cash_flow = money(verbose_name=_("cash flow (quote)"), default=0)
    fees = money(verbose_name=_("fees paid (quote)"), default=0)
    funding = money(verbose_name=_("funding received (quote)"), default=0, db_default=0)
    bought = money(verbose_name=_("bought (base)"), default=0)
    sold = money(verbose_name=_("sold (base)"), default=0)
    volume = money(verbose_name=_("volume (quote)"), default=0)
    fills = models.BigIntegerField(_("fills"), default=0)
    ledger_seq = models.BigIntegerField(_("ledger number"), default=0)
    updated_at = models.DateTimeField(_("updated at"))

    class Meta:
        db_table = "positions"
        verbose_name = _("position")
        verbose_name_plural = _("positions")

    def __str__(self) -> str:
        return f"{self.market_id}: {self.q}"


class CashBalance(models.Model):
    """What the ledger says an account holds of an asset (base assets included): the sum of its movements."""

    account = models.ForeignKey(VenueAccount, models.PROTECT, related_name="cash_balances")
    asset = models.ForeignKey(Asset, models.PROTECT, related_name="+")
    amount = money(verbose_name=_("amount"), default=0)

    class Meta:
        db_table = "cash_balances"
        verbose_name = _("balance")
        verbose_name_plural = _("balances")
        constraints = [models.UniqueConstraint(fields=["account", "asset"], name="cash_balance_once")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.asset_id}"


class CashMovement(models.Model):
    """One change of a balance, from a fill, fee, settled P&L, deposit, withdrawal, funding, rebate or adjustment. Append-only."""

    class Kind(models.TextChoices):
        FILL = "fill", _("fill")
        FEE = "fee", _("fee")
        SETTLEMENT = "settlement", _("settled P&L of a perpetual")
        DEPOSIT = "deposit", _("deposit")
        WITHDRAWAL = "withdrawal", _("withdrawal")
        FUNDING = "funding", _("funding")
        REBATE = "rebate", _("rebate")
        ADJUSTMENT = "adjustment", _("adjustment")

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(VenueAccount, models.PROTECT, related_name="+")
    asset = models.ForeignKey(Asset, models.PROTECT, related_name="+")
    market = models.ForeignKey(Market, models.PROTECT, related_name="+", null=True)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    key = models.CharField(_("what it comes from"), max_length=200)
    amount = money(verbose_name=_("amount"))
    rate = money(verbose_name=_("quote per asset, frozen"), null=True, blank=True)
    ledger_seq = models.BigIntegerField(_("ledger number"))
    executed_at = models.DateTimeField(_("executed at (venue clock)"))
    booked_at = models.DateTimeField(_("booked at"))

    class Meta:
        db_table = "cash_movements"
        verbose_name = _("cash movement")
        verbose_name_plural = _("cash movements")
        constraints = [models.UniqueConstraint(fields=["account", "asset", "kind", "key"], name="cash_movement_once")]
        indexes = [
            models.Index(fields=["account", "-id"], name="cash_by_account"),
            # Movements whose worth waits for a rate are looked for every second.
            models.Index(
                fields=["market"],
                name="cash_without_rate",
                condition=models.Q(rate__isnull=True, market__isnull=False),
            ),
            # Transfers are compared every minute, and are few among the movements of fills.
            models.Index(
                fields=["account", "executed_at"],
                name="cash_transfers_by_time",
                condition=models.Q(kind__in=["deposit", "withdrawal"]),
            ),
            # What moved a market's position beside its fills, for sums by minute.
            models.Index(
                fields=["market", "executed_at"],
                name="cash_beside_fills",
                condition=models.Q(
                    market__isnull=False, kind__in=["deposit", "withdrawal", "funding", "rebate", "adjustment"]
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.asset_id}"


class VenueCursor(models.Model):
    """How far an account's history was read; moves in the transaction that books what was read."""

    account = models.ForeignKey(VenueAccount, models.PROTECT, related_name="cursors")
    channel = models.CharField(_("channel"), max_length=24)
    cursor = models.CharField(_("cursor"), max_length=120, blank=True, default="")
    updated_at = models.DateTimeField(_("updated at"))

    class Meta:
        db_table = "venue_cursors"
        verbose_name = _("venue cursor")
        verbose_name_plural = _("venue cursors")
        constraints = [models.UniqueConstraint(fields=["account", "channel"], name="venue_cursor_once")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.channel}"


class MmState(models.Model):
    """Snapshot of a market's hot state, written every 60 s and at SIGTERM, never over a newer `ledger_seq`."""

    id = models.BigAutoField(primary_key=True)
    market = models.ForeignKey(Market, models.PROTECT, related_name="+")
    at = models.DateTimeField(_("at"), db_index=True)
    ledger_seq = models.BigIntegerField(_("ledger number"))
    state = models.CharField(_("trading state"), max_length=8)
    mid = money(verbose_name=_("reference price"), null=True)
    bid = money(verbose_name=_("our bid"), null=True)
    ask = money(verbose_name=_("our ask"), null=True)
    inventory = money(verbose_name=_("inventory (base)"))
    realised = money(verbose_name=_("realised P&L (quote)"))
    unrealised = money(verbose_name=_("unrealised P&L (quote)"), null=True)
    sigma = models.FloatField(_("sigma"), null=True)
    open_orders = models.PositiveIntegerField(_("open orders"))
    body = models.JSONField(_("snapshot"))

    class Meta:
        db_table = "mm_state"
        verbose_name = _("state snapshot")
        verbose_name_plural = _("state snapshots")
        constraints = [models.UniqueConstraint(fields=["market", "at"], name="mm_state_once")]

    def __str__(self) -> str:
        return f"{self.market_id} {self.at:%Y-%m-%d %H:%M:%S}"


class ReconciliationReport(models.Model):
    """One comparison of an account with its venue; `differences` is readable by a person."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(VenueAccount, models.PROTECT, related_name="+")
    at = models.DateTimeField(_("at"), db_index=True)
    trigger = models.CharField(_("trigger"), max_length=16)
    equal = models.BooleanField(_("equal"))
    differences = models.JSONField(_("differences"))
    watermark = models.CharField(_("watermark"), max_length=120, blank=True, default="")
    transfers_watermark = models.CharField(_("watermark of transfers"), max_length=120, blank=True, default="")
    duration_ms = models.FloatField(_("duration in ms"))

    class Meta:
        db_table = "reconciliation_reports"
        verbose_name = _("reconciliation report")
        verbose_name_plural = _("reconciliation reports")
        # The minute's comparison asks for the latest ones of its account.
        indexes = [models.Index(fields=["account", "-at"], name="reconciliations_by_account")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.at:%Y-%m-%d %H:%M:%S}"


class FundingReport(models.Model):
    """One comparison of an account's funding payments with its venue's; `differences` is readable by a person. Append-only."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(VenueAccount, models.PROTECT, related_name="+")
    at = models.DateTimeField(_("at"), db_index=True)
    equal = models.BooleanField(_("equal"))
    payments = models.PositiveIntegerField(_("payments at the venue"))
    booked_now = models.PositiveIntegerField(_("payments that were missing here and are booked now"))
    differences = models.JSONField(_("differences"))
    duration_ms = models.FloatField(_("duration in ms"))

    class Meta:
        db_table = "funding_reports"
        verbose_name = _("funding report")
        verbose_name_plural = _("funding reports")

    def __str__(self) -> str:
        return f"{self.account_id} {self.at:%Y-%m-%d %H:%M:%S}"
