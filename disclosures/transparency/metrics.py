"""The figures over time: each from the sums of one bucket, by one formula, declared once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from disclosures.models.measures import CLOSING
from disclosures.transparency.publication import CENT, Publication
from trading.market_status import text

RATIO: Final = Decimal("0.0001")
SIGMA: Final = Decimal("0.000000001")
Sums = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bucket:
    """The sums of one bucket with what its figures need besides. `inventory_base` is exact: only `policy` may round it."""

    sums: Sums
    seconds: int
    policy: Publication
    hard_limit: Decimal | None
    inventory_base: Decimal


@dataclass(frozen=True, slots=True)
class Metric:
    """`follows` says what of the policy bounds it: nothing but completeness ("market"), the granularity of quotes ("quotes"),
    complete hours after the delay ("volume"), both of these ("volume and quotes"), the delay ("inventory"),
    or complete periods ("profit")."""

    name: str
    definition: str
    unit: str
    source: str
    follows: str
    columns: tuple[str, ...]
    needs: tuple[str, ...]
    tell: Callable[[Bucket], tuple[str | None, ...]]


def _mean(total: Any, count: Any, step: Decimal) -> Decimal | None:
    return (Decimal(total) / Decimal(count)).quantize(step) if count else None


def _share(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    return (part / whole).quantize(RATIO) if part is not None and whole else None


def _spread(bucket: Bucket) -> tuple[str | None, ...]:
    sums = bucket.sums
    return (
        text(_mean(sums["our_spread_bps_sum"], sums["our_spread_samples"], CENT)),
        text(_mean(sums["market_spread_bps_sum"], sums["market_spread_samples"], CENT)),
    )


def _depth(band: str) -> Callable[[Bucket], tuple[str | None, ...]]:
    names = tuple(f"depth_{band}_{side}_quote" for side in ("our_bid", "our_ask", "bid", "ask"))

    def tell(bucket: Bucket) -> tuple[str | None, ...]:
        known = [_mean(bucket.sums[name], bucket.sums["depth_samples"], CENT) for name in names]
        our_bid, our_ask, bid, ask = known
        if our_bid is None or our_ask is None or bid is None or ask is None:
            return (None,) * 5
        return (*(text(each) for each in (our_bid, our_ask, bid, ask)), text(_share(our_bid + our_ask, bid + ask)))

    return tell


def _depth_metric(name: str, band: str, percent: str) -> Metric:
    columns = ("our_bid_quote", "our_ask_quote", "bid_quote", "ask_quote", "our_share")
    needs = ("depth_samples", *(f"depth_{band}_{side}_quote" for side in ("our_bid", "our_ask", "bid", "ask")))
    source = f"One sample a minute of the venue's order book and our orders, within {percent} % of the reference price."
    return Metric(name, "average", "quote units; share 0..1", source, "quotes", columns, needs, _depth(band))


def _uptime(bucket: Bucket) -> tuple[str | None, ...]:
    # A minute that left no trace at all is a gap; in larger buckets it is time without quotes.
    if bucket.seconds <= 60 and not bucket.sums["cycles"] and not bucket.sums["samples"]:
        return None, None
    return tuple(text(_mean(bucket.sums[name], bucket.seconds, RATIO)) for name in ("quoting_s", "one_sided_s"))


def our_volume(bucket: Bucket) -> Decimal | None:
    """Our volume as the public sees it: the base quantity rounded, valued at the bucket's closing reference price."""
    base = bucket.policy.rounded(bucket.sums["bought_base"] + bucket.sums["sold_base"], bucket.hard_limit)
    price = bucket.sums[CLOSING]
    return None if base is None or price is None else (base * price).quantize(CENT)


def _volume(bucket: Bucket) -> tuple[str | None, ...]:
    ours, sums = our_volume(bucket), bucket.sums
    # Ours counts every minute: beside a market of which some are missing it would look larger than it is.
    is_whole = sums["market_volume_minutes"] * 60 == bucket.seconds
    market = sums["market_volume_quote"].quantize(CENT) if is_whole else None
    # A rounded part may pass a small whole.
    share = _share(ours, market)
    return text(ours), text(market), text(None if share is None else min(share, Decimal(1)))


