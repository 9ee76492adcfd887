"""The shapes of the public API, for its description."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


def amount(help_text: str) -> serializers.CharField:
    """Plain digits in a string, or null while not known."""
    return serializers.CharField(allow_null=True, help_text=help_text)


class DepthSerializer(serializers.Serializer[Any]):
    band_pct = serializers.CharField(help_text="Distance from the mid in percent, each way.")
    bid = serializers.CharField(help_text="Quote value of all buy offers inside the band.")
    ask = serializers.CharField(help_text="Quote value of all sell offers inside the band.")
    our_bid = serializers.CharField(help_text="Our part of `bid`.")
    our_ask = serializers.CharField(help_text="Our part of `ask`.")
    is_complete = serializers.BooleanField(
        help_text="False: the venue tells its book only to somewhere inside the band; depth is at least this."
    )


class DayPnlSerializer(serializers.Serializer[Any]):
    day = serializers.DateField(help_text="The first of the days, complete (Indian/Maldives).")
    last_day = serializers.DateField(help_text="The last of the days: the same, unless the policy sums several.")
    pnl = amount("P&L of those days in quote units, fees included.")


class QuotesSerializer(serializers.Serializer[Any]):
    """Identity, state, prices, our quotes, ages: live."""

    slug = serializers.CharField()
    venue = serializers.CharField()
    venue_name = serializers.CharField()
    base = serializers.CharField()
    quote = serializers.CharField()
    symbol = serializers.CharField()
    instrument = serializers.CharField(help_text="spot or linear_perpetual. Sizes are base units in either case.")
    source_label = serializers.CharField(help_text="What the prices are, e.g. a recorded market, rescaled.")
    state = serializers.CharField(help_text="ACTIVE, REDUCING, PAUSED or HALTED.")
    mid = amount("Reference price, our own orders taken out.")
    mid_source = serializers.CharField(help_text="book, last_trade, other_market, none.")
    bid = amount("Our best buy quote.")
    bid_size = amount("Base quantity of our buy quotes.")
    ask = amount("Our best sell quote.")
    ask_size = amount("Base quantity of our sell quotes.")
    market_bid = amount("Best buy offer of everybody on the venue.")
    market_ask = amount("Best sell offer of everybody on the venue.")
    spread_bps = amount("Our full spread in basis points.")
    market_spread_bps = amount("The venue's full spread in basis points.")
    depth = DepthSerializer(many=True)
    feed_age_s = serializers.FloatField(allow_null=True, help_text="Seconds since the venue last proved to be alive.")
    parameter_version = serializers.IntegerField(allow_null=True)
    price_decimals = serializers.IntegerField()
    size_decimals = serializers.IntegerField()
    updated_at = serializers.DateTimeField(allow_null=True)


class PublicMarketSerializer(QuotesSerializer):
    """Inventory is rounded and late, P&L by complete day."""

    outcome = serializers.CharField(help_text="quoting, one_sided, not_quoting or unknown.")
    inventory = amount("Base units, rounded to `inventory_step`, `inventory_delay_s` late.")
    inventory_target = amount("Base units the market maker returns to.")
    inventory_step = amount("What inventory is rounded to.")
    inventory_at = serializers.DateTimeField(allow_null=True)
    inventory_delay_s = serializers.IntegerField()
    publication_version = serializers.IntegerField(help_text="Version of the publication policy in force.")
    uptime = amount("Share (0..1) of time with both quotes resting, last 24 h.")
    uptime_minutes = serializers.IntegerField()
    uptime_since = serializers.DateTimeField(allow_null=True)
    volume = amount("Quote value of our fills in the 24 h up to `volume_until`, rounded to `volume_step`.")
    volume_step = amount("5 % of the hard limit at the reference price of `volume_until`.")
    volume_until = serializers.DateTimeField(help_text="End of the last complete hour (UTC).")
    daily_pnl = DayPnlSerializer(many=True)
    figures_at = serializers.DateTimeField(allow_null=True)


class PublicHistorySerializer(serializers.Serializer[Any]):
    """Columns of equal length, oldest first."""

    market = serializers.CharField()
    seconds = serializers.IntegerField()
    t = serializers.ListField(child=serializers.FloatField(), help_text="Seconds since 1970-01-01 UTC.")
    mid = serializers.ListField(child=serializers.CharField(allow_null=True))
    bid = serializers.ListField(child=serializers.CharField(allow_null=True))
    ask = serializers.ListField(child=serializers.CharField(allow_null=True))


class PublicTableSerializer(serializers.Serializer[Any]):
    """A table: `columns` once, then each row in their order. Amounts are plain digits in strings, null where not known."""

    name = serializers.CharField()
    market = serializers.CharField(required=False)
    metric = serializers.CharField(required=False)
    unit = serializers.CharField(required=False)
    data = serializers.CharField(required=False, help_text="Of the treasury: real, demonstration (made up), or none.")
    notice = serializers.CharField(required=False, help_text="What must be known before the figures are used.")
    left_off = serializers.BooleanField(
        required=False, help_text="Whether rows of the range are missing because there are too many: ask for less."
    )
    epoch = serializers.IntegerField(required=False, help_text="The epoch of rewards that was asked for.")
    bucket = serializers.CharField(required=False, help_text="minute, hour or day (Indian/Maldives).")
    definition = serializers.CharField(help_text="Address of the definition of these figures.")
    source = serializers.CharField(help_text="Where the figures come from.")
    as_of = serializers.DateTimeField(allow_null=True, help_text="When the figures were last brought up to date.")
    publication = serializers.DictField(help_text="The publication policy that they follow, with its version.")
    columns = serializers.ListField(child=serializers.CharField())
    rows = serializers.ListField(child=serializers.ListField(child=serializers.CharField(allow_null=True)))
