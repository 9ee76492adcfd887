"""The shapes of the staff API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from governance.access.second_factor import CODE_MAX
from governance.access.security_keys import ANSWER_MAX
from trading.controls.services import REASON_MAX, REASON_MIN
from trading.models import Decision, Fill, Order


class LimitsSerializer(serializers.Serializer[Any]):
    """Base units; all but `target` are distances from it."""

    target = serializers.CharField()
    taper = serializers.CharField()
    soft = serializers.CharField()
    hard = serializers.CharField()


class StateReasonSerializer(serializers.Serializer[Any]):
    scope = serializers.CharField()
    state = serializers.CharField()
    rule = serializers.CharField(help_text='"control" for what a person set, else the rule that imposed it.')
    reason = serializers.CharField()
    actor = serializers.CharField()
    since = serializers.DateTimeField()


class ForeignOrderSerializer(serializers.Serializer[Any]):
    """An order on the account that nobody here sent."""

    client_order_id = serializers.CharField()
    side = serializers.CharField()
    price = serializers.CharField()
    remaining = serializers.CharField()
    policy = serializers.CharField(help_text='"cancel": it goes; "adopt": it stays and counts in worst-case exposure.')


class StatusSerializer(serializers.Serializer[Any]):
    """One market, everything the desk sees; money, prices and sizes as strings, null while not known."""

    slug = serializers.CharField()
    venue = serializers.CharField()
    state = serializers.CharField(help_text="ACTIVE, REDUCING, PAUSED or HALTED: the strictest of control and locks.")
    state_reasons = StateReasonSerializer(many=True)
    mid = serializers.CharField(allow_null=True)
    bid = serializers.CharField(allow_null=True)
    bid_size = serializers.CharField(allow_null=True)
    ask = serializers.CharField(allow_null=True)
    ask_size = serializers.CharField(allow_null=True)
    spread_bps = serializers.CharField(allow_null=True)
    inventory = serializers.CharField(allow_null=True)
    from_target = serializers.CharField(allow_null=True, help_text="Inventory minus its target, base units.")
    limits = LimitsSerializer(allow_null=True)
    realised_pnl = serializers.CharField(allow_null=True)
    unrealised_pnl = serializers.CharField(allow_null=True)
    total_pnl = serializers.CharField(allow_null=True)
    fees = serializers.CharField(allow_null=True)
    instrument = serializers.CharField(help_text="spot or linear_perpetual.")
    funding = serializers.CharField(
        allow_null=True, help_text="Of a perpetual: received (positive) or paid, quote units."
    )
    funding_rate_bps = serializers.CharField(allow_null=True, help_text="What a long position pays next, bps.")
    funding_at = serializers.DateTimeField(allow_null=True, help_text="When it does.")
    open_orders = serializers.IntegerField(allow_null=True, help_text="Of ours.")
    foreign_orders = ForeignOrderSerializer(many=True)
    fills = serializers.IntegerField()
    feed_age_s = serializers.FloatField(allow_null=True)
    cycle_age_s = serializers.FloatField(allow_null=True)
    parameter_version = serializers.IntegerField(allow_null=True)
    sigma = serializers.FloatField(allow_null=True)
    regime = serializers.CharField()
    outcome = serializers.CharField()
    sentence = serializers.CharField(help_text="Why the market is or is not quoting.")
    updated_at = serializers.DateTimeField(allow_null=True)


class StaffHistorySerializer(serializers.Serializer[Any]):
    """Columns of equal length, oldest first."""

    market = serializers.CharField()
    seconds = serializers.IntegerField()
    t = serializers.ListField(child=serializers.FloatField())
    mid = serializers.ListField(child=serializers.CharField(allow_null=True))
    bid = serializers.ListField(child=serializers.CharField(allow_null=True))
    ask = serializers.ListField(child=serializers.CharField(allow_null=True))
    inventory = serializers.ListField(child=serializers.CharField(allow_null=True))
    realised = serializers.ListField(child=serializers.CharField(allow_null=True))
    unrealised = serializers.ListField(child=serializers.CharField(allow_null=True))


class FillSerializer(serializers.ModelSerializer[Fill]):
    market = serializers.CharField(source="market.slug")

    class Meta:
        model = Fill
        fields = [
            "id", "market", "venue", "account", "symbol", "trade_id", "order_id", "client_order_id", "side", "price", "size",
            "maker", "fee", "fee_asset", "fee_rate", "mid_at_fill", "parameter_version", "source", "ledger_seq",
            "executed_at", "booked_at",
        ]  # fmt: skip


class OrderSerializer(serializers.ModelSerializer[Order]):
    market = serializers.CharField(source="market.slug")

    class Meta:
        model = Order
        fields = [
            "client_order_id", "market", "venue_order_id", "side", "level", "epoch", "price", "size", "filled", "status",
            "reason", "deadline_at", "correlation_id", "parameter_version", "created_at", "updated_at",
        ]  # fmt: skip


class DecisionSerializer(serializers.ModelSerializer[Decision]):
    class Meta:
        model = Decision
        fields = [
            "id", "at", "market", "cycle_id", "outcome", "reason", "parameter_version", "code_version", "epoch", "duration_ms",
            "inputs", "result", "orders",
        ]  # fmt: skip


class ParameterVersionSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    applied_at = serializers.DateTimeField()
    actor = serializers.CharField()
    reason = serializers.CharField()
    authorised_by = serializers.CharField()
    values_hash = serializers.CharField()
    values = serializers.DictField(
        child=serializers.CharField(), help_text="By parameter name; units are in the schema of parameters."
    )
    changed = serializers.ListField(
        child=serializers.CharField(), help_text="Names that differ from the version before."
    )


class ProofSerializer(serializers.Serializer[Any]):
    """The second factor of what loosens."""

    code = serializers.CharField(
        required=False, max_length=CODE_MAX, help_text="A fresh code of your app; needed for what loosens."
    )
    assertion = serializers.CharField(
        required=False, max_length=ANSWER_MAX, help_text="Or your security key's answer, as JSON."
    )


class ControlCommandSerializer(ProofSerializer):
    scope = serializers.CharField(max_length=48, help_text='"desk" or a market\'s slug.')
    state = serializers.ChoiceField(choices=["ACTIVE", "REDUCING", "PAUSED", "HALTED"])
    reason = serializers.CharField(min_length=REASON_MIN, max_length=REASON_MAX)


class ControlResultSerializer(serializers.Serializer[Any]):
    scope = serializers.CharField()
    state = serializers.CharField(help_text="The control that stands now; locks may make the state in force stricter.")
    version = serializers.IntegerField()
    repeated = serializers.BooleanField(
        help_text="True: this key had been used for this command before; nothing was done again."
    )
    changed = serializers.BooleanField(help_text="False: the control already said so; nothing was written.")


class KillCommandSerializer(serializers.Serializer[Any]):
    scope = serializers.CharField(max_length=48, help_text='"desk" or a market\'s slug.')
    reason = serializers.CharField(min_length=REASON_MIN, max_length=REASON_MAX)


class MarketClearedSerializer(serializers.Serializer[Any]):
    slug = serializers.CharField()
    cancelled = serializers.IntegerField(help_text="Orders that went.")
    resting = serializers.IntegerField(
        allow_null=True, help_text="Orders the venue still showed; null: it could not be asked."
    )
    by = serializers.CharField(help_text='"watchdog", or "direct" where it did not answer in time.')


class KillResultSerializer(serializers.Serializer[Any]):
    gate = ControlResultSerializer()
    markets = MarketClearedSerializer(many=True)
    took_s = serializers.FloatField(help_text="Until the last venue showed none, or until giving up.")
    is_clear = serializers.BooleanField(help_text="The gate is closed and no venue shows an order.")


class ResumeAskSerializer(serializers.Serializer[Any]):
    scope = serializers.CharField(max_length=48, help_text='"desk" or a market\'s slug.')
    rule = serializers.CharField(max_length=48, default="kill", help_text='The rule of the lock to lift, or "kill".')
    reason = serializers.CharField(min_length=REASON_MIN, max_length=REASON_MAX)
