"""The one schema of a market's parameters: unit, default, hard bounds, direction of risk, help.

Models, forms, API, diff, preview, database guards and docs are generated from `SCHEMA`; a parameter exists
nowhere else. Text is plain English marked by `_n` for extraction (keyword `_n`), translated where it is shown.
No Django here.

Scale: gamma, kappa, sigma and all `_bps` are relative to the reference price, so a set stays right when the
price moves. A lot is the market's fixed `lot_size` of base asset (market registry, not a parameter).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final


def _n(message: str) -> str:
    """Mark `message` for extraction into the translation catalogue; returns it unchanged."""
    return message


class ParameterKind(StrEnum):
    """Type of a value; all are carried as strings at doors and as `Decimal`, `int`, `bool` inside."""

    DECIMAL = "decimal"
    INT = "int"
    BOOL = "bool"


class RiskDirection(StrEnum):
    """Which change makes the market riskier; decides the review a change needs."""

    UP_IS_RISKIER = "up_is_riskier"
    DOWN_IS_RISKIER = "down_is_riskier"
    NEUTRAL_BOTH_STRICT = "neutral_both_strict"  # either way is treated as riskier


class ParameterGroup(StrEnum):
    """Heading under which forms and docs show a parameter."""

    MODEL = "model"
    SPREAD = "spread"
    SIZE = "size"
    INVENTORY = "inventory"
    VOLATILITY = "volatility"
    REFERENCE = "reference"
    CYCLE = "cycle"
    RISK = "risk"


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """One parameter. `minimum` and `maximum` are inclusive; `decimal_places` is the finest stored step."""

    name: str
    label: str
    group: ParameterGroup
    unit: str
    kind: ParameterKind
    default: Decimal
    minimum: Decimal
    maximum: Decimal
    risk_direction: RiskDirection
    help: str
    live_updatable: bool = True
    decimal_places: int = 0

    @property
    def max_digits(self) -> int:
        """Digits a database column needs: those of the larger bound before the point, plus the places."""
        integer_part = max(abs(self.minimum), abs(self.maximum)).to_integral_value()
        return len(str(int(integer_part))) + self.decimal_places


_UP: Final = RiskDirection.UP_IS_RISKIER
_DOWN: Final = RiskDirection.DOWN_IS_RISKIER
_BOTH: Final = RiskDirection.NEUTRAL_BOTH_STRICT


def _decimal(
    name: str,
    label: str,
    group: ParameterGroup,
    unit: str,
    default: str,
    bounds: tuple[str, str],
    risk: RiskDirection,
    help_text: str,
    places: int,
    live: bool = True,
) -> ParameterSpec:
    low, high = (Decimal(bound) for bound in bounds)
    return ParameterSpec(
        name,
        label,
        group,
        unit,
        ParameterKind.DECIMAL,
        Decimal(default),
        low,
        high,
        risk,
        help_text,
        live,
        places,
    )


def _int(
    name: str,
    label: str,
    group: ParameterGroup,
    unit: str,
    default: int,
    bounds: tuple[int, int],
    risk: RiskDirection,
    help_text: str,
) -> ParameterSpec:
    low, high = (Decimal(bound) for bound in bounds)
    return ParameterSpec(name, label, group, unit, ParameterKind.INT, Decimal(default), low, high, risk, help_text)


_MODEL: Final = (
    _decimal(
        "gamma",
        _n("Risk aversion (gamma)"),
        ParameterGroup.MODEL,
        _n("1/lot, relative to price"),
        "20",
        ("0", "100000"),
        _DOWN,
        _n(
            "Relative risk aversion per lot. The reservation price moves by gamma x sigma^2 x T of the price for "
            "each lot away from target. 0 means no aversion: the formula's limit is used. Not the gamma of a "
            "paper in price units: that one is this value divided by the price."
        ),
        6,
    ),
    _decimal(
        "kappa",
        _n("Order book intensity (kappa)"),
        ParameterGroup.MODEL,
        _n("1/price fraction"),
        "5000",
        ("10", "1000000"),
        _UP,
        _n(
            "How fast the rate of fills A x exp(-kappa x d) falls with the relative distance d from the reference. "
            "For small gamma the spread is 2/kappa: 5000 means 4 bps. Calibrated per venue."
        ),
        4,
    ),
    _decimal(
        "horizon_s",
        _n("Horizon (T)"),
        ParameterGroup.MODEL,
        _n("s"),
        "120",
        ("1", "86400"),
        _BOTH,
        _n("Rolling horizon over which inventory risk counts; the formula's T - t is always this long."),
        3,
    ),
    _decimal(
        "beta",
        _n("Inventory skew (beta)"),
        ParameterGroup.MODEL,
        _n("fraction of half-spread"),
        "0.3",
        ("0", "1"),
        _BOTH,
        _n("Extra shift of both quotes against inventory: beta x half-spread when inventory reaches the taper start."),
        4,
    ),
)

_SPREAD: Final = (
    _decimal(
        "spread_floor_bps",
        _n("Spread floor"),
        ParameterGroup.SPREAD,
        _n("bps of price, full spread"),
        "5",
        ("0", "2000"),
        _DOWN,
        _n("The full spread is never narrower than this before widening."),
        4,
    ),
    _decimal(
        "spread_cap_bps",
        _n("Spread cap"),
        ParameterGroup.SPREAD,
        _n("bps of price, full spread"),
        "60",
        ("1", "5000"),
        _DOWN,
        _n("The formula's full spread is cut to this; widening is applied afterwards and may exceed it."),
        4,
    ),
    _decimal(
        "fee_cushion_bps",
        _n("Cushion over fees"),
        ParameterGroup.SPREAD,
        _n("bps of price, full spread"),
        "1",
        ("0", "500"),
        _DOWN,
        _n("The full spread is never narrower than twice the maker fee plus this."),
        4,
    ),
    _decimal(
        "widen_factor",
        _n("Widening"),
        ParameterGroup.SPREAD,
        _n("factor on the spread"),
        "1",
        ("1", "20"),
        _DOWN,
        _n("Standing factor on the spread after floor and cap; operators may widen further at once."),
        4,
    ),
    _decimal(
        "widen_stressed_factor",
        _n("Widening in a stressed regime"),
        ParameterGroup.SPREAD,
        _n("factor on the spread"),
        "1.5",
        ("1", "20"),
        _DOWN,
        _n("Further factor while the volatility regime is stressed."),
        4,
    ),
)

_SIZE: Final = (
    _decimal(
        "order_size_lots",
        _n("Order size"),
        ParameterGroup.SIZE,
        _n("lots"),
        "1",
        ("0.001", "10000"),
        _UP,
        _n("Size of each quote before taper, balance and notional limits. Does not change risk aversion."),
        6,
    ),
    _decimal(
        "max_notional_per_side",
        _n("Notional limit per side"),
        ParameterGroup.SIZE,
        _n("quote currency"),
        "1000",
        ("1", "10000000"),
        _UP,
        _n("Price x size resting on one side of this market never exceeds this."),
        2,
    ),
)

_INVENTORY: Final = (
    _decimal(
        "q_target_lots",
        _n("Target inventory"),
        ParameterGroup.INVENTORY,
        _n("lots"),
        "0",
        ("-10000000", "10000000"),
        _BOTH,
        _n("Base inventory the market returns to; q is the position minus this."),
        6,
    ),
    _decimal(
        "q_soft_lots",
        _n("Taper start"),
        ParameterGroup.INVENTORY,
        _n("lots from target"),
        "8",
        ("0.001", "1000000"),
        _UP,
        _n("From here to the hard limit the size of the side that adds exposure falls linearly to zero."),
        6,
    ),
    _decimal(
        "soft_limit_lots",
        _n("Soft limit"),
        ParameterGroup.INVENTORY,
        _n("lots from target"),
        "18",
        ("0.001", "1000000"),
        _UP,
        _n("At this distance from target the market stops adding exposure and alerts."),
        6,
    ),
    _decimal(
        "q_hard_lots",
        _n("Hard limit"),
        ParameterGroup.INVENTORY,
        _n("lots from target"),
        "20",
        ("0.002", "1000000"),
        _UP,
        _n(
            "At this distance from target all quotes are cancelled and the market pauses. Worst-case exposure with "
            "every open order filled is never allowed beyond it."
        ),
        6,
    ),
)

_VOLATILITY: Final = (
    _decimal(
        "sigma_min",
        _n("Lowest volatility used"),
        ParameterGroup.VOLATILITY,
        _n("price fraction per square root of second"),
        "0.00001",
        ("0.0000001", "0.1"),
        _DOWN,
        _n("Measured volatility below this is raised to it."),
        9,
    ),
    _decimal(
        "sigma_max",
        _n("Highest volatility used"),
        ParameterGroup.VOLATILITY,
        _n("price fraction per square root of second"),
        "0.005",
        ("0.000001", "1"),
        _DOWN,
        _n("Measured volatility above this is cut to it."),
        9,
    ),
    _decimal(
        "sigma_prior",
        _n("Volatility before measurement"),
        ParameterGroup.VOLATILITY,
        _n("price fraction per square root of second"),
        "0.0001",
        ("0.0000001", "1"),
        _DOWN,
        _n("Where the average starts at the first price; shown as warm-up until one look-back has been seen."),
        9,
    ),
    _decimal(
        "vol_lookback_s",
        _n("Volatility look-back (L)"),
        ParameterGroup.VOLATILITY,
        _n("s"),
        "60",
        ("1", "86400"),
        _BOTH,
        _n("Decay time of the exponentially weighted variance: weight exp(-step/L)."),
        3,
    ),
    _decimal(
        "sigma_step_s",
        _n("Volatility sampling step"),
        ParameterGroup.VOLATILITY,
        _n("s"),
        "1",
        ("0.1", "60"),
        _BOTH,
        _n(
            "Grid on which the reference price is sampled (previous tick). Shorter steps count the bounce between "
            "bid and ask as volatility. A change restarts the measurement from the prior."
        ),
        3,
        live=False,
    ),
    _decimal(
        "regime_calm_ratio",
        _n("Calm below"),
        ParameterGroup.VOLATILITY,
        _n("multiple of the prior"),
        "0.5",
        ("0", "1"),
        _BOTH,
        _n("The regime is calm while measured volatility is at most this multiple of the prior."),
        4,
    ),
    _decimal(
        "regime_stressed_ratio",
        _n("Stressed above"),
        ParameterGroup.VOLATILITY,
        _n("multiple of the prior"),
        "3",
        ("1", "100"),
        _UP,
        _n("The regime is stressed, and the spread widened, from this multiple of the prior."),
        4,
    ),
)

_REFERENCE: Final = (
    _decimal(
        "feed_stale_s",
        _n("Feed stale after"),
        ParameterGroup.REFERENCE,
        _n("s"),
        "3",
        ("0.5", "10"),
        _UP,
        _n("Without proof of life from the venue's feed for longer than this, quotes are cancelled."),
        3,
    ),
    _decimal(
        "ref_max_width_bps",
        _n("Widest book used as reference"),
        ParameterGroup.REFERENCE,
        _n("bps of price"),
        "100",
        ("1", "5000"),
        _UP,
        _n("A book, net of our own orders, wider than this is not used; the fallback sources are tried."),
        4,
    ),
    _decimal(
        "ref_trade_max_age_s",
        _n("Oldest trade used as reference"),
        ParameterGroup.REFERENCE,
        _n("s"),
        "10",
        ("0.5", "600"),
        _UP,
        _n("The last independent trade is a fallback only up to this age."),
        3,
    ),
    _decimal(
        "ref_fallback_widen",
        _n("Widening on a fallback reference"),
        ParameterGroup.REFERENCE,
        _n("factor on the spread"),
        "2",
        ("1", "20"),
        _DOWN,
        _n("Further factor on the spread while the reference is not the market's own book."),
        4,
    ),
    _int(
        "ref_rank_pool",
        _n("Rank of pool price"),
        ParameterGroup.REFERENCE,
        _n("rank, 0 = not used"),
        0,
        (0, 9),
        _BOTH,
        _n("Place of the pool (AMM) price among the fallback references; lower is tried first."),
    ),
    _int(
        "ref_rank_venue",
        _n("Rank of other venue"),
        ParameterGroup.REFERENCE,
        _n("rank, 0 = not used"),
        0,
        (0, 9),
        _BOTH,
        _n("Place of the other venue's book among the fallback references; lower is tried first."),
    ),
    _int(
        "ref_rank_trade",
        _n("Rank of last trade"),
        ParameterGroup.REFERENCE,
        _n("rank, 0 = not used"),
        1,
        (0, 9),
        _BOTH,
        _n("Place of the last independent trade among the fallback references; lower is tried first."),
    ),
)

_CYCLE: Final = (
    _decimal(
        "refresh_interval_s",
        _n("Refresh interval"),
        ParameterGroup.CYCLE,
        _n("s"),
        "1",
        ("0.1", "60"),
        _UP,
        _n("Time between two cycles of this market; not shorter than the tick of the scheduler."),
        3,
    ),
    _decimal(
        "refresh_tolerance_bps",
        _n("Refresh tolerance, price"),
        ParameterGroup.CYCLE,
        _n("bps of price"),
        "0.5",
        ("0", "100"),
        _UP,
        _n("A resting order this close to its new price is kept, and with it its place in the queue."),
        4,
    ),
    _decimal(
        "refresh_size_tolerance_pct",
        _n("Refresh tolerance, size"),
        ParameterGroup.CYCLE,
        _n("% of target size"),
        "50",
        ("0", "100"),
        _BOTH,
        _n("A resting order smaller than its target by no more than this is kept. A larger one never is."),
        2,
    ),
    _decimal(
        "cycle_timeout_s",
        _n("Cycle time-out"),
        ParameterGroup.CYCLE,
        _n("s"),
        "2",
        ("0.05", "10"),
        _UP,
        _n("A market's cycle that takes longer ends as a failed cycle of that market alone."),
        3,
    ),
)

_RISK: Final = (
    _decimal(
        "price_jump_bps",
        _n("Price jump"),
        ParameterGroup.RISK,
        _n("bps of price"),
        "300",
        ("5", "5000"),
        _UP,
        _n("A reference this far from its rolling mean pauses the market for the cool-down."),
        4,
    ),
    _decimal(
        "reference_deviation_bps",
        _n("Sources apart"),
        ParameterGroup.RISK,
        _n("bps of price"),
        "300",
        ("5", "5000"),
        _UP,
        _n(
            "While the reference and a second source (the last independent trade) lie further apart than this, the market pauses."
        ),
        4,
    ),
    _decimal(
        "sigma_break",
        _n("Volatility breaker"),
        ParameterGroup.RISK,
        _n("price fraction per square root of second"),
        "0.02",
        ("0.00001", "1"),
        _UP,
        _n("Measured volatility, before any clamp, above this pauses the market for the cool-down."),
        7,
    ),
    _decimal(
        "drawdown_limit_quote",
        _n("Session drawdown"),
        ParameterGroup.RISK,
        _n("quote currency"),
        "250",
        ("0.01", "1000000000"),
        _UP,
        _n("When the session's P&L has fallen this far from its peak, the market pauses until two people resume."),
        6,
    ),
    _int(
        "reject_limit",
        _n("Rejects in a row"),
        ParameterGroup.RISK,
        _n("requests"),
        10,
        (2, 1000),
        _UP,
        _n("After this many refusals by the venue in a row the market pauses for the cool-down."),
    ),
    _decimal(
        "toxicity_bps",
        _n("Toxic flow"),
        ParameterGroup.RISK,
        _n("bps of price"),
        "20",
        ("0.5", "1000"),
        _UP,
        _n(
            "When our last fills lost more than this on average within the horizon, the market pauses for the cool-down."
        ),
        4,
    ),
    _int(
        "toxicity_fills",
        _n("Fills that toxicity is judged by"),
        ParameterGroup.RISK,
        _n("fills"),
        20,
        (5, 500),
        _BOTH,
        _n("How many of the last fills are averaged; with fewer there is no judgement."),
    ),
    _int(
        "toxicity_horizon_s",
        _n("Horizon of toxicity"),
        ParameterGroup.RISK,
        _n("s"),
        10,
        (1, 60),
        _BOTH,
        _n("How long after a fill the price is compared with it."),
    ),
    _decimal(
        "widen_toxic_factor",
        _n("Widening on toxic flow"),
        ParameterGroup.RISK,
        _n("factor on the spread"),
        "1.5",
        ("1", "20"),
        _DOWN,
        _n("Further factor while the last fills lost more than half of what pauses the market."),
        4,
    ),
    _decimal(
        "clock_skew_max_ms",
        _n("Clock skew"),
        ParameterGroup.RISK,
        _n("ms"),
        "2000",
        ("50", "60000"),
        _UP,
        _n("While the venue's clock is further from ours than this, the market pauses."),
        0,
    ),
    _decimal(
        "balance_gap_lots",
        _n("Balance unlike inventory"),
        ParameterGroup.RISK,
        _n("lots"),
        "2",
        ("0.01", "1000000"),
        _UP,
        _n("When the venue's balance and our inventory differ by more for 20 s, exposure is only lowered."),
        4,
    ),
    _decimal(
        "breaker_cooldown_s",
        _n("Cool-down"),
        ParameterGroup.RISK,
        _n("s"),
        "60",
        ("5", "86400"),
        _DOWN,
        _n("How long a breaker keeps the market paused after it fired; one operator may resume earlier."),
        0,
    ),
    _decimal(
        "max_order_notional",
        _n("Largest order"),
        ParameterGroup.RISK,
        _n("quote currency"),
        "1000",
        ("1", "10000000"),
        _UP,
        _n("An order of a higher price x size is never sent."),
        6,
    ),
    _decimal(
        "max_distance_bps",
        _n("Furthest from the reference"),
        ParameterGroup.RISK,
        _n("bps of price"),
        "600",
        ("1", "5000"),
        _UP,
        _n("An order further than this from the reference is never sent."),
        4,
    ),
    _int(
        "max_requests_per_minute",
        _n("Order rate"),
        ParameterGroup.RISK,
        _n("requests per minute"),
        300,
        (2, 60000),
        _UP,
        _n("Not more orders and amends than this are sent within a minute; cancels always are."),
    ),
)

SCHEMA: Final[tuple[ParameterSpec, ...]] = (
    *_MODEL,
    *_SPREAD,
    *_SIZE,
    *_INVENTORY,
    *_VOLATILITY,
    *_REFERENCE,
    *_CYCLE,
    *_RISK,
)

BY_NAME: Final[dict[str, ParameterSpec]] = {spec.name: spec for spec in SCHEMA}

DEFAULTS: Final[dict[str, str]] = {spec.name: str(spec.default) for spec in SCHEMA}
