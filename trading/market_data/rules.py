"""The parameters in force that market data depends on, from PostgreSQL (run in the service's DB thread)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from trading.market_data.reference import ReferenceRules
from trading.models import ParameterSet
from trading.parameters.services import current_values
from trading.strategy.parameters import quote_parameters
from trading.strategy.volatility import EwmaParams, ewma_params


@dataclass(frozen=True, slots=True)
class MarketRules:
    """One version of a market's parameters as far as market data needs them."""

    version: int
    reference: ReferenceRules
    ewma: EwmaParams
    feed_stale_s: float


def rules_of(parameter_set: ParameterSet) -> MarketRules:
    """The rules in a parameter set."""
    values = current_values(parameter_set)
    parameters = quote_parameters(values)
    return MarketRules(
        version=parameter_set.version,
        reference=ReferenceRules(
            max_width_bps=Decimal(values["ref_max_width_bps"]),
            trade_max_age_s=parameters.ref_trade_max_age_s,
            rank_pool=parameters.ref_rank_pool,
            rank_other_market=parameters.ref_rank_venue,
            rank_trade=parameters.ref_rank_trade,
            fallback_widen=parameters.ref_fallback_widen,
        ),
        ewma=ewma_params(parameters),
        feed_stale_s=parameters.feed_stale_s,
    )


def changed_rules(known: dict[int, int], market_ids: Iterable[int]) -> dict[int, MarketRules]:
    """Rules by market id of those among `market_ids` whose version is not the one in `known` (id → version)."""
    versions = ParameterSet.objects.filter(market_id__in=list(market_ids)).values_list("market_id", "version")
    stale = [market_id for market_id, version in versions if known.get(market_id) != version]
    if not stale:
        return {}
    return {row.market_id: rules_of(row) for row in ParameterSet.objects.filter(market_id__in=stale)}