def _fill_rate(bucket: Bucket) -> tuple[str | None, ...]:
    sums = bucket.sums
    depth = _mean(sums["depth_2_our_bid_quote"] + sums["depth_2_our_ask_quote"], sums["depth_samples"], CENT)
    return (text(_share(our_volume(bucket), depth)),)


def _inventory(bucket: Bucket) -> tuple[str | None, ...]:
    return (text(bucket.policy.rounded(bucket.inventory_base, bucket.hard_limit)),)


def _volatility(bucket: Bucket) -> tuple[str | None, ...]:
    sums = bucket.sums
    told = sum(sums[f"{regime}_samples"] for regime in ("calm", "normal", "stressed"))
    shares = (_mean(sums[f"{regime}_samples"], told, RATIO) for regime in ("calm", "normal", "stressed"))
    return text(_mean(sums["sigma_sum"], sums["sigma_samples"], SIGMA)), *(text(share) for share in shares)


def _regime_minutes(bucket: Bucket) -> tuple[str | None, ...]:
    return tuple(str(bucket.sums[name]) for name in _REGIMES)


_REGIMES: Final = ("calm_samples", "normal_samples", "stressed_samples")
_STATES: Final = ("active", "reducing", "paused", "halted")


def _states(bucket: Bucket) -> tuple[str | None, ...]:
    return tuple(text(_mean(bucket.sums[f"{state}_samples"], bucket.sums["samples"], RATIO)) for state in _STATES)


def _no_sums(bucket: Bucket) -> tuple[str | None, ...]:
    raise NotImplementedError("P&L is told by period, not by bucket")


_OURS: Final = ("bought_base", "sold_base", CLOSING)
METRICS: Final = {
    metric.name: metric
    for metric in (
        Metric(
            "spread", "average", "bps", "One sample a minute of our quotes and the venue's order book.", "quotes",
            ("ours_bps", "market_bps"),
            ("our_spread_bps_sum", "our_spread_samples", "market_spread_bps_sum", "market_spread_samples"), _spread,
        ),
        _depth_metric("depth_05", "05", "0.5"),
        _depth_metric("depth_1", "1", "1"),
        _depth_metric("depth_2", "2", "2"),
        Metric(
            "uptime", "uptime-history", "share 0..1", "Every quoting cycle, counted minute by minute.", "quotes",
            ("two_sided", "one_sided"), ("quoting_s", "one_sided_s", "cycles", "samples"), _uptime,
        ),
        Metric(
            "volume", "volume", "quote units; share 0..1", "The ledger of our fills, rounded; the venue's trades.", "volume",
            ("ours_quote", "market_quote", "our_share"), (*_OURS, "market_volume_quote", "market_volume_minutes"), _volume,
        ),
        Metric(
            "fill_rate", "fill-rate", "volume per mean depth", "The ledger of our fills, rounded; our orders.",
            "volume and quotes", ("fill_rate",),
            (*_OURS, "depth_samples", "depth_2_our_bid_quote", "depth_2_our_ask_quote"), _fill_rate,
        ),
        Metric(
            "inventory", "inventory", "base units", "The ledger of our fills, rounded and late.", "inventory",
            ("inventory_base",), (), _inventory,
        ),
        Metric(
            "pnl", "pnl", "quote units", "The ledger, and the reference price at the end of each day.", "profit",
            ("pnl_quote",), (), _no_sums,
        ),
        Metric(
            "volatility", "volatility", "per square root of a second; share 0..1", "One sample a minute.", "market",
            ("sigma", "calm", "normal", "stressed"),
            ("sigma_sum", "sigma_samples", "calm_samples", "normal_samples", "stressed_samples"), _volatility,
        ),
        Metric(
            "states", "states", "share 0..1", "One sample a minute of the desk's controls.", "inventory",
            _STATES, ("samples", *(f"{state}_samples" for state in _STATES)), _states,
        ),
    )
}  # fmt: skip
# A series tells its shares (`volatility`); reports, whose buckets are days, tell the minutes too.
REGIME_MINUTES: Final = Metric(
    "regime",
    "volatility",
    "minutes",
    "One sample a minute.",
    "market",
    ("calm", "normal", "stressed"),
    _REGIMES,
    _regime_minutes,
)
