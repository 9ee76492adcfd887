"""What parameters allow to be at stake, before and after a change, of several markets together. Pure, `Decimal` throughout.

The worst case is the law that the cycle keeps: with every open order filled, no market's inventory goes beyond `q_hard_lots` from
its target. Amounts in quote units are at the marks given; the desk adds its assets as `trading.risk.exposure` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from trading.backtest.figures import plain
from trading.risk.exposure import MarketExposure, SharedLimit, WorstCase, asset_exposure, desk_exposure

MOVE: Final = Decimal("0.1")
_ZERO: Final = Decimal(0)
Values = Mapping[str, Decimal]
# Of one scope: the limit before and after.
LimitPair = tuple[SharedLimit | None, SharedLimit | None]
# Limits by asset, and the desk's.
Limits = tuple[Mapping[str, SharedLimit], SharedLimit | None]


@dataclass(frozen=True, slots=True)
class MarketStake:
    """One market of the desk. `lot_size` base units of one lot; `mark` quote per base (None: no price is known)."""

    slug: str
    asset: str
    quote: str
    lot_size: Decimal
    mark: Decimal | None


@dataclass(frozen=True, slots=True)
class MoneyAtStake:
    """One market under one set of parameters; quote amounts None without a mark.

    `from_target_base`: furthest from target; `position_base`: largest holding, target included. `at_risk_quote`: the first at the
    mark; `loss_quote`: of it when the price moves 10 % against it; `position_quote`, `position_loss_quote` the same of the whole
    holding. `resting_side_quote`: what may rest on one side at once."""

    from_target_base: str
    position_base: str
    at_risk_quote: str | None
    loss_quote: str | None
    position_quote: str | None
    position_loss_quote: str | None
    resting_side_quote: str | None


@dataclass(frozen=True, slots=True)
class MarketMoney:
    """One changed market."""

    market: str
    quote: str
    mark: str | None
    before: MoneyAtStake
    after: MoneyAtStake


@dataclass(frozen=True, slots=True)
class SharedMoney:
    """An asset over all its markets (base units) or the desk (quote units). `limits_of_markets`: what the markets' hard limits
    add up to; `limit`: the hard limit that stands above them, after the change ("" none); `reachable`: the smaller. None: a mark
    is missing."""

    scope: str
    unit: str
    limits_of_markets_before: str | None
    limits_of_markets_after: str | None
    limit: str
    reachable_before: str | None
    reachable_after: str | None
    loss_before: str | None
    loss_after: str | None


@dataclass(frozen=True, slots=True)
class Money:
    """`markets`: those that change; `shared`: their assets, then the desk; `unmarked`: active markets without a price."""

    move: str
    markets: tuple[MarketMoney, ...]
    shared: tuple[SharedMoney, ...]
    unmarked: tuple[str, ...]


def market_money(stake: MarketStake, values: Values) -> MoneyAtStake:
    """What one market may have at stake under `values`."""
    distance = values["q_hard_lots"] * stake.lot_size
    position = abs(values["q_target_lots"]) * stake.lot_size + distance
    mark = stake.mark
    if mark is None:
        return MoneyAtStake(plain(distance), plain(position), None, None, None, None, None)
    order = values["order_size_lots"] * stake.lot_size * mark
    resting = min(order, values["max_notional_per_side"], values["max_order_notional"])
    return MoneyAtStake(
        from_target_base=plain(distance),
        position_base=plain(position),
        at_risk_quote=plain(distance * mark),
        loss_quote=plain(distance * mark * MOVE),
        position_quote=plain(position * mark),
        position_loss_quote=plain(position * mark * MOVE),
        resting_side_quote=plain(resting),
    )


def money(
    stakes: Sequence[MarketStake],
    before: Mapping[str, Values],
    after: Mapping[str, Values],
    asset_limits: Mapping[str, SharedLimit],
    desk_limit: SharedLimit | None,
    desk_unit: str,
) -> Money:
    """Before and after of every market whose values differ, of their assets and of the desk.

    `stakes`: all active markets; `before` and `after` hold the complete values of each of them by slug."""
    changed = [stake for stake in stakes if before[stake.slug] != after[stake.slug]]
    markets = tuple(
        MarketMoney(
            stake.slug,
            stake.quote,
            None if stake.mark is None else plain(stake.mark),
            market_money(stake, before[stake.slug]),
            market_money(stake, after[stake.slug]),
        )
        for stake in changed
    )
    assets = tuple(
        _asset(asset, stakes, before, after, (asset_limits.get(asset), asset_limits.get(asset)))
        for asset in sorted({stake.asset for stake in changed})
    )
    desk = _desk(stakes, before, after, (desk_limit, desk_limit), desk_unit)
    unmarked = tuple(stake.slug for stake in stakes if stake.mark is None)
    return Money(plain(MOVE), markets, (*assets, desk), unmarked)


def limits_money(
    stakes: Sequence[MarketStake],
    values: Mapping[str, Values],
    limits_before: Limits,
    limits_after: Limits,
    assets: Sequence[str],
    desk_unit: str,
) -> Money:
    """What other limits of `assets` and of the desk allow, with the parameters of the markets as they are.

    `stakes`: all active markets; `values` holds the complete values of each of them by slug."""
    shared = [
        _asset(asset, stakes, values, values, (limits_before[0].get(asset), limits_after[0].get(asset)))
        for asset in assets
    ]
    desk = _desk(stakes, values, values, (limits_before[1], limits_after[1]), desk_unit)
    unmarked = tuple(stake.slug for stake in stakes if stake.mark is None)
    return Money(plain(MOVE), (), (*shared, desk), unmarked)


def _exposures(stakes: Sequence[MarketStake], values: Mapping[str, Values]) -> list[MarketExposure]:
    found = []
    for stake in stakes:
        distance = values[stake.slug]["q_hard_lots"] * stake.lot_size
        found.append(MarketExposure(stake.asset, WorstCase(distance, -distance), stake.mark or _ZERO))
    return found


def _asset(
    asset: str,
    stakes: Sequence[MarketStake],
    before: Mapping[str, Values],
    after: Mapping[str, Values],
    limits: LimitPair,
) -> SharedMoney:
    sums = [asset_exposure(_exposures(stakes, values), asset).largest for values in (before, after)]
    # Of one asset the highest price of its markets: a loss is not made smaller by the choice of a mark.
    marks = [stake.mark for stake in stakes if stake.asset == asset]
    mark = None if None in marks else max((one for one in marks if one is not None), default=None)
    return _shared(f"asset:{asset}", asset, sums, limits, mark)


def _desk(
    stakes: Sequence[MarketStake],
    before: Mapping[str, Values],
    after: Mapping[str, Values],
    limits: LimitPair,
    unit: str,
) -> SharedMoney:
    if any(stake.mark is None for stake in stakes):
        bound = "" if limits[1] is None else plain(limits[1].hard)
        return SharedMoney("desk", unit, None, None, bound, None, None, None, None)
    sums = [desk_exposure(_exposures(stakes, values)) for values in (before, after)]
    return _shared("desk", unit, sums, limits, Decimal(1))


def _shared(scope: str, unit: str, sums: Sequence[Decimal], limits: LimitPair, mark: Decimal | None) -> SharedMoney:
    pairs = zip(sums, limits, strict=True)
    reachable = [one if limit is None else min(one, limit.hard) for one, limit in pairs]
    losses = [None if mark is None else plain(one * mark * MOVE) for one in reachable]
    return SharedMoney(
        scope=scope,
        unit=unit,
        limits_of_markets_before=plain(sums[0]),
        limits_of_markets_after=plain(sums[1]),
        limit="" if limits[1] is None else plain(limits[1].hard),
        reachable_before=plain(reachable[0]),
        reachable_after=plain(reachable[1]),
        loss_before=losses[0],
        loss_after=losses[1],
    )
