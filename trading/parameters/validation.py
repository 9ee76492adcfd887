"""Checks of a parameter set: types, bounds, rules across parameters, and values of the wrong scale.

`validate` never raises for bad values; it lists every error with a code, the parameter and a message that
names the unit. Messages are plain English marked for extraction; `ParameterError.data` holds what they embed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final

from trading.parameters.schema import SCHEMA, ParameterKind, ParameterSpec, _n
from trading.strategy.avellaneda_stoikov import optimal_spread
from trading.strategy.parameters import QuoteParameters, quote_parameters
from trading.strategy.quote import SHIFT_BOUND

RawValue = str | int | float | Decimal | bool
Value = Decimal | int | bool


class ErrorCode(StrEnum):
    MISSING = "missing"
    UNKNOWN = "unknown"
    NOT_A_NUMBER = "not_a_number"
    NOT_AN_INTEGER = "not_an_integer"
    NOT_A_FLAG = "not_a_flag"
    OUT_OF_BOUNDS = "out_of_bounds"
    TOO_MANY_PLACES = "too_many_places"
    CAP_BELOW_FLOOR = "cap_below_floor"
    LIMITS_OUT_OF_ORDER = "limits_out_of_order"
    SIZE_PASSES_HARD_LIMIT = "size_passes_hard_limit"
    SIGMA_OUT_OF_ORDER = "sigma_out_of_order"
    LOOKBACK_SHORTER_THAN_STEP = "lookback_shorter_than_step"
    STALE_BEFORE_NEXT_CYCLE = "stale_before_next_cycle"
    TOLERANCE_TOO_WIDE = "tolerance_too_wide"
    SAME_RANK = "same_rank"
    KAPPA_TOO_SMALL = "kappa_too_small"
    KAPPA_TOO_LARGE = "kappa_too_large"
    GAMMA_TOO_LARGE = "gamma_too_large"
    GAMMA_TOO_SMALL = "gamma_too_small"


@dataclass(frozen=True, slots=True)
class ParameterError:
    """One reason to refuse. `message` is complete English; `template` and `data` let a page translate it."""

    code: ErrorCode
    parameter: str
    message: str
    template: str
    data: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class MarketScale:
    """What only the market knows: maker fee and tick, both in bps of price."""

    maker_fee_bps: float
    tick_bps: float


def _error(code: ErrorCode, parameter: str, template: str, **data: object) -> ParameterError:
    pairs = tuple((key, str(value)) for key, value in data.items())
    return ParameterError(code, parameter, template.format(**dict(pairs)), template, pairs)


def validate(values: Mapping[str, RawValue], market: MarketScale | None = None) -> tuple[ParameterError, ...]:
    """Every reason to refuse `values` (name -> value, usually strings); empty when the set may be used.

    Rules across parameters are checked once each value is sound by itself. Those that depend on the market's
    fee and tick need `market`.
    """
    errors = [
        _error(ErrorCode.UNKNOWN, name, _n("{name} is not a parameter"), name=name)
        for name in sorted(set(values) - {spec.name for spec in SCHEMA})
    ]
    for spec in SCHEMA:
        if spec.name not in values:
            template = _n("{name} is missing ({unit})")
            errors.append(_error(ErrorCode.MISSING, spec.name, template, name=spec.name, unit=spec.unit))
            continue
        parsed = parse_value(spec, values[spec.name])
        if isinstance(parsed, ParameterError):
            errors.append(parsed)
    if errors:
        return tuple(errors)
    parameters = quote_parameters(values)
    return tuple(error for rule in _RULES for error in rule(parameters, market))


def parse_value(spec: ParameterSpec, raw: RawValue) -> Value | ParameterError:
    """`raw` as the kind of `spec`, within its bounds and places, or why not."""
    if spec.kind is ParameterKind.BOOL:
        return _parse_flag(spec, raw)
    name, unit = spec.name, spec.unit
    try:
        number = Decimal(str(raw)) if not isinstance(raw, bool) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        return _error(ErrorCode.NOT_A_NUMBER, name, _n("{name} must be a number ({unit})"), name=name, unit=unit)
    if not spec.minimum <= number <= spec.maximum:
        template = _n("{name} must be between {low} and {high} {unit}")
        data = {"name": name, "low": spec.minimum, "high": spec.maximum, "unit": unit}
        return _error(ErrorCode.OUT_OF_BOUNDS, name, template, **data)
    if spec.kind is ParameterKind.INT:
        if number != number.to_integral_value():
            template = _n("{name} must be a whole number ({unit})")
            return _error(ErrorCode.NOT_AN_INTEGER, name, template, name=name, unit=unit)
        return int(number)
    if number != round(number, spec.decimal_places):
        template = _n("{name} has more than {places} decimal places ({unit})")
        return _error(ErrorCode.TOO_MANY_PLACES, name, template, name=name, places=spec.decimal_places, unit=unit)
    return number


def _parse_flag(spec: ParameterSpec, raw: RawValue) -> bool | ParameterError:
    if isinstance(raw, bool):
        return raw
    if str(raw).lower() in ("true", "false"):
        return str(raw).lower() == "true"
    return _error(ErrorCode.NOT_A_FLAG, spec.name, _n("{name} must be true or false"), name=spec.name)


def cap_covers_floors(p: QuoteParameters, market: MarketScale | None) -> Iterator[ParameterError]:
    """Errors (`data`: cap, floor, name) where the cap would cut the spread below what a floor demands; those of the market's
    fee and tick only with `market`. The quoting cycle asks this again, with the fee and tick of the moment."""
    fee_floor = p.fee_cushion_bps + (2.0 * market.maker_fee_bps if market else 0.0)
    floors = [("spread_floor_bps", p.spread_floor_bps), ("fee_cushion_bps", fee_floor)]
    if market:
        floors.append(("tick", 2.0 * market.tick_bps))
    for name, floor in floors:
        if p.spread_cap_bps < floor:
            template = _n("spread_cap_bps is {cap} bps, below the floor of {floor} bps from {name}")
            data = {"cap": p.spread_cap_bps, "floor": floor, "name": name}
            yield _error(ErrorCode.CAP_BELOW_FLOOR, "spread_cap_bps", template, **data)


def _limits_in_order(p: QuoteParameters, market: MarketScale | None) -> Iterator[ParameterError]:
    if not p.q_soft_lots < p.soft_limit_lots <= p.q_hard_lots:
        template = _n("q_soft_lots < soft_limit_lots <= q_hard_lots must hold, got {start}, {soft}, {hard} lots")
        data = {"start": p.q_soft_lots, "soft": p.soft_limit_lots, "hard": p.q_hard_lots}
        yield _error(ErrorCode.LIMITS_OUT_OF_ORDER, "soft_limit_lots", template, **data)
    room = p.q_hard_lots - p.q_soft_lots
    if float(p.order_size_lots) >= room:
        # With a size below q_hard - q_soft the linear taper never lets one fill reach the hard limit.
        template = _n(
            "order_size_lots is {size} lots; it must be below q_hard_lots - q_soft_lots = {room} lots, "
            "or a single fill could reach the hard limit"
        )
        yield _error(ErrorCode.SIZE_PASSES_HARD_LIMIT, "order_size_lots", template, size=p.order_size_lots, room=room)


def _sigma_in_order(p: QuoteParameters, market: MarketScale | None) -> Iterator[ParameterError]:
    if not p.sigma_min <= p.sigma_prior <= p.sigma_max:
        template = _n(
            "sigma_min <= sigma_prior <= sigma_max must hold, got {low}, {prior}, {high} per square root of second"
        )
        data = {"low": p.sigma_min, "prior": p.sigma_prior, "high": p.sigma_max}
        yield _error(ErrorCode.SIGMA_OUT_OF_ORDER, "sigma_prior", template, **data)


def _times_fit(p: QuoteParameters, market: MarketScale | None) -> Iterator[ParameterError]:
    if p.vol_lookback_s < p.sigma_step_s:
        template = _n("vol_lookback_s is {lookback} s, shorter than one sampling step of {step} s")
        data = {"lookback": p.vol_lookback_s, "step": p.sigma_step_s}
        yield _error(ErrorCode.LOOKBACK_SHORTER_THAN_STEP, "vol_lookback_s", template, **data)
    if p.refresh_interval_s > 10.0 * p.feed_stale_s:
        template = _n("refresh_interval_s is {interval} s, more than ten times feed_stale_s of {stale} s")
        data = {"interval": p.refresh_interval_s, "stale": p.feed_stale_s}
        yield _error(ErrorCode.STALE_BEFORE_NEXT_CYCLE, "refresh_interval_s", template, **data)


def _tolerance_fits(p: QuoteParameters, market: MarketScale | None) -> Iterator[ParameterError]:
    half_floor = p.spread_floor_bps / 2.0
    if half_floor > 0.0 and p.refresh_tolerance_bps > half_floor:
        template = _n(
            "refresh_tolerance_bps is {tolerance} bps, more than half of spread_floor_bps ({half} bps): a kept "
            "order could stand at the reference"
        )
        data = {"tolerance": p.refresh_tolerance_bps, "half": half_floor}
        yield _error(ErrorCode.TOLERANCE_TOO_WIDE, "refresh_tolerance_bps", template, **data)


def _ranks_differ(p: QuoteParameters, market: MarketScale | None) -> Iterator[ParameterError]:
    seen: dict[int, str] = {}
    for name in ("ref_rank_pool", "ref_rank_venue", "ref_rank_trade"):
        rank = getattr(p, name)
        if rank and rank in seen:
            template = _n("{name} and {other} both have rank {rank}; ranks other than 0 must differ")
            yield _error(ErrorCode.SAME_RANK, name, template, name=name, other=seen[rank], rank=rank)
        seen[rank] = name


def _scale_is_right(p: QuoteParameters, market: MarketScale | None) -> Iterator[ParameterError]:
    """gamma and kappa in units of price instead of relative ones are off by orders of magnitude: refuse those."""
    intensity_bps = 1e4 * optimal_spread(p.gamma, 0.0, p.horizon_s, p.kappa)
    if intensity_bps > p.spread_cap_bps:
        template = _n(
            "kappa {kappa} (1/price fraction) with gamma {gamma} (1/lot) alone gives a full spread of {implied} bps, "
            "above spread_cap_bps of {cap}: the cap would always decide. kappa in units of price has to be "
            "multiplied by the price."
        )
        data = _scale_data(p, intensity_bps)
        yield _error(ErrorCode.KAPPA_TOO_SMALL, "kappa", template, **data)
    elif intensity_bps < 0.02 * p.spread_floor_bps:
        template = _n(
            "kappa {kappa} (1/price fraction) with gamma {gamma} (1/lot) alone gives a full spread of {implied} bps, "
            "under 2 % of spread_floor_bps of {floor}: the floor would always decide."
        )
        yield _error(ErrorCode.KAPPA_TOO_LARGE, "kappa", template, **_scale_data(p, intensity_bps))
    yield from _gamma_scale(p, intensity_bps)


def _gamma_scale(p: QuoteParameters, intensity_bps: float) -> Iterator[ParameterError]:
    skew_bps = 1e4 * p.gamma * p.sigma_prior**2 * p.horizon_s
    half_bps = max(intensity_bps + skew_bps, p.spread_floor_bps) / 2.0
    if skew_bps > SHIFT_BOUND * min(half_bps, p.spread_cap_bps / 2.0):
        template = _n(
            "gamma {gamma} (1/lot, relative) moves the quotes by {skew} bps for one lot at sigma_prior, as much as "
            "the bounded shift allows at all: one lot would already saturate it. gamma in units of price has to "
            "be multiplied by the price."
        )
        yield _error(ErrorCode.GAMMA_TOO_LARGE, "gamma", template, gamma=p.gamma, skew=f"{skew_bps:.4g}")
    elif p.beta == 0.0 and skew_bps * p.q_hard_lots < 0.01 * half_bps:
        template = _n(
            "gamma {gamma} (1/lot, relative) moves the quotes by only {skew} bps at the hard limit and beta is 0: "
            "nothing would bring inventory back to target"
        )
        data = {"gamma": p.gamma, "skew": f"{skew_bps * p.q_hard_lots:.4g}"}
        yield _error(ErrorCode.GAMMA_TOO_SMALL, "gamma", template, **data)


def _scale_data(p: QuoteParameters, intensity_bps: float) -> dict[str, object]:
    return {
        "kappa": p.kappa,
        "gamma": p.gamma,
        "implied": f"{intensity_bps:.4g}",
        "cap": p.spread_cap_bps,
        "floor": p.spread_floor_bps,
    }


_Rule = Callable[[QuoteParameters, MarketScale | None], Iterator[ParameterError]]
_RULES: Final[tuple[_Rule, ...]] = (
    cap_covers_floors,
    _limits_in_order,
    _sigma_in_order,
    _times_fit,
    _tolerance_fits,
    _ranks_differ,
    _scale_is_right,
)
