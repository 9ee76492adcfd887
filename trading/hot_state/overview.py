"""Everything the pages show of several markets, read in one round trip. What can't be read or understood is None."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import redis
import structlog

from trading.hot_state import keys
from trading.hot_state.codec import HotStateCorrupt, decode
from trading.hot_state.connection import sync_client
from trading.hot_state.cycle import parse_cycle
from trading.hot_state.orders import parse_orders
from trading.hot_state.values import CycleStatus, HistoryPoint, HotOrder, HotPosition, MarketView
from trading.venues.interface import MarketInfo

log = structlog.get_logger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HotOverview:
    """One market's hot state. `pending` is the signed base quantity of fills not yet committed; None: not known."""

    view: MarketView | None = None
    position: HotPosition | None = None
    pending: Decimal | None = None
    orders: tuple[HotOrder, ...] | None = None
    cycle: CycleStatus | None = None
    info: MarketInfo | None = None


NOTHING = HotOverview()


def read_overviews(markets: Iterable[tuple[str, str]]) -> dict[str, HotOverview]:
    """Hot state by market slug for (slug, account slug) pairs; an unreachable Redis reads as knowing nothing."""
    wanted = list(markets)
    try:
        client = sync_client()
        with client.pipeline(transaction=False) as pipe:
            for slug, account in wanted:
                _queue(pipe, slug, account)
            answers = pipe.execute(raise_on_error=False)
    except redis.RedisError as problem:
        log.warning("hot_state_unreachable", problem=type(problem).__name__)
        return {slug: NOTHING for slug, _ in wanted}
    size = len(answers) // len(wanted) if wanted else 0
    return {slug: _overview(slug, answers[index * size : (index + 1) * size]) for index, (slug, _) in enumerate(wanted)}


def _queue(pipe: Any, slug: str, account: str) -> None:
    pipe.get(keys.market_view(slug))
    pipe.get(keys.position(slug))
    pipe.hvals(keys.inbox_pending(slug))
    pipe.hgetall(keys.open_orders(slug))
    pipe.get(keys.cycle(slug))
    pipe.hget(keys.market_info(account), slug)


def _overview(slug: str, answers: list[Any]) -> HotOverview:
    view, position, pending, orders, cycle, info = answers
    return HotOverview(
        view=_value(view, MarketView, slug),
        position=_value(position, HotPosition, slug),
        pending=_pending(pending, slug),
        orders=_orders(orders, slug),
        cycle=parse_cycle(cycle) if isinstance(cycle, bytes) else None,
        info=_value(info, MarketInfo, slug),
    )


def _value(body: Any, kind: type[T], slug: str) -> T | None:
    if not isinstance(body, bytes):
        return None
    try:
        return decode(body, kind)
    except HotStateCorrupt as problem:
        log.error("hot_state_corrupt", market=slug, problem=str(problem)[:200])
        return None


def _pending(quantities: Any, slug: str) -> Decimal | None:
    if not isinstance(quantities, list):
        return None
    try:
        total = sum((Decimal(quantity.decode()) for quantity in quantities), Decimal(0))
    except (InvalidOperation, UnicodeDecodeError):
        log.error("hot_state_corrupt", market=slug, problem="pending fills")
        return None
    return total if total.is_finite() else None


def _orders(raw: Any, slug: str) -> tuple[HotOrder, ...] | None:
    if not isinstance(raw, dict):
        return None
    try:
        return tuple(order for order in parse_orders(raw) if order.gone_ns == 0)
    except HotStateCorrupt as problem:
        log.error("hot_state_corrupt", market=slug, problem=str(problem)[:200])
        return None


def last_points(slugs: Iterable[str], until_ns: int) -> dict[str, HistoryPoint | None]:
    """The newest point of each market's history that is not newer than `until_ns`, in one round trip."""
    wanted = list(slugs)
    try:
        with sync_client().pipeline(transaction=False) as pipe:
            for slug in wanted:
                pipe.xrevrange(keys.history(slug), str(until_ns // 1_000_000), "-", count=1)
            answers = pipe.execute(raise_on_error=False)
    except redis.RedisError as problem:
        log.warning("hot_state_unreachable", problem=type(problem).__name__)
        return dict.fromkeys(wanted)
    return {slug: _point(entries, slug) for slug, entries in zip(wanted, answers, strict=True)}


def _point(entries: Any, slug: str) -> HistoryPoint | None:
    if not isinstance(entries, list) or not entries:
        return None
    return _value(entries[0][1].get(b"p"), HistoryPoint, slug)
