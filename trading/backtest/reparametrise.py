"""A recorded cycle's inputs as they would have been under other parameters. Pure.

Everything that a cycle derives from its parameters is derived again by the cycle's own functions; everything else stays as
recorded. With the parameters that were in force the inputs come out as they were (a test holds that for every kind of cycle).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from trading.parameters.validation import MarketScale
from trading.quoting.inputs import cap_problem, order_limits, toxic_widening
from trading.quoting.plan import CycleInputs
from trading.risk.breakers import BreakerConditions
from trading.risk.parameters import RiskParameters, risk_parameters
from trading.risk.rules import MarketConditions
from trading.strategy.parameters import QuoteParameters, quote_parameters
from trading.strategy.quote_types import QuoteInputs
from trading.strategy.rounding import inventory_lots
from trading.strategy.volatility import clamped_sigma, ewma_params, regime, total_widening

# The sources of a reference that is the market's own book, and of none at all: both without widening.
_OWN_BOOK = frozenset({"book", "none", ""})

# Parameters that shape what is measured or when, before a cycle's inputs exist: the recording holds it only as it was.
NOT_REPLAYED = frozenset(
    {
        "vol_lookback_s",
        "sigma_step_s",
        "ref_max_width_bps",
        "ref_trade_max_age_s",
        "ref_rank_pool",
        "ref_rank_venue",
        "ref_rank_trade",
        "refresh_interval_s",
        "refresh_tolerance_bps",
        "refresh_size_tolerance_pct",
        "cycle_timeout_s",
        "breaker_cooldown_s",
        "toxicity_horizon_s",
        "toxicity_fills",
        "max_requests_per_minute",
    }
)


class NotReplayable(Exception):
    """The cycle was recorded before everything needed was: nothing may be guessed."""


def with_values(inputs: CycleInputs, values: Mapping[str, Decimal]) -> CycleInputs:
    """`inputs` under `values` (complete, validated). A cycle that had no numbers stays without.

    Raises:
        NotReplayable: there is a quote, but the facts that its volatility and widening came from were not recorded.
    """
    quote, conditions = inputs.quote, inputs.conditions
    if quote is None or conditions is None:
        return inputs
    if conditions.breakers is None or conditions.breakers.facts.sigma is None:
        raise NotReplayable("the measured volatility was not recorded")
    parameters, risk = quote_parameters(values), risk_parameters(values)
    target = parameters.q_target_lots * quote.market.lot_size
    scale = MarketScale(quote.market.maker_fee_bps, _tick_bps(quote))
    problem, args = cap_problem(parameters, scale)
    if problem:
        return replace(inputs, problem=problem, problem_args=args, conditions=None, quote=None, target=target)
    q_lots = inventory_lots(inputs.position, parameters.q_target_lots, quote.market.lot_size)
    breakers = replace(conditions.breakers, limits=risk.breakers)
    return replace(
        inputs,
        target=target,
        conditions=_conditions(conditions, parameters, breakers, q_lots),
        quote=_quote(quote, parameters, risk, breakers, conditions.breakers.facts.sigma, q_lots),
        order_limits=order_limits(risk, quote.market),
    )


def _tick_bps(quote: QuoteInputs) -> float:
    # As the cycle forms it: in Decimal, from the reference as it was told.
    return float(quote.market.tick / Decimal(repr(quote.reference.price)) * 10_000)


def _conditions(
    recorded: MarketConditions, parameters: QuoteParameters, breakers: BreakerConditions, q_lots: float
) -> MarketConditions:
    return replace(
        recorded,
        q_lots=q_lots,
        feed_stale_s=parameters.feed_stale_s,
        soft_limit_lots=parameters.soft_limit_lots,
        q_hard_lots=parameters.q_hard_lots,
        breakers=breakers,
    )


def _quote(
    recorded: QuoteInputs,
    parameters: QuoteParameters,
    risk: RiskParameters,
    breakers: BreakerConditions,
    sigma_raw: float,
    q_lots: float,
) -> QuoteInputs:
    measured = ewma_params(parameters)
    fallback = recorded.reference.source not in _OWN_BOOK
    widen = total_widening(
        parameters,
        regime(sigma_raw, measured),
        max(1.0, parameters.ref_fallback_widen) if fallback else 1.0,
        toxic=toxic_widening(breakers, risk),
    )
    # Zero is what market data tells while nothing was measured: there is nothing to raise to the bounds then.
    sigma = clamped_sigma(sigma_raw, measured) if recorded.sigma else recorded.sigma
    return replace(recorded, q_lots=q_lots, sigma=sigma, widen_factor=widen, parameters=parameters)


def not_replayed(before: Mapping[str, Decimal], after: Mapping[str, Decimal]) -> tuple[str, ...]:
    """Parameters that differ without the replay being able to show what that means, by name."""
    return tuple(sorted(name for name in NOT_REPLAYED if before[name] != after[name]))
