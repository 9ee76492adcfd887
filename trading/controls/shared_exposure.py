"""What asset and desk hold over all markets, for the checks before a resume."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from trading.hot_state.overview import HotOverview
from trading.models import Market, ParameterSet
from trading.parameters.limits import shared_limits
from trading.risk.exposure import MarketExposure, SharedLimit, WorstCase, held_exposure
from trading.risk.rules import MarketConditions


@dataclass(frozen=True, slots=True)
class SharedExposure:
    """`held` of every market, None where one of them is not known; limits by asset, and the desk's."""

    held: tuple[MarketExposure, ...] | None
    assets: Mapping[str, SharedLimit]
    desk: SharedLimit | None

    @classmethod
    def of(cls, markets: Iterable[Market], hot: Mapping[str, HotOverview]) -> SharedExposure:
        assets, desk = shared_limits()
        found = [_held(market, hot[market.slug]) for market in markets]
        known = [one for one in found if one is not None]
        return cls(
            held=tuple(known) if len(known) == len(found) else None,
            assets=assets,
            desk=desk,
        )

    def joined(self, conditions: MarketConditions, asset: str) -> MarketConditions:
        """`conditions` with what asset and desk hold beside their limits."""
        base: Decimal | None = None
        quote: Decimal | None = None
        if self.held is not None:
            base, quote = held_exposure(self.held, asset)
        return replace(
            conditions, asset_base=base, asset_limit=self.assets.get(asset), desk_quote=quote, desk_limit=self.desk
        )


def _held(market: Market, hot: HotOverview) -> MarketExposure | None:
    """Distance from target at the reference price; None where something of it is not known."""
    if hot.position is None or hot.pending is None:
        return None
    try:
        target = market.parameter_set.q_target_lots * market.lot_size
    except ParameterSet.DoesNotExist:
        return None
    away = hot.position.q + hot.pending - target
    mark = None if hot.view is None else hot.view.reference
    if mark is None and away:
        return None
    return MarketExposure(market.base_id, WorstCase(away, away), mark or Decimal(0))
